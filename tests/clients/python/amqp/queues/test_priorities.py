"""Priority queues."""

import pytest


def fill_with_priorities(session, queue, priorities):
    for number, priority in enumerate(priorities):
        session.publish(f"{priority}:{number}", queue, **({} if priority is None else {"priority": priority}))


def test_higher_priorities_go_first_and_equals_in_order(session, name):
    session.queue(name, {"x-max-priority": 10})
    fill_with_priorities(session, name, [1, 5, 1, 9, 5])
    assert session.drain(name) == ["9:3", "5:1", "5:4", "1:0", "1:2"]


def test_no_priority_is_the_lowest(session, name):
    session.queue(name, {"x-max-priority": 10})
    fill_with_priorities(session, name, [None, 1, 0])
    assert session.drain(name) == ["1:1", "None:0", "0:2"]


def test_a_priority_above_the_maximum_is_the_maximum(session, name):
    session.queue(name, {"x-max-priority": 5})
    fill_with_priorities(session, name, [5, 200, 5])
    assert session.drain(name) == ["5:0", "200:1", "5:2"]


def test_a_queue_without_priorities_keeps_publish_order(session, name):
    session.queue(name)
    fill_with_priorities(session, name, [1, 9, 5])
    assert session.drain(name) == ["1:0", "9:1", "5:2"]


def test_the_property_arrives_as_it_was_sent(session, name):
    session.queue(name, {"x-max-priority": 5})
    session.publish("x", name, priority=200)
    assert session.get(name).properties.priority == 200


def test_a_returned_message_takes_its_place_within_its_priority(session, name):
    session.queue(name, {"x-max-priority": 5})
    fill_with_priorities(session, name, [3, 3, 1])
    held = session.get(name, ack=False)
    fill_with_priorities(session, name, [4])
    session.nack(held)
    assert session.drain(name) == ["4:0", "3:0", "3:1", "1:2"]


def test_a_consumer_with_credit_for_one_gets_the_most_urgent_each_time(session, name):
    session.queue(name, {"x-max-priority": 5})
    fill_with_priorities(session, name, [1, 1])
    inbox = session.consume(name, prefetch=1)
    inbox.wait(1)
    fill_with_priorities(session, name, [5])
    for count in (1, 2):
        session.ack(inbox.wait(count)[-1])
    assert [m.text for m in inbox.wait(3)] == ["1:0", "5:0", "1:1"]


def test_drop_head_on_a_priority_queue_drops_the_most_urgent(session, name):
    """RabbitMQ's documented trap, kept: the head of a priority queue is the highest priority."""
    session.queue(name, {"x-max-priority": 5, "x-max-length": 2})
    fill_with_priorities(session, name, [5, 1, 1])
    assert session.drain(name) == ["1:1", "1:2"]


@pytest.mark.parametrize("count", [1, 255])
def test_the_maximum_may_be_anything_from_1_to_255(session, name, count):
    session.queue(name, {"x-max-priority": count})
    fill_with_priorities(session, name, [0, count])
    assert session.drain(name) == [f"{count}:1", "0:0"]
