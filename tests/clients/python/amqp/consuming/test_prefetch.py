"""Prefetch: how many unacknowledged messages a consumer or a channel may hold."""

import pytest


@pytest.mark.parametrize("prefetch", [1, 10])
def test_a_consumer_holds_at_most_its_prefetch(session, name, prefetch):
    session.queue(name)
    session.fill(name, 25)
    inbox = session.consume(name, prefetch)
    inbox.wait(prefetch)
    assert len(inbox.settle_down()) == prefetch
    session.ack(inbox.messages[0])
    inbox.wait(prefetch + 1)
    assert len(inbox.settle_down()) == prefetch + 1
    assert inbox.texts == [str(number) for number in range(prefetch + 1)]


def test_prefetch_0_is_no_limit(session, name):
    session.queue(name)
    session.fill(name, 500)
    inbox = session.consume(name, prefetch=0)
    assert [m.text for m in inbox.wait(500)] == [str(number) for number in range(500)]


def test_acknowledging_several_at_once_frees_as_many(session, name):
    session.queue(name)
    session.fill(name, 12)
    inbox = session.consume(name, prefetch=5)
    session.ack(inbox.wait(5)[3], multiple=True)
    inbox.wait(9)
    assert len(inbox.settle_down()) == 9


def test_prefetch_is_per_consumer(session, name):
    session.queue(name)
    session.fill(name, 10)
    first = session.consume(name, prefetch=2)
    second = session.consume(name)
    first.wait(2), second.wait(2)
    session.run(0.2)
    assert (len(first.messages), len(second.messages)) == (2, 2)


def test_a_new_prefetch_counts_for_new_consumers_only(session, name):
    session.queue(name)
    session.fill(name, 20)
    old = session.consume(name, prefetch=3)
    new = session.consume(name, prefetch=7)
    old.wait(3), new.wait(7)
    session.run(0.2)
    assert (len(old.messages), len(new.messages)) == (3, 7)


def test_global_prefetch_is_shared_by_the_consumers_of_a_channel(session, name):
    """RabbitMQ 4.3 took this away; Celery and others still rely on it."""
    session.queue(name)
    session.fill(name, 20)
    session.channel.basic_qos(prefetch_count=4, global_qos=True)
    first, second = session.consume(name), session.consume(name)
    session.run_until(lambda: len(first.messages) + len(second.messages) >= 4)
    session.run(0.3)
    assert len(first.messages) + len(second.messages) == 4
    session.ack((first.messages or second.messages)[0])
    session.run_until(lambda: len(first.messages) + len(second.messages) >= 5)
    session.run(0.2)
    assert len(first.messages) + len(second.messages) == 5


def test_global_prefetch_may_be_raised_while_consuming(session, name):
    session.queue(name)
    session.fill(name, 20)
    session.channel.basic_qos(prefetch_count=2, global_qos=True)
    inbox = session.consume(name)
    inbox.wait(2)
    session.channel.basic_qos(prefetch_count=6, global_qos=True)
    inbox.wait(6)
    assert len(inbox.settle_down()) == 6


def test_global_prefetch_reaches_the_consumers_that_are_there(session, name):
    session.queue(name)
    session.fill(name, 20)
    first, second = session.consume(name, prefetch=3), session.consume(name, prefetch=3)
    first.wait(3), second.wait(3)
    session.channel.basic_qos(prefetch_count=2, global_qos=True)
    for message in first.messages[:3] + second.messages[:1]:
        session.ack(message)
    session.run(0.3)
    assert len(first.messages) + len(second.messages) == 6, "two are held, which is the limit"
    session.ack(second.messages[1])
    session.run_until(lambda: len(first.messages) + len(second.messages) >= 7)
    session.run(0.2)
    assert len(first.messages) + len(second.messages) == 7


def test_a_prefetch_size_is_not_implemented(session, name):
    with session.disconnected(540, "NOT_IMPLEMENTED - prefetch_size!=0"):
        session.channel.basic_qos(prefetch_size=1000)


def test_without_acknowledgements_prefetch_has_no_meaning(session, name):
    session.queue(name)
    session.fill(name, 20)
    inbox = session.consume(name, prefetch=1, auto_ack=True)
    inbox.wait(20)
