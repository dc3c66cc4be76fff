"""`leveret bench` at NATS JetStream. The server comes with the tests' Python packages."""

import shutil
import sysconfig

import pytest

from .conftest import bench, report_of

# Beside this Python, or wherever the system has one.
SERVER = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")

pytestmark = [
    pytest.mark.leveret_only("`leveret bench` is a command of the binary"),
    pytest.mark.skipif(SERVER is None, reason="nats-server is not installed"),
]


@pytest.fixture
def start(listen, tmp_path):
    """Starts a NATS server with further lines of configuration and returns its URL."""

    def start_one(*lines: str) -> str:
        def command(port: int) -> list[str]:
            config = tmp_path / f"nats-{port}.conf"
            config.write_text("\n".join([f'listen: "127.0.0.1:{port}"', *lines]))
            return [SERVER, "--config", str(config)]

        return f"nats://127.0.0.1:{listen(command)}"

    return start_one


@pytest.fixture
def jetstream(tmp_path) -> str:
    """The configuration of a JetStream that syncs before every answer."""
    return f'jetstream {{ store_dir: "{tmp_path}/jetstream", sync_interval: always }}'


@pytest.fixture
def url(start, jetstream) -> str:
    return start(jetstream)


def run(url: str, *arguments: str):
    return bench("--json", "--url", url, "--count", "1000", *arguments)


def seen(url: str, *arguments: str) -> dict:
    report, row = report_of(run(url, *arguments))
    assert report["broker"].startswith("nats-server 2.")
    assert row["messages"]["redelivered"] == 0
    return row


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "--confirm-window 1 --bare-sync true",
        "--publishers 2 --consumers 3 --queues 3 --size 8-20000",
        "--consumers 2 --queues 5 --prefetch 30 --ack 20",
        "--consumers 4 --prefetch 1 --ack each",
        "--backlog 500 --prefetch 7 --ack each",
        "--rate 5000 --idle-connections 20",
        "--prefetch 0 --durable false",
    ],
)
def test_kinds_of_work(url, tmp_path, parameters):
    row = seen(url, "--dir", str(tmp_path), *parameters.split())
    assert row["messages"]["received"] == (1500 if "backlog" in parameters else 1000)
    assert row["messages"]["waiting"] == 0
    assert row["latency_us"]["publish_to_confirm"]["count"] == 1000


def test_without_confirms_every_message_comes_all_the_same(url):
    row = seen(url, "--confirm-window", "0", "--ack", "each")
    assert (row["messages"]["received"], row["latency_us"]["publish_to_confirm"]) == (1000, None)
    assert seen(url, "--confirm-window", "0", "--consumers", "0")["messages"]["waiting"] == 1000


def test_a_consumer_that_keeps_its_messages_loses_none(url):
    row = seen(url, "--ack", "never", "--prefetch", "150")
    assert (row["messages"]["received"], row["messages"]["waiting"]) == (150, 1000)
    # What was left by one run is not there in the next.
    assert seen(url)["messages"]["received"] == 1000


def test_a_user_comes_with_the_password_of_the_url(start, jetstream):
    url = start(jetstream, 'authorization { user: "me", password: "p@ss" }')
    assert seen(url.replace("://", "://me:p%40ss@"))["messages"]["received"] == 1000
    assert "Authorization Violation" in run(url).stderr
    assert "Authorization Violation" in run(url.replace("://", "://me:wrong@")).stderr


def test_what_it_does_not_do_is_said(url, start):
    def refusal(url: str, *arguments: str) -> str:
        done = run(url, *arguments)
        assert done.returncode == 1, done.stderr
        return done.stderr

    assert "no fan-out" in refusal(url, "--fan-out", "true")
    assert "no consumers without acks" in refusal(url, "--ack", "none")
    assert "max_payload" in refusal(url, "--size", "2MiB")
    assert "no JetStream" in refusal(start())
    assert "no broker at 127.0.0.1:1" in refusal("nats://127.0.0.1:1")
