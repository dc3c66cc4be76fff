"""x-consumer-timeout: a lease with a deadline."""

import pytest

pytestmark = pytest.mark.leveret_only("RabbitMQ 3.10 has one timeout for all queues, 30 minutes")


def test_a_message_held_too_long_goes_to_the_next_worker(connect, name):
    stuck, other = connect(), connect()
    other.queue(name, {"x-consumer-timeout": 1000})
    other.publish("slow", name)
    stuck.consume(name, prefetch=1).wait(1)
    inbox = other.consume(name, prefetch=1)
    message = inbox.wait(1)[0]
    assert (message.text, message.redelivered) == ("slow", True)
    other.ack(message)


def test_the_stuck_consumer_is_cancelled_and_its_channel_lives(connect, name):
    stuck = connect()
    stuck.queue(name, {"x-consumer-timeout": 1000})
    stuck.publish("slow", name)
    inbox = stuck.consume(name, prefetch=1)
    inbox.wait(1)
    inbox.wait_cancelled()
    assert stuck.channel.is_open
    assert stuck.wait_get(name).text == "slow"


def test_the_consumer_may_ask_for_another_timeout(connect, name):
    patient, other = connect(), connect()
    other.queue(name, {"x-consumer-timeout": 500})
    other.publish("slow", name)
    inbox = patient.consume(name, prefetch=1, arguments={"x-consumer-timeout": 60000})
    message = inbox.wait(1)[0]
    patient.run(1.5)
    assert not inbox.cancelled
    patient.ack(message)
    patient.run(0.1)
    assert other.depth(name) == 0


def test_a_timeout_counts_as_a_failed_delivery(connect, name):
    stuck, other = connect(), connect()
    other.queue(name, {"x-consumer-timeout": 500})
    other.publish("slow", name)
    stuck.consume(name, prefetch=1).wait(1)
    assert other.wait_get(name).headers["x-delivery-count"] == 1
