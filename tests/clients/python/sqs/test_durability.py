"""What is kept after kill -9: messages, leases, receipts, counts, duplicates, attributes, delays."""

import json
import time

import pytest

from .conftest import arn, attributes, bodies, counts, receive, refused, sqs_client


@pytest.fixture
def sqs(own_broker):
    return sqs_client(own_broker)


def make(sqs, name: str = "q", **wanted: str) -> str:
    if name.endswith(".fifo"):
        wanted = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} | wanted
    return sqs.create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]


def drain(sqs, queue: str) -> list:
    drained = []
    while messages := receive(sqs, queue):
        drained += bodies(messages)
    return drained


def test_what_was_replied_to_is_there_after_the_kill(own_broker, sqs):
    queue = make(sqs)
    texts = []
    for round in range(5):
        for index in range(20):
            text = f"{round}-{index}"
            sqs.send_message(QueueUrl=queue, MessageBody=text)
            texts.append(text)
        batch = [f"{round}-batch-{index}" for index in range(10)]
        sent = sqs.send_message_batch(
            QueueUrl=queue, Entries=[{"Id": text, "MessageBody": text} for text in batch]
        )
        assert len(sent["Successful"]) == 10
        texts += batch
        own_broker.restart()
    assert drain(sqs, queue) == texts


def test_the_kill_comes_right_after_the_reply(own_broker, sqs):
    queue = make(sqs)
    for index in range(5):
        sent = sqs.send_message(QueueUrl=queue, MessageBody=str(index))
        own_broker.kill9()
        own_broker.start()
        (message,) = receive(sqs, queue)
        assert (message["MessageId"], message["Body"]) == (sent["MessageId"], str(index))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_a_receipt_from_before_the_kill_deletes_after_it(own_broker, sqs):
    queue, fifo = make(sqs), make(sqs, "q.fifo")
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g")
    held = [receive(sqs, url)[0] for url in (queue, fifo)]
    own_broker.restart()
    for url, message in zip((queue, fifo), held):
        assert counts(sqs, url) == (0, 1, 0)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert counts(sqs, url) == (0, 0, 0)
    own_broker.restart()
    assert counts(sqs, queue) == counts(sqs, fifo) == (0, 0, 0), "a delete that was replied to holds"


def test_a_message_in_flight_stays_so_until_its_time_is_over(own_broker, sqs):
    queue = make(sqs, VisibilityTimeout="6")
    sqs.send_message(QueueUrl=queue, MessageBody="held")
    (first,) = receive(sqs, queue)
    received = time.monotonic()
    own_broker.restart()
    assert receive(sqs, queue) == []
    (again,) = receive(sqs, queue, WaitTimeSeconds=10)
    assert 5 < time.monotonic() - received < 9, "the time of the kill is not given on top"
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    first_received = "ApproximateFirstReceiveTimestamp"
    assert again["Attributes"][first_received] == first["Attributes"][first_received]
    assert again["Attributes"]["SentTimestamp"] == first["Attributes"]["SentTimestamp"]


def test_an_extension_holds_after_the_kill(own_broker, sqs):
    queue = make(sqs, VisibilityTimeout="1")
    sqs.send_message(QueueUrl=queue, MessageBody="held")
    (message,) = receive(sqs, queue)
    handle = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=60)
    own_broker.restart()
    time.sleep(1.2)
    assert counts(sqs, queue) == (0, 1, 0)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    own_broker.restart()
    assert bodies(receive(sqs, queue)) == ["held"]


def test_receives_are_counted_on(own_broker, sqs):
    dead = make(sqs, "dead")
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 4})
    queue = make(sqs, VisibilityTimeout="0", RedrivePolicy=policy)
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    for count in ("1", "2", "3"):
        (message,) = receive(sqs, queue)
        assert message["Attributes"]["ApproximateReceiveCount"] == count
        own_broker.restart()
    receive(sqs, queue)
    own_broker.restart()
    receive(sqs, queue)
    (letter,) = receive(sqs, dead, WaitTimeSeconds=5)
    assert letter["Body"] == "poison"
    own_broker.restart()
    assert sum(counts(sqs, dead)) == 1


def test_a_duplicate_after_the_kill_is_still_one(own_broker, sqs):
    queue = make(sqs, "q.fifo")
    sent = {"QueueUrl": queue, "MessageGroupId": "g"}
    by_id = sqs.send_message(**sent, MessageBody="a", MessageDeduplicationId="1")
    by_body = sqs.send_message(**sent, MessageBody="b")
    for message in receive(sqs, queue):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    own_broker.restart()
    assert sqs.send_message(**sent, MessageBody="c", MessageDeduplicationId="1")["MessageId"] == by_id["MessageId"]
    assert sqs.send_message(**sent, MessageBody="b")["MessageId"] == by_body["MessageId"]
    assert counts(sqs, queue) == (0, 0, 0)
    new = sqs.send_message(**sent, MessageBody="new")
    assert new["SequenceNumber"] > by_body["SequenceNumber"]


def test_a_purge_holds_and_what_it_forgot_stays_forgotten(own_broker, sqs):
    queue = make(sqs, "q.fifo")
    sent = {"QueueUrl": queue, "MessageGroupId": "g", "MessageBody": "x"}
    sqs.send_message(**sent)
    sqs.purge_queue(QueueUrl=queue)
    own_broker.restart()
    assert counts(sqs, queue) == (0, 0, 0)
    sqs.send_message(**sent)
    assert counts(sqs, queue) == (1, 0, 0)


def test_a_held_group_stays_held_and_in_order(own_broker, sqs):
    queue = make(sqs, "q.fifo", VisibilityTimeout="60")
    for index in range(4):
        sqs.send_message(QueueUrl=queue, MessageBody=str(index), MessageGroupId="g")
    held = receive(sqs, queue, 2)
    own_broker.restart()
    assert receive(sqs, queue) == []
    for message in held:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(receive(sqs, queue)) == ["0", "1", "2", "3"]


def test_a_queue_is_after_the_kill_what_it_was(own_broker, sqs):
    dead = make(sqs, "dead")
    queue = make(
        sqs,
        VisibilityTimeout="7",
        DelaySeconds="1",
        MaximumMessageSize="2048",
        RedrivePolicy=json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 4}),
    )
    sqs.tag_queue(QueueUrl=queue, Tags={"a": "1", "ü": "2"})
    sqs.untag_queue(QueueUrl=queue, TagKeys=["a"])
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "8", "KmsMasterKeyId": "alias/key"})
    sqs.add_permission(QueueUrl=queue, Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    sqs.set_queue_attributes(
        QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    )
    gone = make(sqs, "gone")
    sqs.delete_queue(QueueUrl=gone)
    before = [attributes(sqs, url) for url in (queue, dead)]
    own_broker.restart()
    assert [attributes(sqs, url) for url in (queue, dead)] == before
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"ü": "2"}
    assert set(sqs.list_queues()["QueueUrls"]) == {queue, dead}
    with refused("InvalidParameterValue", "Message must be shorter than 2048 bytes."):
        sqs.send_message(QueueUrl=queue, MessageBody="x" * 2049)


def test_delayed_messages_keep_their_delay(own_broker, sqs):
    queue = make(sqs)
    sqs.send_message(QueueUrl=queue, MessageBody="soon", DelaySeconds=4)
    sqs.send_message(QueueUrl=queue, MessageBody="late", DelaySeconds=600)
    sent = time.monotonic()
    own_broker.restart()
    assert counts(sqs, queue) == (0, 0, 2)
    assert bodies(receive(sqs, queue, WaitTimeSeconds=10)) == ["soon"]
    assert 3 < time.monotonic() - sent < 7
    assert counts(sqs, queue) == (0, 1, 1)


def test_an_orderly_end_keeps_what_is_there(own_broker, sqs):
    queue = make(sqs)
    sqs.send_message(QueueUrl=queue, MessageBody="kept")
    assert own_broker.terminate() == 0
    own_broker.start()
    assert bodies(receive(sqs, queue)) == ["kept"]
