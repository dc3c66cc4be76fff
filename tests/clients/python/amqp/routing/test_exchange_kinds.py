"""Where a message goes: direct, fanout, topic, headers, consistent hash, the default exchange."""

import pytest


def reached(session, queues):
    """The names, by suffix, of the queues that hold a message; empties them."""
    return {suffix for suffix, queue in queues.items() if session.drain(queue)}


@pytest.fixture
def queues(session, name):
    """Declares queues by suffix and binds each to the exchange `name` with a key and arguments."""

    def declare(kind, **bindings):
        session.exchange(name, kind)
        for suffix, (key, arguments) in bindings.items():
            session.queue(f"{name}.{suffix}")
            session.bind(f"{name}.{suffix}", name, key, arguments)
        return {suffix: f"{name}.{suffix}" for suffix in bindings}

    return declare


def test_the_default_exchange_routes_by_queue_name(session, name):
    session.queue(name)
    session.publish("straight", name)
    message = session.get(name)
    assert (message.text, message.exchange, message.routing_key) == ("straight", "", name)


def test_direct_compares_the_whole_key(session, name, queues):
    bound = queues("direct", a=("a", None), also_a=("a", None), ab=("a.b", None), empty=("", None))
    for key, expected in {"a": {"a", "also_a"}, "a.b": {"ab"}, "": {"empty"}, "A": set(), "#": set()}.items():
        session.publish("x", key, exchange=name)
        assert reached(session, bound) == expected, key


def test_fanout_to_three_queues_makes_three_independent_copies(session, name, queues):
    bound = queues("fanout", one=("", None), two=("ignored", None), three=("", None))
    session.publish("news", "any", exchange=name)
    one = session.get(bound["one"])
    two = session.get(bound["two"], ack=False)
    assert one.text == two.text == "news"
    session.channel.queue_purge(bound["three"])
    session.nack(two)
    assert [session.drain(queue) for queue in bound.values()] == [[], ["news"], []]


TOPICS = {
    "stock.usd.nyse": {"usd", "any_three", "all", "from_stock", "middle"},
    "stock.usd": {"all", "from_stock"},
    "stock": {"all", "from_stock"},
    "": {"all", "empty"},
    "stock.eur.nyse": {"any_three", "all", "from_stock"},
    "stock.usd.nyse.late": {"all", "from_stock", "middle"},
    "bond.usd": {"all", "ends_usd"},
    "a.b.usd": {"any_three", "all", "ends_usd"},
    "usd": {"all", "ends_usd"},
    ".usd": {"all", "ends_usd"},
    "stock..nyse": {"any_three", "all", "from_stock"},
}


@pytest.mark.parametrize("key, expected", TOPICS.items())
def test_topic_matches_words(session, name, queues, key, expected):
    bound = queues(
        "topic", usd=("stock.usd.nyse", None), any_three=("*.*.*", None), all=("#", None), empty=("", None),
        from_stock=("stock.#", None), middle=("stock.#.usd.nyse.#", None), ends_usd=("#.usd", None),
    )  # fmt: skip
    session.publish("x", key, exchange=name)
    if key == "stock.usd":
        expected = expected | {"ends_usd"}
    assert reached(session, bound) == expected


HEADERS = [
    ({"format": "pdf", "type": "report"}, {"all", "any", "none", "format_there"}),
    ({"format": "pdf"}, {"any", "none", "format_there"}),
    ({"format": "zip", "type": "report"}, {"any", "none", "format_there"}),
    ({"format": "pdf", "type": "report", "extra": 1}, {"all", "any", "none", "format_there"}),
    ({"type": 5}, {"none"}),
    (None, {"none"}),
]


@pytest.mark.parametrize("headers, expected", HEADERS, ids=str)
def test_headers_match_all_or_any(session, name, queues, headers, expected):
    both = {"format": "pdf", "type": "report"}
    bound = queues(
        "headers", all=("", {"x-match": "all", **both}), any=("", {"x-match": "any", **both}),
        none=("", {"x-match": "all"}), format_there=("", {"format": None}),
    )  # fmt: skip
    session.publish("x", exchange=name, headers=headers)
    assert reached(session, bound) == expected


def test_headers_leave_x_headers_out_unless_asked(session, name, queues):
    bound = queues(
        "headers", plain=("", {"x-match": "all", "x-kind": "a", "b": 1}),
        with_x=("", {"x-match": "all-with-x", "x-kind": "a", "b": 1}),
        any_with_x=("", {"x-match": "any-with-x", "x-kind": "a", "b": 2}),
    )  # fmt: skip
    session.publish("x", exchange=name, headers={"b": 1})
    assert reached(session, bound) == {"plain"}
    session.publish("x", exchange=name, headers={"b": 1, "x-kind": "a"})
    assert reached(session, bound) == {"plain", "with_x", "any_with_x"}


def test_headers_with_an_unknown_match_are_refused(session, name):
    session.exchange(name, "headers")
    session.queue(f"{name}.q")
    with session.refused(406, "x-match"):
        session.bind(f"{name}.q", name, "", {"x-match": "some"})


def test_consistent_hash_keeps_a_key_on_one_queue_and_spreads_keys_by_weight(session, name, queues):
    bound = queues("x-consistent-hash", light=("1", None), heavy=("3", None))
    keys = [f"customer-{number}" for number in range(400)]
    for key in keys + keys:
        session.publish(key, key, exchange=name)
    light, heavy = (session.drain(queue) for queue in bound.values())
    assert len(light) + len(heavy) == 800 and not set(light) & set(heavy)
    assert 50 < len(set(light)) < 150, "a quarter of the weight gets about a quarter of the keys"


def test_consistent_hash_may_hash_a_header(session, name):
    session.exchange(name, "x-consistent-hash", {"hash-header": "customer"})
    queues = [session.queue(f"{name}.{number}") for number in range(2)]
    for queue in queues:
        session.bind(queue, name, "1")
    for number in range(40):
        session.publish(number % 4, f"key-{number}", exchange=name, headers={"customer": f"c{number % 4}"})
    first, second = (session.drain(queue) for queue in queues)
    assert len(first) + len(second) == 40 and not set(first) & set(second)


@pytest.mark.parametrize("kind", ["direct", "fanout", "topic", "headers"])
def test_the_predeclared_exchanges_are_there(session, name, kind):
    session.queue(name)
    session.bind(name, f"amq.{kind}", name)
    session.publish("x", name, exchange=f"amq.{kind}")
    assert session.drain(name) == ["x"]
    session.channel.queue_unbind(name, f"amq.{kind}", name)


@pytest.mark.parametrize("kind", ["direct", "topic"])
def test_two_matching_bindings_give_one_copy(session, name, kind):
    session.exchange(name, kind)
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name, "k")
    session.bind(f"{name}.q", name, "k", {"different": "binding"})
    session.bind(f"{name}.q", name, "*")
    session.publish("once", "k", exchange=name)
    assert session.drain(f"{name}.q") == ["once"]
