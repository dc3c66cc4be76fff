"""Publisher confirms, and publishes that are refused."""

import threading

import pika
import pika.exceptions
import pytest


def test_every_publish_is_confirmed_also_many_at_once(broker, session, name):
    """Publishes a burst without waiting and collects the acks of an asynchronous connection."""
    session.queue(name)
    confirmed, done = set(), threading.Event()
    count = 500

    def on_ack(frame):
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        assert isinstance(frame.method, pika.spec.Basic.Ack)
        confirmed.update(range(1, tag + 1) if multiple else [tag])
        if len(confirmed) == count:
            done.set()
            connection.ioloop.stop()

    def publish(channel):
        channel.confirm_delivery(on_ack, callback=lambda _: [
            channel.basic_publish("", name, str(number)) for number in range(count)
        ])  # fmt: skip

    connection = pika.SelectConnection(
        pika.URLParameters(broker.url), on_open_callback=lambda c: c.channel(on_open_callback=publish)
    )
    connection.ioloop.call_later(20, connection.ioloop.stop)
    connection.ioloop.start()
    assert done.is_set() and confirmed == set(range(1, count + 1))
    connection.close()
    connection.ioloop.call_later(2, connection.ioloop.stop)
    connection.ioloop.start()
    assert session.drain(name) == [str(number) for number in range(count)]


def test_confirm_select_twice_is_no_error(session, name):
    session.queue(name)
    session.channel._impl.confirm_delivery(lambda _: None, callback=lambda _: None)
    session.publish("counted on", name)


def test_immediate_is_not_implemented(connect, name):
    session = connect(confirms=False)
    session.queue(name)
    with session.disconnected(540, "NOT_IMPLEMENTED - immediate=true"):
        session.channel._impl._send_method(
            pika.spec.Basic.Publish(exchange="", routing_key=name, immediate=True), (pika.BasicProperties(), b"x")
        )


@pytest.mark.leveret_only("RabbitMQ 3.10 allows 128 MiB, 4.x and Leveret 16 MiB")
def test_a_message_above_16_mib_is_refused(session, name):
    session.queue(name)
    session.publish(bytes(16 * 1024 * 1024), name)
    with session.refused(406, "PRECONDITION_FAILED - message size"):
        session.publish(bytes(16 * 1024 * 1024 + 1), name)
    assert len(session.get(name).body) == 16 * 1024 * 1024


def test_user_id_must_be_the_user(session, name):
    session.queue(name)
    session.publish("mine", name, user_id="guest")
    with session.refused(406, "PRECONDITION_FAILED - user_id property set to 'boss' but authenticated user was"):
        session.publish("not mine", name, user_id="boss")
    assert session.drain(name) == ["mine"]


def test_order_is_publish_order_on_one_channel(session, name):
    session.queue(name)
    sent = session.fill(name, 200)
    inbox = session.consume(name)
    assert [m.text for m in inbox.wait(200)] == sent


def test_the_error_of_one_channel_leaves_the_others_alone(session, name):
    session.queue(name)
    first, second = session.channel, session.open_channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        first.basic_publish(f"{name}.missing", "k", b"x")
    assert second.is_open
    session.publish("unharmed", name)
    assert session.drain(name) == ["unharmed"]
