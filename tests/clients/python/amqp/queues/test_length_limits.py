"""Length limits and the three overflow modes."""

import pika.exceptions
import pytest


def test_drop_head_keeps_the_newest(session, name):
    session.queue(name, {"x-max-length": 3})
    session.fill(name, 5)
    assert session.drain(name) == ["2", "3", "4"]


def test_max_length_bytes_counts_bodies(session, name):
    session.queue(name, {"x-max-length-bytes": 10})
    for body in ["aaaa", "bbbb", "cccc"]:
        session.publish(body, name, headers={"padding": "p" * 100})
    assert session.drain(name) == ["bbbb", "cccc"]


def test_either_limit_triggers(session, name):
    session.queue(name, {"x-max-length": 2, "x-max-length-bytes": 10})
    for body in ["a", "b", "c", "dddddddddd"]:
        session.publish(body, name)
    assert session.drain(name) == ["dddddddddd"]


def test_messages_that_are_held_do_not_count(session, name):
    session.queue(name, {"x-max-length": 2})
    inbox = session.consume(name, prefetch=2)
    session.fill(name, 2)
    held = inbox.wait(2)
    session.fill(name, 2)
    assert session.depth(name) == 2
    for message in held:
        session.ack(message)
    assert inbox.wait(4)[2:] == inbox.messages[2:]


def test_reject_publish_nacks_and_keeps_the_oldest(session, name):
    session.queue(name, {"x-max-length": 2, "x-overflow": "reject-publish"})
    session.fill(name, 2)
    with pytest.raises(pika.exceptions.NackError):
        session.publish("one too many", name)
    assert session.drain(name) == ["0", "1"]
    session.publish("room again", name)
    assert session.drain(name) == ["room again"]


def test_reject_publish_of_one_queue_leaves_the_others_their_copy(session, name):
    session.queue(name, {"x-max-length": 1, "x-overflow": "reject-publish"})
    session.queue(f"{name}.roomy")
    session.exchange(f"{name}.x", "fanout")
    session.bind(name, f"{name}.x")
    session.bind(f"{name}.roomy", f"{name}.x")
    session.publish("first", exchange=f"{name}.x")
    with pytest.raises(pika.exceptions.NackError):
        session.publish("second", exchange=f"{name}.x")
    assert session.drain(name) == ["first"]
    assert session.drain(f"{name}.roomy") == ["first", "second"]


def test_drop_head_dead_letters_what_it_drops(session, name):
    session.queue(f"{name}.dead")
    session.queue(name, {
        "x-max-length": 2, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.dead",
    })  # fmt: skip
    session.fill(name, 3)
    dead = session.wait_get(f"{name}.dead")
    assert dead.text == "0"
    assert dead.headers["x-death"][0]["reason"] == "maxlen"
    assert session.drain(name) == ["1", "2"]


def test_reject_publish_dlx_nacks_and_dead_letters_the_new_message(session, name):
    session.queue(f"{name}.dead")
    session.queue(name, {
        "x-max-length": 1, "x-overflow": "reject-publish-dlx",
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.dead",
    })  # fmt: skip
    session.publish("kept", name)
    with pytest.raises(pika.exceptions.NackError):
        session.publish("turned away", name)
    dead = session.wait_get(f"{name}.dead")
    assert dead.text == "turned away"
    assert dead.headers["x-death"][0]["reason"] == "maxlen"
    assert session.drain(name) == ["kept"]


def test_length_zero_hands_over_directly_or_drops(session, name):
    session.queue(name, {"x-max-length": 0})
    session.publish("nobody there", name)
    assert session.depth(name) == 0
    inbox = session.consume(name)
    session.publish("handed over", name)
    assert inbox.wait(1)[0].text == "handed over"
