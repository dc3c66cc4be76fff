"""A pika connection with one channel, in the few words that the tests are written in."""

import contextlib
import socket
import time
from dataclasses import dataclass, field

import pika
import pika.exceptions

WAIT_SECONDS = 10
"""How long a test waits for what must come. Long, because the machine may be busy: nothing waits for it in vain."""

QUIET_SECONDS = 0.3
"""How long a test watches for what must not come."""


@dataclass
class Message:
    """A delivery, a get-ok or a returned message."""

    body: bytes
    properties: pika.BasicProperties
    exchange: str
    routing_key: str
    tag: int = 0
    redelivered: bool = False
    left: int = 0
    reply_code: int = 0
    reply_text: str = ""

    @property
    def headers(self) -> dict:
        return self.properties.headers or {}

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Inbox:
    """What one consumer was sent, in order, and whether the broker cancelled it."""

    session: "Session"
    tag: str = ""
    messages: list[Message] = field(default_factory=list)
    cancelled: bool = False

    def wait(self, count: int, seconds: float = WAIT_SECONDS) -> list[Message]:
        """Waits until `count` messages have come in all and returns them."""
        self.session.run_until(lambda: len(self.messages) >= count, seconds)
        assert len(self.messages) >= count, f"{len(self.messages)} of {count} messages came: {self.texts}"
        return self.messages[:count]

    def settle_down(self, seconds: float = QUIET_SECONDS) -> list[Message]:
        """Listens for a while and returns all that has come."""
        self.session.run(seconds)
        return self.messages

    def wait_cancelled(self, seconds: float = WAIT_SECONDS) -> None:
        self.session.run_until(lambda: self.cancelled, seconds)
        assert self.cancelled, "the broker did not cancel the consumer"

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


class Session:
    """Owns a connection and a channel. What it declares it remembers, so that a fixture can delete it."""

    def __init__(self, url: str, confirms: bool = True, **parameters):
        self.parameters = pika.URLParameters(url)
        self.parameters.socket_timeout = WAIT_SECONDS
        for key, value in parameters.items():
            setattr(self.parameters, key, value)
        self.confirms = confirms
        self.connection = pika.BlockingConnection(self.parameters)
        self.queues, self.exchanges, self.returned = [], [], []
        self.channel = self.open_channel()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def open_channel(self):
        """Opens one more channel, set up like the first, and makes it the current one."""
        self.channel = self.connection.channel()
        if self.confirms:
            self.channel.confirm_delivery()
        self.channel.add_on_return_callback(self._on_return)
        return self.channel

    # Topology.

    def queue(self, name: str = "", arguments: dict | None = None, durable: bool = True, **flags) -> str:
        """Declares a queue, durable unless told otherwise, and returns its name."""
        flags = {"durable": durable, "arguments": arguments, **flags}
        name = self.channel.queue_declare(name, **flags).method.queue
        self.queues.append(name)
        return name

    def exchange(self, name: str, kind: str = "direct", arguments: dict | None = None, **flags) -> str:
        self.channel.exchange_declare(name, kind, arguments=arguments, **flags)
        self.exchanges.append(name)
        return name

    def bind(self, queue: str, exchange: str, key: str = "", arguments: dict | None = None) -> None:
        self.channel.queue_bind(queue, exchange, key, arguments)

    def depth(self, queue: str) -> int:
        """The number of ready messages."""
        return self.channel.queue_declare(queue, passive=True).method.message_count

    def consumers(self, queue: str) -> int:
        return self.channel.queue_declare(queue, passive=True).method.consumer_count

    def wait_depth(self, queue: str, count: int) -> None:
        """Waits until the queue has exactly `count` ready messages."""
        self.run_until(lambda: self.depth(queue) == count)
        assert self.depth(queue) == count

    def delete_declared(self, other: "Session") -> None:
        for queue in other.queues:
            with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
                self._usable_channel().queue_delete(queue)
        for exchange in other.exchanges:
            with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
                self._usable_channel().exchange_delete(exchange)

    # Messages.

    def publish(self, body, queue: str = "", exchange: str = "", mandatory: bool = False, **properties) -> None:
        """Publishes to a queue by name, or to an exchange with `queue` as the routing key; waits for the confirm.

        Raises NackError or UnroutableError as pika does. Messages are persistent unless told otherwise."""
        body = body if isinstance(body, bytes) else str(body).encode()
        properties = pika.BasicProperties(**{"delivery_mode": 2, **properties})
        self.channel.basic_publish(exchange, queue, body, properties, mandatory)

    def fill(self, queue: str, count: int) -> list[str]:
        """Publishes the bodies 0, 1, 2... and returns them as text."""
        for number in range(count):
            self.publish(number, queue)
        return [str(number) for number in range(count)]

    def sync(self) -> None:
        """Returns when the broker has on its disk what happened until now: a confirm covers all that came before it.

        Deliveries and acks are not promises; without this a broker that is killed at once may not know of them.
        """
        self.queue("sync")
        self.publish("sync", "sync")

    def get(self, queue: str, ack: bool = True) -> Message | None:
        """basic.get of one message, acknowledged at once unless told otherwise; None if the queue is empty."""
        method, properties, body = self.channel.basic_get(queue, auto_ack=False)
        if method is None:
            return None
        if ack:
            self.channel.basic_ack(method.delivery_tag)
        return Message(
            body, properties, method.exchange, method.routing_key, method.delivery_tag, method.redelivered,
            method.message_count,
        )

    def wait_get(self, queue: str, ack: bool = True) -> Message:
        """basic.get that waits until there is a message."""
        found = []
        self.run_until(lambda: found or found.extend(filter(None, [self.get(queue, ack)])))
        assert found, f"no message came to {queue}"
        return found[0]

    def drain(self, queue: str) -> list[str]:
        """Gets and acknowledges all that is ready, and returns the bodies as text."""
        texts = []
        while (message := self.get(queue)) is not None:
            texts.append(message.text)
        return texts

    def consume(self, queue: str, prefetch: int | None = None, auto_ack: bool = False, **flags) -> Inbox:
        """Starts a consumer. `prefetch` (0 is no limit) is set before, for this consumer."""
        if prefetch is not None:
            self.channel.basic_qos(prefetch_count=prefetch)
        inbox = Inbox(self)

        def on_message(_, method, properties, body):
            message = Message(body, properties, method.exchange, method.routing_key)
            message.tag, message.redelivered = method.delivery_tag, method.redelivered
            inbox.messages.append(message)

        def on_cancel(frame):
            inbox.cancelled |= frame.method.consumer_tag == inbox.tag

        self.channel.add_on_cancel_callback(on_cancel)
        inbox.tag = self.channel.basic_consume(queue, on_message, auto_ack=auto_ack, **flags)
        return inbox

    def ack(self, message: Message, multiple: bool = False) -> None:
        self.channel.basic_ack(message.tag, multiple)

    def nack(self, message: Message, multiple: bool = False, requeue: bool = True) -> None:
        self.channel.basic_nack(message.tag, multiple, requeue)

    def reject(self, message: Message, requeue: bool = True) -> None:
        self.channel.basic_reject(message.tag, requeue)

    # Time and refusals.

    def run(self, seconds: float) -> None:
        """Handles what the broker sends for that long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.connection.process_data_events(left)

    def run_until(self, reached, seconds: float = WAIT_SECONDS) -> None:
        """Handles what the broker sends until `reached()` is true or the time is up."""
        end = time.monotonic() + seconds
        while not reached() and time.monotonic() < end:
            self.connection.process_data_events(0.02)

    @contextlib.contextmanager
    def refused(self, code: int, text: str = ""):
        """Expects the broker to close the channel with this reply code and a text that contains `text`.

        Continues on a new channel."""
        channel, closed = self.channel, None
        try:
            yield
            self.run_until(lambda: channel.is_closed)
            closed = channel._closing_reason
        except pika.exceptions.ChannelClosedByBroker as reason:
            closed = reason
        assert isinstance(closed, pika.exceptions.ChannelClosedByBroker), f"not refused with {code}: {closed}"
        assert (closed.reply_code, text in closed.reply_text) == (code, True), closed
        self.open_channel()

    @contextlib.contextmanager
    def disconnected(self, code: int, text: str = ""):
        """Expects the broker to close the connection with this reply code and a text that contains `text`."""
        try:
            yield
            self.run(WAIT_SECONDS)
        except pika.exceptions.ConnectionClosedByBroker as closed:
            assert (closed.reply_code, text in closed.reply_text) == (code, True), closed
        else:
            raise AssertionError(f"the broker did not close the connection with {code}")

    def drop(self) -> None:
        """Ends the connection as a crash of the client does: the socket closes, no AMQP close is sent."""
        self.connection._impl._transport._sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.run(WAIT_SECONDS)

    def close(self) -> None:
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.connection.close()

    def _on_return(self, _, method, properties, body) -> None:
        message = Message(body, properties, method.exchange, method.routing_key)
        message.reply_code, message.reply_text = method.reply_code, method.reply_text
        self.returned.append(message)

    def _usable_channel(self):
        return self.channel if self.channel.is_open else self.open_channel()
