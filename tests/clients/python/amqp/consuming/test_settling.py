"""ack, nack, reject, recover, and tags that mean nothing."""

import pytest


@pytest.fixture
def held(session, name):
    """Five messages, all held by one consumer of this channel."""
    session.queue(name)
    session.fill(name, 5)
    inbox = session.consume(name, prefetch=5)
    messages = inbox.wait(5)
    session.channel.basic_cancel(inbox.tag)
    return messages


def left(session, connect, name):
    """What is in the queue once the channel has given back what it held."""
    session.channel.close()
    other = connect()
    other.run(0.1)
    return other.drain(name)


def test_ack_deletes_one(session, connect, name, held):
    session.ack(held[2])
    assert left(session, connect, name) == ["0", "1", "3", "4"]


def test_ack_multiple_deletes_all_up_to_it(session, connect, name, held):
    session.ack(held[2], multiple=True)
    assert left(session, connect, name) == ["3", "4"]


def test_ack_multiple_with_tag_0_deletes_all(session, connect, name, held):
    session.channel.basic_ack(0, multiple=True)
    assert left(session, connect, name) == []


def test_nack_with_requeue_returns_to_the_old_place(session, name, held):
    session.publish("new", name)
    session.nack(held[3])
    session.nack(held[1])
    session.wait_depth(name, 3)
    assert session.drain(name) == ["1", "3", "new"]


def test_nack_multiple_returns_all_up_to_it(session, name, held):
    session.nack(held[2], multiple=True)
    session.wait_depth(name, 3)
    assert session.drain(name) == ["0", "1", "2"]


def test_nack_without_requeue_deletes(session, connect, name, held):
    session.nack(held[0], multiple=False, requeue=False)
    session.nack(held[3], multiple=True, requeue=False)
    assert left(session, connect, name) == ["4"]


def test_reject_returns_or_deletes_one(session, connect, name, held):
    session.reject(held[0], requeue=True)
    session.reject(held[1], requeue=False)
    assert left(session, connect, name) == ["0", "2", "3", "4"]


def test_a_returned_message_is_marked_redelivered(session, name, held):
    session.nack(held[0])
    session.wait_depth(name, 1)
    assert session.get(name).redelivered


def test_an_unknown_tag_is_refused(session, name, held):
    with session.refused(406, "PRECONDITION_FAILED - unknown delivery tag 99"):
        session.channel.basic_ack(99)
    with session.refused(406, "PRECONDITION_FAILED - unknown delivery tag 1"):
        session.channel.basic_nack(1)
    with session.refused(406, "PRECONDITION_FAILED - unknown delivery tag 7"):
        session.channel.basic_reject(7)


def test_settling_twice_is_refused(session, name, held):
    session.ack(held[0])
    with session.refused(406, f"PRECONDITION_FAILED - unknown delivery tag {held[0].tag}"):
        session.ack(held[0])


def test_a_tag_belongs_to_its_channel(session, name, held):
    session.open_channel()
    with session.refused(406, "PRECONDITION_FAILED - unknown delivery tag"):
        session.ack(held[0])


def test_a_delivery_without_acknowledgement_cannot_be_acknowledged(session, name):
    session.queue(name)
    session.fill(name, 1)
    message = session.consume(name, auto_ack=True).wait(1)[0]
    with session.refused(406, "PRECONDITION_FAILED - unknown delivery tag"):
        session.ack(message)


def test_recover_returns_all_that_the_channel_holds(session, name, held):
    session.ack(held[1])
    session.channel.basic_recover(requeue=True)
    session.wait_depth(name, 4)
    messages = [session.get(name) for _ in range(4)]
    assert [(m.text, m.redelivered) for m in messages] == [(text, True) for text in "0234"]


def test_recover_without_requeue_is_not_implemented(session, name, held):
    with session.disconnected(540, "NOT_IMPLEMENTED - requeue=false"):
        session.channel.basic_recover(requeue=False)
