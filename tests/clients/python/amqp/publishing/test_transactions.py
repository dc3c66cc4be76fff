"""tx.select, tx.commit, tx.rollback."""

import pytest


@pytest.fixture
def plain(connect):
    """A session whose channel is in neither mode yet."""
    return connect(confirms=False)


def test_commit_publishes_and_rollback_forgets(plain, session, name):
    plain.queue(name)
    plain.channel.tx_select()
    plain.publish("committed", name)
    assert session.depth(name) == 0
    plain.channel.tx_commit()
    assert session.depth(name) == 1
    plain.publish("rolled back", name)
    plain.channel.tx_rollback()
    plain.channel.tx_commit()
    assert session.drain(name) == ["committed"]


def test_acks_take_effect_with_the_commit(plain, session, name):
    plain.queue(name)
    plain.channel.tx_select()
    session.fill(name, 2)
    first, second = plain.get(name, ack=False), plain.get(name, ack=False)
    plain.ack(first)
    plain.channel.tx_commit()
    plain.ack(second)
    plain.channel.close()
    session.wait_depth(name, 1)
    assert session.drain(name) == ["1"]


def test_after_a_rollback_messages_are_still_held_and_can_be_settled(plain, session, name):
    plain.queue(name)
    plain.channel.tx_select()
    session.fill(name, 1)
    held = plain.get(name, ack=False)
    plain.ack(held)
    plain.channel.tx_rollback()
    assert session.depth(name) == 0
    plain.nack(held)
    plain.channel.tx_commit()
    session.wait_depth(name, 1)


def test_rejects_take_effect_with_the_commit(plain, session, name):
    plain.queue(name)
    plain.channel.tx_select()
    session.fill(name, 1)
    plain.reject(plain.get(name, ack=False))
    plain.run(0.1)
    assert session.depth(name) == 0
    plain.channel.tx_commit()
    session.wait_depth(name, 1)


def test_a_channel_is_in_one_mode_only(plain, session):
    plain.channel.tx_select()
    plain.channel.tx_select()
    with plain.refused(406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode"):
        plain.channel.confirm_delivery()
    with session.refused(406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode"):
        session.channel.tx_select()


def test_commit_and_rollback_without_select_are_refused(plain):
    with plain.refused(406, "PRECONDITION_FAILED - channel is not transactional"):
        plain.channel.tx_commit()
    with plain.refused(406, "PRECONDITION_FAILED - channel is not transactional"):
        plain.channel.tx_rollback()


def test_a_mandatory_message_is_returned_with_the_commit(plain, name):
    plain.exchange(name)
    plain.channel.tx_select()
    plain.publish("nowhere", "k", exchange=name, mandatory=True)
    plain.channel.tx_commit()
    plain.run_until(lambda: plain.returned)
    assert plain.returned[0].reply_code == 312


def test_publishing_to_a_missing_exchange_is_refused_before_the_commit(plain, name):
    plain.channel.tx_select()
    with plain.refused(404, f"NOT_FOUND - no exchange '{name}' in vhost '/'"):
        plain.publish("lost", "k", exchange=name)


@pytest.mark.leveret_only("RabbitMQ routes when the publish comes in")
def test_an_exchange_that_is_gone_at_the_commit_fails_it(plain, session, name):
    plain.exchange(name)
    plain.channel.tx_select()
    plain.publish("lost", "k", exchange=name)
    session.channel.exchange_delete(name)
    with plain.refused(404, f"NOT_FOUND - no exchange '{name}' in vhost '/'"):
        plain.channel.tx_commit()
