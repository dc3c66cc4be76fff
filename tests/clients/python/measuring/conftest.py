"""What tests of `leveret bench` have in common: running it, rows that must end well, and servers of others."""

import json
import socket
import subprocess
import time
from collections.abc import Callable

import pytest

from broker import binary, free_port

START_SECONDS = 10


def bench(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "bench", *arguments], capture_output=True, text=True, timeout=60, check=False)


def report_of(done: subprocess.CompletedProcess) -> tuple[dict, dict]:
    """The report of a run that must end well, and its only row."""
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (row,) = report["rows"]
    assert row["messages"]["right"], row["messages"]
    return report, row


@pytest.fixture
def listen():
    """Starts a server by the command for a free port, and returns the port once it listens there."""
    started = []

    def start(command: Callable[[int], list[str]]) -> int:
        port = free_port()
        started.append(subprocess.Popen(command(port)))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return port
            except OSError:
                assert time.monotonic() < deadline, f"{started[-1].args[0]} does not listen"
                time.sleep(0.02)

    yield start
    for process in started:
        process.kill()
        process.wait()
