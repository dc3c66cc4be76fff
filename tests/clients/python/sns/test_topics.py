"""Topics and subscriptions: made, changed, listed, ended; kept over a crash."""

import pytest
from botocore.exceptions import ClientError

from .conftest import Topics


def refused(call, **arguments) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return f"{error.value.response['Error']['Code']}: {error.value.response['Error']['Message']}"


def test_a_topic_is_made_once_and_the_same_again(topics):
    sns = topics.sns
    topic = topics.topic(DisplayName="shown")
    name = topic.rsplit(":", 1)[1]
    assert sns.create_topic(Name=name)["TopicArn"] == topic
    assert "Topic already exists with different attributes" in refused(
        sns.create_topic, Name=name, Attributes={"DisplayName": "other"}
    )
    assert "Topic already exists with different tags" in refused(
        sns.create_topic, Name=name, Tags=[{"Key": "a", "Value": "b"}]
    )
    assert refused(sns.create_topic, Name="no spaces").startswith("InvalidParameter")
    assert refused(sns.create_topic, Name="x.fifo").startswith("InvalidParameter")
    assert refused(sns.publish, TopicArn=topic + "-not", Message="x").startswith("NotFound")


def test_attributes_and_tags_of_a_topic(topics):
    sns, topic = topics.sns, topics.topic()
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="now")
    topics.subscribe(topic)
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["DisplayName"] == "now" and attributes["TopicArn"] == topic
    assert attributes["SubscriptionsConfirmed"] == "1" and "Policy" in attributes
    assert refused(
        sns.set_topic_attributes, TopicArn=topic, AttributeName="Unheard", AttributeValue="x"
    ).startswith("InvalidParameter")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    sns.tag_resource(ResourceArn=topic, Tags=tags)
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == tags
    sns.untag_resource(ResourceArn=topic, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == tags[1:]
    assert refused(sns.list_tags_for_resource, ResourceArn=topic + "x").startswith("ResourceNotFound")
    sns.add_permission(TopicArn=topic, Label="l", AWSAccountId=["111111111111"], ActionName=["Publish"])
    assert '"l"' in sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    sns.remove_permission(TopicArn=topic, Label="l")
    assert '"l"' not in sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]


def test_subscriptions_are_listed_shown_and_ended(topics):
    sns, topic = topics.sns, topics.topic()
    url, subscription = topics.subscribe(topic, RawMessageDelivery="true")
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == subscription and listed["Protocol"] == "sqs"
    assert subscription in [each["SubscriptionArn"] for each in sns.list_subscriptions()["Subscriptions"]]
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert shown["RawMessageDelivery"] == "true" and shown["PendingConfirmation"] == "false"
    again = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": listed["Endpoint"], "ReturnSubscriptionArn": True}
    same = sns.subscribe(**again, Attributes={"RawMessageDelivery": "true"})
    assert same["SubscriptionArn"] == subscription
    assert "Subscription already exists with different attributes" in refused(
        sns.subscribe, **again, Attributes={"RawMessageDelivery": "false"}
    )
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.publish(TopicArn=topic, Message="nobody hears it")
    assert topics.bodies(url) == []
    assert refused(sns.get_subscription_attributes, SubscriptionArn=subscription).startswith("NotFound")


def test_what_cannot_be_subscribed(topics):
    sns, topic = topics.sns, topics.topic()
    _, fifo = topics.queue(".fifo")
    said = refused(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=fifo)
    assert "FIFO SQS Queues can not be subscribed to standard SNS topics" in said
    for protocol in ("https", "email", "nonsense"):
        assert refused(
            sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint="https://x"
        ).startswith("InvalidParameter")
    _, queue = topics.queue()
    said = refused(
        sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"FilterPolicy": '{"a":1}'}
    )
    assert "Invalid parameter: Attributes Reason: FilterPolicy: " in said


def test_a_standard_queue_may_subscribe_to_a_fifo_topic(topics):
    topic = topics.topic(".fifo")
    url, _ = topics.subscribe(topic, RawMessageDelivery="true")
    topics.sns.publish(TopicArn=topic, Message="x", MessageGroupId="g")
    assert topics.bodies(url) == ["x"]


def test_topics_and_subscriptions_outlive_a_crash(own_broker):
    topics = Topics(own_broker)
    topic = topics.topic()
    url, subscription = topics.subscribe(topic, RawMessageDelivery="true", FilterPolicy='{"k":["v"]}')
    value = {"DataType": "String", "StringValue": "v"}
    topics.sns.publish(TopicArn=topic, Message="before", MessageAttributes={"k": value})
    own_broker.kill9()
    own_broker.restart()
    shown = topics.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert shown["FilterPolicy"] == '{"k":["v"]}'
    topics.sns.publish(TopicArn=topic, Message="after", MessageAttributes={"k": value})
    topics.sns.publish(TopicArn=topic, Message="filtered")
    assert topics.bodies(url) == ["before", "after"]
