"""Workers on one queue: they share, and what a dead one held comes back."""

import pytest


def test_two_workers_share_the_work_evenly(connect, name):
    workers = [connect(), connect()]
    workers[0].queue(name)
    inboxes = [worker.consume(name, prefetch=1) for worker in workers]
    workers[0].fill(name, 100)
    done = [0, 0]
    while sum(done) < 100:
        for number, (worker, inbox) in enumerate(zip(workers, inboxes)):
            inbox.wait(done[number] + 1) if sum(done) < 98 else worker.run(0.05)
            for message in inbox.messages[done[number]:]:
                worker.ack(message)
            done[number] = len(inbox.messages)
    assert abs(done[0] - done[1]) <= 4, done
    assert sorted(inboxes[0].texts + inboxes[1].texts, key=int) == [str(number) for number in range(100)]


def test_workers_with_room_take_turns(session, connect, name):
    session.queue(name)
    workers = [connect() for _ in range(3)]
    inboxes = [worker.consume(name, prefetch=100) for worker in workers]
    session.fill(name, 30)
    for inbox in inboxes:
        inbox.wait(10)
        assert len(inbox.settle_down(0.1)) == 10


def test_a_worker_that_dies_with_ten_gives_back_ten_in_their_old_places(connect, name):
    crashed, survivor = connect(), connect()
    survivor.queue(name)
    sent = survivor.fill(name, 15)
    crashed.consume(name, prefetch=10).wait(10)
    crashed.drop()
    survivor.wait_depth(name, 15)
    messages = [survivor.get(name) for _ in range(15)]
    assert [m.text for m in messages] == sent
    assert [m.redelivered for m in messages] == [True] * 10 + [False] * 5


def test_what_a_dead_worker_held_goes_to_a_waiting_one(connect, name):
    crashed, survivor = connect(), connect()
    survivor.queue(name)
    lost = crashed.consume(name, prefetch=3)
    sent = survivor.fill(name, 3)
    lost.wait(3)
    inbox = survivor.consume(name, prefetch=3)
    crashed.drop()
    assert [(m.text, m.redelivered) for m in inbox.wait(3)] == [(text, True) for text in sent]


def test_without_acknowledgements_a_killed_worker_loses_what_it_held(connect, name):
    crashed, survivor = connect(), connect()
    survivor.queue(name)
    survivor.fill(name, 10)
    crashed.consume(name, auto_ack=True).wait(10)
    crashed.drop()
    survivor.run(0.3)
    assert survivor.depth(name) == 0


@pytest.mark.parametrize("how", ["channel", "connection"])
def test_closing_politely_gives_back_too(connect, name, how):
    leaving, staying = connect(), connect()
    staying.queue(name)
    sent = staying.fill(name, 3)
    leaving.consume(name, prefetch=2).wait(2)
    leaving.channel.close() if how == "channel" else leaving.close()
    staying.wait_depth(name, 3)
    assert staying.drain(name) == sent
