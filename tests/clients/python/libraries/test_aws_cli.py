"""The aws command line: what people type to look into their queues."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.leveret_only("RabbitMQ has no SQS door")

AWS = Path(sys.executable).parent / "aws"


@pytest.fixture
def aws(broker, tmp_path):
    """Runs the command as someone does who has any keys, and returns what it printed.

    The endpoint is an option, since `aws sqs` of version 1 passes over AWS_ENDPOINT_URL."""
    variables = {
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_DEFAULT_OUTPUT": "json",
        # Nobody's own settings.
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }

    def run(*arguments, status=0):
        command = [AWS, "--endpoint-url", broker.sqs_url, *arguments]
        environment = {**os.environ, **variables}
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        assert ended.returncode == status, ended.stderr
        if status:
            return ended.stderr
        return json.loads(ended.stdout) if ended.stdout else None

    return run


@pytest.fixture
def sqs(aws):
    """`aws sqs ...`"""
    return lambda *arguments, **options: aws("sqs", *arguments, **options)


@pytest.fixture
def queue(sqs, name):
    """The option that names a queue of this test alone."""
    short = name.replace(".", "-")
    url = sqs("create-queue", "--queue-name", short, "--attributes", "VisibilityTimeout=20")["QueueUrl"]
    yield ("--queue-url", url)
    sqs("delete-queue", "--queue-url", url)


def counts(sqs, queue):
    """Messages that are ready and that are held."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs("get-queue-attributes", *queue, "--attribute-names", *names)["Attributes"]
    return tuple(int(attributes[name]) for name in names)


def test_send_receive_delete(sqs, queue):
    attributes = json.dumps({"kind": {"DataType": "String", "StringValue": "greeting"}})
    sent = sqs("send-message", *queue, "--message-body", "from the shell: ü", "--message-attributes", attributes)
    assert counts(sqs, queue) == (1, 0)
    shown = ("--message-attribute-names", "All", "--attribute-names", "All", "--wait-time-seconds", "10")
    (message,) = sqs("receive-message", *queue, *shown)["Messages"]
    assert (message["Body"], message["MessageId"]) == ("from the shell: ü", sent["MessageId"])
    assert message["MessageAttributes"]["kind"]["StringValue"] == "greeting"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert counts(sqs, queue) == (0, 1)
    assert sqs("delete-message", *queue, "--receipt-handle", message["ReceiptHandle"]) is None
    assert counts(sqs, queue) == (0, 0)
    assert sqs("receive-message", *queue) is None


def test_queues_are_listed_and_their_attributes_told(sqs, queue):
    url = queue[1]
    name = url.rsplit("/", 1)[1]
    assert sqs("list-queues", "--queue-name-prefix", name) == {"QueueUrls": [url]}
    assert sqs("get-queue-url", "--queue-name", name) == {"QueueUrl": url}
    attributes = sqs("get-queue-attributes", *queue, "--attribute-names", "All")["Attributes"]
    assert attributes["VisibilityTimeout"] == "20"
    assert attributes["QueueArn"] == f"arn:aws:sqs:eu-west-1:000000000000:{name}"
    sqs("set-queue-attributes", *queue, "--attributes", "DelaySeconds=5")
    assert sqs("get-queue-attributes", *queue, "--attribute-names", "DelaySeconds") == {
        "Attributes": {"DelaySeconds": "5"}
    }


def test_a_batch_is_sent_and_purged(sqs, queue):
    entries = json.dumps([{"Id": str(number), "MessageBody": f"body {number}"} for number in range(5)])
    assert len(sqs("send-message-batch", *queue, "--entries", entries)["Successful"]) == 5
    assert counts(sqs, queue) == (5, 0)
    assert sqs("purge-queue", *queue) is None
    assert counts(sqs, queue) == (0, 0)


def test_a_missing_queue_is_told(sqs, name):
    missing = name.replace(".", "-")
    told = sqs("get-queue-url", "--queue-name", missing, status=255)
    assert "AWS.SimpleQueueService.NonExistentQueue" in told
    assert "The specified queue does not exist." in told


def test_who_am_i(aws):
    """Many tools ask this first, to see whether the keys are good."""
    me = aws("sts", "get-caller-identity")
    assert me["Account"] == "000000000000"
    assert me["Arn"].startswith("arn:aws:iam::000000000000:")
    assert me["UserId"]
