"""One queue, two doors: what is declared, sent and acknowledged at one is seen at the other."""

import base64
import json
import threading
import uuid

import pytest

from .conftest import arn, bodies, counts, receive, refused


def name_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


def url_of(sqs, name: str) -> str:
    return sqs.get_queue_url(QueueName=name)["QueueUrl"]


def text(value: str, data_type: str = "String") -> dict:
    return {"DataType": data_type, "StringValue": value}


# Queues.


def test_a_queue_made_at_sqs_is_there_at_amqp(sqs, queue, session):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert session.depth(name_of(queue)) == 1, "a passive declare finds it"
    session.queue(name_of(queue))
    assert session.depth(name_of(queue)) == 1, "and so does one with the same properties"


def test_a_fifo_queue_is_one_with_groups_at_amqp(fifo, session):
    session.queue(name_of(fifo), {"x-groups": True})
    with session.refused(406):
        session.queue(name_of(fifo))


def test_a_queue_declared_at_amqp_is_there_at_sqs(sqs, session, name):
    session.queue(name)
    url = url_of(sqs, name)
    assert url in sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert shown["VisibilityTimeout"] == "30" and shown["QueueArn"].endswith(f":{name}")
    assert "MessageRetentionPeriod" not in shown, "such a queue keeps its messages for ever"
    session.publish("x", name)
    assert bodies(receive(sqs, url)) == ["x"]


def test_names_that_only_amqp_has_are_escaped_in_urls(sqs, session, name):
    odd = f"{name}/with: odd&chars ü"
    session.queue(odd)
    (url,) = sqs.list_queues(QueueNamePrefix=odd)["QueueUrls"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert session.drain(odd) == ["x"]


def test_an_exclusive_queue_is_nobody_elses(sqs, session, name):
    session.queue(name, exclusive=True, durable=False)
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name)
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.get_queue_url(QueueName=name)


def test_a_queue_deleted_at_one_door_is_gone_at_the_other(sqs, queue, session, name):
    session.channel.queue_delete(name_of(queue))
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        receive(sqs, queue)
    session.queue(name)
    sqs.delete_queue(QueueUrl=url_of(sqs, name))
    with session.refused(404):
        session.depth(name)


# Messages from SQS to AMQP.


def test_attributes_become_headers(sqs, queue, session):
    sent = sqs.send_message(
        QueueUrl=queue,
        MessageBody="bödy",
        MessageAttributes={
            "text": text("ünï"),
            "whole": text("-42", "Number"),
            "part": text("1.5", "Number"),
            "zeros": text("007", "Number"),
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )
    message = session.wait_get(name_of(queue))
    assert message.text == "bödy"
    assert message.properties.message_id == sent["MessageId"]
    assert message.properties.delivery_mode == 2
    headers = message.headers
    assert (headers["text"], headers["whole"]) == ("ünï", -42)
    assert headers["part"] == 1, "pika cuts the fraction of a double off; it would leave a text alone"
    assert headers["zeros"] == "007", "a number is one only if nothing of it is lost"
    assert bytes(headers["bytes"]) == b"\x00\xff"


def test_properties_are_attributes_of_a_name_of_their_own(sqs, queue, session):
    sqs.send_message(
        QueueUrl=queue,
        MessageBody="x",
        MessageAttributes={
            "amqp.content_type": text("application/json"),
            "amqp.content_encoding": text("gzip"),
            "amqp.correlation_id": text("c-1"),
            "amqp.reply_to": text("answers"),
            "amqp.type": text("order"),
            "amqp.app_id": text("shop"),
            "amqp.priority": text("5", "Number"),
            "amqp.timestamp": text("1700000000", "Number"),
        },
    )
    message = session.wait_get(name_of(queue))
    properties = message.properties
    assert (properties.content_type, properties.content_encoding) == ("application/json", "gzip")
    assert (properties.correlation_id, properties.reply_to) == ("c-1", "answers")
    assert (properties.type, properties.app_id) == ("order", "shop")
    assert (properties.priority, properties.timestamp) == (5, 1700000000)
    assert not [header for header in message.headers if header.startswith("amqp.")]


def test_groups_ids_and_traces_become_headers(sqs, fifo, session):
    sqs.send_message(
        QueueUrl=fifo,
        MessageBody="x",
        MessageGroupId="g",
        MessageDeduplicationId="d",
        MessageSystemAttributes={"AWSTraceHeader": text("Root=1")},
    )
    headers = session.wait_get(name_of(fifo)).headers
    assert headers["x-group-key"] == "g"
    assert headers["x-deduplication-id"] == "d"
    assert headers["x-aws-trace"] == "Root=1"


# Messages from AMQP to SQS.


def test_headers_become_attributes(sqs, queue, session):
    headers = {"text": "ünï", "whole": -42, "truth": True, "bytes": b"\x00\xff", "none": None}
    headers["table"] = {"a": [1, "b"]}
    session.publish("bödy".encode(), name_of(queue), headers=headers, message_id="my-id")
    (message,) = receive(sqs, queue, MessageAttributeNames=["All"])
    assert (message["Body"], message["MessageId"]) == ("bödy", "my-id")
    shown = message["MessageAttributes"]
    assert shown["text"] == text("ünï") and shown["whole"] == text("-42", "Number")
    assert shown["truth"] == text("true")
    assert shown["bytes"] == {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    assert json.loads(shown["table"]["StringValue"]) == {"a": [1, "b"]}
    assert "none" not in shown, "an attribute has a value"


def test_properties_become_attributes(sqs, queue, session):
    properties = {"content_type": "application/json", "correlation_id": "c-1", "priority": 5, "timestamp": 1700000000}
    session.publish("{}", name_of(queue), **properties)
    (message,) = receive(sqs, queue, MessageAttributeNames=["amqp.*"])
    assert message["MessageAttributes"] == {
        "amqp.content_type": text("application/json"),
        "amqp.correlation_id": text("c-1"),
        "amqp.priority": text("5", "Number"),
        "amqp.timestamp": text("1700000000", "Number"),
    }


def test_a_message_without_an_id_gets_one_that_stays(sqs, queue, session):
    session.publish("x", name_of(queue))
    ids = {receive(sqs, queue, VisibilityTimeout=0)[0]["MessageId"] for _ in range(3)}
    assert len(ids) == 1
    uuid.UUID(ids.pop())


@pytest.mark.parametrize("body", [b"\xff\x00binary", b"a\x00b", b"\xed\xa0\x80"], ids=repr)
def test_a_body_that_is_no_text_comes_in_base64(sqs, queue, session, body):
    session.publish(body, name_of(queue))
    (message,) = receive(sqs, queue, MessageAttributeNames=["All"])
    assert base64.b64decode(message["Body"]) == body
    assert message["MessageAttributes"] == {"amqp.body_encoding": text("base64")}


def test_groups_of_amqp_are_groups_of_sqs(sqs, fifo, session):
    for body, group in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        session.publish(body, name_of(fifo), headers={"x-group-key": group})
    (first,) = receive(sqs, fifo, 1)
    assert (first["Body"], first["Attributes"]["MessageGroupId"]) == ("a1", "a")
    held = session.get(name_of(fifo), ack=False)
    assert held.text == "b1", "a group that SQS holds is held at AMQP, too"
    assert session.get(name_of(fifo)) is None and receive(sqs, fifo) == []
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(receive(sqs, fifo)) == ["a2"]


def test_all_attributes_come_back_as_they_were_sent(sqs, queue, session, name):
    """From SQS over an AMQP client that passes the message on, to SQS."""
    attributes = {
        "text": text("ünï"),
        "custom": text("v", "String.mine"),
        "whole": text("-42", "Number"),
        "zeros": text("007", "Number.int"),
        "big": text("1" * 38, "Number"),
        "bytes": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff"},
        "amqp.content_type": text("text/plain"),
        "CC": text("a header that AMQP would act on"),
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    session.queue(name)
    message = session.wait_get(name_of(queue))
    message.properties.user_id = None
    session.channel.basic_publish("", name, message.body, message.properties)
    (received,) = receive(sqs, url_of(sqs, name), MessageAttributeNames=["All"])
    assert received["MessageId"] == sent["MessageId"]
    assert received["MessageAttributes"] == attributes
    assert received["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


# Work.


def test_what_amqp_holds_sqs_does_not_see_and_the_other_way_round(sqs, queue, session):
    for body in ("0", "1"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    held = session.get(name_of(queue), ack=False)
    (received,) = receive(sqs, queue)
    assert (held.text, received["Body"]) == ("0", "1")
    assert session.get(name_of(queue)) is None and counts(sqs, queue) == (0, 2, 0)
    session.ack(held)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
    session.run_until(lambda: counts(sqs, queue) == (0, 0, 0))
    assert counts(sqs, queue) == (0, 0, 0)


def test_what_amqp_gives_back_sqs_receives_as_the_second(sqs, queue, session):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    session.nack(session.get(name_of(queue), ack=False))
    (message,) = receive(sqs, queue, WaitTimeSeconds=5)
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    again = session.wait_get(name_of(queue))
    assert again.redelivered and again.headers["x-delivery-count"] == 2


def test_a_consumer_and_receivers_share_the_work(sqs, queue, session):
    inbox = session.consume(name_of(queue), prefetch=1)
    texts = [str(index) for index in range(40)]
    for text_ in texts:
        sqs.send_message(QueueUrl=queue, MessageBody=text_)
    done, acknowledged = [], 0
    for _ in range(100):
        session.run(0.02)
        for message in inbox.messages[acknowledged:]:
            session.ack(message)
            acknowledged += 1
        for message in receive(sqs, queue, 1):
            done.append(message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        if len(done) + acknowledged == len(texts):
            break
    assert done and inbox.messages, "both get some of it"
    assert sorted(done + inbox.texts, key=int) == texts, "each message goes to one of them"


def test_an_exchange_fans_out_into_queues_of_sqs(sqs, queue_of, session, name):
    session.exchange(name, "fanout")
    queues = [queue_of() for _ in range(3)]
    for queue in queues:
        session.bind(name_of(queue), name)
    session.publish("to all", exchange=name)
    for queue in queues:
        assert bodies(receive(sqs, queue)) == ["to all"]


def test_what_dies_at_sqs_is_received_at_amqp(sqs, queue_of, session):
    dead = queue_of()
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 1})
    queue = queue_of(VisibilityTimeout="0", RedrivePolicy=policy)
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    receive(sqs, queue)
    receive(sqs, queue)
    message = session.wait_get(name_of(dead))
    assert message.text == "poison"
    (death,) = message.headers["x-death"]
    assert (death["queue"], death["reason"], death["count"]) == (name_of(queue), "delivery_limit", 1)


def test_what_dies_at_amqp_is_received_at_sqs(sqs, queue, session, name):
    session.queue(name, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name_of(queue)})
    session.publish("rejected", name, message_id="my-id")
    session.reject(session.wait_get(name, ack=False), requeue=False)
    (message,) = receive(sqs, queue, WaitTimeSeconds=5, MessageAttributeNames=["All"])
    assert (message["Body"], message["MessageId"]) == ("rejected", "my-id")
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith(f":{name}")
    assert "MessageAttributes" not in message, "the history of a death is no attribute"


def test_a_receive_that_waits_is_woken_by_a_publish(sqs, queue, session):
    waits = []
    thread = threading.Thread(target=lambda: waits.append(bodies(receive(sqs, queue, WaitTimeSeconds=10))))
    thread.start()
    session.run(0.5)
    session.publish("woken", name_of(queue))
    thread.join(10)
    assert waits == [["woken"]]


def test_amqp_purges_what_sqs_sent(sqs, queue, session):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    session.channel.queue_purge(name_of(queue))
    assert counts(sqs, queue) == (0, 0, 0)
