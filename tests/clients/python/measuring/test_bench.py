"""`leveret bench` against a running broker: the work is done, counted and checked, and a mistake is said.

No figure is judged here: how fast it goes is for people.
"""

import json

import pytest

from .conftest import bench, report_of

pytestmark = pytest.mark.leveret_only("`leveret bench` is a command of the binary")


def seen(*arguments: str) -> dict:
    """The only row of a run that must end well."""
    report, row = report_of(bench("--json", *arguments))
    assert report["version"] == 1
    return row


def test_all_that_is_published_is_consumed(broker, name):
    row = seen("--url", broker.url, "--pid", str(broker.pid), "--prefix", name, "--count", "20000")
    assert row["published"] == row["consumed"] == row["messages"]["received"] == 20_000
    assert row["latency_us"]["publish_to_confirm"]["count"] == 20_000
    assert row["latency_us"]["publish_to_consume"]["p50"] <= row["latency_us"]["publish_to_consume"]["max"]
    assert row["process"]["resident_end_bytes"] > 0


@pytest.mark.parametrize(
    "parameters, deliveries",
    [
        ("--queues 3 --publishers 2 --consumers 4 --size 8-5000 --ack each", 5000),
        ("--queues 3 --consumers 2 --fan-out true --confirm-window 0 --ack none", 15_000),
        ("--queues 2 --groups 10 --idle-connections 20", 5000),
        ("--backlog 3000 --consumers 2", 8000),
        ("--rate 20000 --durable false", 5000),
    ],
)
def test_kinds_of_work(broker, name, parameters, deliveries):
    row = seen("--url", broker.url, "--prefix", name, "--count", "5000", *parameters.split())
    assert row["messages"]["expected"] == row["messages"]["received"] == deliveries


def test_a_consumer_that_never_acks_loses_nothing(broker, name):
    parameters = ["--count", "5000", "--ack", "never", "--prefetch", "100"]
    row = seen("--url", broker.url, "--prefix", name, *parameters)
    assert row["messages"]["received"] == 100
    assert row["messages"]["waiting"] == 5000


def test_an_open_loop_keeps_its_rate(broker, name):
    row = seen("--url", broker.url, "--prefix", name, "--rate", "1000", "--count", "500")
    assert row["seconds"] > 0.4, "500 messages of 1000 a second"


@pytest.mark.parametrize("parameters", ["", "--batch 1", "--groups 5", "--publishers 2 --consumers 3 --queues 2"])
def test_the_same_over_sqs(broker, name, parameters):
    prefix = name.replace(".", "-")
    row = seen("--url", broker.sqs_url, "--prefix", prefix, "--count", "500", *parameters.split())
    assert row["messages"]["received"] == 500
    assert row["latency_us"]["publish_to_confirm"]["count"] == 500


def test_rows_of_a_file_have_names_and_flags_hold_for_all(broker, name, tmp_path):
    file = tmp_path / "rows.toml"
    file.write_text('[all]\ncount = 100\n[[row]]\nname = "one"\n[[row]]\nname = "two"\ncount = 200\nqueues = 2\n')
    done = bench("--json", "--url", broker.url, "--prefix", name, "--scenario", str(file), "--size", "50")
    rows = json.loads(done.stdout)["rows"]
    assert [(row["name"], row["published"], row["parameters"]["size"]) for row in rows] == [
        ("one", 100, "50"),
        ("two", 200, "50"),
    ]


def test_what_cannot_be_measured_is_said(broker):
    def refusal(code, *arguments):
        done = bench(*arguments)
        assert done.returncode == code, done.stderr
        return done.stderr

    assert "no broker at 127.0.0.1:1" in refusal(1, "--url", "amqp://127.0.0.1:1")
    assert "no broker at 127.0.0.1:1" in refusal(1, "--url", "http://127.0.0.1:1")
    assert "vhost" in refusal(1, "--url", broker.url.replace("%2F", "nowhere"))
    assert "403" in refusal(1, "--url", broker.url.replace("guest:guest", "guest:wrong"))
    assert "a URL is amqp://" in refusal(2, "--url", "kafka://127.0.0.1")
    assert "https:// cannot be used" in refusal(2, "--url", "https://127.0.0.1")
    assert "size cannot be" in refusal(2, "--size", "7")
    assert "built-in scenarios" in refusal(2, "--scenario", "no-such-file.toml")
