"""`leveret bench` at beanstalkd, where that is installed."""

import json
import shutil
import socket
import subprocess
import time

import pytest

from broker import binary, free_port

pytestmark = [
    pytest.mark.leveret_only("`leveret bench` is a command of the binary"),
    pytest.mark.skipif(shutil.which("beanstalkd") is None, reason="beanstalkd is not installed"),
]

START_SECONDS = 10


@pytest.fixture
def start(tmp_path):
    """Starts beanstalkd with further options and returns its URL."""
    started = []

    def start_one(*options: str) -> str:
        port = free_port()
        command = ["beanstalkd", "-l", "127.0.0.1", "-p", str(port), *options]
        started.append(subprocess.Popen(command))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return f"beanstalk://127.0.0.1:{port}"
            except OSError:
                assert time.monotonic() < deadline, "beanstalkd does not listen"
                time.sleep(0.02)

    yield start_one
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def url(start, tmp_path) -> str:
    """A beanstalkd that syncs before every answer."""
    return start("-b", str(tmp_path), "-f0")


def bench(url: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [binary(), "bench", "--json", "--url", url, "--count", "1000", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def seen(url: str, *arguments: str) -> dict:
    done = bench(url, *arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["broker"].startswith("beanstalkd 1.")
    (row,) = report["rows"]
    assert row["messages"]["right"], row["messages"]
    return row


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "--confirm-window 1 --bare-sync true",
        "--publishers 2 --consumers 3 --queues 3 --size 8-20000",
        "--backlog 500 --prefetch 7 --ack each",
        "--rate 5000 --idle-connections 20",
    ],
)
def test_kinds_of_work(url, tmp_path, parameters):
    row = seen(url, "--dir", str(tmp_path), *parameters.split())
    assert row["messages"]["received"] == (1500 if "backlog" in parameters else 1000)
    assert row["latency_us"]["publish_to_confirm"]["count"] == 1000


def test_a_consumer_that_keeps_its_jobs_loses_none(url):
    row = seen(url, "--ack", "never", "--prefetch", "150")
    assert (row["messages"]["received"], row["messages"]["waiting"]) == (150, 1000)
    # What was left by one run is not there in the next.
    assert seen(url)["messages"]["received"] == 1000


def test_transient_jobs_are_those_of_a_server_without_a_binlog(start):
    assert seen(start(), "--durable", "false")["messages"]["received"] == 1000


def test_what_it_does_not_do_is_said(url, start):
    def refusal(url: str, *arguments: str) -> str:
        done = bench(url, *arguments)
        assert done.returncode == 1, done.stderr
        return done.stderr

    assert "no fan-out" in refusal(url, "--fan-out", "true")
    assert "no transient jobs" in refusal(url, "--durable", "false")
    assert "keeps nothing on disk" in refusal(start())
    assert "JOB_TOO_BIG" in refusal(url, "--size", "100KiB")
    assert "no broker at 127.0.0.1:1" in refusal("beanstalk://127.0.0.1:1")
