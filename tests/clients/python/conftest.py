"""Fixtures: a broker, sessions on it, and names that no other test uses."""

import uuid

import pytest

from broker import Broker, ExternalBroker, external_url
from session import Session

BROKERS = []


def pytest_collection_modifyitems(items):
    """Leaves out what the RabbitMQ in LEVERET_TEST_BROKER_URL cannot be asked for."""
    if not external_url():
        return
    for item in items:
        only = item.get_closest_marker("leveret_only")
        if only:
            item.add_marker(pytest.mark.skip(reason=f"leveret only: {only.args[0]}"))
        elif "serve" in item.fixturenames:
            item.add_marker(pytest.mark.skip(reason="needs a broker that it may kill"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the broker's own words beside a failure."""
    report = yield
    if report.failed:
        for broker in BROKERS:
            tail = broker.log_tail()
            if tail:
                report.sections.append((f"log of the broker at {broker.url}", tail))
    return report


@pytest.fixture(scope="session")
def long_lived(tmp_path_factory):
    """The broker that all tests use which do not end theirs."""
    if external_url():
        yield ExternalBroker(external_url())
        return
    broker = Broker(tmp_path_factory.mktemp("broker"))
    try:
        broker.start()
    except (RuntimeError, OSError) as reason:
        pytest.exit(f"no test can run without a broker: {reason}", returncode=1)
    BROKERS.append(broker)
    yield broker
    broker.kill9()
    BROKERS.remove(broker)


@pytest.fixture
def broker(long_lived):
    """A running broker, shared with other tests; the test fails if the broker does not outlive it."""
    if not long_lived.alive:
        long_lived.start()
    yield long_lived
    assert long_lived.alive, "the broker ended during this test"


@pytest.fixture
def serve(tmp_path):
    """Starts brokers with options of the test's choice, each on a fresh data folder."""
    started = []

    def start(*options: str) -> Broker:
        broker = Broker(tmp_path / f"own-{len(started)}", *options)
        started.append(broker)
        BROKERS.append(broker)
        return broker.start()

    yield start
    for broker in started:
        broker.kill9()
        BROKERS.remove(broker)


@pytest.fixture
def own_broker(serve):
    """A broker on a fresh data folder that the test may kill and restart."""
    return serve()


@pytest.fixture
def connect(broker):
    """Opens sessions; at the end of the test they are closed and what they declared is deleted."""
    sessions = []

    def open_session(**options) -> Session:
        sessions.append(Session(broker.url, **options))
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.close()
    with Session(broker.url) as sweeper:
        for session in sessions:
            sweeper.delete_declared(session)


@pytest.fixture
def session(connect) -> Session:
    """One connection with one channel in confirm mode."""
    return connect()


@pytest.fixture
def name(request) -> str:
    """A queue or exchange name of this test alone, also on a broker that keeps what earlier runs left."""
    return f"{request.node.originalname[:60]}.{uuid.uuid4().hex[:8]}"
