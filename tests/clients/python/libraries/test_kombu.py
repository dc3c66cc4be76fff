"""kombu: exchanges, queues, producers and consumers as Celery and others use them."""

import socket

import kombu
import pytest
from amqp.exceptions import NotFound, PreconditionFailed, ResourceLocked
from kombu import Consumer, Exchange, Producer, Queue
from kombu.pools import producers


@pytest.fixture
def connection(broker):
    with kombu.Connection(broker.url, transport_options={"confirm_publish": True}) as connection:
        yield connection


@pytest.fixture
def declare(connection, name):
    """Declares a queue bound to an exchange of the given kind; both are deleted at the end."""
    declared = []

    def declare_queue(kind="direct", key="k", **options):
        exchange = Exchange(f"{name}.{len(declared)}.x", kind)
        options = {"routing_key": key, **options}
        queue = Queue(f"{name}.{len(declared)}", exchange, channel=connection.default_channel, **options)
        queue.declare()
        declared.append(queue)
        return queue

    yield declare_queue
    for queue in declared:
        queue.delete()
        queue.exchange(connection.default_channel).delete()


def publish(connection, queue, *bodies, **options):
    producer = Producer(connection.default_channel, exchange=queue.exchange, routing_key="k")
    for body in bodies:
        producer.publish(body, **options)


def receive(connection, queue, count, handle=None, **options):
    """Consumes until `count` messages have come and returns their bodies; acknowledges unless `handle` does else."""
    received = []

    def on_message(body, message):
        received.append(body)
        handle(body, message) if handle else message.ack()

    with Consumer(connection.channel(), [queue], callbacks=[on_message], **options):
        while len(received) < count:
            connection.drain_events(timeout=10)
    return received


@pytest.mark.parametrize("serializer", ["json", "pickle"])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_bodies_come_back_as_they_were(connection, declare, serializer, compression):
    queue = declare()
    body = {"text": "grün", "numbers": [1, 2.5], "none": None}
    publish(connection, queue, body, serializer=serializer, compression=compression)
    assert receive(connection, queue, 1, accept=[serializer]) == [body]


@pytest.mark.parametrize("kind, key, sent", [("direct", "k", "k"), ("topic", "a.#", "a.b.c"), ("fanout", "", "any")])
def test_exchange_kinds(connection, declare, kind, key, sent):
    queue = declare(kind, key)
    Producer(connection.default_channel, queue.exchange).publish("routed", routing_key=sent)
    assert receive(connection, queue, 1) == ["routed"]


def test_requeue_and_reject(connection, declare):
    queue = declare()
    publish(connection, queue, "bad", "good")
    seen = []

    def handle(body, message):
        seen.append((body, message.delivery_info["redelivered"]))
        if body == "good":
            message.ack()
        elif len(seen) == 1:
            message.requeue()
        else:
            message.reject()

    receive(connection, queue, 3, handle, prefetch_count=1)
    assert seen == [("bad", False), ("bad", True), ("good", False)]
    assert queue.get() is None


@pytest.mark.parametrize("global_qos", [False, True])
def test_prefetch(connection, declare, global_qos):
    queue = declare()
    publish(connection, queue, *range(8))
    held = []
    channel = connection.channel()
    channel.basic_qos(0, 3, global_qos)
    with Consumer(channel, [queue], callbacks=[lambda _, message: held.append(message)]):
        with pytest.raises(socket.timeout):
            while True:
                connection.drain_events(timeout=0.5)
        assert [message.payload for message in held] == [0, 1, 2]
        held[0].ack()
        connection.drain_events(timeout=10)
        assert held[3].payload == 3


def test_get_purge_and_delete(connection, declare):
    queue = declare()
    publish(connection, queue, 1, 2, 3)
    message = queue.get()
    assert message.payload == 1
    message.ack()
    assert queue.purge() == 2
    assert queue.get() is None


def test_message_and_queue_ttl_and_priority(connection, declare):
    queue = declare(expires=60, message_ttl=30, max_length=100, max_priority=9)
    publish(connection, queue, "low", priority=1)
    publish(connection, queue, "high", priority=8, expiration=20)
    assert receive(connection, queue, 2) == ["high", "low"]


def test_refusals(connection, declare, broker):
    queue = declare()
    with pytest.raises(NotFound):
        connection.channel().queue_declare(f"{queue.name}.missing", passive=True)
    with pytest.raises(PreconditionFailed):
        connection.channel().queue_declare(queue.name, durable=False, auto_delete=True)
    exclusive = connection.channel().queue_declare("", exclusive=True).queue
    with kombu.Connection(broker.url) as other, pytest.raises(ResourceLocked):
        other.channel().queue_declare(exclusive, passive=True)


def test_a_simple_queue(connection, name):
    with connection.SimpleQueue(name) as queue:
        queue.put({"job": 1})
        message = queue.get(timeout=10)
        assert message.payload == {"job": 1}
        message.ack()
    connection.default_channel.queue_delete(name)


def test_a_pool_of_producers(connection, declare):
    queue = declare()
    for number in range(20):
        with producers[connection].acquire(block=True) as producer:
            producer.publish(number, exchange=queue.exchange, routing_key="k", declare=[queue], retry=True)
    assert receive(connection, queue, 20) == list(range(20))


def test_heartbeats_are_kept_up(broker, declare):
    with kombu.Connection(broker.url, heartbeat=2) as connection:
        connection.connect()
        for _ in range(6):
            connection.heartbeat_check(rate=4)
            with pytest.raises(socket.timeout):
                connection.drain_events(timeout=0.5)
        assert connection.connected
