"""Clients that are many, silent, or deaf: the broker does not grow, and nobody else notices."""

import contextlib
import resource
import socket
import struct
import time

import psutil
import pytest

from frames import BODY, CONNECTION_TUNE, METHOD, QUEUE_DECLARE, Wire, declare_arguments, frame

MEBIBYTE = 1024 * 1024
MOST_GROWTH = 64 * MEBIBYTE


@pytest.fixture
def memory(broker):
    """Tells how much the broker's resident memory has grown; only where its process is known."""
    pid = getattr(broker, "pid", None)
    before = psutil.Process(pid).memory_info().rss if pid else 0
    return lambda: psutil.Process(pid).memory_info().rss - before if pid else 0


def test_a_thousand_connections_that_send_nothing_or_stop_half_way_in_are_ended_after_10_seconds(broker, bystander, session, name):
    raise_file_limit()
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Wire(broker.url)) for _ in range(1000)]
        session.queue(name)
        session.publish("through the crowd", name)
        assert session.drain(name) == ["through the crowd"]
        for wire in crowd[::3]:
            wire.start()
        for wire in crowd[::6]:
            wire.log_in()
            wire.read_method(CONNECTION_TUNE)
        deadline = time.monotonic() + 20
        for wire in crowd:
            wire.socket.settimeout(max(0.1, deadline - time.monotonic()))
            wire.read_end()


def raise_file_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))


@pytest.mark.leveret_only("RabbitMQ takes into memory what the consumer does not")
def test_a_consumer_that_stops_reading_does_not_grow_the_broker(ready, bystander, session, name, memory):
    """The consumer is granted everything and reads nothing: what its socket does not take stays in the queue."""
    session.queue(name)
    ready.consume(name, no_ack=True)
    for _ in range(120):
        session.publish(bytes(MEBIBYTE), name)
    assert memory() < MOST_GROWTH
    assert session.depth(name) > 60


def test_a_client_that_does_not_read_its_replies_is_held_back(ready, bystander, session, name, memory):
    """It asks and asks and never listens. TCP must stop it: the broker keeps no heap of unread answers."""
    session.queue(name)
    question = frame(METHOD, 1, struct.pack(">HH", *QUEUE_DECLARE) + declare_arguments(name, passive=True))
    ready.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ready.socket.settimeout(3)
    with contextlib.suppress(TimeoutError, ConnectionError):
        for _ in range(200):
            ready.send(question * 20_000)
    assert memory() < MOST_GROWTH


def test_a_client_that_stops_in_the_middle_of_a_frame(ready, bystander, session, name):
    session.queue(name)
    ready.publish_method(name)
    ready.content_header(100)
    ready.send(frame(BODY, 1, b"x" * 100)[:50])
    time.sleep(0.5)
    ready.socket.close()
    session.run(0.2)
    assert session.depth(name) == 0


def test_a_client_that_sends_one_byte_at_a_time(ready, bystander, session, name):
    session.queue(name)
    ready.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = frame(BODY, 1, b"slow")
    ready.publish_method(name)
    ready.content_header(4)
    for byte in body:
        ready.send(bytes([byte]))
        time.sleep(0.005)
    assert session.wait_get(name).text == "slow"


def test_a_thousand_connections_come_and_go(broker, bystander):
    for _ in range(1000):
        with Wire(broker.url) as wire:
            wire.start()

