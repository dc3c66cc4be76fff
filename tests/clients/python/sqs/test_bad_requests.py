"""What no SDK sends: the right error, and a client beside it that never notices."""

import json
import socket
import time

import pytest

from . import raw
from .bystander import Bystander
from .conftest import bodies, counts, receive, refused

MEBIBYTE = 1 << 20
MOST_BODY_BYTES = 8 * MEBIBYTE


@pytest.fixture(autouse=True)
def bystander(broker):
    """Another client that works all the while; the test fails if it was disturbed."""
    with Bystander(broker) as bystander:
        yield bystander
    bystander.assert_undisturbed()


@pytest.fixture
def wire(broker):
    with raw.Wire(broker.sqs_url) as wire:
        yield wire


# Bodies that are no request.


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b'{"QueueName": ',
        b'{"QueueName": "q"',
        b'{"QueueName": "q"} and more',
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b"\xff\xfe",
        b'{"QueueName": "\xff"}',
        b'{"QueueName": "\xed\xa0\x80"}',
        b'{"QueueName": "\\ud800"}',
        b'{"QueueName": NaN}',
        b'{"a":' * 100_000,
        b"[" * 1_000_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"QueueName": "q", "x": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"\x00" * 1000,
    ],
    ids=lambda body: f"{body[:24]!r} of {len(body)}",
)
def test_what_is_no_json_object(broker, body):
    answer = raw.json_call(broker.sqs_url, "GetQueueUrl", body)
    assert (answer.status, answer.json["__type"]) == (400, "com.amazonaws.sqs#SerializationException")


WRONG_TYPES = [
    ("SendMessage", {"MessageBody": 1}),
    ("SendMessage", {"MessageBody": ["x"]}),
    ("SendMessage", {"MessageBody": "x", "DelaySeconds": 1.5}),
    ("SendMessage", {"MessageBody": "x", "DelaySeconds": [1]}),
    ("SendMessage", {"MessageBody": "x", "DelaySeconds": 10**30}),
    ("SendMessage", {"MessageBody": "x", "MessageAttributes": []}),
    ("SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": "x"}}),
    ("SendMessageBatch", {"Entries": {}}),
    ("SendMessageBatch", {"Entries": ["x"]}),
    ("SendMessageBatch", {"Entries": [{"Id": 1, "MessageBody": "x"}]}),
    ("ReceiveMessage", {"MaxNumberOfMessages": True}),
    ("ReceiveMessage", {"MaxNumberOfMessages": {}}),
    ("ReceiveMessage", {"MessageAttributeNames": "All"}),
    ("ReceiveMessage", {"MessageAttributeNames": [1]}),
    ("SetQueueAttributes", {"Attributes": [1]}),
    ("SetQueueAttributes", {"Attributes": {"DelaySeconds": []}}),
    ("TagQueue", {"Tags": "x"}),
    ("UntagQueue", {"TagKeys": {"a": "b"}}),
]


@pytest.mark.parametrize("action, parameters", WRONG_TYPES, ids=str)
def test_values_of_the_wrong_type(sqs, queue, action, parameters):
    answer = raw.json_call(queue, action, parameters)
    assert (answer.status, answer.json["__type"]) == (400, "com.amazonaws.sqs#SerializationException")
    assert counts(sqs, queue) == (0, 0, 0)


@pytest.mark.parametrize("attribute", [{"DataType": 1}, {"DataType": "String", "StringValue": 1}], ids=str)
def test_fields_of_attributes_of_the_wrong_type(queue, attribute):
    answer = raw.json_call(queue, "SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": attribute}})
    assert (answer.status, answer.json["__type"]) == (400, "com.amazonaws.sqs#SerializationException")


def test_a_binary_value_that_is_no_base64(queue):
    attribute = {"DataType": "Binary", "BinaryValue": "*no base64*"}
    answer = raw.json_call(queue, "SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": attribute}})
    assert answer.status == 400 and "base64" in answer.json["message"]


def test_a_target_that_is_none(broker):
    request = raw.urllib.request.Request(broker.sqs_url, b"{}", {"X-Amz-Target": "nonsense"})
    answer = raw.send(request)
    assert (answer.status, answer.json["__type"]) == (404, "com.amazonaws.sqs#UnknownOperationException")


@pytest.mark.parametrize("form", [b"%", b"%4", b"%zz", b"%ff%fe", b"\xff", b"MessageBody=%c3%28"], ids=repr)
def test_forms_with_bad_escapes(sqs, queue, form):
    answer = raw.send(raw.urllib.request.Request(queue, b"Action=SendMessage&MessageBody=x&a=" + form))
    assert answer.status in (400, 404), "the common errors of AWS have MalformedQueryString under 404"
    assert answer.text("Error/Code").startswith("Malformed")
    assert counts(sqs, queue) == (0, 0, 0)


def test_forms_that_are_strange_but_good(sqs, queue):
    """Empty parts, no values, fields nobody knows, names given twice, numbers with gaps and without sense."""
    form = (
        b"&&Action=SendMessage&=&MessageBody=first&MessageBody=second&Unknown&"
        b"MessageAttribute.7.Name=a&MessageAttribute.7.Value.DataType=String&MessageAttribute.7.Value.StringValue=b&"
        b"MessageAttribute.x.Name=y&MessageAttribute.99999999999999999999.Name=z&"
    )
    assert raw.send(raw.urllib.request.Request(queue, form)).status == 200
    (message,) = receive(sqs, queue, MessageAttributeNames=["All"])
    assert message["Body"] == "first" and message["MessageAttributes"].keys() == {"a"}


def test_a_form_of_many_fields(broker, queue):
    form = b"Action=SendMessage&MessageBody=x" + b"".join(b"&a.%d=x" % index for index in range(200_000))
    answer = raw.send(raw.urllib.request.Request(queue, form))
    assert answer.status in (200, 400, 404), "it may be too many, and costs nobody else anything"


# Too much.


def test_a_message_of_two_mebibytes(sqs, queue):
    text = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
    with refused("InvalidParameterValue", text):
        sqs.send_message(QueueUrl=queue, MessageBody="x" * 2 * MEBIBYTE)
    sqs.send_message(QueueUrl=queue, MessageBody="x" * MEBIBYTE)
    (message,) = receive(sqs, queue)
    assert message["Body"] == "x" * MEBIBYTE


def test_a_mebibyte_that_needs_escapes_comes_through(sqs, queue):
    """As JSON writes it: six bytes for each."""
    body = "\\u007f" * (MEBIBYTE - 1)
    answer = raw.json_call(queue, "SendMessage", b'{"MessageBody":"' + body.encode() + b'"}')
    assert answer.status == 200
    (message,) = receive(sqs, queue)
    assert message["Body"] == "\x7f" * (MEBIBYTE - 1)


def test_a_body_of_nine_mebibytes(broker, wire):
    body = b'{"MessageBody":"' + b"x" * 9 * MEBIBYTE + b'"}'
    wire.send(raw.written("SendMessage", b"", f"Content-Length: {len(body)}"))
    answer = wire.answer()
    assert answer.status == 413
    assert answer.json["__type"] == "com.amazonaws.sqs#RequestEntityTooLarge"
    assert str(MOST_BODY_BYTES) in answer.json["message"]


def test_a_body_of_nine_mebibytes_that_is_sent_in_spite_of_it(broker, wire):
    body = b"x" * 9 * MEBIBYTE
    try:
        wire.send(raw.written("SendMessage", body))
    except ConnectionError:
        return  # The broker has hung up on it.
    try:
        assert wire.answer().status == 413
    except ConnectionError:
        pass


def test_chunks_beyond_the_limit(broker, wire):
    wire.send(raw.written("SendMessage", b"", "Transfer-Encoding: chunked"))
    chunk = b"100000\r\n" + b"x" * MEBIBYTE + b"\r\n"
    try:
        for _ in range(9):
            wire.send(chunk)
    except ConnectionError:
        pass
    answer = wire.answer()
    assert (answer.status, answer.json["__type"]) == (413, "com.amazonaws.sqs#RequestEntityTooLarge")


def test_chunks_within_the_limit(sqs, queue, wire):
    wire.send(raw.written("SendMessage", b"", "Transfer-Encoding: chunked"))
    body = json.dumps({"QueueUrl": queue, "MessageBody": "in chunks"}).encode()
    for byte in body:
        wire.send(b"1\r\n%c\r\n" % byte)
    wire.send(b"0\r\n\r\n")
    assert wire.answer().status == 200
    assert bodies(receive(sqs, queue)) == ["in chunks"]


def test_eleven_entries(sqs, queue):
    entries = [{"Id": str(index), "MessageBody": "x"} for index in range(11)]
    with refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "You have sent 11."):
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert counts(sqs, queue) == (0, 0, 0)


def test_ids_given_twice(sqs, queue):
    entries = [{"Id": id, "MessageBody": "x"} for id in ("a", "b", "a")]
    with refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct"):
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert counts(sqs, queue) == (0, 0, 0)


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff"], ids=ascii)
def test_characters_that_are_forbidden(sqs, queue, character):
    with refused("InvalidMessageContents"):
        sqs.send_message(QueueUrl=queue, MessageBody=f"a{character}b")
    attribute = {"a": {"DataType": "String", "StringValue": character}}
    with refused("InvalidParameterValue"):
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attribute)
    assert counts(sqs, queue) == (0, 0, 0)


def test_characters_that_are_allowed(sqs, queue):
    body = "\t\n\r \x7f\x80ü\ud7ff\ue000\ufffd\U00010000\U0010ffff"
    sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert bodies(receive(sqs, queue)) == [body]


def test_eleven_attributes(sqs, queue):
    eleven = {f"a{index}": {"DataType": "String", "StringValue": "x"} for index in range(11)}
    with refused("InvalidParameterValue", "[11] exceeds the allowed maximum [10]"):
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=eleven)


@pytest.mark.parametrize("name", [".a", "a.", "a..b", "a b", "ü", "a" * 257, "aws.a", "AMAZON.a", ""], ids=ascii)
def test_names_that_no_attribute_may_have(sqs, queue, name):
    with refused("InvalidParameterValue", "attribute"):
        sqs.send_message(
            QueueUrl=queue, MessageBody="x", MessageAttributes={name: {"DataType": "String", "StringValue": "x"}}
        )


# What is hardly HTTP.


def assert_refused(wire: raw.Wire, request: bytes, *statuses: int) -> None:
    """The broker hangs up on it, and says why if the client still listens."""
    try:
        wire.send(request)
        assert wire.answer().status in statuses
    except ConnectionError:
        return
    wire.wait_closed()


def test_a_header_that_is_too_long(wire):
    assert_refused(wire, raw.written("ListQueues", b"{}", "Content-Length: 2", "X-Long: " + "x" * 200_000), 431)


def test_too_many_headers(wire):
    headers = [f"X-{index}: x" for index in range(200)]
    assert_refused(wire, raw.written("ListQueues", b"{}", "Content-Length: 2", *headers), 431)


def test_a_path_that_is_too_long(wire):
    assert_refused(wire, b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, 431)


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\r\n\r\n",
        b"\x00\x01\x02\x03" * 100,
        b"AMQP\x00\x00\x09\x01\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n",
        b"POST / HTTP/1.1\r\nX: \x00\r\n\r\n",
    ],
    ids=lambda garbage: repr(garbage[:40]),
)
def test_garbage(wire, garbage):
    wire.send(garbage)
    wire.socket.shutdown(socket.SHUT_WR)
    wire.wait_closed()


def test_two_lengths_of_a_body(wire, sqs, queue):
    """The way to smuggle a request past a proxy: what is in dispute is not taken for a request."""
    inner = raw.written("SendMessage", json.dumps({"QueueUrl": queue, "MessageBody": "smuggled"}).encode())
    lengths = [f"Content-Length: {5 + len(inner)}", "Transfer-Encoding: chunked"]
    wire.send(raw.written("ListQueues", b"0\r\n\r\n" + inner, *lengths))
    wire.socket.shutdown(socket.SHUT_WR)
    wire.wait_closed()
    assert counts(sqs, queue) == (0, 0, 0)


def test_half_a_request_and_then_silence(broker, bystander, sqs, queue):
    """Many of them, at every place where one can stop; they are let go when the client is."""
    whole = raw.written("SendMessage", json.dumps({"QueueUrl": queue, "MessageBody": "whole"}).encode())
    wires = []
    for end in range(1, len(whole), 7):
        wires.append(raw.Wire(broker.sqs_url))
        wires[-1].send(whole[:end])
    bystander.wait_for_turns(bystander.turns + 20)
    for wire in wires:
        wire.socket.close()
    assert counts(sqs, queue) == (0, 0, 0)


@pytest.mark.timeout(90)
def test_silence_in_the_middle_of_a_body_ends_after_half_a_minute(broker, sqs, queue):
    whole = raw.written("SendMessage", json.dumps({"QueueUrl": queue, "MessageBody": "never"}).encode())
    with raw.Wire(broker.sqs_url) as wire:
        wire.socket.settimeout(45)
        wire.send(whole[:-1])
        began = time.monotonic()
        answer = wire.answer()
        assert answer.status in (400, 408)
        assert 20 < time.monotonic() - began < 45
    assert counts(sqs, queue) == (0, 0, 0)


def test_a_client_that_reads_nothing_is_held_back(broker, bystander, sqs, queue):
    """It asks for megabytes and takes none of them."""
    sqs.send_message(QueueUrl=queue, MessageBody="x" * MEBIBYTE)
    ask = raw.written("ReceiveMessage", json.dumps({"QueueUrl": queue, "VisibilityTimeout": 0}).encode())
    with raw.Wire(broker.sqs_url) as wire:
        wire.socket.settimeout(2)
        try:
            for _ in range(1000):
                wire.send(ask)
        except TimeoutError:
            pass
        bystander.wait_for_turns(bystander.turns + 20)
    (message,) = receive(sqs, queue)
    assert int(message["Attributes"]["ApproximateReceiveCount"]) < 500, "it was not answered a thousand times"


def test_requests_in_a_pipeline_are_answered_in_order(sqs, queue, wire):
    texts = [str(index) for index in range(200)]
    wire.send(
        b"".join(
            raw.written("SendMessage", json.dumps({"QueueUrl": queue, "MessageBody": text}).encode()) for text in texts
        )
    )
    digests = [wire.answer().json["MD5OfMessageBody"] for _ in texts]
    received = []
    while messages := receive(sqs, queue):
        received += messages
    assert bodies(received) == texts
    assert [message["MD5OfBody"] for message in received] == digests


def test_a_request_that_waits_in_a_pipeline_keeps_its_place(queue, wire):
    wait = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 2}).encode()
    send = json.dumps({"QueueUrl": queue, "MessageBody": "behind it"}).encode()
    began = time.monotonic()
    wire.send(raw.written("ReceiveMessage", wait) + raw.written("SendMessage", send))
    assert wire.answer().json == {}, "the send behind it is not seen before its turn"
    assert time.monotonic() - began > 1.5
    assert "MessageId" in wire.answer().json


def test_a_bad_request_in_a_pipeline_disturbs_no_other(queue, wire):
    good = raw.written("SendMessage", json.dumps({"QueueUrl": queue, "MessageBody": "good"}).encode())
    wire.send(good + raw.written("SendMessage", b"no JSON") + good + raw.written("Nonsense", b"{}") + good)
    assert [wire.answer().status for _ in range(5)] == [200, 400, 200, 404, 200]


def test_an_expectation_is_met(sqs, queue, wire):
    body = json.dumps({"QueueUrl": queue, "MessageBody": "expected"}).encode()
    wire.send(raw.written("SendMessage", b"", f"Content-Length: {len(body)}", "Expect: 100-continue"))
    assert wire.answer().status == 100
    wire.send(body)
    assert wire.answer().status == 200


def test_http_1_0(queue):
    with raw.Wire(queue) as wire:
        wire.send(f"GET /{queue.rsplit('/', 1)[1]}?Action=GetQueueAttributes HTTP/1.0\r\n\r\n".encode())
        assert wire.answer().status == 200
        wire.wait_closed()
