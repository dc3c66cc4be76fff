"""A proxy in front of the broker says for whom it connects: the PROXY protocol, version 1 and 2."""

import socket
import ssl
import struct
import subprocess
import threading
import time

import pika
import pytest

from broker import free_port
from frames import CONNECTION_TUNE, Wire

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
# A client on another machine, as both versions tell it.
FAR_LINE = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 5672\r\n"
FAR_BINARY = SIGNATURE + b"\x21\x11" + struct.pack(">H4B4BHH", 12, 192, 0, 2, 7, 192, 0, 2, 1, 40000, 5672)
# With an addition (TLV) that means nothing.
FAR_IPV6 = SIGNATURE + b"\x21\x21" + struct.pack(
    ">H16s16sHH", 40, socket.inet_pton(socket.AF_INET6, "2001:db8::7"), bytes(16), 40000, 5672
) + b"\x04\0\x01\0"  # fmt: skip
# The proxy's own connection: the socket's address counts.
OWN = [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN what ever\r\n", SIGNATURE + b"\x20\0\0\0", SIGNATURE + b"\x20\x11\0\x02xx"]
NEAR = [b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 5672\r\n", b"PROXY TCP6 ::1 ::1 40000 5672\r\n"]


class Proxy:
    """Passes bytes on to a port, after a header; one connection after the other."""

    def __init__(self, port: int, header: bytes):
        self.port, self.header = port, header
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_) -> None:
        self.listener.close()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self.port))
            broker.sendall(self.header)
            for source, target in [(client, broker), (broker, client)]:
                threading.Thread(target=pass_on, args=(source, target), daemon=True).start()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def parameters(proxy: Proxy, **options) -> pika.ConnectionParameters:
    return pika.ConnectionParameters(*proxy.address, **options)


def round_trip(at: pika.ConnectionParameters) -> None:
    connection = pika.BlockingConnection(at)
    channel = connection.channel()
    channel.queue_declare("passed-on", durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", "passed-on", b"x" * 300_000)
    assert channel.basic_get("passed-on", auto_ack=True)[2] == b"x" * 300_000
    connection.close()


@pytest.fixture
def proxied(serve):
    """A broker whose connections begin with a header."""
    return serve("--proxy-protocol", "--handshake-timeout", "2", "--log-level", "debug")


@pytest.mark.parametrize("header", OWN + NEAR, ids=repr)
def test_a_client_on_this_machine_may_be_guest(proxied, header):
    with Proxy(proxied.port, header) as proxy:
        round_trip(parameters(proxy))


@pytest.mark.parametrize("header", [FAR_LINE, FAR_BINARY, FAR_IPV6], ids=["line", "binary", "ipv6"])
def test_a_client_behind_the_proxy_is_not_on_this_machine(proxied, header):
    with Proxy(proxied.port, header) as proxy:
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            pika.BlockingConnection(parameters(proxy))
    log = proxied.log_tail()
    assert "user 'guest' can only connect from this machine" in log
    assert ("[2001:db8::7]:40000" if header is FAR_IPV6 else "192.0.2.7:40000") in log


def test_a_client_behind_the_proxy_works(serve):
    broker = serve("--proxy-protocol", "--guest-anywhere")
    for header in [FAR_LINE, FAR_BINARY, FAR_IPV6]:
        with Proxy(broker.port, header) as proxy:
            round_trip(parameters(proxy))


def test_a_header_may_come_in_pieces(proxied):
    for header in [FAR_BINARY, FAR_LINE, OWN[0]]:
        with Wire(proxied.url) as wire:
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in header:
                wire.send(bytes([byte]))
            wire.start()


@pytest.mark.parametrize(
    "said, reason",
    [
        (b"AMQP\0\0\x09\x01", "begins with something else"),
        (b"\x16\x03\x01\x02\0\x01\0\x01", "begins with something else"),
        (b"PROXY TCP4 nowhere 192.0.2.1 1 2\r\n", "malformed"),
        (b"PROXY UNKNOWN\n" + bytes(200), "CR LF"),
        (b"PROXY " + b"x" * 300, "CR LF"),
        (SIGNATURE + b"\x11\x11\0\x0c" + bytes(12), "version is 1"),
        (SIGNATURE + b"\x21\x11\0\x02xx", "too short"),
        (SIGNATURE + b"\x21\x11\xff\xff", "more than"),
    ],
)
def test_a_connection_without_a_header_is_closed_at_once(proxied, said, reason):
    with Wire(proxied.url, seconds=1) as wire:
        wire.send(said)
        assert wire.read_end() == b""
    deadline = time.monotonic() + 5
    while reason not in proxied.log_tail() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "a connection without a PROXY header was closed" in proxied.log_tail()
    assert reason in proxied.log_tail()
    assert proxied.alive


@pytest.mark.parametrize("said", [b"", b"PROXY TCP4 ", SIGNATURE + b"\x21\x11\x0f\xff"], ids=repr)
def test_a_header_that_does_not_come_is_not_awaited_for_ever(proxied, said):
    with Wire(proxied.url, seconds=8) as wire:
        wire.send(said)
        begun = time.monotonic()
        assert wire.read_end() == b""
        assert 1 < time.monotonic() - begun < 6
    assert "it did not come in time" in proxied.log_tail()


def test_without_the_option_a_header_is_another_protocol(serve):
    with Wire(serve().url) as wire:
        wire.send(FAR_LINE)
        assert wire.read_end() == b"AMQP\0\0\x09\x01"


def test_the_header_comes_before_tls(serve, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    serve(
        "--proxy-protocol", "--amqps", f"127.0.0.1:{port}",
        "--tls-cert", f"{tmp_path}/cert.pem", "--tls-key", f"{tmp_path}/key.pem",
    )  # fmt: skip
    options = pika.SSLOptions(ssl.create_default_context(cafile=tmp_path / "cert.pem"), "localhost")
    with Proxy(port, OWN[0]) as proxy:
        round_trip(parameters(proxy, ssl_options=options))
    with Proxy(port, FAR_BINARY) as proxy:
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            pika.BlockingConnection(parameters(proxy, ssl_options=options))


def test_a_broker_that_stops_does_not_wait_for_a_header(serve):
    broker = serve("--proxy-protocol", "--handshake-timeout", "60")
    with Wire(broker.url) as wire:
        wire.send(b"PROXY ")
        time.sleep(0.2)
        begun = time.monotonic()
        assert broker.terminate() == 0
        assert time.monotonic() - begun < 4
        assert wire.read_end() == b""


def test_a_header_and_the_first_words_may_come_together(proxied):
    with Wire(proxied.url) as wire:
        wire.send(OWN[0] + b"AMQP\0\0\x09\x01")
        wire.read_frame()
        wire.log_in()
        wire.read_method(CONNECTION_TUNE)
