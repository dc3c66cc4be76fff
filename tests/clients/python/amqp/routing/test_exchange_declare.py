"""Exchanges: declaring, deleting, and what is refused."""

import pytest


def test_a_missing_exchange_is_not_found(session, name):
    text = f"NOT_FOUND - no exchange '{name}' in vhost '/'"
    with session.refused(404, text):
        session.channel.exchange_declare(name, passive=True)
    with session.refused(404, text):
        session.publish("lost", "k", exchange=name)
    session.queue(f"{name}.q")
    with session.refused(404, text):
        session.bind(f"{name}.q", name)


def test_declaring_again_the_same_is_no_error(session, name):
    for _ in range(2):
        session.exchange(name, "topic", durable=True)
    session.channel.exchange_declare(name, passive=True)


OTHERS = [
    ({"kind": "fanout"}, "type", "'fanout' but current is 'direct'"),
    ({"durable": True}, "durable", "'true' but current is 'false'"),
    ({"auto_delete": True}, "auto_delete", "'true' but current is 'false'"),
    ({"internal": True}, "internal", "'true' but current is 'false'"),
    ({"arguments": {"alternate-exchange": "a"}}, "alternate-exchange", "the value 'a' of type 'longstr'"),
]


@pytest.mark.parametrize("other, argument, difference", OTHERS, ids=str)
def test_declaring_again_differently_is_refused(session, name, other, argument, difference):
    session.exchange(name)
    text = f"inequivalent arg '{argument}' for exchange '{name}' in vhost '/': received {difference}"
    with session.refused(406, f"PRECONDITION_FAILED - {text}"):
        session.exchange(name, **other)


@pytest.mark.leveret_only("RabbitMQ before 4 closes the connection with 503")
def test_an_unknown_type_is_refused(session, name):
    with session.refused(406, "PRECONDITION_FAILED - invalid exchange type 'cardboard'"):
        session.exchange(name, "cardboard")


def test_reserved_names_are_refused(session):
    with session.refused(403, "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'"):
        session.exchange("amq.mine")
    with session.refused(403, "ACCESS_REFUSED"):
        session.channel.exchange_delete("amq.direct")


def test_the_default_exchange_cannot_be_bound_declared_or_deleted(session, name):
    session.queue(name)
    text = "ACCESS_REFUSED - operation not permitted on the default exchange"
    with session.refused(403, text):
        session.bind(name, "", "k")
    with session.refused(403, text):
        session.channel.exchange_declare("", "direct")
    with session.refused(403, text):
        session.channel.exchange_delete("")
    with session.refused(403, text):
        session.channel.queue_unbind(name, "", name)


def test_an_internal_exchange_takes_no_publishes_from_clients(session, name):
    session.exchange(name, "fanout", internal=True)
    with session.refused(403, f"ACCESS_REFUSED - cannot publish to internal exchange '{name}' in vhost '/'"):
        session.publish("x", exchange=name)


def test_delete_if_unused(session, name):
    session.exchange(name)
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name)
    with session.refused(406, f"PRECONDITION_FAILED - exchange '{name}' in vhost '/' in use"):
        session.channel.exchange_delete(name, if_unused=True)
    session.channel.queue_unbind(f"{name}.q", name, "")
    session.channel.exchange_delete(name, if_unused=True)
    with session.refused(404):
        session.channel.exchange_declare(name, passive=True)


def test_deleting_a_missing_exchange_is_no_error(session, name):
    session.channel.exchange_delete(name)


def test_an_auto_delete_exchange_goes_with_its_last_binding(session, name):
    session.exchange(name, auto_delete=True)
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name)
    session.channel.queue_delete(f"{name}.q")
    with session.refused(404):
        session.channel.exchange_declare(name, passive=True)
