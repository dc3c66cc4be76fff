"""`leveret bench` at a broker that demands signed requests of SQS: with its access key it works, without it is refused."""

import json
import subprocess

import pytest

from broker import binary

from .conftest import bench, report_of

pytestmark = pytest.mark.leveret_only("`leveret bench` is a command of the binary")


@pytest.fixture
def key(own_broker) -> dict:
    """An access key of the broker, which from now on lets in nobody without one."""
    command = [binary(), "access-key", "create", "--data", str(own_broker.data), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)


def run(broker, login: str, *arguments: str) -> subprocess.CompletedProcess:
    url = broker.sqs_url.replace("http://", f"http://{login}")
    return bench("--json", "--url", url, "--count", "300", *arguments)


def row(done: subprocess.CompletedProcess) -> dict:
    return report_of(done)[1]


def test_a_key_in_the_url_signs_every_request(own_broker, key):
    # The secret may hold slashes and plus signs, which need not be encoded.
    done = run(own_broker, f"{key['id']}:{key['secret']}@", "--publishers", "2", "--consumers", "2")
    assert row(done)["messages"]["received"] == 300
    assert key["secret"] not in done.stdout + done.stderr
    assert key["id"] not in done.stdout


def test_a_key_beside_the_url_and_another_region(own_broker, key):
    given = ["--access-key", key["id"], "--secret-key", key["secret"], "--region", "eu-central-1", "--batch", "1"]
    assert row(run(own_broker, "", *given, "--groups", "3"))["messages"]["received"] == 300


def test_without_the_key_it_is_refused(own_broker, key):
    def refusal(login: str) -> str:
        done = run(own_broker, login)
        assert (done.returncode, done.stdout) == (1, "")
        assert "the broker does not accept who asks" in done.stderr
        assert "--access-key" in done.stderr
        return done.stderr

    # What is sent without a key is signed by nobody, a while ago.
    assert "Signature expired" in refusal("")
    assert "UnrecognizedClientException" in refusal(f"LKIA:{key['secret']}@")
    assert "InvalidSignatureException" in refusal(f"{key['id']}:wrong@")


def test_a_key_that_is_not_whole_is_a_mistake(own_broker):
    assert "an access key has a secret" in run(own_broker, "LKIA@").stderr
    done = run(own_broker, "LKIA:secret@", "--access-key", "LKIA", "--secret-key", "secret")
    assert done.returncode == 2
    assert "give it once" in done.stderr
