"""The life of a message: sent, received, held longer, given back, deleted."""

import threading
import time

import pytest
from botocore.exceptions import ClientError

from .conftest import bodies, counts, receive


def test_what_is_sent_is_received_and_what_is_deleted_is_gone(sqs, queue):
    sent = sqs.send_message(
        QueueUrl=queue,
        MessageBody="a <body>\r\n with ünï & control \t",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "foobar"},
            "number": {"DataType": "Number.int", "StringValue": "007"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2"}},
    )
    (message,) = receive(sqs, queue, MessageAttributeNames=["All"])
    assert message["Body"] == "a <body>\r\n with ünï & control \t"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"]["number"] == {"DataType": "Number.int", "StringValue": "007"}
    assert message["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x00\xff"
    system = message["Attributes"]
    assert system["ApproximateReceiveCount"] == "1" and system["AWSTraceHeader"] == "Root=1-2"
    assert abs(int(system["SentTimestamp"]) / 1000 - time.time()) < 60
    assert counts(sqs, queue) == (0, 1, 0)
    for _ in range(2):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)


def test_only_attributes_that_were_asked_for_are_shown_and_summed(sqs, queue):
    sent = sqs.send_message(
        QueueUrl=queue,
        MessageBody="x",
        MessageAttributes={name: {"DataType": "String", "StringValue": name} for name in ("a.1", "a.2", "b")},
    )
    asked = {
        (): None,
        ("none",): None,
        ("b",): {"b"},
        ("a.*",): {"a.1", "a.2"},
        ("a.1", "b"): {"a.1", "b"},
        (".*",): {"a.1", "a.2", "b"},
        ("All",): {"a.1", "a.2", "b"},
    }
    for names, shown in asked.items():
        (message,) = receive(sqs, queue, VisibilityTimeout=0, MessageAttributeNames=list(names))
        if shown is None:
            assert "MessageAttributes" not in message and "MD5OfMessageAttributes" not in message
        else:
            assert set(message["MessageAttributes"]) == shown
            whole = message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
            assert whole == (len(shown) == 3)


def test_a_message_that_is_not_deleted_comes_back_and_is_counted(sqs, queue_of):
    queue = queue_of(VisibilityTimeout="1")
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    (first,) = receive(sqs, queue)
    assert receive(sqs, queue) == []
    began = time.monotonic()
    (second,) = receive(sqs, queue, WaitTimeSeconds=10)
    assert 0.5 < time.monotonic() - began < 3, "the end of a lease wakes a receive that waits"
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    first_received = "ApproximateFirstReceiveTimestamp"
    assert second["Attributes"][first_received] == first["Attributes"][first_received]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]


def test_a_standard_queue_takes_a_delete_that_is_late(sqs, queue_of):
    queue = queue_of(VisibilityTimeout="0")
    sqs.send_message(QueueUrl=queue, MessageBody="late")
    (message,) = receive(sqs, queue)
    assert counts(sqs, queue)[0] == 1, "a timeout of zero leaves it visible"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)


def test_visibility_can_be_extended_and_ended_for_this_receive_only(sqs, queue_of):
    queue = queue_of(VisibilityTimeout="1")
    sqs.send_message(QueueUrl=queue, MessageBody="held")
    (message,) = receive(sqs, queue)
    change = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(**change, VisibilityTimeout=30)
    time.sleep(1.2)
    assert counts(sqs, queue) == (0, 1, 0)
    sqs.change_message_visibility(**change, VisibilityTimeout=0)
    (again,) = receive(sqs, queue)
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    # The old receipt is late: nothing happens, and nothing is hidden anew.
    sqs.change_message_visibility(**change, VisibilityTimeout=30)
    (third,) = receive(sqs, queue, WaitTimeSeconds=5)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=third["ReceiptHandle"])
    with pytest.raises(ClientError) as gone:
        sqs.change_message_visibility(**change, VisibilityTimeout=30)
    assert gone.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert "not available for visibility timeout change" in str(gone.value)


def test_a_lease_may_not_last_longer_than_twelve_hours_in_all(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = receive(sqs, queue)
    time.sleep(0.01)
    with pytest.raises(ClientError) as refused:
        sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=43200
        )
    assert "Total VisibilityTimeout for the message is beyond the limit" in str(refused.value)


def test_a_receive_that_waits_gets_what_is_sent_and_does_not_wait_for_more(sqs, queue):
    threading.Timer(0.4, sqs.send_message, kwargs={"QueueUrl": queue, "MessageBody": "now"}).start()
    began = time.monotonic()
    assert bodies(receive(sqs, queue, 10, WaitTimeSeconds=10)) == ["now"]
    assert 0.3 < time.monotonic() - began < 2


def test_an_explicit_wait_of_zero_wins_over_the_queue(sqs, queue_of):
    queue = queue_of(ReceiveMessageWaitTimeSeconds="2")
    began = time.monotonic()
    assert receive(sqs, queue, WaitTimeSeconds=0) == []
    assert time.monotonic() - began < 1
    assert receive(sqs, queue) == []
    assert time.monotonic() - began > 1.9


def test_a_receive_that_waits_is_told_when_its_queue_is_deleted(sqs, queue):
    threading.Timer(0.3, sqs.delete_queue, kwargs={"QueueUrl": queue}).start()
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        receive(sqs, queue, WaitTimeSeconds=10)


def test_delays_of_the_message_and_of_the_queue(sqs, queue_of):
    queue = queue_of(DelaySeconds="2")
    began = time.monotonic()
    sqs.send_message(QueueUrl=queue, MessageBody="queue's")
    sqs.send_message(QueueUrl=queue, MessageBody="own", DelaySeconds=1)
    sqs.send_message(QueueUrl=queue, MessageBody="none", DelaySeconds=0)
    assert counts(sqs, queue) == (1, 0, 2)
    order = []
    while len(order) < 3 and time.monotonic() - began < 10:
        order += bodies(receive(sqs, queue, WaitTimeSeconds=5))
    assert order == ["none", "own", "queue's"]
    assert time.monotonic() - began >= 1.9


def test_a_purge_takes_what_is_ready_held_and_delayed(sqs, queue):
    for index in range(5):
        sqs.send_message(QueueUrl=queue, MessageBody=str(index), DelaySeconds=30 if index == 4 else 0)
    receive(sqs, queue, 2)
    assert counts(sqs, queue) == (2, 2, 1)
    sqs.purge_queue(QueueUrl=queue)
    assert counts(sqs, queue) == (0, 0, 0)


def test_batches_succeed_and_fail_by_the_entry(sqs, queue):
    sent = sqs.send_message_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": "good", "MessageBody": "good"},
            {"Id": "bad", "MessageBody": "bad \x00"},
            {"Id": "slow", "MessageBody": "slow", "DelaySeconds": 901},
        ],
    )
    assert [entry["Id"] for entry in sent["Successful"]] == ["good"]
    failed = {entry["Id"]: entry["Code"] for entry in sent["Failed"]}
    assert failed == {"bad": "InvalidMessageContents", "slow": "InvalidParameterValue"}
    (message,) = receive(sqs, queue)
    entries = [
        {"Id": "a", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 40},
        {"Id": "b", "ReceiptHandle": "nonsense", "VisibilityTimeout": 40},
    ]
    changed = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in changed["Successful"]] == ["a"]
    for entry in entries:
        del entry["VisibilityTimeout"]
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in deleted["Successful"]] == ["a"]
    assert [entry["Code"] for entry in deleted["Failed"]] == ["ReceiptHandleIsInvalid"]
    assert counts(sqs, queue) == (0, 0, 0)
