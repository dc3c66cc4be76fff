"""Heartbeats, and the secret that may be renewed."""

import time

import pytest

from frames import (
    CHANNEL_FLOW, CHANNEL_FLOW_OK, CONNECTION_UPDATE_SECRET, CONNECTION_UPDATE_SECRET_OK, HEARTBEAT, long_string,
    short_string,
)  # fmt: skip


def test_the_broker_sends_heartbeats_and_ends_a_silent_connection(wire, bystander):
    wire.connect(heartbeat=1)
    begun, beats = time.monotonic(), 0
    try:
        while True:
            assert wire.read_frame().kind == HEARTBEAT
            beats += 1
    except (EOFError, ConnectionResetError):
        pass
    assert beats >= 2 and 1.5 < time.monotonic() - begun < 6


def test_a_client_that_sends_heartbeats_stays(wire):
    wire.connect(heartbeat=1).open_channel()
    for _ in range(8):
        time.sleep(0.5)
        wire.send_frame(HEARTBEAT, 0, b"")
    wire.send_method(1, CHANNEL_FLOW, b"\1")
    wire.read_method(CHANNEL_FLOW_OK)


def test_other_traffic_counts_as_a_sign_of_life(wire):
    wire.connect(heartbeat=1).open_channel()
    for _ in range(8):
        time.sleep(0.5)
        wire.send_method(1, CHANNEL_FLOW, b"\1")
        wire.read_method(CHANNEL_FLOW_OK)


def test_heartbeat_0_means_none(wire):
    wire.connect(heartbeat=0)
    wire.socket.settimeout(3)
    with pytest.raises(TimeoutError):
        wire.read_frame()


def test_what_a_silent_client_held_comes_back(wire, session, name):
    session.queue(name)
    session.publish("held by the silent", name)
    wire.connect(heartbeat=1).open_channel()
    wire.consume(name, no_ack=False)
    assert session.get(name) is None
    assert session.wait_get(name).redelivered


def test_a_secret_may_be_renewed(wire):
    wire.connect()
    wire.send_method(0, CONNECTION_UPDATE_SECRET, long_string(b"guest") + short_string("rotation"))
    wire.read_method(CONNECTION_UPDATE_SECRET_OK)


def test_pika_renews_its_secret(session):
    session.connection.update_secret("guest", "rotation")
    session.run(0.1)
    assert session.connection.is_open
