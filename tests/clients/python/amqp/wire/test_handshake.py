"""The way in: protocol header, login, tuning, vhost; and the way out."""

import struct

import pytest

from frames import (
    CHANNEL_OPEN, CHANNEL_OPEN_OK, CONNECTION_CLOSE, CONNECTION_CLOSE_OK, CONNECTION_OPEN, CONNECTION_OPEN_OK,
    CONNECTION_TUNE, PROTOCOL, long_string, short_string,
)  # fmt: skip

OTHER_HEADERS = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"AMQP\x01\x01\x00\x08",
    b"AMQP\x00\x01\x00\x00",
    b"AMQP\x03\x01\x00\x00",
    b"AMQP\x00\x00\x09\x02",
    b"\x16\x03\x01\x02\x00\x01\x00\x01",
]


@pytest.mark.parametrize("header", OTHER_HEADERS, ids=str)
def test_another_protocol_is_answered_with_ours_and_closed(wire, bystander, header):
    wire.send(header)
    assert wire.read_end() == PROTOCOL


def test_the_broker_says_what_it_can(wire):
    start = wire.start()
    for capability in [
        b"publisher_confirms", b"exchange_exchange_bindings", b"basic.nack", b"consumer_cancel_notify",
        b"connection.blocked", b"consumer_priorities", b"authentication_failure_close", b"per_consumer_qos",
        b"direct_reply_to",
    ]:  # fmt: skip
        assert bytes([len(capability)]) + capability + b"t\x01" in start.payload, capability
    assert b"PLAIN" in start.payload and b"AMQPLAIN" in start.payload and b"en_US" in start.payload


def test_the_broker_offers_limits(wire):
    wire.start()
    wire.log_in()
    assert struct.unpack(">HIH", wire.read_method(CONNECTION_TUNE).arguments) == (2047, 131072, 60)


@pytest.mark.parametrize("user, password", [("guest", "wrong"), ("nobody", "guest"), ("", "")])
def test_a_wrong_password_is_refused_in_words(wire, bystander, user, password):
    wire.start()
    wire.log_in(user, password)
    text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
    assert wire.read_closing() == (403, text + "For details see the broker logfile.")


def test_a_client_that_knows_no_words_for_it_is_closed_without(wire):
    wire.start()
    wire.log_in(password="wrong", capabilities=False)
    assert wire.read_end() == b""


def test_an_unknown_mechanism_is_refused(wire):
    wire.start()
    wire.log_in(mechanism="HANDSHAKE")
    assert wire.read_outcome() in (403, "end")


def test_amqplain_logs_in(wire):
    def entry(key, value):
        return short_string(key) + b"S" + long_string(value)

    wire.start()
    response = entry("LOGIN", b"guest") + entry("PASSWORD", b"guest")
    wire.send_method(0, (10, 11),
        struct.pack(">I", 0) + short_string("AMQPLAIN") + long_string(response) + short_string("en_US"))  # fmt: skip
    wire.tune()
    wire.open()
    wire.read_method(CONNECTION_OPEN_OK)


def test_an_unknown_vhost_is_not_allowed(wire, bystander):
    wire.start()
    wire.log_in()
    wire.tune()
    wire.open("nowhere")
    code, text = wire.read_closing()
    assert code == 530 and "vhost nowhere not found" in text


OUT_OF_BOUNDS = [
    {"channel_max": 0}, {"channel_max": 5000}, {"frame_max": 0}, {"frame_max": 100}, {"frame_max": 200_000},
]  # fmt: skip


@pytest.mark.parametrize("tuning", OUT_OF_BOUNDS, ids=str)
def test_limits_that_the_broker_does_not_offer_are_not_allowed(wire, tuning):
    wire.start()
    wire.log_in()
    wire.tune(**tuning)
    wire.open()
    assert wire.read_outcome() in (530, "end")


def test_more_channels_than_agreed_are_not_allowed(wire):
    wire.connect(channel_max=2).open_channel(1).open_channel(2)
    wire.send_method(3, CHANNEL_OPEN, b"\0")
    code, text = wire.read_closing()
    assert code == 530 and "channel_max (2)" in text


def test_a_channel_number_may_be_used_again_after_its_close(wire):
    wire.connect().open_channel()
    wire.send_method(1, (20, 40), struct.pack(">H", 200) + short_string("done") + b"\0\0\0\0")
    wire.read_method((20, 41))
    wire.open_channel()


def test_the_smallest_frame_size_works(wire):
    wire.connect(frame_max=4096).open_channel()
    queue = wire.declare("").arguments
    name = queue[1 : 1 + queue[0]].decode()
    wire.publish_method(name)
    wire.content_header(4088)
    wire.send_frame(3, 1, b"x" * 4088)
    wire.consume(name, no_ack=True)
    wire.read_method((60, 60))
    assert [wire.read_frame().kind for _ in range(2)] == [2, 3]
    wire.send_method(1, (50, 40), b"\0\0" + short_string(name) + b"\0")


@pytest.mark.parametrize("premature", ["open", "channel", "garbage"])
def test_nothing_goes_before_the_login(wire, premature):
    wire.start()
    if premature == "open":
        wire.send_method(0, CONNECTION_OPEN, short_string("/") + b"\0\0")
    elif premature == "channel":
        wire.send_method(1, CHANNEL_OPEN, b"\0")
    else:
        wire.send(b"\xff" * 100)
    assert wire.read_outcome() in (501, 503, 504, 505, "end")


def test_a_polite_close_is_answered(wire):
    wire.connect()
    wire.send_method(0, CONNECTION_CLOSE, struct.pack(">H", 200) + short_string("bye") + b"\0\0\0\0")
    wire.read_method(CONNECTION_CLOSE_OK)


@pytest.mark.leveret_only("RabbitMQ waits for the client to close the socket")
def test_after_a_polite_close_the_broker_closes_the_socket(wire):
    wire.connect()
    wire.send_method(0, CONNECTION_CLOSE, struct.pack(">H", 200) + short_string("bye") + b"\0\0\0\0")
    wire.read_method(CONNECTION_CLOSE_OK)
    assert wire.read_end() == b""


def test_a_channel_cannot_be_opened_twice(ready):
    ready.send_method(1, CHANNEL_OPEN, b"\0")
    assert ready.read_closing() == (504, "CHANNEL_ERROR - second 'channel.open' seen")


def test_a_method_on_a_channel_that_is_not_open_is_an_error(ready):
    ready.send_method(5, (50, 10), b"\0\0\x01q\0\0\0\0\0")
    assert ready.read_closing()[0] == 504


def test_many_channels(wire):
    wire.connect()
    for channel in range(1, 2048):
        wire.send_method(channel, CHANNEL_OPEN, b"\0")
    for _ in range(1, 2048):
        wire.read_method(CHANNEL_OPEN_OK)
