"""The delivery limit: a message that fails too often leaves the queue."""

import pytest

from session import QUIET_SECONDS

DEFAULT_LIMIT = 20

ON_ANY_QUEUE = pytest.mark.leveret_only("RabbitMQ counts deliveries in quorum queues only")


def deliveries_until_gone(session, queue, how="reject"):
    """Fails the message at the head until it comes no more; returns its deliveries."""
    fail = {"reject": session.reject, "nack": session.nack}[how]
    deliveries = []
    while (message := get_soon(session, queue)) is not None:
        if deliveries and message.text != deliveries[0].text:
            session.ack(message)
            break
        deliveries.append(message)
        fail(message)
    return deliveries


def get_soon(session, queue):
    """The next message, or None if none comes within a moment."""
    found = []
    session.run_until(lambda: found or found.extend(filter(None, [session.get(queue, ack=False)])), QUIET_SECONDS)
    return found[0] if found else None


@pytest.mark.parametrize("kind", ["quorum", pytest.param("classic", marks=ON_ANY_QUEUE)])
@pytest.mark.parametrize("how", ["reject", "nack"])
def test_a_poison_message_ends_in_the_dead_letter_queue_after_its_limit(session, name, kind, how):
    session.queue(f"{name}.dead")
    session.queue(name, {
        "x-queue-type": kind, "x-delivery-limit": 3,
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.dead",
    })  # fmt: skip
    session.publish("poison", name)
    session.publish("healthy", name)
    seen = deliveries_until_gone(session, name, how)
    assert len(seen) == 4, "one delivery and as many redeliveries as the limit"
    dead = session.wait_get(f"{name}.dead")
    assert dead.text == "poison"
    [death] = dead.headers["x-death"]
    assert (death["reason"], death["queue"], death["count"]) == ("delivery_limit", name, 1)


@pytest.mark.parametrize("kind", ["quorum", pytest.param("classic", marks=ON_ANY_QUEUE)])
def test_each_delivery_tells_how_many_failed_before_it(session, name, kind):
    session.queue(name, {"x-queue-type": kind, "x-delivery-limit": 10})
    session.publish("counted", name)
    counts = []
    for _ in range(4):
        message = session.wait_get(name, ack=False)
        counts.append(message.headers.get("x-delivery-count", 0))
        session.reject(message)
    assert counts == [0, 1, 2, 3]


@ON_ANY_QUEUE
def test_the_first_delivery_carries_no_count(session, name):
    session.queue(name)
    session.publish("new", name)
    assert "x-delivery-count" not in session.get(name).headers


@ON_ANY_QUEUE
@pytest.mark.parametrize("how", ["reject", "nack"])
def test_requeue_for_ever_is_impossible_by_default(session, name, how):
    session.queue(name)
    session.publish("poison", name)
    session.publish("healthy", name)
    assert len(deliveries_until_gone(session, name, how)) == DEFAULT_LIMIT + 1


@pytest.mark.parametrize("arguments", [
    {"x-queue-type": "quorum", "x-delivery-limit": DEFAULT_LIMIT}, pytest.param({}, marks=ON_ANY_QUEUE),
])  # fmt: skip
def test_the_queue_behind_a_poison_message_keeps_moving(session, name, arguments):
    """A worker fails one message at once, each time it comes; the others must not wait for that to end."""
    session.queue(f"{name}.dead")
    session.queue(name, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.dead", **arguments})
    session.publish("poison", name)
    sent = session.fill(name, 50)
    inbox = session.consume(name, prefetch=5)
    settled = 0
    while settled < 50 + DEFAULT_LIMIT + 1:
        inbox.wait(settled + 1)
        for message in inbox.messages[settled:]:
            session.nack(message) if message.text == "poison" else session.ack(message)
            settled += 1
    assert [text for text in inbox.texts if text != "poison"] == sent
    assert inbox.texts.count("poison") == DEFAULT_LIMIT + 1
    assert session.wait_get(f"{name}.dead").text == "poison"
    assert inbox.settle_down()[settled:] == []


@ON_ANY_QUEUE
def test_without_a_dead_letter_target_the_message_is_parked_out_of_the_way(session, name):
    session.queue(name, {"x-delivery-limit": 1})
    session.publish("poison", name)
    assert len(deliveries_until_gone(session, name)) == 2
    assert session.depth(name) == 0 and session.get(name) is None
    session.publish("next", name)
    assert session.drain(name) == ["next"]


@ON_ANY_QUEUE
def test_a_lost_connection_counts(connect, name):
    observer = connect()
    observer.queue(name, {"x-delivery-limit": 2})
    observer.publish("kills its worker", name)
    counts = []
    for _ in range(3):
        worker = connect()
        counts.append(worker.consume(name).wait(1)[0].headers.get("x-delivery-count", 0))
        worker.drop()
    observer.run(0.3)
    assert counts == [0, 1, 2]
    assert observer.get(name) is None


@ON_ANY_QUEUE
def test_minus_one_is_no_limit(session, name):
    session.queue(name, {"x-delivery-limit": -1})
    session.publish("persistent", name)
    for _ in range(DEFAULT_LIMIT + 10):
        session.reject(session.wait_get(name, ack=False))
    assert session.wait_get(name).headers["x-delivery-count"] == DEFAULT_LIMIT + 10


@ON_ANY_QUEUE
def test_counts_do_not_follow_a_message_into_the_dead_letter_queue(session, name):
    """A dead letter starts anew: the limit of the next queue counts from nought."""
    session.queue(f"{name}.dead", {"x-delivery-limit": 1})
    session.queue(name, {
        "x-delivery-limit": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.dead",
    })  # fmt: skip
    session.publish("poison", name)
    deliveries_until_gone(session, name)
    session.wait_depth(f"{name}.dead", 1)
    assert len(deliveries_until_gone(session, f"{name}.dead")) == 2
