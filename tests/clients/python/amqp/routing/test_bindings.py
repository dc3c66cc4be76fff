"""Bindings between exchanges and queues, and between exchanges."""


def test_binding_twice_and_unbinding_once(session, name):
    session.exchange(name)
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name, "k")
    session.bind(f"{name}.q", name, "k")
    session.channel.queue_unbind(f"{name}.q", name, "k")
    session.publish("unrouted", "k", exchange=name)
    assert session.depth(f"{name}.q") == 0


def test_unbinding_what_is_not_bound_is_no_error(session, name):
    session.exchange(name)
    session.queue(f"{name}.q")
    session.channel.queue_unbind(f"{name}.q", name, "never bound")


def test_bindings_with_different_arguments_are_different(session, name):
    session.exchange(name)
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name, "k", {"n": 1})
    session.bind(f"{name}.q", name, "k", {"n": 2})
    session.channel.queue_unbind(f"{name}.q", name, "k", {"n": 1})
    session.publish("still bound", "k", exchange=name)
    assert session.drain(f"{name}.q") == ["still bound"]


def test_a_deleted_queue_loses_its_bindings(session, name):
    session.exchange(name)
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name, "k")
    session.channel.queue_delete(f"{name}.q")
    session.queue(f"{name}.q")
    session.publish("unrouted", "k", exchange=name)
    assert session.depth(f"{name}.q") == 0


def test_a_deleted_exchange_loses_its_bindings(session, name):
    session.exchange(name)
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name, "k")
    session.channel.exchange_delete(name)
    session.exchange(name)
    session.publish("unrouted", "k", exchange=name)
    assert session.depth(f"{name}.q") == 0


def test_an_exchange_bound_to_an_exchange_passes_messages_on(session, name):
    source, middle, queue = session.exchange(f"{name}.s", "topic"), session.exchange(f"{name}.m", "fanout"), name
    session.queue(queue)
    session.channel.exchange_bind(middle, source, "orders.#")
    session.bind(queue, middle)
    session.publish("passed on", "orders.new", exchange=source)
    session.publish("not matched", "invoices.new", exchange=source)
    message = session.get(queue)
    assert (message.text, message.exchange, message.routing_key) == ("passed on", source, "orders.new")
    assert session.get(queue) is None
    session.channel.exchange_unbind(middle, source, "orders.#")
    session.publish("no longer", "orders.new", exchange=source)
    assert session.get(queue) is None


def test_exchanges_bound_in_a_circle_give_one_copy(session, name):
    first, second = session.exchange(f"{name}.1", "fanout"), session.exchange(f"{name}.2", "fanout")
    session.channel.exchange_bind(first, second)
    session.channel.exchange_bind(second, first)
    session.queue(name)
    session.bind(name, first)
    session.bind(name, second)
    session.publish("round and round", exchange=first)
    assert session.drain(name) == ["round and round"]


def test_binding_a_missing_exchange_is_not_found(session, name):
    session.exchange(name)
    with session.refused(404, f"NOT_FOUND - no exchange '{name}.missing' in vhost '/'"):
        session.channel.exchange_bind(name, f"{name}.missing")
    with session.refused(404, f"NOT_FOUND - no exchange '{name}.missing' in vhost '/'"):
        session.channel.exchange_bind(f"{name}.missing", name)


def test_an_auto_delete_exchange_bound_to_a_source_goes_with_that_binding(session, name):
    session.exchange(f"{name}.s", "fanout", auto_delete=True)
    session.exchange(f"{name}.d", "fanout")
    session.channel.exchange_bind(f"{name}.d", f"{name}.s")
    session.channel.exchange_delete(f"{name}.d")
    with session.refused(404):
        session.channel.exchange_declare(f"{name}.s", passive=True)
