"""A broker under test: its process, its data folder, its log, and the ways to end it.

As a program it lends a fresh broker to another test runner, which finds it in LEVERET_TEST_BROKER_URL, and its SQS
door in LEVERET_TEST_SQS_URL:

    python broker.py -- node --test

With LEVERET_TEST_BROKER_URL already set, the command runs against that broker instead.
"""

import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
URL_VARIABLE = "LEVERET_TEST_BROKER_URL"
SQS_URL_VARIABLE = "LEVERET_TEST_SQS_URL"
START_SECONDS = 30
STOP_SECONDS = 30
FIRST_PORT, PORTS_END = 20_000, 32_000
# Each once, from somewhere on: another run on the same machine begins elsewhere.
PORTS = (FIRST_PORT + number % (PORTS_END - FIRST_PORT) for number in itertools.count(random.randrange(PORTS_END)))


class Broker:
    """One `leveret serve` on a free loopback port, with its data in `folder` and further `options`."""

    def __init__(self, folder: Path, *options: str):
        self.folder = folder
        self.options = options
        self.data = folder / "data"
        self.log = folder / "broker.log"
        self.port = free_port()
        self.sqs_port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"
        self.sqs_url = f"http://127.0.0.1:{self.sqs_port}"
        # What a proxy would say first.
        self.preface = b"PROXY UNKNOWN\r\n" if "--proxy-protocol" in options else b""
        self.process = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> "Broker":
        """Starts the process and returns once it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            command = [binary(), "serve", "--data", str(self.data), "--amqp", f"127.0.0.1:{self.port}"]
            command += ["--sqs", f"127.0.0.1:{self.sqs_port}"]
            command += self.options
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port, self.preface):
            if not self.alive:
                raise RuntimeError(f"the broker ended with {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill9()
                raise RuntimeError(f"no answer in {START_SECONDS} s:\n{self.log_tail()}")
            time.sleep(0.02)
        return self

    def kill9(self) -> None:
        """Ends the process as a crash does: nothing is flushed, closed or said."""
        if self.alive:
            self.process.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def terminate(self) -> int:
        """Asks the process to end (SIGTERM) and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def restart(self) -> "Broker":
        """Starts it again on the same data and the same port; kills it first if it still runs."""
        self.kill9()
        return self.start()

    def log_tail(self, lines: int = 60) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class ExternalBroker:
    """A broker that somebody else started; it can be talked to but not ended."""

    def __init__(self, url: str):
        self.url = url
        self.alive = True

    def log_tail(self) -> str:
        return ""


def external_url() -> str | None:
    return os.environ.get(URL_VARIABLE)


def binary() -> str:
    path = os.environ.get("LEVERET_BIN", str(REPOSITORY / "target/release/leveret"))
    if not Path(path).is_file():
        raise RuntimeError(f"no broker at {path}: run `cargo build --release`, or say where it is in LEVERET_BIN")
    return path


def free_port() -> int:
    """A port that nobody has, and that no call has answered with for thousands of calls. It is below those that the
    system gives to outgoing connections: one of them could have it before the broker does."""
    for port in itertools.islice(PORTS, PORTS_END - FIRST_PORT):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("every port is taken")


def answers(port: int, preface: bytes = b"") -> bool:
    """True once the broker greets: an open port alone may belong to a broker that still recovers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            probe.sendall(preface + b"AMQP\x00\x00\x09\x01")
            return probe.recv(1) == b"\x01"
    except OSError:
        return False


def lend(command: list[str]) -> int:
    """Runs `command` with a fresh broker and returns its exit status."""
    if external_url():
        return subprocess.call(command)
    with tempfile.TemporaryDirectory(prefix="leveret-lent-") as folder:
        broker = Broker(Path(folder)).start()
        try:
            urls = {URL_VARIABLE: broker.url, SQS_URL_VARIABLE: broker.sqs_url}
            status = subprocess.call(command, env={**os.environ, **urls})
            if status != 0 or not broker.alive:
                print(f"--- the broker's log ---\n{broker.log_tail()}", file=sys.stderr)
            return status if broker.alive else 1
        finally:
            broker.kill9()


if __name__ == "__main__":
    sys.exit(lend([word for word in sys.argv[1:] if word != "--"]))
