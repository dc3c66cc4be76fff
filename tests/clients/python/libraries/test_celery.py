"""Celery: real workers in processes of their own run real tasks."""

import datetime
import importlib
import os
import threading
import time
import uuid

import pytest
from celery import Celery, chain, chord, group
from celery.exceptions import TaskRevokedError

from celery_worker import Worker
from session import Session

WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def environment(long_lived, tmp_path_factory):
    """The variables that celery_app.py reads; set for this process and for the workers."""
    if not long_lived.alive:
        long_lived.start()
    folder = tmp_path_factory.mktemp("celery")
    (folder / "results").mkdir()
    return {
        "CELERY_TEST_BROKER_URL": long_lived.url,
        "CELERY_TEST_FOLDER": str(folder),
        "CELERY_TEST_QUEUE": f"celery.{uuid.uuid4().hex[:8]}",
    }


@pytest.fixture(scope="module")
def celery(environment):
    """The module celery_app."""
    os.environ.update(environment)
    return importlib.import_module("celery_app")


@pytest.fixture(scope="module")
def start_worker(celery, environment):
    workers = []

    def start(name, queues=None, concurrency=2, **more) -> Worker:
        queues = queues or celery.QUEUE
        worker = Worker(celery.FOLDER, {**environment, **more}, name, queues, concurrency)
        workers.append(worker)
        worker.wait_ready()
        return workers[-1]

    yield start
    for worker in workers:
        worker.ask_to_stop()
    for worker in workers:
        worker.wait_stopped()


@pytest.fixture(scope="module", autouse=True)
def worker(start_worker, celery, environment):
    """The worker that all tests of this file share."""
    yield start_worker("shared")
    with Session(environment["CELERY_TEST_BROKER_URL"]) as session:
        for suffix in ("", ".urgent", ".late", ".killed", ".rpc"):
            session.channel.queue_delete(celery.QUEUE + suffix)


def marks(celery, name):
    path = celery.FOLDER / name
    return path.read_text().splitlines() if path.exists() else []


def wait_for(condition, seconds=WAIT_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def test_a_task_returns_its_result(celery):
    assert celery.add.delay(2, 3).get(WAIT_SECONDS) == 5


def test_many_tasks(celery):
    results = [celery.add.delay(number, 1) for number in range(100)]
    assert [result.get(WAIT_SECONDS) for result in results] == list(range(1, 101))


def test_retry_with_countdown(celery, name):
    assert celery.flaky.delay(name).get(WAIT_SECONDS) == 2
    times = [float(line) for line in marks(celery, name)]
    assert len(times) == 3
    assert all(0.45 < later - earlier < 5 for earlier, later in zip(times, times[1:]))


def test_countdown_and_eta(celery):
    begun = time.time()
    eta = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
    at_eta, after_countdown = celery.at_time.apply_async(eta=eta), celery.at_time.apply_async(countdown=1)
    for result in (at_eta, after_countdown):
        assert 0.9 < result.get(WAIT_SECONDS) - begun < 10


def test_group_chain_and_chord(celery):
    assert group(celery.add.s(n, n) for n in range(10)).apply_async().get(WAIT_SECONDS) == list(range(0, 20, 2))
    assert chain(celery.add.s(1, 2), celery.add.s(10), celery.add.s(100)).apply_async().get(WAIT_SECONDS) == 113
    assert chord((celery.add.s(n, 1) for n in range(5)), celery.total.s()).apply_async().get(WAIT_SECONDS) == 15


def test_a_payload_of_two_megabytes(celery):
    assert celery.size.delay("x" * 2 * 1024 * 1024).get(WAIT_SECONDS) == 2 * 1024 * 1024


def test_a_revoked_task_does_not_run(celery, name, worker):
    result = celery.note.apply_async((name, "ran"), countdown=1)
    celery.app.control.revoke(result.id)
    wait_for(lambda: result.id in celery.app.control.inspect([worker.node], timeout=1).revoked()[worker.node])
    with pytest.raises(TaskRevokedError):
        result.get(WAIT_SECONDS)
    time.sleep(1.5)
    assert marks(celery, name) == []


def test_a_running_task_is_terminated_by_revoke(celery, name):
    result = celery.slow.delay(name, 60)
    wait_for(lambda: marks(celery, name) == ["begin"])
    result.revoke(terminate=True)
    with pytest.raises(TaskRevokedError):
        result.get(WAIT_SECONDS)
    assert marks(celery, name) == ["begin"]


def test_inspect_tells_what_runs_and_what_waits(celery, name, worker):
    result = celery.slow.delay(name, 1.5)
    later = celery.note.apply_async((name, "later"), countdown=60)
    inspect = celery.app.control.inspect([worker.node], timeout=1)
    wait_for(lambda: [task["id"] for task in inspect.active()[worker.node]] == [result.id])
    wait_for(lambda: later.id in [task["request"]["id"] for task in inspect.scheduled()[worker.node]])
    assert "celery_app.add" in inspect.registered()[worker.node]
    assert [queue["name"] for queue in inspect.active_queues()[worker.node]] == [celery.QUEUE]
    assert inspect.stats()[worker.node]["broker"]["transport"] == "amqp"
    later.revoke()
    assert result.get(WAIT_SECONDS) == "done"


def test_events_are_seen(celery):
    """What Flower and `celery events` live on."""
    seen = []
    with celery.app.connection() as connection:
        receiver = celery.app.events.Receiver(connection, handlers={"task-succeeded": seen.append})
        listening = threading.Thread(target=receiver.capture, kwargs={"limit": None, "timeout": WAIT_SECONDS})
        listening.start()
        wait_for(lambda: celery.add.delay(1, 1) and seen)
        receiver.should_stop = True
        listening.join(WAIT_SECONDS)
    assert seen[0]["hostname"] == "shared@test"


def test_results_over_the_broker(celery, start_worker):
    """The rpc:// backend: results come back as messages, by way of a queue of the caller."""
    start_worker("rpc", f"{celery.QUEUE}.rpc", CELERY_TEST_RESULTS="rpc://")
    caller = Celery("caller", broker=celery.app.conf.broker_url, backend="rpc://")
    results = [caller.send_task("celery_app.add", (n, n), queue=f"{celery.QUEUE}.rpc") for n in range(10)]
    assert [result.get(WAIT_SECONDS) for result in results] == list(range(0, 20, 2))


def test_a_priority_queue_runs_the_urgent_first(celery, name, start_worker):
    queue = f"{celery.QUEUE}.urgent"
    for priority in (1, 9, 5, 0):
        celery.note.apply_async((name, str(priority)), queue=queue, priority=priority)
    start_worker("urgent", queue, concurrency=1)
    wait_for(lambda: len(marks(celery, name)) == 4)
    assert marks(celery, name) == ["9", "5", "1", "0"]


def test_a_task_of_a_killed_worker_runs_again_elsewhere(celery, name, start_worker):
    queue = f"{celery.QUEUE}.killed"
    doomed = start_worker("doomed", queue, concurrency=1)
    result = celery.slow.apply_async((name, 3), queue=queue)
    wait_for(lambda: marks(celery, name) == ["begin"])
    doomed.kill9()
    start_worker("heir", queue, concurrency=1)
    assert result.get(WAIT_SECONDS) == "done"
    assert marks(celery, name) == ["begin", "begin", "end"]


def test_tasks_wait_for_a_worker_that_is_away(celery, name, start_worker):
    queue = f"{celery.QUEUE}.late"
    result = celery.add.apply_async((1, 2), queue=queue)
    assert not result.ready()
    start_worker("late", queue, concurrency=1)
    assert result.get(WAIT_SECONDS) == 3
