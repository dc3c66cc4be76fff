"""The recent-history exchange: what was published of late reaches whatever is bound later."""

import pytest


@pytest.fixture
def recent(session, name):
    session.exchange(name, "x-recent-history", {"x-recent-history-length": 3}, durable=True)
    return name


def bound(session, exchange: str, suffix: str) -> str:
    queue = session.queue(f"{exchange}.{suffix}")
    session.bind(queue, exchange)
    return queue


def test_a_new_queue_gets_the_last_messages_and_then_all_that_follow(session, recent):
    first = bound(session, recent, "first")
    for number in range(5):
        session.publish(number, "any", exchange=recent)
    late = bound(session, recent, "late")
    session.publish("after", "any", exchange=recent)
    assert session.drain(first) == ["0", "1", "2", "3", "4", "after"]
    assert session.drain(late) == ["2", "3", "4", "after"]


def test_messages_are_remembered_that_no_queue_took(session, recent):
    session.publish("early", "key", exchange=recent, headers={"n": 1}, content_type="text/plain")
    message = session.get(bound(session, recent, "late"))
    assert (message.text, message.exchange, message.routing_key) == ("early", recent, "key")
    assert (message.headers, message.properties.content_type) == ({"n": 1}, "text/plain")


def test_nobody_sees_who_had_a_blind_copy(session, recent):
    session.publish("hidden", "k", exchange=recent, headers={"BCC": ["other"], "CC": ["open"]})
    assert session.get(bound(session, recent, "late")).headers == {"CC": ["open"]}


def test_a_message_may_ask_not_to_be_remembered(session, recent):
    session.publish("secret", exchange=recent, headers={"x-recent-history-no-store": True})
    session.publish("open", exchange=recent, headers={"x-recent-history-no-store": False})
    assert session.drain(bound(session, recent, "late")) == ["open"]


def test_twenty_are_remembered_unless_said(session, name):
    session.exchange(name, "x-recent-history")
    for number in range(30):
        session.publish(number, exchange=name)
    assert session.drain(bound(session, name, "late")) == [str(number) for number in range(10, 30)]


@pytest.mark.parametrize("length", [0, -5, "many"])
def test_the_length_is_a_positive_integer(session, name, length):
    with session.refused(406, "must be a positive integer"):
        session.exchange(name, "x-recent-history", {"x-recent-history-length": length})
