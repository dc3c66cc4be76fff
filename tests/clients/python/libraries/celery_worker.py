"""Starts real Celery workers as processes of their own, and kills them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

HERE = Path(__file__).parent
START_SECONDS = 60
STOP_SECONDS = 15


class Worker:
    """`celery worker` on the application of celery_app.py."""

    def __init__(self, folder: Path, environment: dict, name: str, queues: str, concurrency: int):
        self.node, self.log = f"{name}@test", folder / f"{name}.log"
        command = [
            sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--hostname", self.node,
            "--queues", queues, "--concurrency", str(concurrency), "--loglevel", "info",
        ]  # fmt: skip
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, cwd=HERE, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
            )

    def wait_ready(self) -> "Worker":
        """Waits until it says that it consumes: not every transport carries a ping."""
        deadline = time.monotonic() + START_SECONDS
        while f"{self.node} ready." not in self.log.read_text():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-4000:]
            time.sleep(0.05)
        return self

    def kill9(self) -> None:
        """Kills the worker and its children at once."""
        parent = psutil.Process(self.process.pid)
        for process in [parent, *parent.children(recursive=True)]:
            process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask_to_stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()

    def wait_stopped(self) -> None:
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9()
