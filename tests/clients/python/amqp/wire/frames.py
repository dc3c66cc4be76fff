"""Just enough AMQP 0-9-1 over a bare socket to say things that no client library would."""

import socket
import struct
from dataclasses import dataclass
from urllib.parse import urlparse

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
FRAME_END = 0xCE
PROTOCOL = b"AMQP\x00\x00\x09\x01"

CONNECTION_START, CONNECTION_START_OK = (10, 10), (10, 11)
CONNECTION_TUNE, CONNECTION_TUNE_OK = (10, 30), (10, 31)
CONNECTION_OPEN, CONNECTION_OPEN_OK = (10, 40), (10, 41)
CONNECTION_CLOSE, CONNECTION_CLOSE_OK = (10, 50), (10, 51)
CONNECTION_UPDATE_SECRET, CONNECTION_UPDATE_SECRET_OK = (10, 70), (10, 71)
CHANNEL_OPEN, CHANNEL_OPEN_OK = (20, 10), (20, 11)
CHANNEL_FLOW, CHANNEL_FLOW_OK = (20, 20), (20, 21)
CHANNEL_CLOSE, CHANNEL_CLOSE_OK = (20, 40), (20, 41)
ACCESS_REQUEST, ACCESS_REQUEST_OK = (30, 10), (30, 11)
QUEUE_DECLARE, QUEUE_DECLARE_OK = (50, 10), (50, 11)
BASIC_CONSUME, BASIC_CONSUME_OK = (60, 20), (60, 21)
BASIC_PUBLISH, BASIC_DELIVER = (60, 40), (60, 60)
BASIC_ACK = (60, 80)
CONFIRM_SELECT, CONFIRM_SELECT_OK = (85, 10), (85, 11)


@dataclass
class Frame:
    kind: int
    channel: int
    payload: bytes

    @property
    def method(self) -> tuple[int, int] | None:
        return struct.unpack_from(">HH", self.payload) if self.kind == METHOD else None

    @property
    def arguments(self) -> bytes:
        return self.payload[4:]

    @property
    def close(self) -> tuple[int, str]:
        """Reply code and text of a connection.close or channel.close."""
        code, length = struct.unpack_from(">HB", self.arguments)
        return code, self.arguments[3 : 3 + length].decode()


class Wire:
    """One socket to the broker. Reads fail with TimeoutError after `seconds`."""

    def __init__(self, url: str, seconds: float = 10):
        parsed = urlparse(url)
        self.socket = socket.create_connection((parsed.hostname, parsed.port), timeout=seconds)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    # Sending.

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_frame(self, kind: int, channel: int, payload: bytes, end: int = FRAME_END) -> None:
        self.send(frame(kind, channel, payload, end))

    def send_method(self, channel: int, method: tuple[int, int], arguments: bytes = b"") -> None:
        self.send_frame(METHOD, channel, struct.pack(">HH", *method) + arguments)

    # Receiving.

    def read_frame(self) -> Frame:
        kind, channel, size = struct.unpack(">BHI", self.read_exactly(7))
        payload = self.read_exactly(size)
        assert self.read_exactly(1) == bytes([FRAME_END])
        return Frame(kind, channel, payload)

    def read_exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError(f"the broker closed the socket after {len(data)} of {size} bytes")
            data += piece
        return data

    def read_method(self, *expected: tuple[int, int]) -> Frame:
        """The next method, which must be one of `expected`; heartbeats before it are passed over."""
        received = self.read_frame()
        while received.kind == HEARTBEAT:
            received = self.read_frame()
        assert received.method in expected, f"{received.method} {received.payload[:120]}"
        return received

    def read_closing(self) -> tuple[int, str]:
        """Expects a connection.close, answers it, expects the end of the socket; returns code and text."""
        code_and_text = self.read_method(CONNECTION_CLOSE).close
        self.send_method(0, CONNECTION_CLOSE_OK)
        self.read_end()
        return code_and_text

    def read_end(self) -> bytes:
        """Reads until the broker closes the socket, and returns what it still said."""
        said = b""
        try:
            while piece := self.socket.recv(4096):
                said += piece
        except ConnectionResetError:
            pass
        return said

    def read_outcome(self) -> int | str:
        """What became of the connection: the reply code of a close, or "end" if the socket was closed without one."""
        try:
            received = self.read_frame()
            while received.kind == HEARTBEAT:
                received = self.read_frame()
        except (EOFError, ConnectionResetError):
            return "end"
        assert received.method in (CONNECTION_CLOSE, CHANNEL_CLOSE), f"not a close: {received}"
        return received.close[0]

    # The way in.

    def start(self) -> Frame:
        self.send(PROTOCOL)
        return self.read_method(CONNECTION_START)

    def log_in(self, user="guest", password="guest", mechanism="PLAIN", capabilities=True) -> None:
        """Answers connection.start."""
        able = table({"authentication_failure_close": True, "consumer_cancel_notify": True})
        properties = struct.pack(">I", 0)
        if capabilities:
            properties = long_string(short_string("capabilities") + b"F" + able)
        response = f"\0{user}\0{password}".encode()
        self.send_method(0, CONNECTION_START_OK,
            properties + short_string(mechanism) + long_string(response) + short_string("en_US"))  # fmt: skip

    def tune(self, channel_max=None, frame_max=None, heartbeat=0) -> tuple[int, int, int]:
        """Answers connection.tune, with the broker's own limits unless told otherwise; returns those."""
        offered = struct.unpack(">HIH", self.read_method(CONNECTION_TUNE).arguments)
        channel_max = offered[0] if channel_max is None else channel_max
        frame_max = offered[1] if frame_max is None else frame_max
        self.send_method(0, CONNECTION_TUNE_OK, struct.pack(">HIH", channel_max, frame_max, heartbeat))
        return offered

    def open(self, vhost="/") -> None:
        self.send_method(0, CONNECTION_OPEN, short_string(vhost) + b"\0\0")

    def connect(self, **tuning) -> "Wire":
        """The whole way in."""
        self.start()
        self.log_in()
        self.tune(**tuning)
        self.open()
        self.read_method(CONNECTION_OPEN_OK)
        return self

    def open_channel(self, channel: int = 1) -> "Wire":
        self.send_method(channel, CHANNEL_OPEN, b"\0")
        self.read_method(CHANNEL_OPEN_OK)
        return self

    # A few methods.

    def declare(self, queue: str, passive: bool = False) -> Frame:
        self.send_method(1, QUEUE_DECLARE, declare_arguments(queue, passive))
        return self.read_method(QUEUE_DECLARE_OK)

    def publish_method(self, key: str, exchange: str = "") -> None:
        self.send_method(1, BASIC_PUBLISH, b"\0\0" + short_string(exchange) + short_string(key) + b"\0")

    def content_header(self, size: int, class_id: int = 60, weight: int = 0) -> None:
        self.send_frame(HEADER, 1, struct.pack(">HHQH", class_id, weight, size, 0))

    def consume(self, queue: str, no_ack: bool) -> None:
        flags = bytes([2 if no_ack else 0])
        self.send_method(1, BASIC_CONSUME, b"\0\0" + short_string(queue) + b"\0" + flags + table({}))
        self.read_method(BASIC_CONSUME_OK)


def frame(kind: int, channel: int, payload: bytes, end: int = FRAME_END) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + bytes([end])


def declare_arguments(queue: str, passive: bool = False) -> bytes:
    return b"\0\0" + short_string(queue) + bytes([1 if passive else 0]) + table({})


def short_string(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def long_string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def table(entries: dict[str, bool]) -> bytes:
    """A field table of booleans."""
    return long_string(b"".join(short_string(key) + b"t" + bytes([value]) for key, value in entries.items()))
