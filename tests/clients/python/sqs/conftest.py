"""Fixtures: SQS clients of the broker, and queues that are deleted with the test."""

import contextlib
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError


def sqs_client(broker, **options):
    """An unmodified client whose endpoint is the broker, and nothing else."""
    config = Config(retries={"max_attempts": 1}, read_timeout=30, max_pool_connections=40, **options)
    return boto3.client(
        "sqs",
        endpoint_url=broker.sqs_url,
        region_name="eu-west-1",
        aws_access_key_id="anybody",
        aws_secret_access_key="anything",
        config=config,
    )


@pytest.fixture
def sqs(broker):
    return sqs_client(broker)


@pytest.fixture
def queue_of(sqs):
    """Makes queues; the answer is a queue's URL."""
    short = f"q{uuid.uuid4().hex[:12]}"
    made = []

    def make(suffix: str = "", **attributes: str) -> str:
        queue = f"{short}-{len(made)}{suffix}"
        if suffix == ".fifo":
            attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} | attributes
        url = sqs.create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]
        made.append(url)
        return url

    yield make
    for url in made:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass


@pytest.fixture
def queue(queue_of) -> str:
    """A standard queue."""
    return queue_of()


@pytest.fixture
def fifo(queue_of) -> str:
    """A FIFO queue that deduplicates by content."""
    return queue_of(".fifo")


def arn(sqs, url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(sqs, url: str, count: int = 10, **options) -> list:
    """What one receive finds."""
    options = {"MaxNumberOfMessages": count, "MessageSystemAttributeNames": ["All"]} | options
    return sqs.receive_message(QueueUrl=url, **options).get("Messages", [])


def bodies(messages: list) -> list:
    return [message["Body"] for message in messages]


def counts(sqs, url: str) -> tuple:
    """Messages that are ready, held and delayed."""
    names = ["", "NotVisible", "Delayed"]
    asked = [f"ApproximateNumberOfMessages{name}" for name in names]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
    return tuple(int(attributes[name]) for name in asked)


@contextlib.contextmanager
def refused(code: str, text: str = "", status: int = 400, shape: str | None = None):
    """Expects an error with this code, a message that contains `text`, and perhaps the name of its shape."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    metadata = caught.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == (code, status), error
    assert text in error["Message"], error
    if shape is not None:
        assert error["QueryErrorCode"] == shape, error


def attributes(sqs, url: str, *names: str) -> dict:
    """The attributes of a queue, all unless some are named."""
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names) or ["All"]).get("Attributes", {})
