"""Who is served first: consumer priorities and the single active consumer."""


def test_the_higher_priority_gets_all_while_it_has_credit(connect, name):
    low, high = connect(), connect()
    low.queue(name)
    low_inbox = low.consume(name, prefetch=10)
    high_inbox = high.consume(name, prefetch=3, arguments={"x-priority": 5})
    low.fill(name, 3)
    assert [m.text for m in high_inbox.wait(3)] == ["0", "1", "2"]
    low.fill(name, 2)
    low_inbox.wait(2)
    assert len(high_inbox.settle_down(0.1)) == 3
    high.ack(high_inbox.messages[0])
    high.depth(name)  # an answer on the same channel: the ack has arrived before the other connection publishes
    low.publish("again", name)
    assert high_inbox.wait(4)[3].text == "again"
    assert len(low_inbox.settle_down(0.1)) == 2


def test_a_negative_priority_is_served_last(connect, name):
    last, normal = connect(), connect()
    last.queue(name)
    last_inbox = last.consume(name, arguments={"x-priority": -1})
    normal_inbox = normal.consume(name)
    last.fill(name, 5)
    normal_inbox.wait(5)
    assert last_inbox.settle_down(0.1) == []


def test_a_priority_that_is_no_number_is_refused(session, name):
    session.queue(name)
    with session.refused(406, "x-priority"):
        session.consume(name, arguments={"x-priority": "high"})


SINGLE = {"x-single-active-consumer": True}


def test_only_one_consumer_is_active_and_the_next_takes_over(connect, name):
    sessions = [connect() for _ in range(3)]
    sessions[0].queue(name, SINGLE)
    inboxes = [session.consume(name) for session in sessions]
    sessions[0].fill(name, 4)
    inboxes[0].wait(4)
    assert inboxes[1].settle_down(0.1) == [] and inboxes[2].settle_down(0.1) == []
    sessions[0].ack(inboxes[0].messages[0])
    sessions[0].run(0.1)
    sessions[0].drop()
    assert [(m.text, m.redelivered) for m in inboxes[1].wait(3)] == [(text, True) for text in "123"]
    assert inboxes[2].settle_down(0.1) == []


def test_cancelling_the_active_consumer_makes_the_next_active(connect, name):
    first, second = connect(), connect()
    first.queue(name, SINGLE)
    active, waiting = first.consume(name), second.consume(name)
    first.channel.basic_cancel(active.tag)
    first.publish("for the next", name)
    assert waiting.wait(1)[0].text == "for the next"


def test_an_exclusive_consumer_on_a_single_active_queue_is_refused(session, name):
    session.queue(name, SINGLE)
    with session.refused(403, "ACCESS_REFUSED"):
        session.consume(name, exclusive=True)
