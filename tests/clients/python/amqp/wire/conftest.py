"""Fixtures of the tests that talk to the broker over a bare socket."""

import pytest

from bystander import Bystander
from frames import Wire


@pytest.fixture
def wire(broker):
    """A bare socket to the broker."""
    with Wire(broker.url) as wire:
        yield wire


@pytest.fixture
def ready(wire):
    """A bare socket, logged in, with channel 1 open."""
    return wire.connect().open_channel()


@pytest.fixture
def bystander(broker):
    """Another client that works all the while; the test fails if it was disturbed."""
    with Bystander(broker.url) as bystander:
        yield bystander
    bystander.assert_undisturbed()
