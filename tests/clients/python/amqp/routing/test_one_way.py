"""Exchanges that send each message one way: by chance, or by a hash modulo the number of bindings."""

import pytest


@pytest.fixture
def bound(session, name):
    """Declares an exchange `name` and queues by suffix, each bound to it with these keys."""

    def declare(kind, **keys):
        session.exchange(name, kind, durable=True)
        for suffix, of_queue in keys.items():
            session.queue(f"{name}.{suffix}")
            for key in of_queue:
                session.bind(f"{name}.{suffix}", name, key)
        return [f"{name}.{suffix}" for suffix in keys]

    return declare


@pytest.mark.parametrize("kind", ["x-random", "x-local-random"])
def test_chance_spreads_messages_of_one_key_and_copies_none(session, name, bound, kind):
    queues = bound(kind, a=[""], b=[""], c=[""])
    texts = [str(number) for number in range(300)]
    for text in texts:
        session.publish(text, "always-the-same", exchange=name)
    shares = [session.drain(queue) for queue in queues]
    assert sorted(sum(shares, []), key=int) == texts
    assert all(len(share) > 50 for share in shares), [len(share) for share in shares]
    assert all(share == sorted(share, key=int) for share in shares)


def test_a_random_exchange_without_bindings_returns_what_is_mandatory(session, name):
    from pika.exceptions import UnroutableError

    session.exchange(name, "x-random")
    with pytest.raises(UnroutableError):
        session.publish("nowhere", "k", exchange=name, mandatory=True)


def test_a_local_random_exchange_takes_queues_without_keys_only(session, name, bound):
    (queue,) = bound("x-local-random", q=[""])
    with session.refused(406, "Non empty binding 'k' key not permitted"):
        session.bind(queue, name, "k")
    with session.refused(406, "Destination not found"):
        session.channel.exchange_bind("amq.fanout", name, "")


def test_modulus_hash_keeps_a_key_on_one_queue_and_counts_bindings(session, name, bound):
    queues = bound("x-modulus-hash", once=[""], thrice=["a", "b", "c"])
    keys = [f"customer-{number}" for number in range(400)]
    for key in keys + keys:
        session.publish(key, key, exchange=name)
    once, thrice = (session.drain(queue) for queue in queues)
    assert len(once) + len(thrice) == 800 and not set(once) & set(thrice)
    assert 50 < len(set(once)) < 150, "one of four bindings gets about a quarter of the keys"


def test_modulus_hash_leads_the_same_way_after_a_restart(own_broker, name):
    from session import Session

    queues = [f"{name}.{number}" for number in range(5)]

    def spread(session) -> list[list[str]]:
        for key in map(str, range(50)):
            session.publish(key, key, exchange=name)
        return [session.drain(queue) for queue in queues]

    with Session(own_broker.url) as session:
        session.exchange(name, "x-modulus-hash", durable=True)
        for queue in reversed(queues):
            session.queue(queue)
            session.bind(queue, name, "any")
        before = spread(session)
        session.sync()
    own_broker.restart()
    with Session(own_broker.url) as session:
        assert spread(session) == before
