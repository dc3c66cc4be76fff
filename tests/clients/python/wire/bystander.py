"""A well-behaved client that publishes and consumes while others misbehave."""

import threading
import time

from session import WAIT_SECONDS, Session

LONGEST_TURN_SECONDS = 3
"""A turn takes a millisecond; the bound is for a busy machine, and far below any timeout a broker might wait for."""


class Bystander:
    """Publishes a message, waits for its confirm and its delivery, acknowledges, again and again, in a thread."""

    def __init__(self, url: str):
        self.url = url
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
        self.thread.join(WAIT_SECONDS)

    def wait_for_turns(self, turns: int) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while self.turns < turns and self.thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)

    def work(self) -> None:
        try:
            with Session(self.url) as session:
                queue = session.queue(exclusive=True)
                inbox = session.consume(queue, prefetch=1)
                while not self.stopping.is_set():
                    self.turn(session, queue, inbox)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the test must hear of it
            self.failure = failure

    def turn(self, session, queue, inbox) -> None:
        start = time.monotonic()
        session.publish(self.turns, queue)
        session.ack(inbox.wait(self.turns + 1)[-1])
        self.longest = max(self.longest, time.monotonic() - start)
        self.turns += 1
        time.sleep(0.005)

    def assert_undisturbed(self) -> None:
        assert self.failure is None, f"the bystander failed: {self.failure!r}"
        assert not self.thread.is_alive(), "the bystander hangs"
        assert self.longest < LONGEST_TURN_SECONDS, f"the longest of {self.turns} turns took {self.longest} s"
