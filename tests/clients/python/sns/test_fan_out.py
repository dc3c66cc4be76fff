"""A message to a topic reaches the queues that are subscribed, in the form and by the rules of each subscription."""

import json
import re

import pika
import pytest
from botocore.exceptions import ClientError

from .conftest import Topics

RAW = {"RawMessageDelivery": "true"}


def text(value: str) -> dict:
    return {"DataType": "String", "StringValue": value}


def number(value: str) -> dict:
    return {"DataType": "Number", "StringValue": value}


def test_a_raw_subscription_gets_the_message_and_its_attributes_as_they_are(topics):
    topic = topics.topic()
    first, _ = topics.subscribe(topic, **RAW)
    second, _ = topics.subscribe(topic, **RAW)
    attributes = {
        "kind": text("x"),
        "count": number("07"),
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = topics.sns.publish(TopicArn=topic, Message="körper", MessageAttributes=attributes)
    for url in (first, second):
        (message,) = topics.received(url)
        assert message["Body"] == "körper" and message["MessageId"] == sent["MessageId"]
        assert message["MessageAttributes"]["count"] == number("07")
        assert message["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x00\xff"


def test_an_envelope_says_where_the_message_came_from(topics):
    topic = topics.topic()
    url, subscription = topics.subscribe(topic)
    attributes = {"kind": text("x"), "bytes": {"DataType": "Binary", "BinaryValue": b"\x00"}}
    sent = topics.sns.publish(TopicArn=topic, Message='a "b"\n', Subject="s", MessageAttributes=attributes)
    (message,) = topics.received(url)
    assert "MessageAttributes" not in message
    envelope = json.loads(message["Body"])
    head = list(envelope)[:6]
    assert head == ["Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"]
    assert envelope["Type"] == "Notification" and envelope["TopicArn"] == topic
    assert envelope["Message"] == 'a "b"\n' and envelope["MessageId"] == sent["MessageId"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope["Timestamp"])
    assert envelope["UnsubscribeURL"].endswith(subscription)
    assert envelope["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "x"},
        "bytes": {"Type": "Binary", "Value": "AA=="},
    }


def test_filter_policies_on_attributes_and_on_the_body(topics):
    topic = topics.topic()
    by_kind, subscription = topics.subscribe(topic, **RAW, FilterPolicy='{"kind":["a",{"prefix":"b"}]}')
    by_body, _ = topics.subscribe(
        topic,
        **RAW,
        FilterPolicyScope="MessageBody",
        FilterPolicy='{"order":{"total":[{"numeric":[">=",100]}]}}',
    )
    large, small = '{"order":{"total":150}}', '{"order":{"total":5}}'
    topics.sns.publish(TopicArn=topic, Message=large, MessageAttributes={"kind": text("a")})
    topics.sns.publish(TopicArn=topic, Message=small, MessageAttributes={"kind": text("bee")})
    topics.sns.publish(TopicArn=topic, Message="no JSON", MessageAttributes={"kind": text("c")})
    assert topics.bodies(by_kind) == [large, small]
    assert topics.bodies(by_body) == [large]
    set_to = {"SubscriptionArn": subscription, "AttributeName": "FilterPolicy"}
    topics.sns.set_subscription_attributes(**set_to, AttributeValue="{}")
    topics.sns.publish(TopicArn=topic, Message="everything")
    assert topics.bodies(by_kind) == ["everything"]
    with pytest.raises(ClientError) as refused:
        topics.sns.set_subscription_attributes(**set_to, AttributeValue='{"a":"b"}')
    assert str(refused.value).count("Invalid parameter: FilterPolicy: ") == 1


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue_of_the_subscription(topics):
    topic = topics.topic()
    dead, dead_arn = topics.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn})
    gone, _ = topics.subscribe(topic, **RAW, RedrivePolicy=redrive)
    topics.sqs.delete_queue(QueueUrl=gone)
    for index in range(3):
        topics.sns.publish(TopicArn=topic, Message=str(index), MessageAttributes={"a": text("b")})
    messages = topics.received(dead)
    assert [message["Body"] for message in messages] == ["0", "1", "2"]
    assert messages[0]["MessageAttributes"]["a"] == text("b")


def test_eleven_attributes_are_too_many_for_a_raw_subscription(topics):
    topic = topics.topic()
    dead, dead_arn = topics.queue()
    raw, _ = topics.subscribe(topic, **RAW, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn}))
    enveloped, _ = topics.subscribe(topic)
    many = {f"a{index}": text("x") for index in range(11)}
    topics.sns.publish(TopicArn=topic, Message="many", MessageAttributes=many)
    assert topics.bodies(raw) == [] and len(topics.bodies(dead)) == 1
    (envelope,) = topics.bodies(enveloped)
    assert len(json.loads(envelope)["MessageAttributes"]) == 11


def test_a_fifo_topic_keeps_groups_in_order_and_drops_duplicates(topics):
    topic = topics.topic(".fifo")
    raw, _ = topics.subscribe(topic, ".fifo", **RAW)
    enveloped, _ = topics.subscribe(topic, ".fifo")
    numbers = []
    for body in ("1", "2", "2", "3"):
        sent = topics.sns.publish(TopicArn=topic, Message=body, MessageGroupId="g")
        numbers.append(sent["SequenceNumber"])
    assert numbers == sorted(numbers) and len(set(numbers)) == 3
    messages = topics.received(raw)
    assert [message["Body"] for message in messages] == ["1", "2", "3"]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}
    envelopes = [json.loads(body) for body in topics.bodies(enveloped)]
    assert [envelope["Message"] for envelope in envelopes] == ["1", "2", "3"]
    assert all("Signature" not in envelope and "SequenceNumber" in envelope for envelope in envelopes)
    with pytest.raises(ClientError) as refused:
        topics.sns.publish(TopicArn=topic, Message="x")
    assert "MessageGroupId parameter is required" in str(refused.value)


def test_no_queue_behind_a_fifo_topic_sees_a_duplicate_not_even_after_a_kill(own_broker):
    topics = Topics(own_broker)
    topic = topics.topic(".fifo")
    urls = [topics.subscribe(topic, **RAW)[0], topics.subscribe(topic)[0], topics.subscribe(topic, ".fifo", **RAW)[0]]
    once = {"TopicArn": topic, "Message": "once", "MessageGroupId": "g"}
    first = topics.sns.publish(**once)
    again = topics.sns.publish(**once)
    assert [len(topics.bodies(url)) for url in urls] == [1, 1, 1]
    own_broker.restart()
    topics = Topics(own_broker)
    batch = topics.sns.publish_batch(
        TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "once", "MessageGroupId": "h"}]
    )
    for answer in (again, batch["Successful"][0]):
        assert (answer["MessageId"], answer["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    topics.sns.publish(TopicArn=topic, Message="new", MessageGroupId="g")
    assert [len(topics.bodies(url)) for url in urls] == [1, 1, 1]


def test_a_standard_topic_hands_on_groups_for_fair_queues(topics):
    topic = topics.topic()
    url, _ = topics.subscribe(topic, **RAW)
    topics.sns.publish(TopicArn=topic, Message="x", MessageGroupId="tenant")
    (message,) = topics.received(url)
    assert message["Attributes"]["MessageGroupId"] == "tenant"


def test_batches_succeed_and_fail_by_the_entry(topics):
    topic = topics.topic()
    url, _ = topics.subscribe(topic, **RAW)
    entries = [{"Id": "good", "Message": "good"}, {"Id": "bad", "Message": ""}]
    sent = topics.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in sent["Successful"]] == ["good"]
    assert [entry["Code"] for entry in sent["Failed"]] == ["InvalidParameter"]
    assert topics.bodies(url) == ["good"]
    codes = {}
    for name, batch in {
        "many": [{"Id": str(index), "Message": "x"} for index in range(11)],
        "twice": [{"Id": "a", "Message": "x"}] * 2,
        "odd": [{"Id": "a b", "Message": "x"}],
        "long": [{"Id": str(index), "Message": "x" * 200_000} for index in range(2)],
    }.items():
        with pytest.raises(ClientError) as refused:
            topics.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=batch)
        codes[name] = refused.value.response["Error"]["Code"]
    assert codes == {
        "many": "TooManyEntriesInBatchRequest",
        "twice": "BatchEntryIdsNotDistinct",
        "odd": "InvalidBatchEntryId",
        "long": "BatchRequestTooLong",
    }


def test_a_message_may_have_a_text_for_queues(topics):
    topic = topics.topic()
    url, _ = topics.subscribe(topic, **RAW)
    structured = {"TopicArn": topic, "MessageStructure": "json"}
    topics.sns.publish(**structured, Message=json.dumps({"default": "d", "sqs": "for queues"}))
    topics.sns.publish(**structured, Message=json.dumps({"default": "d"}))
    assert topics.bodies(url) == ["for queues", "d"]
    with pytest.raises(ClientError) as refused:
        topics.sns.publish(**structured, Message="{}")
    assert "No default entry in JSON message body" in str(refused.value)


def test_a_queue_that_amqp_binds_to_a_topic_gets_what_sns_publishes(topics, broker):
    topic = topics.topic()
    subscribed, _ = topics.subscribe(topic, **RAW)
    bound, _ = topics.queue()
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    connection.channel().queue_bind(bound.rsplit("/", 1)[1], topic.rsplit(":", 1)[1])
    connection.close()
    topics.sns.publish(TopicArn=topic, Message="to both")
    assert topics.bodies(subscribed) == topics.bodies(bound) == ["to both"]


def test_amqp_publishes_to_a_topic_and_its_subscriptions_filter(topics, broker):
    topic = topics.topic()
    url, _ = topics.subscribe(topic, FilterPolicy='{"count":[{"numeric":[">",3]}]}')
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    channel = connection.channel()
    channel.confirm_delivery()
    exchange = topic.rsplit(":", 1)[1]
    for count in (2, 5):
        channel.basic_publish(exchange, "", f"n={count}", pika.BasicProperties(headers={"count": count}))
    connection.close()
    assert topics.bodies(url) == ["n=5"], "what comes in over AMQP is passed on raw"
