"""Events: amq.rabbitmq.event of a broker that was told to publish them."""

import pika
import pytest

from session import Session

EVENTS = "amq.rabbitmq.event"


@pytest.fixture
def broker_with_events(serve):
    return serve("--event-exchange")


@pytest.fixture
def ears(broker_with_events):
    """A session that listens to all events on the queue `ears`."""
    with Session(broker_with_events.url) as session:
        session.queue("ears")
        session.bind("ears", EVENTS, "#")
        yield session


def heard(session, *names: str) -> list[dict]:
    """The headers of the next events, which must have these names."""
    events = [session.wait_get("ears") for _ in names]
    assert [event.routing_key for event in events] == list(names)
    assert all(event.body == b"" and event.properties.timestamp for event in events)
    assert all(event.headers["timestamp_in_ms"] // 1000 == int(event.properties.timestamp) for event in events)
    return [event.headers for event in events]


def test_what_is_declared_and_deleted_is_told(ears):
    ears.queue("q", {"x-max-length": 3})
    ears.exchange("x", "fanout")
    ears.bind("q", "x")
    queue, exchange, binding = heard(ears, "queue.created", "exchange.created", "binding.created")
    assert (queue["name"], queue["vhost"], queue["durable"], queue["exclusive"]) == ("q", "/", True, False)
    assert queue["arguments"] == {"x-max-length": 3}
    assert (exchange["name"], exchange["type"], exchange["internal"]) == ("x", "fanout", False)
    assert (binding["source_name"], binding["destination_name"]) == ("x", "q")
    ears.channel.queue_delete("q")
    ears.channel.exchange_delete("x")
    queue, binding, exchange = heard(ears, "queue.deleted", "binding.deleted", "exchange.deleted")
    assert (queue["name"], binding["destination_name"], exchange["name"]) == ("q", "q", "x")


def test_a_connection_is_told_from_login_to_end(ears, broker_with_events):
    with Session(broker_with_events.url) as other:
        other.queue("temporary", exclusive=True)
        other.consume("temporary")
    login, connection, channel, queue, consumer = heard(
        ears, "user.authentication.success", "connection.created", "channel.created", "queue.created", "consumer.created"
    )  # fmt: skip
    assert (login["name"], login["auth_mechanism"]) == ("guest", "PLAIN")
    assert (connection["user"], connection["vhost"], connection["peer_host"]) == ("guest", "/", "127.0.0.1")
    assert connection["client_properties"]["product"]
    assert queue["exclusive"] and channel["connection"] == connection["name"]
    assert (consumer["queue"], consumer["ack_required"]) == ("temporary", True)
    names = ["consumer.deleted", "channel.closed", "queue.deleted", "connection.closed"]
    *_, closed = heard(ears, *names)
    assert closed["name"] == connection["name"]


def test_a_refused_login_is_told(ears, broker_with_events):
    url = broker_with_events.url.replace("guest:guest", "guest:wrong")
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        Session(url)
    (failure,) = heard(ears, "user.authentication.failure")
    assert failure["auth_mechanism"] == "PLAIN" and failure["error"]


def test_nobody_publishes_events_but_the_broker(ears):
    with ears.refused(403, EVENTS):
        ears.publish("x", "queue.created", exchange=EVENTS)


def test_without_the_option_there_is_no_such_exchange(session, name):
    session.queue(name)
    with session.refused(404, EVENTS):
        session.bind(name, EVENTS, "#")
