"""Fixtures: an SNS client beside the SQS one, and topics with subscribed queues."""

import uuid

import boto3
import pytest
from botocore.config import Config


def client(broker, service: str):
    """An unmodified client whose endpoint is the broker."""
    return boto3.client(
        service,
        endpoint_url=broker.sqs_url,
        region_name="eu-west-1",
        aws_access_key_id="anybody",
        aws_secret_access_key="anything",
        config=Config(retries={"max_attempts": 1}, read_timeout=30),
    )


class Topics:
    """Makes topics and queues of names that no other test uses, and sweeps them away."""

    def __init__(self, broker):
        self.sns = client(broker, "sns")
        self.sqs = client(broker, "sqs")
        self.prefix = f"s{uuid.uuid4().hex[:12]}"
        self.topics, self.queues = [], []

    def topic(self, suffix: str = "", **attributes: str) -> str:
        name = f"{self.prefix}-t{len(self.topics)}{suffix}"
        if suffix == ".fifo":
            attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"} | attributes
        self.topics.append(self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"])
        return self.topics[-1]

    def queue(self, suffix: str = "") -> tuple:
        """The URL and the ARN of a new queue."""
        attributes = {"FifoQueue": "true"} if suffix else {}
        name = f"{self.prefix}-q{len(self.queues)}{suffix}"
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.queues.append(url)
        asked = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, asked["Attributes"]["QueueArn"]

    def subscribe(self, topic: str, suffix: str = "", **attributes: str) -> tuple:
        """The URL of a new queue that is subscribed, and the subscription's ARN."""
        url, arn = self.queue(suffix)
        made = self.sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes, ReturnSubscriptionArn=True
        )
        return url, made["SubscriptionArn"]

    def received(self, url: str) -> list:
        """All messages that a queue has, deleted as they are received."""
        found = []
        while messages := self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += messages
        return found

    def bodies(self, url: str) -> list:
        return [message["Body"] for message in self.received(url)]

    def sweep(self) -> None:
        for topic in self.topics:
            self.sns.delete_topic(TopicArn=topic)
        for url in self.queues:
            try:
                self.sqs.delete_queue(QueueUrl=url)
            except self.sqs.exceptions.QueueDoesNotExist:
                pass


@pytest.fixture
def topics(broker):
    made = Topics(broker)
    yield made
    made.sweep()
