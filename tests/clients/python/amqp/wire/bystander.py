"""A well-behaved client of AMQP that publishes and consumes while others misbehave."""

import contextlib

from session import WAIT_SECONDS, Session
from steady_client import SteadyClient


class Bystander(SteadyClient):
    """Publishes a message, waits for its confirm and its delivery, acknowledges, again and again, in a thread."""

    wait_seconds = WAIT_SECONDS

    def __init__(self, url: str):
        super().__init__()
        self.url = url

    @contextlib.contextmanager
    def connected(self):
        with Session(self.url) as session:
            queue = session.queue(exclusive=True)
            inbox = session.consume(queue, prefetch=1)

            def turn() -> None:
                session.publish(self.turns, queue)
                session.ack(inbox.wait(self.turns + 1)[-1])

            yield turn
