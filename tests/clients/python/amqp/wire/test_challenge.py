"""RABBIT-CR-DEMO: a login in two steps, for those who ask the broker to offer it."""

import struct

import pytest

from frames import CONNECTION_OPEN_OK, CONNECTION_START_OK, Wire, long_string, short_string, table

CONNECTION_SECURE, CONNECTION_SECURE_OK = (10, 20), (10, 21)
CHALLENGE = b"Please tell me your password"


def begin(wire: Wire, user: str = "guest") -> None:
    able = table({"authentication_failure_close": True})
    properties = long_string(short_string("capabilities") + b"F" + able)
    wire.send_method(0, CONNECTION_START_OK,
        properties + short_string("RABBIT-CR-DEMO") + long_string(user.encode()) + short_string("en_US"))  # fmt: skip


@pytest.fixture
def asking(serve):
    """A socket to a broker that offers the mechanism and PLAIN."""
    broker = serve("--auth-mechanisms", "RABBIT-CR-DEMO,PLAIN")
    with Wire(broker.url) as wire:
        yield wire


def test_the_password_is_asked_for(asking):
    start = asking.start()
    assert struct.pack(">I", 20) + b"RABBIT-CR-DEMO PLAIN" in start.payload
    begin(asking)
    assert asking.read_method(CONNECTION_SECURE).arguments == long_string(CHALLENGE)
    asking.send_method(0, CONNECTION_SECURE_OK, long_string(b"My password is guest"))
    asking.tune()
    asking.open()
    asking.read_method(CONNECTION_OPEN_OK)


def test_a_wrong_password_is_refused_in_words(asking):
    asking.start()
    begin(asking)
    asking.read_method(CONNECTION_SECURE)
    asking.send_method(0, CONNECTION_SECURE_OK, long_string(b"My password is wrong"))
    text = "ACCESS_REFUSED - Login was refused using authentication mechanism RABBIT-CR-DEMO. "
    assert asking.read_closing() == (403, text + "For details see the broker logfile.")


def test_what_was_not_named_is_not_offered(serve):
    with Wire(serve("--auth-mechanisms", "AMQPLAIN").url) as wire:
        start = wire.start()
        assert struct.pack(">I", 8) + b"AMQPLAIN" in start.payload
        wire.log_in()
        assert wire.read_outcome() == "end"


def test_it_is_not_offered_by_itself(wire):
    assert b"RABBIT-CR-DEMO" not in wire.start().payload
    begin(wire)
    assert wire.read_outcome() == "end"
