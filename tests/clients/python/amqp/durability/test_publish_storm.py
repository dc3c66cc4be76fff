"""kill -9 in the middle of a publish storm, many times: every confirmed message is there, in order."""

import random
import struct
import threading

import pytest

from frames import BASIC_ACK, BODY, CONFIRM_SELECT, CONFIRM_SELECT_OK, HEADER, METHOD, Wire, frame, short_string
from session import Session

ROUNDS = 10
MOST_UNCONFIRMED = 2000


class Storm:
    """Publishes numbers to a queue as fast as it can, on a bare socket, and notes which were confirmed."""

    def __init__(self, url: str, queue: str, first: int):
        self.wire = Wire(url).connect().open_channel()
        self.wire.send_method(1, CONFIRM_SELECT, b"\0")
        self.wire.read_method(CONFIRM_SELECT_OK)
        self.queue, self.first, self.published, self.confirmed = queue, first, 0, set()
        self.confirmed_up_to = 0
        self.room = threading.Semaphore(MOST_UNCONFIRMED)
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.publish, self.listen)]

    def start(self) -> "Storm":
        for thread in self.threads:
            thread.start()
        return self

    def wait(self) -> set[int]:
        """Waits until the broker is gone and returns the numbers it confirmed."""
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()
        self.wire.socket.close()
        return {self.first + tag - 1 for tag in self.confirmed | set(range(1, self.confirmed_up_to + 1))}

    def publish(self) -> None:
        try:
            while self.room.acquire(timeout=10):
                number = self.first + self.published
                self.published += 1
                self.wire.send(message(self.queue, number))
        except OSError:
            pass

    def listen(self) -> None:
        try:
            while True:
                self.note(self.wire.read_frame())
        except (OSError, EOFError):
            self.room.release(MOST_UNCONFIRMED)

    def note(self, received) -> None:
        assert received.method == BASIC_ACK, received
        tag, multiple = struct.unpack(">QB", received.arguments)
        before = len(self.confirmed)
        if multiple:
            newly = set(range(self.confirmed_up_to + 1, tag + 1)) - self.confirmed
            self.confirmed_up_to = max(self.confirmed_up_to, tag)
            self.room.release(max(1, len(newly)))
        elif tag not in self.confirmed:
            self.confirmed.add(tag)
            self.room.release(len(self.confirmed) - before)


def message(queue: str, number: int) -> bytes:
    """A persistent message whose body starts with its number and whose length varies."""
    body = str(number).encode().ljust(16 + number % 7 * 200, b".")
    method = struct.pack(">HH", 60, 40) + b"\0\0\0" + short_string(queue) + b"\0"
    header = struct.pack(">HHQHB", 60, 0, len(body), 0x1000, 2)
    return frame(METHOD, 1, method) + frame(HEADER, 1, header) + frame(BODY, 1, body)


def number_of(message) -> int:
    assert len(message.body) == 16 + int(message.body.rstrip(b".")) % 7 * 200, "a body of another length"
    return int(message.body.rstrip(b"."))


@pytest.mark.timeout(300)
def test_every_confirmed_message_is_there_after_each_of_many_kills(own_broker):
    with Session(own_broker.url) as session:
        session.queue("storm")
    chance = random.Random(11)
    confirmed, published = set(), 0
    for _ in range(ROUNDS):
        storm = Storm(own_broker.url, "storm", first=published).start()
        threading.Timer(chance.uniform(0.05, 0.6), own_broker.kill9).start()
        confirmed |= storm.wait()
        published += storm.published
        own_broker.restart()
    assert len(confirmed) > 100 * ROUNDS, "a storm, not a breeze"
    kept = consume_all(own_broker.url, "storm")
    assert confirmed - set(kept) == set(), "confirmed and lost"
    assert kept == sorted(set(kept)), "in publish order, each once"
    assert all(number < published for number in kept)


def consume_all(url: str, queue: str) -> list[int]:
    with Session(url) as session:
        count = session.depth(queue)
        inbox = session.consume(queue, auto_ack=True)
        return [number_of(message) for message in inbox.wait(count, 120)]


@pytest.mark.timeout(300)
def test_consumers_see_every_confirmed_message_across_kills(own_broker):
    """A worker acknowledges while publishers storm and the broker dies: nothing confirmed is missed.

    An ack has no reply, so what was acknowledged just before a kill may come once more."""
    with Session(own_broker.url) as session:
        session.queue("storm")
    chance = random.Random(12)
    confirmed, seen, published = set(), set(), 0
    for _ in range(ROUNDS // 2):
        worker = threading.Thread(target=consume_until_gone, args=(own_broker.url, "storm", seen))
        worker.start()
        storm = Storm(own_broker.url, "storm", first=published).start()
        threading.Timer(chance.uniform(0.2, 0.6), own_broker.kill9).start()
        confirmed |= storm.wait()
        published += storm.published
        worker.join(30)
        own_broker.restart()
    seen |= set(consume_all(own_broker.url, "storm"))
    assert confirmed - seen == set(), "confirmed and never seen"
    assert all(number < published for number in seen)


def consume_until_gone(url: str, queue: str, seen: set[int]) -> None:
    """Consumes and acknowledges each message until the broker is killed."""
    import pika.exceptions

    try:
        session = Session(url)
        inbox = session.consume(queue, prefetch=200)
        while True:
            session.connection.process_data_events(0.01)
            for message in inbox.messages:
                seen.add(number_of(message))
                session.ack(message)
            inbox.messages.clear()
    except pika.exceptions.AMQPError:
        pass
