"""Time to live: of messages and of queues."""

import time

import pytest


def test_messages_of_a_queue_with_a_ttl_expire(session, name):
    session.queue(name, {"x-message-ttl": 200})
    session.fill(name, 3)
    assert session.depth(name) == 3
    session.wait_depth(name, 0)
    assert session.get(name) is None


def test_a_message_with_an_expiration_expires_and_its_neighbours_stay(session, name):
    session.queue(name)
    session.publish("brief", name, expiration="100")
    session.publish("lasting", name)
    session.wait_depth(name, 1)
    assert session.drain(name) == ["lasting"]


@pytest.mark.parametrize("queue_ttl, expiration", [(100, "60000"), (60000, "100")])
def test_the_shorter_of_the_two_counts(session, name, queue_ttl, expiration):
    session.queue(name, {"x-message-ttl": queue_ttl})
    session.publish("brief", name, expiration=expiration)
    session.wait_depth(name, 0)


def test_a_message_is_not_gone_before_its_time(session, name):
    session.queue(name, {"x-message-ttl": 1000})
    start = time.monotonic()
    session.publish("one second", name)
    session.wait_depth(name, 0)
    assert 0.9 < time.monotonic() - start < 3


def test_ttl_zero_reaches_a_waiting_consumer_and_nobody_else(session, name):
    session.queue(name, {"x-message-ttl": 0})
    session.publish("nobody waits", name)
    assert session.get(name) is None
    inbox = session.consume(name)
    session.publish("taken at once", name)
    assert [m.text for m in inbox.wait(1)] == ["taken at once"]


def test_a_held_message_does_not_expire_until_it_returns(session, name):
    session.queue(name)
    session.publish("held", name, expiration="150")
    held = session.get(name, ack=False)
    session.run(0.4)
    assert session.channel.is_open
    session.nack(held)
    session.run(0.1)
    assert session.get(name) is None, "a returned message keeps its first expiry"


def test_a_held_message_may_be_acknowledged_after_its_time(session, name):
    session.queue(name)
    session.publish("held", name, expiration="100")
    held = session.get(name, ack=False)
    session.run(0.3)
    session.ack(held)
    session.run(0.1)
    assert session.channel.is_open


@pytest.mark.parametrize("expiration", ["soon", "-1", "1.5", ""])
def test_an_expiration_that_is_no_number_of_milliseconds_is_refused(session, name, expiration):
    session.queue(name)
    with session.refused(406, "PRECONDITION_FAILED - invalid expiration"):
        session.publish("bad", name, expiration=expiration)


def test_an_unused_queue_expires(session, name):
    session.queue(name, {"x-expires": 300})
    session.publish("goes with it", name)
    session.run(0.8)
    with session.refused(404):
        session.depth(name)


def test_a_queue_with_a_consumer_does_not_expire(session, name):
    session.queue(name, {"x-expires": 300})
    inbox = session.consume(name)
    session.run(0.8)
    session.channel.basic_cancel(inbox.tag)
    assert session.depth(name) == 0
    session.run(0.8)
    with session.refused(404):
        session.depth(name)


def test_a_get_keeps_a_queue_from_expiring(session, name):
    session.queue(name, {"x-expires": 500})
    for _ in range(4):
        session.run(0.25)
        session.get(name)
    assert session.depth(name) == 0
