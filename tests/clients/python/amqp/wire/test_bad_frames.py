"""Frames and methods that are wrong, and content that is not what was announced."""

import struct

import pytest

from frames import (
    ACCESS_REQUEST, ACCESS_REQUEST_OK, BODY, CHANNEL_CLOSE, CHANNEL_FLOW, CHANNEL_FLOW_OK, CONNECTION_CLOSE,
    CONNECTION_OPEN, HEADER, HEARTBEAT, METHOD, QUEUE_DECLARE, declare_arguments, long_string, short_string,
)  # fmt: skip


def test_a_bad_frame_end_is_a_frame_error(ready, bystander):
    ready.send_frame(METHOD, 1, struct.pack(">HH", 50, 10) + declare_arguments("q"), end=0)
    assert ready.read_method(CONNECTION_CLOSE).close[0] == 501


@pytest.mark.parametrize("kind", [METHOD, HEADER, BODY])
def test_a_frame_above_the_agreed_size_is_a_frame_error(wire, bystander, kind):
    wire.connect(frame_max=4096).open_channel()
    wire.send(struct.pack(">BHI", kind, 1, 5000))
    assert wire.read_method(CONNECTION_CLOSE).close[0] == 501


def test_a_frame_of_four_gigabytes_is_a_frame_error_before_it_comes(ready, bystander):
    ready.send(struct.pack(">BHI", BODY, 1, 0xFFFFFFFF))
    assert ready.read_method(CONNECTION_CLOSE).close[0] == 501


@pytest.mark.leveret_only("RabbitMQ leaves the socket open after a frame error")
def test_after_a_frame_error_the_socket_is_closed(ready):
    ready.send_frame(METHOD, 1, struct.pack(">HH", 50, 10) + declare_arguments("q"), end=0)
    assert ready.read_closing()[0] == 501


def test_an_unknown_frame_type_is_a_frame_error(ready, bystander):
    ready.send_frame(9, 1, b"\0\0\0\0")
    assert ready.read_closing()[0] == 501


@pytest.mark.parametrize("channel, method", [(1, (60, 199)), (1, (77, 1)), (0, (10, 199))], ids=str)
def test_an_unknown_method_ends_the_connection(ready, bystander, channel, method):
    ready.send_method(channel, method)
    assert ready.read_outcome() in (503, 540, "end")


@pytest.mark.parametrize("method", [(60, 60), (50, 11), (60, 50)], ids=str)
def test_a_method_that_only_brokers_send_ends_the_connection(ready, bystander, method):
    ready.send_method(1, method, b"\0" * 20)
    assert ready.read_outcome() in (501, 502, 503, 505, 540, "end")


MALFORMED = {
    "arguments end too early": b"\0\0\x20abc",
    "arguments go on too long": declare_arguments("q") + b"junk",
    "a table with an unknown type": b"\0\0\x01q\0" + long_string(b"\x03keyZzzzz"),
    "a table longer than its frame": b"\0\0\x01q\0" + struct.pack(">I", 1000) + b"\x03key",
    "a table entry longer than its table": b"\0\0\x01q\0" + long_string(b"\x03keyS\0\0\xff\0"),
}


@pytest.mark.parametrize("arguments", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_arguments_end_the_connection(ready, bystander, arguments):
    ready.send_method(1, QUEUE_DECLARE, arguments)
    assert ready.read_outcome() in (501, 502, 541, "end")


def test_a_table_nested_a_thousand_deep_ends_the_connection_or_is_ignored(ready, bystander):
    nested = long_string(b"")
    for _ in range(1000):
        nested = long_string(b"\x01kF" + nested)
    ready.send_method(1, QUEUE_DECLARE, b"\0\0\0\x04" + nested)
    received = ready.read_frame()
    assert received.method in (CONNECTION_CLOSE, CHANNEL_CLOSE, (50, 11))


def test_methods_on_the_wrong_channel_are_errors(broker, ready):
    ready.send_method(0, QUEUE_DECLARE, declare_arguments("q"))
    assert ready.read_closing()[0] in (503, 504)


def test_connection_methods_belong_on_channel_0(ready):
    ready.send_method(1, CONNECTION_OPEN, short_string("/") + b"\0\0")
    assert ready.read_closing()[0] in (503, 504)


def test_a_second_login_is_an_error(ready):
    ready.log_in()
    assert ready.read_closing()[0] in (503, 504)


def test_a_heartbeat_belongs_on_channel_0(ready):
    ready.send_frame(HEARTBEAT, 1, b"")
    assert ready.read_closing()[0] in (501, 505)


def test_pausing_a_channel_is_not_implemented(ready):
    ready.send_method(1, CHANNEL_FLOW, b"\1")
    assert ready.read_method(CHANNEL_FLOW_OK).arguments == b"\1"
    ready.send_method(1, CHANNEL_FLOW, b"\0")
    assert ready.read_closing() == (540, "NOT_IMPLEMENTED - active=false")


def test_an_access_ticket_is_given_to_old_clients(ready):
    ready.send_method(1, ACCESS_REQUEST, short_string("/data") + b"\x1f")
    assert ready.read_method(ACCESS_REQUEST_OK).arguments == b"\0\1"


# Content.


def test_a_body_shorter_than_announced_is_unexpected(ready, bystander):
    ready.publish_method("q")
    ready.content_header(10)
    ready.send_frame(BODY, 1, b"x" * 4)
    ready.publish_method("q")
    assert ready.read_closing()[0] == 505


def test_a_body_longer_than_announced_is_unexpected(ready, bystander):
    ready.publish_method("q")
    ready.content_header(10)
    ready.send_frame(BODY, 1, b"x" * 11)
    ready.publish_method("q")
    assert ready.read_closing()[0] == 505


def test_a_body_may_come_in_many_pieces_also_empty_ones(ready, session, name):
    session.queue(name)
    ready.publish_method(name)
    ready.content_header(5)
    for piece in (b"ab", b"", b"c", b"de"):
        ready.send_frame(BODY, 1, piece)
    assert session.wait_get(name).text == "abcde"


UNEXPECTED = {
    "a header without a method": lambda wire: wire.content_header(5),
    "a body without a header": lambda wire: wire.send_frame(BODY, 1, b"xx"),
    "a method where a header is due": lambda wire: (wire.publish_method("q"), wire.publish_method("q")),
    "a body where a header is due": lambda wire: (wire.publish_method("q"), wire.send_frame(BODY, 1, b"x")),
    "a header of another class": lambda wire: (wire.publish_method("q"), wire.content_header(1, class_id=50)),
}


@pytest.mark.parametrize("say", UNEXPECTED.values(), ids=UNEXPECTED.keys())
def test_frames_out_of_turn_are_unexpected(ready, bystander, say):
    say(ready)
    assert ready.read_closing()[0] == 505


def test_properties_that_end_too_early_end_the_connection(ready, bystander):
    ready.publish_method("q")
    ready.send_frame(HEADER, 1, struct.pack(">HHQH", 60, 0, 1, 0x8000) + b"\x20ab")
    ready.send_frame(BODY, 1, b"x")
    assert ready.read_outcome() in (501, 502, 541)


@pytest.mark.leveret_only("RabbitMQ looks at the size of a message when it has all come")
def test_a_body_announced_beyond_the_limit_is_refused_before_it_comes(ready, bystander):
    ready.publish_method("q")
    ready.content_header(2**60)
    assert ready.read_outcome() in (406, 501)
