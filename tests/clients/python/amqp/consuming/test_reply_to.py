"""Direct reply-to: answers without a reply queue."""

import pika
import pytest

PSEUDO_QUEUE = "amq.rabbitmq.reply-to"


def test_an_answer_finds_the_one_who_asked(connect, name):
    asker, worker = connect(), connect()
    worker.queue(name)
    requests = worker.consume(name)
    answers = asker.consume(PSEUDO_QUEUE, auto_ack=True)
    asker.publish("question", name, reply_to=PSEUDO_QUEUE, correlation_id="c-1")
    request = requests.wait(1)[0]
    assert request.properties.reply_to.startswith(f"{PSEUDO_QUEUE}.")
    worker.publish("answer", request.properties.reply_to, correlation_id=request.properties.correlation_id)
    answer = answers.wait(1)[0]
    assert (answer.text, answer.properties.correlation_id) == ("answer", "c-1")


def test_the_answer_does_not_reach_another_asker(connect, name):
    asker, other, worker = connect(), connect(), connect()
    worker.queue(name)
    answers, others = (one.consume(PSEUDO_QUEUE, auto_ack=True) for one in (asker, other))
    asker.publish("question", name, reply_to=PSEUDO_QUEUE)
    worker.publish("answer", worker.wait_get(name).properties.reply_to)
    answers.wait(1)
    assert others.settle_down(0.1) == []


def test_whether_the_asker_still_listens_can_be_asked(connect, name):
    asker, worker = connect(), connect()
    worker.queue(name)
    asker.consume(PSEUDO_QUEUE, auto_ack=True)
    asker.publish("question", name, reply_to=PSEUDO_QUEUE)
    address = worker.wait_get(name).properties.reply_to
    worker.channel.queue_declare(address, passive=True)
    asker.close()
    worker.run(0.2)
    with worker.refused(404, "NOT_FOUND"):
        worker.channel.queue_declare(address, passive=True)


def test_an_answer_to_nobody_is_unroutable(connect, name):
    asker, worker = connect(), connect()
    worker.queue(name)
    asker.consume(PSEUDO_QUEUE, auto_ack=True)
    asker.publish("question", name, reply_to=PSEUDO_QUEUE)
    address = worker.wait_get(name).properties.reply_to
    asker.close()
    worker.run(0.2)
    with pytest.raises(pika.exceptions.UnroutableError):
        worker.publish("answer", address, mandatory=True)


def test_the_consumer_must_not_acknowledge(session):
    with session.refused(406, "PRECONDITION_FAILED - reply consumer cannot acknowledge"):
        session.consume(PSEUDO_QUEUE)


def test_there_is_one_reply_consumer_a_channel(session):
    session.consume(PSEUDO_QUEUE, auto_ack=True)
    with session.refused(406, "PRECONDITION_FAILED - reply consumer already set"):
        session.channel._impl._send_method(
            pika.spec.Basic.Consume(queue=PSEUDO_QUEUE, consumer_tag="second", no_ack=True)
        )


def test_asking_without_listening_is_refused(session, name):
    session.queue(name)
    with session.refused(406, "PRECONDITION_FAILED - fast reply consumer does not exist"):
        session.publish("question", name, reply_to=PSEUDO_QUEUE)
