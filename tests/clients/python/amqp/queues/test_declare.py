"""Queues: declaring, looking, deleting, purging, and what is refused."""

import pytest


def test_a_nameless_queue_gets_a_name(session):
    first, second = session.queue(exclusive=True), session.queue(exclusive=True)
    assert first.startswith("amq.gen-") and second.startswith("amq.gen-")
    assert first != second


def test_an_empty_name_means_the_queue_declared_last_on_this_channel(session, name):
    session.queue(name)
    session.exchange(f"{name}.x", "direct")
    session.channel.queue_bind("", f"{name}.x", "")
    session.publish("by queue name", name, exchange=f"{name}.x", mandatory=True)
    assert session.drain("") == ["by queue name"]


def test_an_empty_name_on_a_channel_that_declared_nothing_is_refused(session, name):
    session.queue(name)
    session.open_channel()
    with session.refused(404, "no previously declared queue"):
        session.get("")


def test_declaring_again_tells_ready_messages_and_consumers(session, name):
    session.queue(name)
    session.fill(name, 3)
    session.get(name, ack=False)
    declared = session.channel.queue_declare(name, durable=True).method
    assert (declared.message_count, declared.consumer_count) == (2, 0)
    session.consume(name, prefetch=1)
    declared = session.channel.queue_declare(name, passive=True).method
    assert (declared.message_count, declared.consumer_count) == (1, 1)


def test_a_missing_queue_is_not_found(session, name):
    text = f"NOT_FOUND - no queue '{name}' in vhost '/'"
    with session.refused(404, text):
        session.channel.queue_declare(name, passive=True)
    with session.refused(404, text):
        session.get(name)
    with session.refused(404, text):
        session.consume(name)
    with session.refused(404, text):
        session.channel.queue_purge(name)
    with session.refused(404, text):
        session.bind(name, "amq.direct", "k")


INEQUIVALENT = [
    ({"x-message-ttl": 1000}, {"x-message-ttl": 2000}, "x-message-ttl", "'2000' but current is '1000'"),
    ({"x-message-ttl": 1000}, {}, "x-message-ttl", "none but current is the value '1000' of type 'signedint'"),
    ({}, {"x-max-length": 5}, "x-max-length", "the value '5' of type 'signedint' but current is none"),
    ({"x-expires": 60000}, {"x-expires": 60001}, "x-expires", "'60001' but current is '60000'"),
    ({"x-overflow": "drop-head"}, {"x-overflow": "reject-publish"}, "x-overflow",
     "'reject-publish' but current is 'drop-head'"),
    ({"x-dead-letter-exchange": "a"}, {"x-dead-letter-exchange": "b"}, "x-dead-letter-exchange",
     "'b' but current is 'a'"),
    ({"x-max-priority": 3}, {"x-max-priority": 4}, "x-max-priority", "'4' but current is '3'"),
]  # fmt: skip


@pytest.mark.parametrize("first, second, argument, difference", INEQUIVALENT)
def test_declaring_again_with_other_arguments_is_refused(session, name, first, second, argument, difference):
    session.queue(name, first)
    text = f"inequivalent arg '{argument}' for queue '{name}' in vhost '/': received {difference}"
    with session.refused(406, f"PRECONDITION_FAILED - {text}"):
        session.queue(name, second)
    session.queue(name, first)


def test_declaring_again_with_other_flags_is_refused(session, name):
    session.queue(name)
    text = f"inequivalent arg 'durable' for queue '{name}' in vhost '/': received 'false' but current is 'true'"
    with session.refused(406, text):
        session.queue(name, durable=False)
    with session.refused(406, "inequivalent arg 'auto_delete'"):
        session.queue(name, auto_delete=True)


def test_unknown_arguments_are_ignored(session, name):
    session.queue(name, {"x-nobody-knows": "this", "colour": "blue"})
    session.queue(name)


BAD_ARGUMENTS = [
    {"x-message-ttl": -1},
    {"x-message-ttl": "soon"},
    {"x-expires": 0},
    {"x-max-length": -1},
    {"x-max-length-bytes": "many"},
    {"x-overflow": "spill"},
    {"x-max-priority": 256},
    {"x-max-priority": -1},
    {"x-dead-letter-exchange": 7},
    {"x-dead-letter-routing-key": "key without an exchange"},
    {"x-single-active-consumer": "yes"},
    {"x-queue-type": "cardboard"},
]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=str)
def test_an_argument_that_makes_no_sense_is_refused(session, name, arguments):
    with session.refused(406, "PRECONDITION_FAILED - invalid "):
        session.queue(name, arguments)


def test_names_that_start_with_amq_are_reserved(session):
    with session.refused(403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"):
        session.queue("amq.mine")


@pytest.mark.parametrize("length", [1, 255])
def test_a_name_may_have_up_to_255_bytes(session, name, length):
    long_name = name[-length:].rjust(length, "q")
    assert session.queue(long_name, auto_delete=True) == long_name
    session.channel.queue_delete(long_name)


def test_an_exclusive_queue_belongs_to_its_connection(connect, name):
    owner, other = connect(), connect()
    owner.queue(name, exclusive=True)
    text = f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{name}' in vhost '/'"
    with other.refused(405, text):
        other.queue(name, exclusive=True)
    with other.refused(405, text):
        other.channel.queue_declare(name, passive=True)
    with other.refused(405, text):
        other.consume(name)
    with other.refused(405, text):
        other.get(name)
    with other.refused(405, text):
        other.channel.queue_purge(name)
    with other.refused(405, text):
        other.channel.queue_delete(name)
    owner.publish("still mine", name)
    assert owner.drain(name) == ["still mine"]


def test_an_exclusive_queue_goes_with_its_connection(connect, session, name):
    owner = connect()
    owner.queue(name, exclusive=True)
    owner.close()
    session.queue(name)


def test_an_auto_delete_queue_goes_with_its_last_consumer(session, name):
    session.queue(name, auto_delete=True)
    first, second = session.consume(name), session.consume(name)
    session.channel.basic_cancel(first.tag)
    assert session.consumers(name) == 1
    session.channel.basic_cancel(second.tag)
    with session.refused(404):
        session.depth(name)


def test_an_auto_delete_queue_that_never_had_a_consumer_stays(connect, session, name):
    first = connect()
    first.queue(name, auto_delete=True)
    first.close()
    assert session.depth(name) == 0


def test_a_transient_queue_is_allowed(session, name):
    session.queue(name, durable=False)
    session.publish("brief", name, delivery_mode=1)
    assert session.drain(name) == ["brief"]


def test_delete_tells_how_many_messages_went(session, name):
    session.queue(name)
    session.fill(name, 3)
    assert session.channel.queue_delete(name).method.message_count == 3
    with session.refused(404):
        session.depth(name)


def test_deleting_a_missing_queue_is_no_error(session, name):
    assert session.channel.queue_delete(name).method.message_count == 0


def test_delete_if_empty_and_if_unused(session, name):
    session.queue(name)
    session.publish("here", name)
    with session.refused(406, f"PRECONDITION_FAILED - queue '{name}' in vhost '/' not empty"):
        session.channel.queue_delete(name, if_empty=True)
    inbox = session.consume(name)
    session.ack(inbox.wait(1)[0])
    with session.refused(406, f"PRECONDITION_FAILED - queue '{name}' in vhost '/' in use"):
        session.channel.queue_delete(name, if_unused=True)
    session.channel.queue_delete(name, if_unused=True, if_empty=True)


def test_purge_removes_what_is_ready_and_only_that(session, name):
    session.queue(name)
    session.fill(name, 5)
    held = session.get(name, ack=False)
    assert session.channel.queue_purge(name).method.message_count == 4
    assert session.depth(name) == 0
    session.nack(held)
    assert session.drain(name) == ["0"]


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_both_queue_types_hold_messages(session, name, kind):
    session.queue(name, {"x-queue-type": kind})
    sent = session.fill(name, 10)
    assert session.drain(name) == sent


@pytest.mark.leveret_only("streams are not there, and that is said")
def test_a_stream_is_refused_in_clear_words(session, name):
    with session.refused(406, "stream"):
        session.queue(name, {"x-queue-type": "stream"})
