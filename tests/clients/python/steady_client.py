"""A well-behaved client that goes on and on while others misbehave, and says whether it noticed."""

import contextlib
import threading
import time

LONGEST_TURN_SECONDS = 3
"""A turn takes some milliseconds; the bound is for a busy machine, and far below any timeout of the broker."""


class SteadyClient:
    """Takes turn after turn in a thread. What a turn is, a subclass says."""

    wait_seconds = 15
    """How long the first turns and the last may take in all."""

    def __init__(self):
        self.turns, self.longest, self.failure = 0, 0.0, None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    @contextlib.contextmanager
    def connected(self):
        """Yields a function that takes one turn; `self.turns` counts them."""
        raise NotImplementedError

    def __enter__(self) -> "SteadyClient":
        self.thread.start()
        self.wait_for_turns(1)
        return self

    def __exit__(self, *_) -> None:
        self.wait_for_turns(self.turns + 3)
        self.stopping.set()
        self.thread.join(self.wait_seconds)

    def wait_for_turns(self, turns: int) -> None:
        deadline = time.monotonic() + self.wait_seconds
        while self.turns < turns and self.thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)

    def work(self) -> None:
        try:
            with self.connected() as turn:
                while not self.stopping.is_set():
                    start = time.monotonic()
                    turn()
                    self.longest = max(self.longest, time.monotonic() - start)
                    self.turns += 1
                    time.sleep(0.005)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the test must hear of it
            self.failure = failure

    def assert_undisturbed(self) -> None:
        assert self.failure is None, f"the bystander failed: {self.failure!r}"
        assert not self.thread.is_alive(), "the bystander hangs"
        assert self.longest < LONGEST_TURN_SECONDS, f"the longest of {self.turns} turns took {self.longest} s"
