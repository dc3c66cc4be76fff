"""FIFO queues: groups with one holder, order that comes back, duplicates that are known, receives that are repeated."""

import re
import threading
import time

import pytest
from botocore.exceptions import ClientError

from .conftest import bodies, counts, receive, refused


def send(sqs, queue: str, body: str, group: str = "g", identity: str | None = None, **more) -> dict:
    if identity is not None:
        more["MessageDeduplicationId"] = identity
    return sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=group, **more)


def delete(sqs, queue: str, *messages: dict) -> None:
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def hide(sqs, queue: str, message: dict, seconds: int) -> None:
    handle = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=seconds)


def drain(sqs, queue: str) -> list:
    """The bodies of all that can be received now, in order; what is received is deleted."""
    drained = []
    while messages := receive(sqs, queue):
        drained += bodies(messages)
        delete(sqs, queue, *messages)
    return drained


# Groups and ids.


def test_a_message_needs_a_group(sqs, fifo):
    text = "The request must contain the parameter MessageGroupId."
    with refused("MissingParameter", text):
        sqs.send_message(QueueUrl=fifo, MessageBody="x")
    with refused("InvalidParameterValue", text):
        sqs.send_message_batch(
            QueueUrl=fifo,
            Entries=[
                {"Id": "a", "MessageBody": "a", "MessageGroupId": "g"},
                {"Id": "b", "MessageBody": "b"},
            ],
        )
    assert counts(sqs, fifo) == (0, 0, 0), "the batch fails whole"


@pytest.mark.parametrize("parameter", ["MessageGroupId", "MessageDeduplicationId"])
def test_ids_are_up_to_128_printable_characters(sqs, fifo, parameter):
    printable = "".join(map(chr, range(0x21, 0x7F)))
    asked = {"QueueUrl": fifo, "MessageBody": "x", "MessageGroupId": "g"}
    for good in ("x", "x" * 128, printable):
        sqs.send_message(**asked | {parameter: good})
        (message,) = receive(sqs, fifo)
        assert message["Attributes"][parameter] == good
        sqs.purge_queue(QueueUrl=fifo)
    for bad in ("", "x" * 129, "a blank", "ünï", "tab\t"):
        with refused("InvalidParameterValue", f"for parameter {parameter} is invalid"):
            sqs.send_message(**asked | {parameter: bad})


def test_a_message_needs_something_to_be_known_by(sqs, queue_of):
    queue = queue_of(".fifo", ContentBasedDeduplication="false")
    text = (
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )
    with refused("InvalidParameterValue", text):
        send(sqs, queue, "x")
    send(sqs, queue, "x", identity="1")


def test_standard_queues_take_groups_but_no_deduplication(sqs, queue):
    send(sqs, queue, "x")
    (message,) = receive(sqs, queue)
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert "SequenceNumber" not in message["Attributes"]
    with refused("InvalidParameterValue"):
        send(sqs, queue, "x", identity="1")


# Duplicates.


def test_a_duplicate_is_accepted_and_dropped(sqs, fifo):
    first = send(sqs, fifo, "first", identity="1")
    again = send(sqs, fifo, "another body", "other-group", identity="1")
    assert again["MessageId"] == first["MessageId"], "it is answered as the first"
    assert "SequenceNumber" in again
    assert drain(sqs, fifo) == ["first"]


def test_a_duplicate_is_known_by_its_body_alone(sqs, fifo):
    attribute = {"a": {"DataType": "String", "StringValue": "1"}}
    first = send(sqs, fifo, "same")
    again = send(sqs, fifo, "same", "other-group", MessageAttributes=attribute)
    assert again["MessageId"] == first["MessageId"]
    send(sqs, fifo, "same", identity="its-own")
    assert drain(sqs, fifo) == ["same", "same"]


def test_content_and_id_are_one_space(sqs, fifo):
    """The id made of the body is its SHA-256 in hexadecimal, and it may be given as well."""
    send(sqs, fifo, "abc")
    (message,) = receive(sqs, fifo)
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert message["Attributes"]["MessageDeduplicationId"] == digest
    send(sqs, fifo, "something else", "h", identity=digest)
    assert counts(sqs, fifo) == (0, 1, 0)


def test_a_duplicate_is_known_after_the_first_is_gone(sqs, fifo):
    first = send(sqs, fifo, "x", identity="1")
    (message,) = receive(sqs, fifo)
    delete(sqs, fifo, message)
    assert send(sqs, fifo, "y", identity="1")["MessageId"] == first["MessageId"]
    assert counts(sqs, fifo) == (0, 0, 0)


def test_a_purge_forgets_who_was_known(sqs, fifo):
    first = send(sqs, fifo, "x", identity="1")
    sqs.purge_queue(QueueUrl=fifo)
    assert send(sqs, fifo, "y", identity="1")["MessageId"] != first["MessageId"]
    assert drain(sqs, fifo) == ["y"]


@pytest.mark.parametrize("scope, kept", [("queue", ["a"]), ("messageGroup", ["a", "b"])])
def test_the_scope_of_deduplication(sqs, queue_of, scope, kept):
    queue = queue_of(".fifo", DeduplicationScope=scope)
    send(sqs, queue, "a", "one", identity="1")
    send(sqs, queue, "b", "two", identity="1")
    send(sqs, queue, "c", "one", identity="1")
    assert sorted(drain(sqs, queue)) == kept


def test_duplicates_within_a_batch(sqs, fifo):
    entries = [
        {"Id": id, "MessageBody": id, "MessageGroupId": "g", "MessageDeduplicationId": same}
        for id, same in (("a", "1"), ("b", "1"), ("c", "2"))
    ]
    sent = sqs.send_message_batch(QueueUrl=fifo, Entries=entries)["Successful"]
    ids = [entry["MessageId"] for entry in sent]
    assert ids[0] == ids[1] != ids[2]
    assert drain(sqs, fifo) == ["a", "c"]


def test_a_refused_message_is_not_remembered(sqs, fifo):
    with refused("InvalidMessageContents"):
        send(sqs, fifo, "\x00", identity="1")
    send(sqs, fifo, "good", identity="1")
    assert drain(sqs, fifo) == ["good"]


def test_sequence_numbers_rise_and_have_twenty_digits(sqs, fifo):
    sent = [send(sqs, fifo, str(index), f"g{index % 3}")["SequenceNumber"] for index in range(9)]
    entries = [{"Id": id, "MessageBody": id, "MessageGroupId": "g"} for id in "abc"]
    batch = sqs.send_message_batch(QueueUrl=fifo, Entries=entries)["Successful"]
    sent += [entry["SequenceNumber"] for entry in batch]
    assert all(re.fullmatch(r"\d{20}", number) for number in sent)
    assert sent == sorted(set(sent))
    received = []
    while messages := receive(sqs, fifo):
        received += [message["Attributes"]["SequenceNumber"] for message in messages]
        delete(sqs, fifo, *messages)
    assert sorted(received) == sent, "a message is received with the number it was sent with"


# Groups have one holder.


def test_a_group_whose_message_is_held_waits(sqs, fifo):
    for body in ("a1", "a2", "b1"):
        send(sqs, fifo, body, body[0])
    (first,) = receive(sqs, fifo, 1)
    assert bodies(receive(sqs, fifo)) == ["b1"], "other groups go on"
    assert receive(sqs, fifo) == []
    send(sqs, fifo, "a3", "a")
    assert receive(sqs, fifo) == [], "a message that is new does not open its group"
    delete(sqs, fifo, first)
    assert bodies(receive(sqs, fifo)) == ["a2", "a3"], "the end of the last one does at once"


def test_one_receive_takes_as_much_of_a_group_as_it_may(sqs, fifo):
    for index in range(8):
        send(sqs, fifo, f"{'ab'[index % 2]}{index}", "ab"[index % 2])
    assert bodies(receive(sqs, fifo, 4)) == ["a0", "a2", "a4", "a6"]
    assert bodies(receive(sqs, fifo, 4)) == ["b1", "b3", "b5", "b7"]


def test_a_group_waits_until_all_of_a_receive_are_done(sqs, fifo):
    for index in range(4):
        send(sqs, fifo, str(index))
    held = receive(sqs, fifo, 3)
    for message in held[:2]:
        delete(sqs, fifo, message)
        assert receive(sqs, fifo) == []
    delete(sqs, fifo, held[2])
    assert bodies(receive(sqs, fifo)) == ["3"]


def test_what_is_behind_a_held_message_stays_hidden(sqs, queue_of):
    """Of three, the first is held longer and the second deleted: the third has to wait, its own time over or not."""
    queue = queue_of(".fifo", VisibilityTimeout="1")
    for index in range(4):
        send(sqs, queue, str(index))
    first, second, third = receive(sqs, queue, 3)
    delete(sqs, queue, second)
    hide(sqs, queue, first, 3)
    time.sleep(1.5)
    assert receive(sqs, queue) == []
    assert bodies(receive(sqs, queue, WaitTimeSeconds=5)) == ["0", "2", "3"]


def test_order_is_restored_when_messages_come_back(sqs, queue_of):
    queue = queue_of(".fifo", VisibilityTimeout="1")
    for index in range(5):
        send(sqs, queue, str(index))
    assert bodies(receive(sqs, queue, 2)) == ["0", "1"]
    send(sqs, queue, "5")
    again = receive(sqs, queue, WaitTimeSeconds=5)
    assert bodies(again) == ["0", "1", "2", "3", "4", "5"]
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in again] == list("221111")


def test_a_timeout_of_zero_locks_nothing(sqs, fifo):
    send(sqs, fifo, "0")
    send(sqs, fifo, "1")
    for count in ("1", "2"):
        (message,) = receive(sqs, fifo, 1, VisibilityTimeout=0)
        assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("0", count)
    assert bodies(receive(sqs, fifo)) == ["0", "1"]


def test_a_message_given_back_opens_its_group(sqs, fifo):
    send(sqs, fifo, "0")
    send(sqs, fifo, "1")
    (message,) = receive(sqs, fifo, 1)
    assert receive(sqs, fifo) == []
    hide(sqs, fifo, message, 0)
    assert bodies(receive(sqs, fifo)) == ["0", "1"]


def test_a_handle_whose_time_is_over_deletes_nothing(sqs, queue_of):
    queue = queue_of(".fifo", VisibilityTimeout="1")
    send(sqs, queue, "x")
    (message,) = receive(sqs, queue)
    time.sleep(1.3)
    handle = message["ReceiptHandle"]
    text = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    with refused("InvalidParameterValue", text):
        delete(sqs, queue, message)
    (again,) = receive(sqs, queue)
    with refused("InvalidParameterValue", "The receipt handle has expired."):
        delete(sqs, queue, message)
    delete(sqs, queue, again)
    assert counts(sqs, queue) == (0, 0, 0)


def test_a_delete_can_be_repeated(sqs, fifo):
    send(sqs, fifo, "x")
    (message,) = receive(sqs, fifo)
    delete(sqs, fifo, message, message)


def test_many_receivers_never_share_a_group_and_keep_its_order(sqs, fifo):
    groups, each = 5, 20
    for index in range(each):
        entries = [
            {"Id": f"g{group}", "MessageBody": f"{group}-{index}", "MessageGroupId": f"g{group}"}
            for group in range(groups)
        ]
        sqs.send_message_batch(QueueUrl=fifo, Entries=entries)
    seen, held, wrong, lock = {f"g{group}": [] for group in range(groups)}, {}, [], threading.Lock()

    def work(me: int) -> None:
        while messages := receive(sqs, fifo, 3, WaitTimeSeconds=1):
            for message in messages:
                group = message["Attributes"]["MessageGroupId"]
                with lock:
                    if held.setdefault(group, me) != me:
                        wrong.append(message["Body"])
                    seen[group].append(int(message["Body"].split("-")[1]))
            with lock:
                for message in messages:
                    held.pop(message["Attributes"]["MessageGroupId"], None)
            delete(sqs, fifo, *messages)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert seen == {f"g{group}": list(range(each)) for group in range(groups)}


# Delays.


def test_only_the_queue_delays(sqs, queue_of):
    queue = queue_of(".fifo", DelaySeconds="1")
    text = "Value 1 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for"
    with refused("InvalidParameterValue", text + " this queue type."):
        send(sqs, queue, "x", DelaySeconds=1)
    send(sqs, queue, "x", DelaySeconds=0)
    assert counts(sqs, queue) == (0, 0, 1), "a delay of zero leaves the queue's"
    began = time.monotonic()
    assert bodies(receive(sqs, queue, WaitTimeSeconds=5)) == ["x"]
    assert 0.5 < time.monotonic() - began < 3


def test_a_queue_that_delays_no_more_shows_what_waits(sqs, queue_of):
    queue = queue_of(".fifo", DelaySeconds="600")
    send(sqs, queue, "x")
    assert receive(sqs, queue) == []
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
    assert bodies(receive(sqs, queue, WaitTimeSeconds=2)) == ["x"]


# Receives that are repeated.


def test_a_receive_is_repeated_by_its_attempt_id(sqs, fifo):
    for index in range(4):
        send(sqs, fifo, str(index), f"g{index % 2}")
    first = receive(sqs, fifo, 2, ReceiveRequestAttemptId="attempt")
    again = receive(sqs, fifo, 2, ReceiveRequestAttemptId="attempt")
    handles = [[message["ReceiptHandle"] for message in messages] for messages in (first, again)]
    assert len(first) == 2 and handles[0] == handles[1]
    other = receive(sqs, fifo, 2, ReceiveRequestAttemptId="another attempt")
    assert not set(bodies(other)) & set(bodies(first))
    delete(sqs, fifo, *again)


def test_an_attempt_ends_when_one_of_its_messages_is_changed(sqs, fifo):
    for end in (delete, lambda sqs, queue, message: hide(sqs, queue, message, 60)):
        send(sqs, fifo, "0")
        send(sqs, fifo, "1")
        first = receive(sqs, fifo, 2, ReceiveRequestAttemptId="attempt")
        assert bodies(first) == ["0", "1"]
        end(sqs, fifo, first[0])
        try:
            assert receive(sqs, fifo, 2, ReceiveRequestAttemptId="attempt") == []
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] == "InvalidParameterValue"
        sqs.purge_queue(QueueUrl=fifo)


def test_a_repeated_receive_holds_anew(sqs, queue_of):
    queue = queue_of(".fifo", VisibilityTimeout="2")
    send(sqs, queue, "x")
    receive(sqs, queue, ReceiveRequestAttemptId="attempt")
    time.sleep(1.2)
    (message,) = receive(sqs, queue, ReceiveRequestAttemptId="attempt")
    time.sleep(1.2)
    assert counts(sqs, queue) == (0, 1, 0), "the timeout began again with the second receive"
    delete(sqs, queue, message)
