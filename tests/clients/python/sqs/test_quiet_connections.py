"""Connections on which nothing happens for a while: the broker keeps little of them, and nobody notices."""

import json
import socket
import time

import psutil
import pytest

from . import raw
from .conftest import sqs_client
from .test_long_polls import FILES_BESIDE, raise_file_limit

CONNECTIONS = 5_000
MOST_BYTES = 10 << 10
"""Resident memory for each connection that has been used and is idle."""
QUIET = 0.5
"""Seconds after which a connection on which nothing happens has been put to rest."""


def written(action: str, *headers: str, **parameters) -> bytes:
    body = json.dumps(parameters).encode()
    return raw.written(action, body, f"Content-Length: {len(body)}", *headers)


def waits(queue: str, *headers: str, seconds: int = 20) -> bytes:
    return written("ReceiveMessage", *headers, QueueUrl=queue, WaitTimeSeconds=seconds)


def body_of(answer: raw.Answer) -> str:
    assert answer.status == 200, answer
    (message,) = answer.json["Messages"]
    return message["Body"]


def test_an_idle_connection_costs_little(serve):
    if raise_file_limit() < CONNECTIONS + FILES_BESIDE:
        pytest.skip("not so many files may be open here")
    broker = serve()
    queue = sqs_client(broker).create_queue(QueueName="q")["QueueUrl"]
    process = psutil.Process(broker.pid)
    before = process.memory_info().rss
    wires = [raw.Wire(queue) for _ in range(CONNECTIONS)]
    for wire in wires:
        wire.send(written("GetQueueUrl", QueueName="q"))
        assert wire.answer().status == 200
    time.sleep(QUIET)
    each = (process.memory_info().rss - before) // CONNECTIONS
    print(f"{each} bytes more for each idle connection")
    for wire in wires:
        wire.socket.close()
    assert each < MOST_BYTES


def test_requests_go_on_after_a_rest(queue):
    with raw.Wire(queue) as wire:
        for index in range(3):
            time.sleep(QUIET)
            wire.send(written("SendMessage", QueueUrl=queue, MessageBody=str(index)))
            assert wire.answer().status == 200
            wire.send(waits(queue))
            assert body_of(wire.answer()) == str(index)


def test_the_head_of_a_request_may_come_in_pieces_with_rests(queue):
    request = written("SendMessage", QueueUrl=queue, MessageBody="x")
    with raw.Wire(queue) as wire:
        for piece in (request[:3], request[3:40], request[40:-7], request[-7:]):
            wire.send(piece)
            time.sleep(QUIET)
        assert wire.answer().status == 200


def test_what_is_sent_behind_a_receive_that_waits_is_answered_behind_it(sqs, queue):
    with raw.Wire(queue) as wire:
        wire.send(waits(queue))
        time.sleep(QUIET)
        wire.send(written("GetQueueUrl", QueueName="nobody"))
        time.sleep(QUIET)
        wire.send(waits(queue))
        sqs.send_message_batch(
            QueueUrl=queue, Entries=[{"Id": body, "MessageBody": body} for body in ("first", "second")]
        )
        assert body_of(wire.answer()) == "first"
        assert wire.answer().status == 400
        assert body_of(wire.answer()) == "second"


def test_a_receive_that_waits_in_vain_leaves_the_connection_usable(queue):
    with raw.Wire(queue) as wire:
        wire.send(waits(queue, seconds=1))
        assert wire.answer().json == {}
        wire.send(written("SendMessage", QueueUrl=queue, MessageBody="x"))
        assert wire.answer().status == 200


@pytest.mark.parametrize("version, header", [("1.1", "Connection: close"), ("1.0", "Accept: */*")])
def test_the_last_answer_of_a_connection_is_its_last(sqs, queue, version, header):
    with raw.Wire(queue) as wire:
        wire.send(waits(queue, header).replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1))
        time.sleep(QUIET)
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        assert body_of(wire.answer()) == "x"
        wire.wait_closed(5)


def test_a_receive_by_query_is_answered_in_xml_after_a_rest(sqs, queue):
    form = "Action=ReceiveMessage&Version=2012-11-05&WaitTimeSeconds=20"
    path = queue.split("/", 3)[3]
    with raw.Wire(queue) as wire:
        wire.send(f"GET /{path}?{form} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        time.sleep(QUIET)
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        assert wire.answer().text("ReceiveMessageResult/Message/Body") == "x"


def test_a_client_that_goes_away_during_a_rest_takes_nothing(sqs, queue):
    for end in (socket.SHUT_WR, socket.SHUT_RDWR):
        wire = raw.Wire(queue)
        wire.send(waits(queue))
        time.sleep(QUIET)
        wire.socket.shutdown(end)
        time.sleep(QUIET)
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        with raw.Wire(queue) as other:
            other.send(waits(queue))
            assert body_of(other.answer()) == "x"
        wire.socket.close()
