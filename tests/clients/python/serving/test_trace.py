"""The firehose: amq.rabbitmq.trace of a vhost that the broker was told to trace."""

import pytest

from session import Session

TRACE = "amq.rabbitmq.trace"


@pytest.fixture
def traced(serve):
    with Session(serve("--trace", "/,another").url) as session:
        yield session


def spy(session, key: str) -> str:
    session.queue("spy")
    session.bind("spy", TRACE, key)
    return "spy"


def test_publishes_and_deliveries_are_copied(traced):
    spy(traced, "#")
    traced.queue("q")
    traced.bind("q", "amq.topic", "a.*")
    traced.publish("hello", "a.b", exchange="amq.topic", content_type="text/plain", headers={"n": 1})
    inbox = traced.consume("q", prefetch=10)
    (message,) = inbox.wait(1)
    traced.nack(message)
    inbox.wait(2)
    published, delivered, again = (traced.wait_get("spy") for _ in range(3))
    keys = [copy.routing_key for copy in (published, delivered, again)]
    assert keys == ["publish.amq.topic", "deliver.q", "deliver.q"]
    assert {copy.body for copy in (published, delivered, again)} == {b"hello"}
    assert published.exchange == TRACE
    said = published.headers
    assert (said["exchange_name"], said["routing_keys"], said["routed_queues"]) == ("amq.topic", ["a.b"], ["q"])
    assert (said["vhost"], said["user"], said["channel"]) == ("/", "guest", 1)
    assert said["properties"] == {"content_type": "text/plain", "delivery_mode": 2, "headers": {"n": 1}}
    assert said["connection"].startswith("127.0.0.1:") and said["node"]
    assert "redelivered" not in said and "routed_queues" not in delivered.headers
    assert [copy.headers["redelivered"] for copy in (delivered, again)] == [0, 1]
    assert again.headers["properties"]["headers"]["x-delivery-count"] == 1


def test_a_blind_copy_is_among_the_routing_keys_only(traced):
    spy(traced, "publish.#")
    traced.queue("q")
    traced.publish("x", "q", headers={"BCC": ["other"], "n": 1})
    said = traced.wait_get("spy").headers
    assert (said["routing_keys"], said["properties"]["headers"]) == (["q", "other"], {"n": 1})


def test_copies_are_chosen_by_key_and_never_copied(traced):
    spy(traced, "publish.#")
    traced.queue("q")
    for text in ("one", "two"):
        traced.publish(text, "q")
    inbox = traced.consume("spy")
    assert [copy.text for copy in inbox.wait(2)] == ["one", "two"]
    assert len(inbox.settle_down()) == 2


def test_nobody_publishes_to_the_trace_but_the_broker(traced):
    with traced.refused(403, TRACE):
        traced.publish("x", "publish.", exchange=TRACE)


def test_a_broker_that_was_not_told_traces_nothing(session, name):
    session.queue(name)
    session.bind(name, TRACE, "#")
    session.publish("x", exchange="amq.fanout")
    assert session.drain(name) == []
