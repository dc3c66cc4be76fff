"""`leveret bench` at beanstalkd, where that is installed."""

import shutil

import pytest

from .conftest import bench, report_of

pytestmark = [
    pytest.mark.leveret_only("`leveret bench` is a command of the binary"),
    pytest.mark.skipif(shutil.which("beanstalkd") is None, reason="beanstalkd is not installed"),
]


@pytest.fixture
def start(listen):
    """Starts beanstalkd with further options and returns its URL."""

    def start_one(*options: str) -> str:
        port = listen(lambda port: ["beanstalkd", "-l", "127.0.0.1", "-p", str(port), *options])
        return f"beanstalk://127.0.0.1:{port}"

    return start_one


@pytest.fixture
def url(start, tmp_path) -> str:
    """A beanstalkd that syncs before every answer."""
    return start("-b", str(tmp_path), "-f0")


def run(url: str, *arguments: str):
    return bench("--json", "--url", url, "--count", "1000", *arguments)


def seen(url: str, *arguments: str) -> dict:
    report, row = report_of(run(url, *arguments))
    assert report["broker"].startswith("beanstalkd 1.")
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
        done = run(url, *arguments)
        assert done.returncode == 1, done.stderr
        return done.stderr

    assert "no fan-out" in refusal(url, "--fan-out", "true")
    assert "no transient jobs" in refusal(url, "--durable", "false")
    assert "keeps nothing on disk" in refusal(start())
    assert "JOB_TOO_BIG" in refusal(url, "--size", "100KiB")
    assert "no broker at 127.0.0.1:1" in refusal("beanstalk://127.0.0.1:1")
