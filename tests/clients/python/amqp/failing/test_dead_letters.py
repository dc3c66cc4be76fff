"""Dead letters: where they go, and what x-death tells."""

import time

import pytest


@pytest.fixture
def dead_letters(session, name):
    """Declares the queue `name` with dead letters to an exchange of its own, and the queue that gets them."""

    def declare(routing_key=None, **arguments):
        session.exchange(f"{name}.dlx", "topic")
        session.queue(f"{name}.dead")
        session.bind(f"{name}.dead", f"{name}.dlx", "#")
        key = {"x-dead-letter-routing-key": routing_key} if routing_key else {}
        session.queue(name, {"x-dead-letter-exchange": f"{name}.dlx", **key, **arguments})
        return f"{name}.dead"

    return declare


def reject_one(session, queue):
    session.reject(session.wait_get(queue, ack=False), requeue=False)


def test_a_rejected_message_is_dead_lettered_with_all_it_had(session, name, dead_letters):
    dead = dead_letters()
    session.publish("bad", name, message_id="m-1", headers={"mine": 1}, content_type="text/plain")
    reject_one(session, name)
    message = session.wait_get(dead)
    assert (message.text, message.properties.message_id, message.headers["mine"]) == ("bad", "m-1", 1)
    assert message.properties.content_type == "text/plain"
    assert (message.exchange, message.routing_key) == (f"{name}.dlx", name)
    assert not message.redelivered


def test_x_death_tells_the_whole_story(session, name, dead_letters):
    dead = dead_letters()
    session.exchange(f"{name}.x", "topic")
    session.bind(name, f"{name}.x", "#")
    before = int(time.time())
    session.publish("bad", "orders.new", exchange=f"{name}.x")
    reject_one(session, name)
    headers = session.wait_get(dead).headers
    [death] = headers["x-death"]
    when = death.pop("time")
    assert death == {
        "count": 1, "reason": "rejected", "queue": name, "exchange": f"{name}.x", "routing-keys": ["orders.new"],
    }  # fmt: skip
    assert before - 1 <= int(when.timestamp()) <= before + 10
    assert headers["x-first-death-queue"] == name
    assert headers["x-first-death-reason"] == "rejected"
    assert headers["x-first-death-exchange"] == f"{name}.x"


@pytest.mark.leveret_only("headers of RabbitMQ 3.13 and later")
def test_the_last_death_is_told_apart_from_the_first(session, name, dead_letters):
    dead = dead_letters(**{"x-message-ttl": 100})
    session.queue(f"{name}.more", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    session.bind(f"{name}.more", f"{name}.dlx", "#")
    session.channel.queue_unbind(dead, f"{name}.dlx", "#")
    session.publish("bad twice", name)
    reject_one(session, f"{name}.more")
    headers = session.wait_get(dead).headers
    assert (headers["x-first-death-queue"], headers["x-first-death-reason"]) == (name, "expired")
    assert (headers["x-last-death-queue"], headers["x-last-death-reason"]) == (f"{name}.more", "rejected")
    assert headers["x-last-death-exchange"] == f"{name}.dlx"


def test_an_expired_message_tells_its_expiration_and_has_none_any_more(session, name, dead_letters):
    dead = dead_letters()
    session.publish("late", name, expiration="100")
    message = session.wait_get(dead)
    death = message.headers["x-death"][0]
    assert (death["reason"], death["original-expiration"]) == ("expired", "100")
    assert message.properties.expiration is None


def test_a_queue_ttl_dead_letters_in_order(session, name, dead_letters):
    dead = dead_letters(**{"x-message-ttl": 100})
    sent = session.fill(name, 5)
    session.wait_depth(dead, 5)
    assert session.drain(dead) == sent


def test_the_routing_key_may_be_replaced(session, name, dead_letters):
    dead = dead_letters(routing_key="failed.orders")
    session.publish("bad", name)
    reject_one(session, name)
    message = session.wait_get(dead)
    assert message.routing_key == "failed.orders"
    assert message.headers["x-death"][0]["routing-keys"] == [name]


def test_cc_is_kept_with_the_old_key_and_removed_with_a_new_one(session, name, dead_letters):
    dead = dead_letters()
    session.publish("bad", name, headers={"CC": [f"{name}.copy"], "BCC": [f"{name}.hidden"]})
    reject_one(session, name)
    message = session.wait_get(dead)
    assert message.headers["CC"] == [f"{name}.copy"] and "BCC" not in message.headers
    assert message.headers["x-death"][0]["routing-keys"] == [name, f"{name}.copy"]

    session.queue(f"{name}.keyed", {"x-dead-letter-exchange": f"{name}.dlx", "x-dead-letter-routing-key": "new"})
    session.publish("bad", f"{name}.keyed", headers={"CC": [f"{name}.copy"]})
    reject_one(session, f"{name}.keyed")
    assert "CC" not in session.wait_get(dead).headers


def test_the_newest_death_comes_first(session, name, dead_letters):
    dead = dead_letters(**{"x-message-ttl": 50})
    session.queue(f"{name}.second", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.end"})
    session.queue(f"{name}.end")
    session.bind(f"{name}.second", f"{name}.dlx", "#")
    session.publish("twice", name)
    reject_one(session, f"{name}.second")
    deaths = session.wait_get(f"{name}.end").headers["x-death"]
    assert [(d["queue"], d["reason"]) for d in deaths] == [(f"{name}.second", "rejected"), (name, "expired")]
    assert session.drain(dead) == ["twice"]


def test_nack_without_requeue_dead_letters_each(session, name, dead_letters):
    dead = dead_letters()
    session.fill(name, 3)
    last = [session.get(name, ack=False) for _ in range(3)][-1]
    session.nack(last, multiple=True, requeue=False)
    session.wait_depth(dead, 3)
    assert sorted(session.drain(dead)) == ["0", "1", "2"]


def test_a_missing_dead_letter_exchange_drops_silently(session, name):
    session.queue(name, {"x-dead-letter-exchange": f"{name}.missing"})
    session.publish("bad", name)
    reject_one(session, name)
    session.run(0.1)
    assert session.channel.is_open and session.depth(name) == 0


def test_a_dead_letter_key_needs_an_exchange(session, name):
    with session.refused(406, "PRECONDITION_FAILED"):
        session.queue(name, {"x-dead-letter-routing-key": "k"})


def test_purging_and_deleting_dead_letter_nothing(session, name, dead_letters):
    dead = dead_letters()
    session.fill(name, 3)
    session.channel.queue_purge(name)
    session.fill(name, 3)
    session.channel.queue_delete(name)
    session.run(0.1)
    assert session.depth(dead) == 0


def test_dead_lettering_makes_a_retry_loop_with_a_delay(session, name):
    """The topology that people build: work is rejected into a queue whose TTL sends it back.

    x-death keeps one entry for each queue and reason, and counts."""
    session.queue(f"{name}.wait", {
        "x-message-ttl": 150, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name,
    })  # fmt: skip
    session.queue(name, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.wait"})
    session.publish("try", name)
    for attempt in range(3):
        message = session.wait_get(name, ack=False)
        deaths = [(d["queue"], d["reason"], d["count"]) for d in message.headers.get("x-death", [])]
        expected = [(f"{name}.wait", "expired", attempt), (name, "rejected", attempt)]
        assert deaths == (expected if attempt else [])
        session.reject(message, requeue=False)


def test_a_cycle_without_a_rejection_is_broken(session, name):
    """Two queues whose TTLs send messages to each other: the second time round the message is dropped."""
    for mine, other in (("a", "b"), ("b", "a")):
        session.queue(f"{name}.{mine}", {
            "x-message-ttl": 50, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.{other}",
        })  # fmt: skip
    session.publish("dizzy", f"{name}.a")
    session.run_until(lambda: session.depth(f"{name}.a") + session.depth(f"{name}.b") == 0)
    session.run(0.3)
    assert session.depth(f"{name}.a") + session.depth(f"{name}.b") == 0


def test_a_queue_that_dead_letters_to_itself_by_expiry_drops(session, name):
    session.queue(name, {"x-message-ttl": 50, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name})
    session.publish("once", name)
    session.wait_depth(name, 0)
    session.run(0.2)
    assert session.depth(name) == 0
