"""Receives that wait: many at once, and what wakes them."""

import asyncio
import json
import resource
import threading
import time

import psutil
import pytest

from . import raw
from .conftest import bodies, counts, receive, sqs_client

POLLS = 10_000
FILES_BESIDE = 500
SENT = 200
MOST_BYTES = 10 << 10
"""Resident memory for each connection with a receive that waits."""


def raise_file_limit() -> int:
    """As many files as may be open, for this process and for the brokers that it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def memory(broker) -> int:
    return psutil.Process(broker.pid).memory_info().rss


async def poll(port: int, request: bytes):
    """A connection that has asked and waits for the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=8192)
    writer.write(request)
    return reader, writer


async def answer(reader) -> dict:
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return json.loads(await reader.readexactly(length))


async def crowd(broker, request: bytes, while_waiting) -> list:
    """The answers to a request that `POLLS` connections send; meanwhile `while_waiting` runs in a thread."""
    gate = asyncio.Semaphore(200)

    async def start():
        async with gate:
            return await poll(broker.sqs_port, request)

    connections = await asyncio.gather(*(start() for _ in range(POLLS)))
    answers = [asyncio.ensure_future(answer(reader)) for reader, _ in connections]
    await asyncio.get_running_loop().run_in_executor(None, while_waiting)
    results = await asyncio.gather(*answers)
    for _, writer in connections:
        writer.close()
    return results


@pytest.mark.timeout(180)
def test_ten_thousand_wait_and_each_message_answers_one(serve):
    if raise_file_limit() < POLLS + FILES_BESIDE:
        pytest.skip("not so many files may be open here")
    broker = serve()
    sqs = sqs_client(broker)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    before, grown = memory(broker), []

    def send() -> None:
        # All of them have asked once the broker has as many connections.
        deadline = time.monotonic() + 10
        while connections(broker) < POLLS and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        grown.append(memory(broker) - before)
        assert counts(sqs, queue) == (0, 0, 0), "another client is answered at once"
        for start in range(0, SENT, 10):
            entries = [{"Id": str(index), "MessageBody": str(index)} for index in range(start, start + 10)]
            sqs.send_message_batch(QueueUrl=queue, Entries=entries)

    request = raw.written("ReceiveMessage", json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20}).encode())
    answers = asyncio.run(crowd(broker, request, send))
    print(f"resident memory: {before >> 20} MiB before, {grown[0] // POLLS} bytes more for each receive that waits")
    received = [message["Body"] for each in answers for message in each.get("Messages", [])]
    assert sorted(received, key=int) == [str(index) for index in range(SENT)]
    assert sum(1 for each in answers if each) == SENT, "the others found nothing"
    assert grown[0] < POLLS * MOST_BYTES
    assert counts(sqs, queue) == (0, SENT, 0)


def connections(broker) -> int:
    return psutil.Process(broker.pid).num_fds()


def ask(queue: str, **parameters) -> raw.Wire:
    """A connection whose receive waits."""
    wire = raw.Wire(queue)
    body = {"QueueUrl": queue, "WaitTimeSeconds": 20} | parameters
    wire.send(raw.written("ReceiveMessage", json.dumps(body).encode()))
    return wire


def test_a_client_that_goes_away_while_it_waits_takes_nothing(sqs, queue):
    for _ in range(10):
        ask(queue).socket.close()
    stays = ask(queue)
    ask(queue).socket.close()
    time.sleep(0.5)
    for index in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=str(index))
    assert [message["Body"] for message in stays.answer().json["Messages"]] == ["0"]
    assert counts(sqs, queue) == (2, 1, 0)
    stays.socket.close()
    assert bodies(receive(sqs, queue)) == ["1", "2"]


def test_those_who_wait_are_answered_in_their_order(sqs, queue):
    wires = []
    for _ in range(5):
        wires.append(ask(queue))
        time.sleep(0.1)
    for index in range(5):
        sqs.send_message(QueueUrl=queue, MessageBody=str(index))
        (message,) = wires[index].answer().json["Messages"]
        assert message["Body"] == str(index)
    for wire in wires:
        wire.socket.close()


def woken(sqs, queue: str, after: float, wake) -> list:
    """What a receive finds that waits when `wake` is called in a while; it is answered soon after that."""
    threading.Timer(after, wake).start()
    began = time.monotonic()
    found = receive(sqs, queue, WaitTimeSeconds=20)
    assert after - 0.2 < time.monotonic() - began < after + 2
    return bodies(found)


def test_the_end_of_a_delay_wakes(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=1)
    assert woken(sqs, queue, 1, lambda: None) == ["x"]


def test_the_end_of_a_lease_wakes(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    receive(sqs, queue, VisibilityTimeout=1)
    assert woken(sqs, queue, 1, lambda: None) == ["x"]


def test_a_message_given_back_wakes(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = receive(sqs, queue)
    change = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
    assert woken(sqs, queue, 0.5, lambda: sqs.change_message_visibility(**change)) == ["x"]


def test_the_end_of_a_groups_last_message_wakes(sqs, fifo):
    for body in ("0", "1"):
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId="g")
    (message,) = receive(sqs, fifo, 1)
    delete = {"QueueUrl": fifo, "ReceiptHandle": message["ReceiptHandle"]}
    assert woken(sqs, fifo, 0.5, lambda: sqs.delete_message(**delete)) == ["1"]


def test_the_end_of_a_groups_lease_wakes(sqs, fifo):
    for body in ("0", "1"):
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId="g")
    receive(sqs, fifo, 1, VisibilityTimeout=1)
    assert woken(sqs, fifo, 1, lambda: None) == ["0", "1"]


def test_a_batch_wakes_as_many_as_it_has_messages(sqs, queue):
    wires = [ask(queue, MaxNumberOfMessages=1) for _ in range(5)]
    time.sleep(0.5)
    sqs.send_message_batch(
        QueueUrl=queue, Entries=[{"Id": str(index), "MessageBody": str(index)} for index in range(5)]
    )
    received = [message["Body"] for wire in wires for message in wire.answer().json["Messages"]]
    assert sorted(received) == ["0", "1", "2", "3", "4"]
    for wire in wires:
        wire.socket.close()


def test_a_purge_leaves_those_who_wait(sqs, queue):
    wire = ask(queue)
    time.sleep(0.3)
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="after it")
    assert wire.answer().json["Messages"][0]["Body"] == "after it"
    wire.socket.close()


def test_a_broker_that_ends_answers_those_who_wait(own_broker):
    sqs = sqs_client(own_broker)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    wire = ask(queue)
    time.sleep(0.3)
    began = time.monotonic()
    assert own_broker.terminate() == 0
    assert time.monotonic() - began < 5
    assert wire.answer().json == {}
    wire.socket.close()
