"""A disk that fills up: publishers are told and held back, consumers go on, and all goes on when there is room."""

import os
import shutil
import time

import pika
import pytest

# More than other tests write meanwhile, and less than a small disk has.
BALLAST_BYTES = 1 << 30
# What the broker keeps free for its own logs: two segments of the catalog's and of one shard's.
RESERVE_BYTES = 2 * (4 << 20) + 2 * (64 << 20)


@pytest.fixture
def nearly_full(serve, tmp_path):
    """A broker whose disk is beyond the limit as soon as the ballast is there, and the ballast."""
    free = shutil.disk_usage(tmp_path).free
    if free < 2 * BALLAST_BYTES:
        pytest.skip("the disk is too full to be filled on purpose")
    limit = free - RESERVE_BYTES - BALLAST_BYTES // 2
    return serve("--disk-free-limit", str(limit)), tmp_path / "ballast"


def fill(ballast):
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)


class Publisher:
    """A connection that notes when it is blocked and unblocked."""

    def __init__(self, url):
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.heard = []
        self.connection.add_on_connection_blocked_callback(lambda _, frame: self.heard.append(frame.method.reason))
        self.connection.add_on_connection_unblocked_callback(lambda *_: self.heard.append("unblocked"))
        self.channel = self.connection.channel()
        self.channel.queue_declare("jobs", durable=True)

    def publish(self, body):
        self.channel.basic_publish("", "jobs", body)

    def hear(self, expected, seconds=10):
        deadline = time.monotonic() + seconds
        while expected not in self.heard and time.monotonic() < deadline:
            self.connection.process_data_events(0.1)
        assert expected in self.heard, self.heard


@pytest.mark.timeout(90)
def test_publishers_wait_for_room_and_consumers_do_not(nearly_full):
    broker, ballast = nearly_full
    publisher, consumer, quiet = (Publisher(broker.url) for _ in range(3))
    publisher.publish(b"before")
    fill(ballast)
    publisher.hear("low on disk")
    publisher.publish(b"during")
    quiet.connection.process_data_events(0.5)
    assert quiet.heard == [], "who has published nothing is told nothing"
    method, _, body = consumer.channel.basic_get("jobs")
    assert body == b"before"
    consumer.channel.basic_ack(method.delivery_tag)
    assert consumer.channel.basic_get("jobs")[0] is None, "what came during the alarm was not taken yet"
    ballast.unlink()
    publisher.hear("unblocked")
    assert publisher.channel.queue_declare("jobs", passive=True).method.message_count == 1
    assert consumer.channel.basic_get("jobs", auto_ack=True)[2] == b"during"
