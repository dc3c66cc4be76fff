"""Every error that can be provoked: its code, its status, its shape and its words, in JSON and in XML."""

import contextlib
import json
import time
import uuid

import pytest

from . import raw
from .conftest import receive, refused, sqs_client

SIMPLE = "AWS.SimpleQueueService."
HANDLE = "no handle"


def entries(count: int, **more) -> list:
    return [{"Id": str(index), "MessageBody": "x"} | more for index in range(count)]


# The request, the code in the Query protocol, the shape, the status, and what the message contains. A request is an
# action and its parameters; QueueUrl is added where there is none.
TABLE = {
    "no queue": (
        ("GetQueueAttributes", {"QueueUrl": "http://localhost/000000000000/none-of-this-name"}),
        (f"{SIMPLE}NonExistentQueue", "QueueDoesNotExist", 400, "The specified queue does not exist."),
    ),
    "no such name": (
        ("GetQueueUrl", {"QueueName": "none-of-this-name"}),
        (f"{SIMPLE}NonExistentQueue", "QueueDoesNotExist", 400, "The specified queue does not exist."),
    ),
    "receipt": (
        ("DeleteMessage", {"ReceiptHandle": HANDLE}),
        ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400, f'The input receipt handle "{HANDLE}" is not'),
    ),
    "receipt to change": (
        ("ChangeMessageVisibility", {"ReceiptHandle": HANDLE, "VisibilityTimeout": 1}),
        ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400, f'The input receipt handle "{HANDLE}" is not'),
    ),
    "attribute name": (
        ("GetQueueAttributes", {"AttributeNames": ["Nonsense"]}),
        ("InvalidAttributeName", "InvalidAttributeName", 400, "Unknown Attribute Nonsense."),
    ),
    "attribute name at a receive": (
        ("ReceiveMessage", {"AttributeNames": ["Nonsense"]}),
        ("InvalidAttributeName", "InvalidAttributeName", 400, "Unknown Attribute Nonsense."),
    ),
    "attribute value": (
        ("SetQueueAttributes", {"Attributes": {"DelaySeconds": "901"}}),
        ("InvalidAttributeValue", "InvalidAttributeValue", 400, "Invalid value for the parameter DelaySeconds."),
    ),
    "contents": (
        ("SendMessage", {"MessageBody": "\x07"}),
        ("InvalidMessageContents", "InvalidMessageContents", 400, "Invalid characters found. Valid unicode characters"),
    ),
    "empty batch": (
        ("SendMessageBatch", {"Entries": []}),
        (f"{SIMPLE}EmptyBatchRequest", "EmptyBatchRequest", 400, "There should be at least one"),
    ),
    "too many entries": (
        ("SendMessageBatch", {"Entries": entries(20)}),
        (
            f"{SIMPLE}TooManyEntriesInBatchRequest",
            "TooManyEntriesInBatchRequest",
            400,
            "Maximum number of entries per request are 10. You have sent 20.",
        ),
    ),
    "too many deletes": (
        ("DeleteMessageBatch", {"Entries": [{"Id": str(index), "ReceiptHandle": HANDLE} for index in range(11)]}),
        (
            f"{SIMPLE}TooManyEntriesInBatchRequest",
            "TooManyEntriesInBatchRequest",
            400,
            "Maximum number of entries per request are 10. You have sent 11.",
        ),
    ),
    "ids not distinct": (
        ("SendMessageBatch", {"Entries": entries(1) * 2}),
        (f"{SIMPLE}BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct", 400, "Id 0 repeated."),
    ),
    "entry id": (
        ("SendMessageBatch", {"Entries": [{"Id": "a b", "MessageBody": "x"}]}),
        (
            f"{SIMPLE}InvalidBatchEntryId",
            "InvalidBatchEntryId",
            400,
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
            "It can be at most 80 letters long.",
        ),
    ),
    "entry id too long": (
        ("SendMessageBatch", {"Entries": [{"Id": "x" * 81, "MessageBody": "x"}]}),
        (f"{SIMPLE}InvalidBatchEntryId", "InvalidBatchEntryId", 400, "It can be at most 80 letters long."),
    ),
    "batch too long": (
        ("SendMessageBatch", {"Entries": [{"Id": id, "MessageBody": "x" * 524289} for id in "ab"]}),
        (
            f"{SIMPLE}BatchRequestTooLong",
            "BatchRequestTooLong",
            400,
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048578 bytes.",
        ),
    ),
    "list values": (
        (
            "SendMessage",
            {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "String", "StringListValues": ["x"]}}},
        ),
        (f"{SIMPLE}UnsupportedOperation", "UnsupportedOperation", 400, "list values"),
    ),
    "no resource": (
        ("ListMessageMoveTasks", {"SourceArn": "arn:aws:sqs:eu-west-1:000000000000:none-of-this-name"}),
        ("ResourceNotFoundException", "ResourceNotFoundException", 404, "doesn't exist"),
    ),
    "too long": (
        ("SendMessage", {"MessageBody": "x" * 1048577}),
        (
            "InvalidParameterValue",
            "InvalidParameterValueException",
            400,
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
        ),
    ),
    "too many at once": (
        ("ReceiveMessage", {"MaxNumberOfMessages": 11}),
        (
            "InvalidParameterValue",
            "InvalidParameterValueException",
            400,
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
    ),
    "none at once": (
        ("ReceiveMessage", {"MaxNumberOfMessages": 0}),
        ("InvalidParameterValue", "InvalidParameterValueException", 400, "Value 0 for parameter MaxNumberOfMessages"),
    ),
    "too long a wait": (
        ("ReceiveMessage", {"WaitTimeSeconds": 21}),
        (
            "InvalidParameterValue",
            "InvalidParameterValueException",
            400,
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
    ),
    "visibility": (
        ("ReceiveMessage", {"VisibilityTimeout": 43201}),
        ("InvalidParameterValue", "InvalidParameterValueException", 400, "Value 43201 for parameter VisibilityTimeout"),
    ),
    "delay": (
        ("SendMessage", {"MessageBody": "x", "DelaySeconds": -1}),
        ("InvalidParameterValue", "InvalidParameterValueException", 400, "Value -1 for parameter DelaySeconds"),
    ),
    "empty body": (
        ("SendMessage", {"MessageBody": ""}),
        (
            "MissingParameter",
            "MissingRequiredParameterException",
            400,
            "The request must contain the parameter MessageBody.",
        ),
    ),
    "empty attribute": (
        ("SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}}),
        (
            "InvalidParameterValue",
            "InvalidParameterValueException",
            400,
            "Message (user) attribute 'a' must contain a non-empty value of type 'String'.",
        ),
    ),
    "attribute of no type": (
        ("SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}}),
        ("InvalidParameterValue", "InvalidParameterValueException", 400, "The type of message (user) attribute 'a'"),
    ),
    "reserved attribute": (
        (
            "SendMessage",
            {"MessageBody": "x", "MessageAttributes": {"AWS.a": {"DataType": "String", "StringValue": "x"}}},
        ),
        ("InvalidParameterValue", "InvalidParameterValueException", 400, "reserved"),
    ),
    "system attribute": (
        (
            "SendMessage",
            {
                "MessageBody": "x",
                "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "Number", "StringValue": "1"}},
            },
        ),
        ("InvalidParameterValue", "InvalidParameterValueException", 400, "AWSTraceHeader"),
    ),
    "label": (
        ("RemovePermission", {"Label": "l"}),
        (
            "InvalidParameterValue",
            "InvalidParameterValueException",
            400,
            "Value l for parameter Label is invalid. Reason: can't find label.",
        ),
    ),
    "no such name of a queue": (
        ("CreateQueue", {"QueueName": "a b"}),
        (
            "InvalidParameterValue",
            "InvalidParameterValueException",
            400,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ),
    ),
}
# Not what the Query protocol can say.
JSON_ONLY = {"list values"}
QUEUELESS = {"GetQueueUrl", "CreateQueue", "ListMessageMoveTasks"}

LISTS = {
    "AttributeNames": "AttributeName",
    "Attributes": "Attribute",
    "MessageAttributes": "MessageAttribute",
    "MessageSystemAttributes": "MessageSystemAttribute",
}


def as_form(action: str, parameters: dict) -> dict:
    """Parameters as the Query protocol names them."""
    form = {}
    for name, value in parameters.items():
        if name == "Entries":
            for index, entry in enumerate(value, 1):
                for field, text in entry.items():
                    form[f"{action}RequestEntry.{index}.{field}"] = text
        elif name in LISTS and isinstance(value, list):
            form |= {f"{LISTS[name]}.{index}": text for index, text in enumerate(value, 1)}
        elif name in LISTS:
            for index, (key, inner) in enumerate(value.items(), 1):
                form[f"{LISTS[name]}.{index}.Name"] = key
                if isinstance(inner, str):
                    form[f"{LISTS[name]}.{index}.Value"] = inner
                else:
                    form |= {f"{LISTS[name]}.{index}.Value.{field}": text for field, text in inner.items()}
        else:
            form[name] = value
    return form


def of_queue(action: str, parameters: dict, queue: str) -> dict:
    return parameters if action in QUEUELESS else {"QueueUrl": queue} | parameters


@pytest.mark.parametrize("case", TABLE)
def test_in_json(sqs, queue, case):
    (action, parameters), (code, shape, status, text) = TABLE[case]
    with refused(code, text, status, shape):
        sqs._make_api_call(action, of_queue(action, parameters, queue))
    assert receive(sqs, queue) == [], "nothing was done"


@pytest.mark.parametrize("case", TABLE)
def test_on_the_wire_in_json(broker, queue, case):
    """botocore takes the code from a header and the shape from the body."""
    (action, parameters), (code, shape, status, text) = TABLE[case]
    answer = raw.json_call(broker.sqs_url, action, of_queue(action, parameters, queue))
    assert answer.status == status
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert answer.headers["x-amzn-query-error"] == f"{code};Sender"
    assert answer.json["__type"] == f"com.amazonaws.sqs#{shape}"
    assert text in answer.json["message"] and answer.json.keys() == {"__type", "message"}


@pytest.mark.parametrize("case", [case for case in TABLE if case not in JSON_ONLY])
def test_in_xml(broker, queue, case):
    (action, parameters), (code, _, status, text) = TABLE[case]
    answer = raw.query(broker.sqs_url, action, **as_form(action, of_queue(action, parameters, queue)))
    assert answer.status == status and answer.headers["content-type"].startswith("text/xml")
    root = answer.xml
    assert root.tag == "ErrorResponse"
    assert [element.tag for element in root] == ["Error", "RequestId"]
    assert [element.tag for element in root.find("Error")] == ["Type", "Code", "Message", "Detail"]
    assert (root.findtext("Error/Type"), root.findtext("Error/Code")) == ("Sender", code)
    if text == "The specified queue does not exist.":
        text = "The specified queue does not exist for this wsdl version."
    assert text in root.findtext("Error/Message")
    uuid.UUID(root.findtext("RequestId"))


# Errors that need more than one request.


def test_a_queue_that_is_there_with_another_value(broker, sqs, queue):
    name = queue.rsplit("/", 1)[1]
    text = "A queue already exists with the same name and a different value for attribute DelaySeconds"
    with refused("QueueAlreadyExists", text, shape="QueueNameExists"):
        sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "9"})
    answer = raw.query(
        broker.sqs_url, "CreateQueue", QueueName=name, Attribute__1__Name="DelaySeconds", Attribute__1__Value="9"
    )
    assert (answer.status, answer.text("Error/Code")) == (400, "QueueAlreadyExists")
    assert answer.text("Error/Message") == text


def test_a_message_that_is_gone_cannot_be_held_longer(broker, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = receive(sqs, queue)
    handle = message["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    text = (
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available "
        "for visibility timeout change."
    )
    with refused("InvalidParameterValue", text, shape="InvalidParameterValueException"):
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=5)
    answer = raw.query(queue, "ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=5)
    assert (answer.text("Error/Code"), answer.text("Error/Message")) == ("InvalidParameterValue", text)


def test_a_handle_of_another_queue(sqs, queue, queue_of):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = receive(sqs, queue)
    with refused("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=queue_of(), ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_the_typed_errors_of_the_sdk(sqs, queue):
    """An SDK catches by type; boto3 does so by the code of the header."""
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="none-of-this-name")
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=HANDLE)
    with pytest.raises(sqs.exceptions.BatchEntryIdsNotDistinct):
        sqs.send_message_batch(QueueUrl=queue, Entries=entries(1) * 2)


def test_a_group_that_is_missing_is_another_error_in_a_batch(broker, sqs, fifo):
    text = "The request must contain the parameter MessageGroupId."
    with refused("MissingParameter", text, shape="MissingRequiredParameterException"):
        sqs.send_message(QueueUrl=fifo, MessageBody="x")
    with refused("InvalidParameterValue", text, shape="InvalidParameterValueException"):
        sqs.send_message_batch(QueueUrl=fifo, Entries=entries(1))
    single = raw.query(fifo, "SendMessage", MessageBody="x")
    batch = raw.query(fifo, "SendMessageBatch", **as_form("SendMessageBatch", {"Entries": entries(1)}))
    assert [each.text("Error/Code") for each in (single, batch)] == ["MissingParameter", "InvalidParameterValue"]
    assert single.text("Error/Message") == batch.text("Error/Message") == text


def repeated(url: str, action: str, body: dict, times: int) -> list:
    """The answers to a request that is sent many times, over several connections and many at once."""
    request, answers = raw.written(action, json.dumps(body).encode()), []
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(raw.Wire(url)) for _ in range(20)]
        while len(answers) < times:
            each = min(20, -(-(times - len(answers)) // len(wires)))
            for wire in wires:
                wire.send(request * each)
            answers += [wire.answer() for wire in wires for _ in range(each)]
    assert {answer.status for answer in answers} == {200}
    return answers


def test_120000_messages_of_a_queue_can_be_held_at_once(broker, sqs, queue_of):
    queue = queue_of(VisibilityTimeout="3600")
    repeated(broker.sqs_url, "SendMessageBatch", {"QueueUrl": queue, "Entries": entries(10)}, 12_001)
    held = repeated(broker.sqs_url, "ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10}, 12_000)
    assert sum(answer.body.count(b"ReceiptHandle") for answer in held) == 120_000
    with refused("OverLimit", status=403, shape="OverLimit"):
        sqs.receive_message(QueueUrl=queue)
    assert receive(sqs, queue, WaitTimeSeconds=1) == [], "one that waits finds nothing instead"
    handles = [answer.json["Messages"][0]["ReceiptHandle"] for answer in held[:2]]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handles[0])
    assert len(receive(sqs, queue)) == 1
    with raw.Wire(broker.sqs_url) as wire:
        body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20}).encode()
        wire.send(raw.written("ReceiveMessage", body))
        time.sleep(0.5)
        since = time.monotonic()
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handles[1])
        assert len(wire.answer().json["Messages"]) == 1, "one that waits is told of the room"
        assert time.monotonic() - since < 10


# The Query protocol beside errors.


@pytest.mark.parametrize("action, parameters", [("CreateQueue", {"QueueName": "x"}), ("ListQueues", {})])
def test_a_queues_url_is_no_place_to_make_or_list_queues(queue, action, parameters):
    answer = raw.query(queue, action, **parameters)
    assert (answer.status, answer.text("Error/Code")) == (400, "InvalidAction")
    assert answer.text("Error/Message") == f"The action {action} is not valid for this endpoint."


def test_an_action_by_get_on_the_queues_url(broker, sqs, queue):
    sent = raw.query(queue, "SendMessage", "GET", MessageBody="by GET & <XML>")
    assert sent.status == 200 and sent.xml.tag == "SendMessageResponse"
    assert sent.text("ResponseMetadata/RequestId")
    received = raw.query(queue, "ReceiveMessage", "GET", AttributeName__1="All")
    message = "ReceiveMessageResult/Message"
    assert received.text(f"{message}/Body") == "by GET & <XML>"
    assert received.text(f"{message}/MessageId") == sent.text("SendMessageResult/MessageId")
    names = [each.findtext("Name") for each in received.xml.findall(f"{message}/Attribute")]
    assert {"SenderId", "SentTimestamp", "ApproximateReceiveCount"} <= set(names)
    handle = received.text(f"{message}/ReceiptHandle")
    assert raw.query(queue, "DeleteMessage", "GET", ReceiptHandle=handle).status == 200
    assert list(raw.query(queue, "ReceiveMessage", "GET").xml.find("ReceiveMessageResult")) == []


def test_a_carriage_return_survives_xml(queue):
    raw.query(queue, "SendMessage", MessageBody="a\r\nb\rc\td")
    assert raw.query(queue, "ReceiveMessage").text("ReceiveMessageResult/Message/Body") == "a\r\nb\rc\td"


def test_the_parameter_wins_over_the_path(sqs, queue_of):
    path, parameter = queue_of(), queue_of()
    raw.query(path, "SendMessage", MessageBody="x", QueueUrl=parameter)
    assert receive(sqs, path) == [] and len(receive(sqs, parameter)) == 1


def test_the_json_protocol_on_the_queues_url(sqs, queue):
    assert raw.json_call(queue, "SendMessage", {"MessageBody": "x"}).status == 200
    assert len(receive(sqs, queue)) == 1


def test_no_action(queue):
    answer = raw.get(queue)
    assert (answer.status, answer.body) == (404, b"<UnknownOperationException/>")


def test_no_such_action(broker, queue):
    answer = raw.query(queue, "PeekMessage")
    assert (answer.status, answer.text("Error/Code")) == (400, "InvalidAction")
    assert "PeekMessage" in answer.text("Error/Message")
    answer = raw.json_call(broker.sqs_url, "PeekMessage", {})
    assert (answer.status, answer.json["__type"]) == (404, "com.amazonaws.sqs#UnknownOperationException")


def test_what_is_not_there_is_left_out(broker, queue):
    """Some SDKs tell an empty list from none."""
    assert raw.json_call(queue, "ReceiveMessage", {}).json == {}
    assert raw.json_call(broker.sqs_url, "ListQueues", {"QueueNamePrefix": "none-of-this-name"}).json == {}
    assert raw.json_call(queue, "ListQueueTags", {}).json == {}


def test_a_header_of_newer_sdks_changes_nothing(sqs, queue):
    sqs.meta.events.register(
        "before-sign.sqs", lambda request, **_: request.headers.add_header("x-amzn-query-mode", "true")
    )
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    with refused("AWS.SimpleQueueService.NonExistentQueue", shape="QueueDoesNotExist"):
        sqs.get_queue_url(QueueName="none-of-this-name")


def test_a_second_purge_within_a_minute(serve):
    broker = serve("--sqs-cooldowns=true")
    queue = sqs_client(broker).create_queue(QueueName="q")["QueueUrl"]
    assert raw.query(queue, "PurgeQueue").status == 200
    answer = raw.query(queue, "PurgeQueue")
    assert (answer.status, answer.text("Error/Code")) == (403, f"{SIMPLE}PurgeQueueInProgress")
    assert answer.text("Error/Message") == "Only one PurgeQueue operation on q is allowed every 60 seconds."
