"""aio-pika: the same broker through the asyncio client."""

import asyncio
import contextlib

import aio_pika
import aiormq.exceptions
import pytest
from aio_pika import DeliveryMode, ExchangeType, Message

WAIT_SECONDS = 10


@pytest.fixture
def run(broker, name):
    """Runs a coroutine function with a fresh channel (in confirm mode) and the test's name for its objects."""

    def run_with_channel(story, **channel_options):
        async def tell():
            connection = await aio_pika.connect(broker.url)
            async with connection:
                channel = await connection.channel(**channel_options)
                await asyncio.wait_for(story(channel, name), 60)
                await delete_all(connection, name)

        asyncio.run(tell())

    return run_with_channel


async def delete_all(connection, name):
    """Deletes what a story may have declared; a name that does not exist is no error."""
    channel = await connection.channel()
    for suffix in ("", ".a", ".b", ".c", ".dead"):
        await channel.queue_delete(name + suffix)
    for suffix in (".x", ".y"):
        await channel.exchange_delete(name + suffix)


def persistent(text, **properties):
    return Message(text.encode(), delivery_mode=DeliveryMode.PERSISTENT, **properties)


async def publish(channel, queue, *texts):
    for text in texts:
        await channel.default_exchange.publish(persistent(text), queue)


async def drain(queue):
    texts = []
    while (message := await queue.get(fail=False)) is not None:
        await message.ack()
        texts.append(message.body.decode())
    return texts


@contextlib.asynccontextmanager
async def consuming(queue, **options):
    """Collects deliveries in an asyncio queue while the block runs."""
    inbox = asyncio.Queue()
    tag = await queue.consume(inbox.put, **options)
    yield inbox
    await queue.cancel(tag)


async def next_of(inbox):
    return await asyncio.wait_for(inbox.get(), WAIT_SECONDS)


def test_publish_get_and_ack(run):
    async def story(channel, name):
        queue = await channel.declare_queue(name, durable=True)
        await publish(channel, name, "one", "two")
        assert (await channel.declare_queue(name, durable=True)).declaration_result.message_count == 2
        assert await drain(queue) == ["one", "two"]

    run(story)


def test_consume_ack_nack_and_reject(run):
    async def story(channel, name):
        queue = await channel.declare_queue(name, durable=True)
        await channel.set_qos(prefetch_count=1)
        await publish(channel, name, "one", "two", "three")
        async with consuming(queue) as inbox:
            first = await next_of(inbox)
            await first.nack(requeue=True)
            again = await next_of(inbox)
            assert (again.body, again.redelivered) == (b"one", True)
            await again.ack()
            await (await next_of(inbox)).reject(requeue=False)
            await (await next_of(inbox)).ack()
        assert await drain(queue) == []

    run(story)


@pytest.mark.parametrize("prefetch", [1, 10])
def test_prefetch(run, prefetch):
    async def story(channel, name):
        queue = await channel.declare_queue(name, durable=True)
        await channel.set_qos(prefetch_count=prefetch)
        await publish(channel, name, *map(str, range(15)))
        async with consuming(queue) as inbox:
            held = [await next_of(inbox) for _ in range(prefetch)]
            await asyncio.sleep(0.2)
            assert inbox.empty()
            await held[0].ack()
            assert (await next_of(inbox)).body == str(prefetch).encode()

    run(story)


@pytest.mark.parametrize("kind, key, matching, other", [
    (ExchangeType.DIRECT, "k", "k", "l"), (ExchangeType.TOPIC, "a.*", "a.b", "b.a"), (ExchangeType.FANOUT, "", "x", None),
])  # fmt: skip
def test_exchanges_and_bindings(run, kind, key, matching, other):
    async def story(channel, name):
        exchange = await channel.declare_exchange(f"{name}.x", kind)
        queue = await channel.declare_queue(name, durable=True)
        await queue.bind(exchange, key)
        await exchange.publish(persistent("matching"), matching)
        if other:
            await exchange.publish(persistent("other"), other, mandatory=False)
        assert await drain(queue) == ["matching"]
        await queue.unbind(exchange, key)
        await exchange.publish(persistent("unbound"), matching, mandatory=False)
        assert await drain(queue) == []

    run(story)


def test_headers_exchange_and_exchange_to_exchange(run):
    async def story(channel, name):
        source = await channel.declare_exchange(f"{name}.x", ExchangeType.HEADERS)
        target = await channel.declare_exchange(f"{name}.y", ExchangeType.FANOUT)
        await target.bind(source, arguments={"x-match": "all", "kind": "report"})
        queue = await channel.declare_queue(name, durable=True)
        await queue.bind(target)
        await source.publish(persistent("yes", headers={"kind": "report"}), "")
        await source.publish(persistent("no", headers={"kind": "memo"}), "", mandatory=False)
        assert await drain(queue) == ["yes"]

    run(story)


def test_a_mandatory_message_comes_back(run):
    async def story(channel, name):
        with pytest.raises(aio_pika.exceptions.DeliveryError) as returned:
            await channel.default_exchange.publish(persistent("nowhere"), f"{name}.missing", mandatory=True)
        assert returned.value.message.delivery.reply_code == 312

    run(story, on_return_raises=True)


def test_transactions(run):
    async def story(channel, name):
        queue = await channel.declare_queue(name, durable=True)
        async with channel.transaction():
            await publish(channel, name, "committed")
        with pytest.raises(ZeroDivisionError):
            async with channel.transaction():
                await publish(channel, name, "rolled back")
                raise ZeroDivisionError
        assert await drain(queue) == ["committed"]

    run(story, publisher_confirms=False)


@pytest.mark.parametrize("refusal, error", [
    (lambda channel, name: channel.declare_queue(f"{name}.missing", passive=True), "ChannelNotFoundEntity"),
    (lambda channel, name: channel.declare_queue(name, durable=False), "ChannelPreconditionFailed"),
    (lambda channel, name: channel.declare_queue("amq.mine"), "ChannelAccessRefused"),
])  # fmt: skip
def test_refusals(run, refusal, error):
    async def story(channel, name):
        await channel.declare_queue(name, durable=True)
        with pytest.raises(getattr(aiormq.exceptions, error)):
            await refusal(channel, name)

    run(story)


def test_an_exclusive_queue_is_locked_for_others(broker, run):
    async def story(channel, name):
        await channel.declare_queue(name, exclusive=True)
        async with await aio_pika.connect(broker.url) as other:
            with pytest.raises(aiormq.exceptions.ChannelLockedResource):
                await (await other.channel()).declare_queue(name, passive=True)

    run(story)


def test_purge_and_delete(run):
    async def story(channel, name):
        queue = await channel.declare_queue(name, durable=True)
        await publish(channel, name, "one", "two")
        assert (await queue.purge()).message_count == 2
        await publish(channel, name, "three")
        assert (await queue.delete(if_empty=False, if_unused=False)).message_count == 1

    run(story)


def test_a_robust_connection_comes_back_with_its_consumer(own_broker, name):
    """What production code uses: after kill -9 and a restart the same objects work on."""

    async def story():
        async with await aio_pika.connect_robust(own_broker.url, reconnect_interval=0.2) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, durable=True)
            inbox = asyncio.Queue()
            await queue.consume(inbox.put)
            await publish(channel, name, "before")
            await (await next_of(inbox)).ack()
            await asyncio.to_thread(own_broker.restart)
            await channel.ready()
            await publish(channel, name, "after")
            while (message := await next_of(inbox)).body != b"after":
                await message.ack()

    asyncio.run(asyncio.wait_for(story(), 60))
