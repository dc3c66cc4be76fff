"""What a restart keeps: after kill -9, and after SIGTERM."""

import subprocess
import time

import pika.exceptions
import pytest

from broker import binary
from session import Session


@pytest.fixture(params=["kill -9", "SIGTERM"])
def restart(request, own_broker):
    """Ends the broker one way or the other, starts it again, and returns a new session."""
    sessions = []

    def end_and_start() -> Session:
        if request.param == "SIGTERM":
            assert own_broker.terminate() == 0
        else:
            own_broker.kill9()
        sessions.append(Session(own_broker.start().url))
        return sessions[-1]

    yield end_and_start
    for session in sessions:
        session.close()


@pytest.fixture
def session(own_broker):
    with Session(own_broker.url) as session:
        yield session


def test_confirmed_messages_are_all_there_in_order(session, restart):
    session.queue("jobs")
    sent = session.fill("jobs", 1000)
    session.publish(bytes(2 * 1024 * 1024), "jobs")
    session = restart()
    assert session.depth("jobs") == 1001
    inbox = session.consume("jobs", prefetch=100)
    received = []
    while len(received) < 1001:
        message = inbox.wait(len(received) + 1)[-1]
        received.append(message)
        session.ack(message)
    assert [m.text for m in received[:1000]] == sent
    assert received[1000].body == bytes(2 * 1024 * 1024)


def test_properties_and_headers_are_all_there(session, restart):
    session.queue("jobs")
    session.publish("x", "jobs", headers={"a": [1, {"b": "c"}]}, message_id="m", priority=3, type="t")
    message = restart().get("jobs")
    assert message.headers == {"a": [1, {"b": "c"}]}
    properties = message.properties
    assert (properties.message_id, properties.priority, properties.type) == ("m", 3, "t")


def test_acknowledged_messages_stay_away_and_held_ones_return_in_their_places(session, restart):
    session.queue("jobs")
    session.fill("jobs", 10)
    messages = session.consume("jobs", prefetch=6).wait(6)
    for number in (1, 3):
        session.ack(messages[number])
    session.sync()
    session = restart()
    messages = [session.get("jobs") for _ in range(8)]
    assert [m.text for m in messages] == ["0", "2", "4", "5", "6", "7", "8", "9"]


@pytest.mark.leveret_only("RabbitMQ keeps no such mark in classic queues")
def test_held_messages_return_redelivered(session, restart):
    session.queue("jobs")
    session.fill("jobs", 4)
    session.consume("jobs", prefetch=2).wait(2)
    session.sync()
    session = restart()
    assert [session.get("jobs").redelivered for _ in range(4)] == [True, True, False, False]


@pytest.mark.parametrize("kind", ["quorum", pytest.param("classic", marks=pytest.mark.leveret_only("counts"))])
def test_delivery_counts_are_kept(session, restart, kind):
    session.queue("jobs", {"x-queue-type": kind, "x-delivery-limit": 5})
    session.publish("failing", "jobs")
    for _ in range(3):
        session.reject(session.wait_get("jobs", ack=False))
    assert session.wait_get("jobs", ack=False).headers["x-delivery-count"] == 3
    session.sync()
    session = restart()
    message = session.wait_get("jobs", ack=False)
    assert message.headers["x-delivery-count"] == 4, "three rejects and a lost connection"
    session.reject(message)
    assert session.wait_get("jobs").headers["x-delivery-count"] == 5


def test_a_committed_transaction_is_kept_and_an_open_one_is_not(own_broker, restart):
    with Session(own_broker.url, confirms=False) as session:
        session.queue("jobs")
        session.channel.tx_select()
        session.fill("jobs", 3)
        session.channel.tx_commit()
        session.ack(session.get("jobs", ack=False))
        session.publish("committed with an ack", "jobs")
        session.channel.tx_commit()
        session.publish("not committed", "jobs")
        session.depth("jobs")
        session = restart()
        assert session.drain("jobs") == ["1", "2", "committed with an ack"]


def test_durable_topology_is_kept_with_its_arguments(session, restart):
    session.queue("jobs", {"x-max-length": 2, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    session.queue("dead")
    for kind in ("direct", "fanout", "topic", "headers"):
        session.exchange(f"x.{kind}", kind, durable=True)
    session.bind("jobs", "x.topic", "orders.*")
    session.bind("jobs", "x.headers", "", {"x-match": "all", "a": 1})
    session.channel.exchange_bind("x.topic", "x.fanout", "orders.#")
    session = restart()
    session.queue("jobs", {"x-max-length": 2, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    session.publish("by topic", "orders.new", exchange="x.topic", mandatory=True)
    session.publish("by headers", exchange="x.headers", headers={"a": 1}, mandatory=True)
    session.publish("through fanout", "orders.old", exchange="x.fanout", mandatory=True)
    assert session.drain("jobs") == ["by headers", "through fanout"]
    assert session.wait_get("dead").text == "by topic"


def test_what_is_not_durable_goes(session, restart):
    session.queue("transient", durable=False)
    session.queue("mine", exclusive=True)
    session.exchange("brief", "fanout")
    session.queue("deleted")
    session.channel.queue_delete("deleted")
    session = restart()
    for queue in ("transient", "mine", "deleted"):
        with session.refused(404):
            session.channel.queue_declare(queue, passive=True)
    with session.refused(404):
        session.channel.exchange_declare("brief", passive=True)


def test_purged_messages_stay_away(session, restart):
    session.queue("jobs")
    session.fill("jobs", 5)
    session.channel.queue_purge("jobs")
    session.publish("after", "jobs")
    assert restart().drain("jobs") == ["after"]


def test_time_to_live_goes_on(session, restart):
    session.queue("jobs")
    session.publish("brief", "jobs", expiration="2000")
    session.publish("lasting", "jobs")
    begun = time.monotonic()
    session = restart()
    time.sleep(max(0, begun + 2.2 - time.monotonic()))
    assert session.drain("jobs") == ["lasting"]


def test_priorities_are_kept(session, restart):
    session.queue("jobs", {"x-max-priority": 5})
    for priority in (1, 5, 3):
        session.publish(priority, "jobs", priority=priority)
    assert restart().drain("jobs") == ["5", "3", "1"]


def test_dead_letters_keep_their_story(session, restart):
    session.queue("dead")
    session.queue("jobs", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    session.publish("bad", "jobs")
    session.reject(session.get("jobs", ack=False), requeue=False)
    session.wait_depth("dead", 1)
    time.sleep(0.5)
    message = restart().get("dead")
    assert (message.text, message.headers["x-death"][0]["reason"]) == ("bad", "rejected")


def test_sigterm_tells_the_clients(own_broker):
    session = Session(own_broker.url)
    own_broker.process.terminate()
    with session.disconnected(320, "CONNECTION_FORCED"):
        pass
    assert own_broker.process.wait(30) == 0


def test_many_restarts_in_a_row(own_broker):
    for number in range(5):
        with Session(own_broker.url) as session:
            session.queue("jobs")
            session.publish(number, "jobs")
            assert session.depth("jobs") == number + 1
        own_broker.restart()
    with Session(own_broker.url) as session:
        assert session.drain("jobs") == ["0", "1", "2", "3", "4"]


@pytest.mark.leveret_only("Leveret names the folder and its owner")
def test_a_second_broker_on_the_same_data_is_refused_by_name(own_broker):
    command = [binary(), "serve", "--data", str(own_broker.data), "--amqp", "127.0.0.1:0", "--sqs", "off"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert second.returncode != 0
    said = second.stdout + second.stderr
    assert str(own_broker.data) in said and str(own_broker.pid) in said
    with Session(own_broker.url) as session:
        session.queue("jobs")
        session.publish("unharmed", "jobs")


def test_a_killed_broker_is_a_lost_connection_to_its_clients(own_broker):
    session = Session(own_broker.url)
    own_broker.kill9()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        session.run(10)
