"""The delayed exchange: x-delayed-message, with the delay in the header x-delay."""

import time

import pytest

pytestmark = pytest.mark.leveret_only("a plugin that RabbitMQ no longer has")


@pytest.fixture
def delayed(session, name):
    session.exchange(name, "x-delayed-message", {"x-delayed-type": "topic"}, durable=True)
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name, "late.#")
    return name


def test_a_message_comes_after_its_delay_and_not_before(session, delayed):
    inbox = session.consume(f"{delayed}.q")
    start = time.monotonic()
    session.publish("later", "late.one", exchange=delayed, headers={"x-delay": 500})
    inbox.wait(1)
    assert 0.49 < time.monotonic() - start < 2


def test_messages_come_in_the_order_of_their_times(session, delayed):
    inbox = session.consume(f"{delayed}.q")
    for delay in (600, 200, 400, 0):
        session.publish(delay, "late.x", exchange=delayed, headers={"x-delay": delay})
    assert [m.text for m in inbox.wait(4)] == ["0", "200", "400", "600"]


def test_without_the_header_nothing_is_delayed(session, delayed):
    session.publish("now", "late.x", exchange=delayed)
    assert session.drain(f"{delayed}.q") == ["now"]


def test_it_routes_as_its_inner_type(session, delayed):
    session.publish("unmatched", "early.x", exchange=delayed, headers={"x-delay": 1})
    session.run(0.2)
    assert session.depth(f"{delayed}.q") == 0


def test_a_delayed_message_is_not_lost_with_its_broker(own_broker, name):
    from session import Session

    with Session(own_broker.url) as session:
        session.exchange(name, "x-delayed-message", {"x-delayed-type": "direct"}, durable=True)
        session.queue(f"{name}.q")
        session.bind(f"{name}.q", name, "k")
        session.publish("patient", "k", exchange=name, headers={"x-delay": 1500})
    own_broker.kill9()
    own_broker.start()
    with Session(own_broker.url) as session:
        assert session.wait_get(f"{name}.q").text == "patient"


def test_an_inner_type_is_required(session, name):
    with session.refused(406, "x-delayed-type"):
        session.exchange(name, "x-delayed-message")
