"""The Celery application under test. A worker process and the tests import the same file.

CELERY_TEST_BROKER_URL, CELERY_TEST_FOLDER and CELERY_TEST_QUEUE say where to connect, where results and marks go,
and which queue to use; CELERY_TEST_RESULTS may name another result backend than files, and CELERY_TEST_SETTINGS may
have other settings, in JSON."""

import json
import os
import time
from pathlib import Path

from celery import Celery
from celery.exceptions import Reject
from kombu import Queue

FOLDER = Path(os.environ["CELERY_TEST_FOLDER"])
QUEUE = os.environ["CELERY_TEST_QUEUE"]

RESULTS = os.environ.get("CELERY_TEST_RESULTS", f"file://{FOLDER / 'results'}")

app = Celery("celery_app", broker=os.environ["CELERY_TEST_BROKER_URL"], backend=RESULTS)
app.conf.update(
    task_default_queue=QUEUE,
    task_queues=[
        Queue(QUEUE, routing_key=QUEUE, durable=True),
        Queue(f"{QUEUE}.urgent", routing_key=f"{QUEUE}.urgent", durable=True, max_priority=9),
    ],
    task_default_routing_key=QUEUE,
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True},
    result_expires=3600,
)
app.conf.update(json.loads(os.environ.get("CELERY_TEST_SETTINGS", "{}")))


def mark(name: str, text: str = "") -> None:
    """Leaves a line in a file: what a task did, told apart from what it returned."""
    with open(FOLDER / name, "a") as file:
        file.write(f"{text}\n")


@app.task
def add(x, y):
    return x + y


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def size(data):
    return len(data)


@app.task
def note(name, text):
    mark(name, text)


@app.task(bind=True, max_retries=3)
def flaky(self, name):
    """Fails twice and asks to be tried again in half a second."""
    mark(name, str(time.time()))
    if self.request.retries < 2:
        raise self.retry(countdown=0.5)
    return self.request.retries


@app.task(acks_late=True)
def refused(name):
    """Gives its message up, as a task does that can make nothing of it."""
    mark(name, "refused")
    raise Reject("of no use", requeue=False)


@app.task
def at_time():
    return time.time()


@app.task(acks_late=True, reject_on_worker_lost=True)
def slow(name, seconds):
    """Marks its begin, sleeps, marks its end; acknowledged only at the end."""
    mark(name, "begin")
    time.sleep(seconds)
    mark(name, "end")
    return "done"
