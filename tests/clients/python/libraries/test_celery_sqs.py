"""Celery with its SQS transport: real workers run real tasks, which come by the SQS door.

This transport has no events, no remote control and no priorities, and holds what waits for its time in the worker."""

import importlib
import json
import os
import sys
import time
import uuid

import boto3
import pytest
from celery import chain, group

from celery_worker import Worker

pytestmark = pytest.mark.leveret_only("RabbitMQ has no SQS door")

WAIT_SECONDS = 30
PREFIX = f"celery-{uuid.uuid4().hex[:8]}-"
# How long a task of a killed worker is nobody's, in the tests about just that.
HELD_SECONDS = 6


@pytest.fixture(scope="module")
def sqs(long_lived):
    """The door without Celery; the queues of this file are deleted at the end."""
    if not long_lived.alive:
        long_lived.start()
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("sqs", endpoint_url=long_lived.sqs_url, region_name="us-east-1", **keys)
    yield client
    for url in client.list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", []):
        client.delete_queue(QueueUrl=url)


@pytest.fixture(scope="module")
def environment(long_lived, sqs, tmp_path_factory):
    """The variables that celery_app.py reads; set for this process and for the workers."""
    folder = tmp_path_factory.mktemp("celery-sqs")
    (folder / "results").mkdir()
    transport = {
        "is_secure": False,
        "region": "us-east-1",
        "queue_name_prefix": PREFIX,
        "visibility_timeout": 60,
        "wait_time_seconds": 5,
        "polling_interval": 0.1,
    }
    settings = {
        "broker_transport_options": transport,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
    }
    return {
        "CELERY_TEST_BROKER_URL": f"sqs://key:secret@127.0.0.1:{long_lived.sqs_port}",
        "CELERY_TEST_FOLDER": str(folder),
        "CELERY_TEST_QUEUE": "tasks",
        "CELERY_TEST_SETTINGS": json.dumps(settings),
    }


@pytest.fixture(scope="module")
def celery(environment):
    """The module celery_app, apart from the one that another file may have for another broker."""
    before = {name: os.environ.get(name) for name in environment}
    other = sys.modules.pop("celery_app", None)
    os.environ.update(environment)
    yield importlib.import_module("celery_app")
    del sys.modules["celery_app"]
    if other:
        sys.modules["celery_app"] = other
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def start_worker(celery, environment):
    workers = []

    def start(name, queue=None, concurrency=2) -> Worker:
        workers.append(Worker(celery.FOLDER, environment, name, queue or celery.QUEUE, concurrency))
        return workers[-1].wait_ready()

    yield start
    for worker in workers:
        worker.ask_to_stop()
    for worker in workers:
        worker.wait_stopped()


@pytest.fixture(scope="module", autouse=True)
def worker(start_worker):
    """The worker that all tests of this file share."""
    return start_worker("shared")


def marks(celery, name):
    path = celery.FOLDER / name
    return path.read_text().splitlines() if path.exists() else []


def wait_for(condition):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def counts(sqs, queue):
    """Messages of a queue that are ready and that are held."""
    url = sqs.get_queue_url(QueueName=PREFIX + queue)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(attributes[name]) for name in names)


def test_a_task_returns_its_result_and_its_message_is_deleted(celery, sqs):
    assert celery.add.delay(2, 3).get(WAIT_SECONDS) == 5
    wait_for(lambda: counts(sqs, celery.QUEUE) == (0, 0))


def test_a_group_of_twenty_and_a_chain(celery):
    assert group(celery.add.s(n, n) for n in range(20)).apply_async().get(WAIT_SECONDS) == list(range(0, 40, 2))
    assert chain(celery.add.s(1, 2), celery.add.s(10), celery.add.s(100)).apply_async().get(WAIT_SECONDS) == 113


def test_retry_with_countdown(celery, name, sqs):
    assert celery.flaky.delay(name).get(WAIT_SECONDS) == 2
    times = [float(line) for line in marks(celery, name)]
    assert len(times) == 3
    assert all(0.45 < later - earlier < 10 for earlier, later in zip(times, times[1:]))
    wait_for(lambda: counts(sqs, celery.QUEUE) == (0, 0))


def test_a_countdown_in_the_worker_and_a_delay_in_the_queue(celery):
    begun = time.time()
    results = [celery.at_time.apply_async(countdown=1), celery.at_time.apply_async(DelaySeconds=1)]
    for result in results:
        assert 0.9 < result.get(WAIT_SECONDS) - begun < 10


def test_a_large_payload(celery):
    assert celery.size.delay("x" * 500_000).get(WAIT_SECONDS) == 500_000


def test_the_queue_is_made_with_the_visibility_timeout_of_the_options(celery, sqs):
    url = sqs.get_queue_url(QueueName=PREFIX + celery.QUEUE)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert attributes == {"VisibilityTimeout": "60"}


def test_tasks_wait_for_a_worker_that_is_away(celery, sqs, start_worker):
    result = celery.add.apply_async((1, 2), queue="late")
    assert counts(sqs, "late") == (1, 0)
    start_worker("late", "late", concurrency=1)
    assert result.get(WAIT_SECONDS) == 3


def test_a_fifo_queue_keeps_the_order_of_a_group(celery, name, sqs, start_worker):
    attributes = {"FifoQueue": "true"}
    sqs.create_queue(QueueName=f"{PREFIX}ordered.fifo", Attributes=attributes)
    for number in range(8):
        celery.note.apply_async((name, str(number)), queue="ordered.fifo", MessageGroupId="g")
    start_worker("ordered", "ordered.fifo", concurrency=1)
    wait_for(lambda: len(marks(celery, name)) == 8)
    assert marks(celery, name) == [str(number) for number in range(8)]


def test_a_task_of_a_killed_worker_runs_again_elsewhere(celery, name, sqs, start_worker):
    """It is acknowledged late: the message comes back once its visibility timeout is over."""
    attributes = {"VisibilityTimeout": str(HELD_SECONDS)}
    sqs.create_queue(QueueName=f"{PREFIX}killed", Attributes=attributes)
    doomed = start_worker("doomed", "killed", concurrency=1)
    result = celery.slow.apply_async((name, 2), queue="killed")
    wait_for(lambda: marks(celery, name) == ["begin"])
    doomed.kill9()
    assert counts(sqs, "killed") == (0, 1)
    start_worker("heir", "killed", concurrency=1)
    assert result.get(WAIT_SECONDS) == "done"
    assert marks(celery, name) == ["begin", "begin", "end"]
    wait_for(lambda: counts(sqs, "killed") == (0, 0))


def test_a_task_that_rejects_its_message_ends_among_the_dead_letters(celery, name, sqs, start_worker):
    """Celery leaves such a message alone where the queue has a redrive policy: it comes back until it moves."""
    dead = sqs.create_queue(QueueName=f"{PREFIX}dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    attributes = {"RedrivePolicy": policy, "VisibilityTimeout": "1"}
    sqs.create_queue(QueueName=f"{PREFIX}refused", Attributes=attributes)
    celery.refused.apply_async((name,), queue="refused")
    start_worker("refusing", "refused", concurrency=1)
    wait_for(lambda: counts(sqs, "dead") == (1, 0))
    assert marks(celery, name) == ["refused", "refused"]
    assert counts(sqs, "refused") == (0, 0)


def test_a_purge_takes_what_waits(celery, sqs):
    for _ in range(3):
        celery.add.apply_async((1, 1), queue="unused")
    with celery.app.connection_for_write() as connection:
        assert connection.default_channel.queue_purge("unused") >= 3
    assert counts(sqs, "unused") == (0, 0)
