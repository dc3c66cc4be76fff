"""Consumers: tags, cancelling, being cancelled, and having a queue to oneself."""


def test_cancel_stops_deliveries_and_keeps_what_is_held(session, name):
    session.queue(name)
    session.fill(name, 3)
    inbox = session.consume(name, prefetch=1)
    held = inbox.wait(1)[0]
    session.channel.basic_cancel(inbox.tag)
    session.run(0.2)
    assert len(inbox.messages) == 1
    assert session.depth(name) == 2
    session.ack(held)
    assert session.drain(name) == ["1", "2"]


def test_cancelling_an_unknown_tag_is_no_error(session):
    session.channel._impl.basic_cancel("nobody", callback=lambda _: None)
    session.run(0.2)
    assert session.channel.is_open


def test_the_client_may_choose_the_tag(session, name):
    session.queue(name)
    assert session.consume(name, consumer_tag="mine").tag == "mine"


def test_a_tag_that_is_taken_on_this_channel_is_not_allowed(session, name):
    import pika

    session.queue(name)
    session.consume(name, consumer_tag="mine")
    with session.disconnected(530, "NOT_ALLOWED - attempt to reuse consumer tag 'mine'"):
        session.channel._impl._send_method(pika.spec.Basic.Consume(queue=name, consumer_tag="mine"))


def test_deleting_the_queue_cancels_its_consumers(session, connect, name):
    session.queue(name)
    inbox = session.consume(name)
    connect().channel.queue_delete(name)
    inbox.wait_cancelled()
    assert session.channel.is_open


def test_the_expiry_of_a_queue_is_told_to_nobody_because_it_has_no_consumers(session, name):
    session.queue(name, {"x-expires": 300})
    inbox = session.consume(name)
    session.run(0.6)
    assert not inbox.cancelled


def test_an_exclusive_consumer_has_the_queue_to_itself(session, connect, name):
    session.queue(name)
    other = connect()
    inbox = session.consume(name, exclusive=True)
    text = f"ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use"
    with other.refused(403, text):
        other.consume(name)
    with other.refused(403, text):
        other.consume(name, exclusive=True)
    session.channel.basic_cancel(inbox.tag)
    other.consume(name, exclusive=True)


def test_a_queue_with_a_consumer_cannot_be_had_exclusively(session, connect, name):
    session.queue(name)
    session.consume(name)
    other = connect()
    with other.refused(403, f"ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use"):
        other.consume(name, exclusive=True)


def test_a_consumer_that_came_before_the_messages_gets_them(session, name):
    session.queue(name)
    inbox = session.consume(name)
    session.fill(name, 3)
    assert [m.text for m in inbox.wait(3)] == ["0", "1", "2"]


def test_consumers_of_two_queues_on_one_channel_are_kept_apart(session, name):
    queues = [session.queue(f"{name}.{number}") for number in range(2)]
    inboxes = [session.consume(queue) for queue in queues]
    for queue, inbox in zip(queues, inboxes):
        session.publish(queue, queue)
        assert inbox.wait(1)[0].text == queue
    tags = [inbox.messages[0].tag for inbox in inboxes]
    assert tags == [1, 2], "delivery tags count per channel"
