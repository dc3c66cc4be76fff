"""Messages that match no binding: dropped, returned, or sent to the alternate exchange."""

import pika.exceptions
import pytest


@pytest.fixture
def plain(connect):
    """A session without confirms: pika then hands returned messages to a callback."""
    return connect(confirms=False)


def test_without_mandatory_it_is_dropped_and_confirmed(session, name):
    session.exchange(name)
    session.publish("nowhere", "k", exchange=name)


def test_with_mandatory_it_is_returned_whole(plain, name):
    plain.exchange(name)
    plain.publish("nowhere", "k", exchange=name, mandatory=True, message_id="m-1", headers={"h": 1})
    plain.run_until(lambda: plain.returned)
    message = plain.returned[0]
    assert (message.reply_code, message.reply_text) == (312, "NO_ROUTE")
    assert (message.exchange, message.routing_key, message.text) == (name, "k", "nowhere")
    assert (message.properties.message_id, message.headers) == ("m-1", {"h": 1})


def test_a_returned_message_is_confirmed_after_its_return(session, name):
    session.exchange(name)
    with pytest.raises(pika.exceptions.UnroutableError) as unroutable:
        session.publish("nowhere", "k", exchange=name, mandatory=True)
    assert unroutable.value.messages[0].method.reply_code == 312


def test_a_mandatory_message_that_is_routed_is_not_returned(plain, name):
    plain.queue(name)
    plain.publish("somewhere", name, mandatory=True)
    plain.run(0.2)
    assert plain.returned == []


def with_alternate(session, name, alternate):
    session.exchange(name, "direct", {"alternate-exchange": alternate})


def test_the_alternate_exchange_gets_what_matches_nothing(session, name):
    session.exchange(f"{name}.alternate", "fanout")
    session.queue(f"{name}.rest")
    session.bind(f"{name}.rest", f"{name}.alternate")
    with_alternate(session, name, f"{name}.alternate")
    session.queue(f"{name}.known")
    session.bind(f"{name}.known", name, "known")
    session.publish("one", "known", exchange=name)
    session.publish("two", "unknown", exchange=name, mandatory=True)
    assert session.drain(f"{name}.known") == ["one"]
    message = session.get(f"{name}.rest")
    assert (message.text, message.exchange, message.routing_key) == ("two", name, "unknown")


def test_alternates_form_a_chain(session, name):
    session.exchange(f"{name}.last", "fanout")
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", f"{name}.last")
    with_alternate(session, f"{name}.middle", f"{name}.last")
    with_alternate(session, f"{name}.first", f"{name}.middle")
    session.publish("down the chain", "k", exchange=f"{name}.first", mandatory=True)
    assert session.drain(f"{name}.q") == ["down the chain"]


def test_alternates_in_a_circle_end(plain, name):
    with_alternate(plain, f"{name}.1", f"{name}.2")
    with_alternate(plain, f"{name}.2", f"{name}.1")
    plain.publish("lost", "k", exchange=f"{name}.1", mandatory=True)
    plain.run_until(lambda: plain.returned)
    assert plain.returned[0].reply_code == 312


def test_an_alternate_that_does_not_exist_is_as_none(plain, name):
    with_alternate(plain, name, f"{name}.missing")
    plain.publish("lost", "k", exchange=name, mandatory=True)
    plain.run_until(lambda: plain.returned)
    assert plain.returned[0].reply_code == 312
