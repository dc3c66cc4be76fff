"""Message groups: at most one holder at a time, in order, many groups side by side."""

import pytest

pytestmark = pytest.mark.leveret_only("RabbitMQ has no message groups")

GROUPS = {"x-groups": True}


def publish_groups(session, queue, *messages):
    """Publishes bodies such as "a1": group a, message 1."""
    for message in messages:
        session.publish(message, queue, headers={"x-group-key": message[0]})


def test_one_message_of_a_group_is_out_at_a_time(session, name):
    session.queue(name, GROUPS)
    publish_groups(session, name, "a1", "a2", "a3")
    inbox = session.consume(name, prefetch=10)
    for count in (1, 2, 3):
        inbox.wait(count)
        assert len(inbox.settle_down()) == count
        session.ack(inbox.messages[-1])
    assert inbox.texts == ["a1", "a2", "a3"]


def test_groups_run_side_by_side(session, name):
    session.queue(name, GROUPS)
    publish_groups(session, name, "a1", "a2", "b1", "c1", "b2")
    inbox = session.consume(name, prefetch=10)
    inbox.wait(3)
    assert [m.text for m in inbox.settle_down()] == ["a1", "b1", "c1"]
    session.ack(inbox.messages[1])
    assert inbox.wait(4)[3].text == "b2"


def test_two_workers_never_hold_the_same_group(connect, name):
    workers = [connect(), connect()]
    workers[0].queue(name, GROUPS)
    inboxes = [worker.consume(name, prefetch=10) for worker in workers]
    publish_groups(workers[0], name, *[f"{group}{number}" for number in range(5) for group in "abcd"])
    done = []
    while len(done) < 20:
        held = []
        for worker, inbox in zip(workers, inboxes):
            inbox.settle_down(0.05)
            held += [(worker, message) for message in inbox.messages]
            inbox.messages.clear()
        groups = [message.text[0] for _, message in held]
        assert groups and len(groups) == len(set(groups)), f"held at the same time: {groups}"
        for worker, message in held:
            worker.ack(message)
            done.append(message.text)
    for group in "abcd":
        assert [text for text in done if text[0] == group] == [f"{group}{number}" for number in range(5)]


def test_a_returned_message_goes_before_the_rest_of_its_group(session, name):
    session.queue(name, GROUPS)
    publish_groups(session, name, "a1", "a2", "b1")
    held = session.get(name, ack=False)
    assert held.text == "a1"
    session.nack(held)
    assert session.drain(name) == ["a1", "a2", "b1"]


def test_a_dead_worker_frees_its_groups(connect, name):
    crashed, survivor = connect(), connect()
    survivor.queue(name, GROUPS)
    publish_groups(survivor, name, "a1", "a2")
    crashed.consume(name, prefetch=10).wait(1)
    crashed.drop()
    inbox = survivor.consume(name, prefetch=10)
    first = inbox.wait(1)[0]
    assert (first.text, first.redelivered) == ("a1", True)
    survivor.ack(first)
    assert inbox.wait(2)[1].text == "a2"


def test_messages_without_a_key_are_bound_to_nothing(session, name):
    session.queue(name, GROUPS)
    session.fill(name, 3)
    inbox = session.consume(name, prefetch=10)
    assert [m.text for m in inbox.wait(3)] == ["0", "1", "2"]
