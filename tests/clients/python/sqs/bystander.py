"""A well-behaved client that sends and receives while others misbehave."""

import threading
import time

from .conftest import receive, sqs_client

LONGEST_TURN_SECONDS = 3
"""A turn takes a few milliseconds; the bound is for a busy machine, and far below any timeout of the broker."""
STARTED_WITHIN_SECONDS = 15


class Bystander:
    """Sends a message, receives it, deletes it, again and again, in a thread."""

    def __init__(self, broker):
        self.broker = broker
        self.turns, self.longest, self.failure = 0, 0.0, None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self) -> "Bystander":
        self.thread.start()
        self.wait_for_turns(1)
        return self

    def __exit__(self, *_) -> None:
        self.wait_for_turns(self.turns + 3)
        self.stopping.set()
        self.thread.join(STARTED_WITHIN_SECONDS)

    def wait_for_turns(self, turns: int) -> None:
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while self.turns < turns and self.thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)

    def work(self) -> None:
        try:
            sqs = sqs_client(self.broker)
            queue = sqs.create_queue(QueueName=f"bystander-{id(self)}")["QueueUrl"]
            while not self.stopping.is_set():
                self.turn(sqs, queue)
            sqs.delete_queue(QueueUrl=queue)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the test must hear of it
            self.failure = failure

    def turn(self, sqs, queue: str) -> None:
        start = time.monotonic()
        sqs.send_message(QueueUrl=queue, MessageBody=str(self.turns))
        (message,) = receive(sqs, queue, WaitTimeSeconds=5)
        assert message["Body"] == str(self.turns)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        self.longest = max(self.longest, time.monotonic() - start)
        self.turns += 1
        time.sleep(0.005)

    def assert_undisturbed(self) -> None:
        assert self.failure is None, f"the bystander failed: {self.failure!r}"
        assert not self.thread.is_alive(), "the bystander hangs"
        assert self.longest < LONGEST_TURN_SECONDS, f"the longest of {self.turns} turns took {self.longest} s"
