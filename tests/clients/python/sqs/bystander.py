"""A well-behaved client of SQS that sends and receives while others misbehave."""

import contextlib

from steady_client import SteadyClient

from .conftest import receive, sqs_client


class Bystander(SteadyClient):
    """Sends a message, receives it, deletes it, again and again, in a thread."""

    def __init__(self, broker):
        super().__init__()
        self.broker = broker

    @contextlib.contextmanager
    def connected(self):
        sqs = sqs_client(self.broker)
        queue = sqs.create_queue(QueueName=f"bystander-{id(self)}")["QueueUrl"]

        def turn() -> None:
            sqs.send_message(QueueUrl=queue, MessageBody=str(self.turns))
            (message,) = receive(sqs, queue, WaitTimeSeconds=5)
            assert message["Body"] == str(self.turns)
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

        yield turn
        sqs.delete_queue(QueueUrl=queue)
