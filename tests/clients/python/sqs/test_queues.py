"""Queues: made, described, changed, listed, tagged, shared, purged, deleted."""

import json
import time
import uuid

import pytest

from .conftest import arn, attributes, bodies, counts, receive, refused, sqs_client

DEFAULTS = {
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}
FIFO_ONLY = {
    "ContentBasedDeduplication": "true",
    "DeduplicationScope": "messageGroup",
    "FifoThroughputLimit": "perMessageGroupId",
}
BOUNDS = {
    "VisibilityTimeout": (0, 43200),
    "MaximumMessageSize": (1024, 1048576),
    "MessageRetentionPeriod": (60, 1209600),
    "DelaySeconds": (0, 900),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "KmsDataKeyReusePeriodSeconds": (60, 86400),
}


def name_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


def set_attributes(sqs, url: str, **values: str) -> None:
    sqs.set_queue_attributes(QueueUrl=url, Attributes=values)


# Making.


def test_making_a_queue_twice_gives_the_same_queue(sqs, queue_of):
    queue = queue_of(VisibilityTimeout="7", DelaySeconds="1")
    for asked in ({}, {"VisibilityTimeout": "7"}, {"VisibilityTimeout": "7", "DelaySeconds": "1"}):
        assert sqs.create_queue(QueueName=name_of(queue), Attributes=asked)["QueueUrl"] == queue
    assert sqs.create_queue(QueueName=name_of(queue), tags={"a": "b"})["QueueUrl"] == queue


@pytest.mark.parametrize("attribute, value", [("VisibilityTimeout", "8"), ("MaximumMessageSize", "2048")])
def test_making_a_queue_that_is_there_with_another_value_is_refused(sqs, queue_of, attribute, value):
    queue = queue_of(VisibilityTimeout="7")
    text = f"A queue already exists with the same name and a different value for attribute {attribute}"
    with refused("QueueAlreadyExists", text, shape="QueueNameExists"):
        sqs.create_queue(QueueName=name_of(queue), Attributes={attribute: value})
    assert attributes(sqs, queue, "VisibilityTimeout") == {"VisibilityTimeout": "7"}


def test_policies_are_compared_by_what_they_say(sqs, queue_of):
    dead = queue_of()
    policy = {"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 3}
    queue = queue_of(RedrivePolicy=json.dumps(policy))
    respelled = json.dumps(dict(reversed(policy.items())), indent=2)
    sqs.create_queue(QueueName=name_of(queue), Attributes={"RedrivePolicy": respelled})
    with refused("QueueAlreadyExists", "attribute RedrivePolicy"):
        sqs.create_queue(
            QueueName=name_of(queue), Attributes={"RedrivePolicy": json.dumps(policy | {"maxReceiveCount": 4})}
        )


@pytest.mark.parametrize(
    "name", ["has space", "dot.ted", "slash/ed", "ünï", "x" * 81, ".fifo", "q.fifo", "q.fifo.fifo"]
)
def test_names_that_no_standard_queue_may_have(sqs, name):
    with refused("InvalidParameterValue", "alphanumeric characters, hyphens, or underscores. 1 to 80 in length"):
        sqs.create_queue(QueueName=name)


@pytest.mark.parametrize("name", ["q", ".fifo", "x" * 76 + ".fifo", "dot.ted.fifo"])
def test_names_that_no_fifo_queue_may_have(sqs, name):
    with refused("InvalidParameterValue", "1 to 80 in length"):
        sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})


def test_the_longest_names(sqs):
    for suffix, asked in (("", {}), (".fifo", {"FifoQueue": "true"})):
        name = uuid.uuid4().hex.ljust(80 - len(suffix), "x") + suffix
        url = sqs.create_queue(QueueName=name, Attributes=asked)["QueueUrl"]
        assert name_of(url) == name
        sqs.delete_queue(QueueUrl=url)


def test_a_queue_is_made_with_tags(sqs):
    name = f"tagged-{uuid.uuid4().hex}"
    url = sqs.create_queue(QueueName=name, tags={"team": "blue"})["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "blue"}
    sqs.delete_queue(QueueUrl=url)


# Attributes.


def test_a_new_queue_has_the_defaults(sqs, queue):
    shown = attributes(sqs, queue)
    assert {name: shown[name] for name in DEFAULTS} == DEFAULTS
    assert shown["QueueArn"] == f"arn:aws:sqs:eu-west-1:000000000000:{name_of(queue)}"
    assert abs(int(shown["CreatedTimestamp"]) - time.time()) < 60, "seconds, not milliseconds"
    assert shown["LastModifiedTimestamp"] == shown["CreatedTimestamp"]
    computed = {f"ApproximateNumberOfMessages{state}": "0" for state in ("", "NotVisible", "Delayed")}
    assert {name: shown[name] for name in computed} == computed
    assert len(shown) == len(DEFAULTS) + len(computed) + 3, f"nothing else is shown: {shown}"


def test_a_new_fifo_queue_has_the_defaults(sqs):
    name = f"{uuid.uuid4().hex}.fifo"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    shown = attributes(sqs, url)
    assert DEFAULTS.items() <= shown.items()
    assert shown["FifoQueue"] == "true" and shown["ContentBasedDeduplication"] == "false"
    assert (shown["DeduplicationScope"], shown["FifoThroughputLimit"]) == ("queue", "perQueue")
    sqs.delete_queue(QueueUrl=url)


def test_only_attributes_that_were_asked_for_are_shown(sqs, queue):
    assert attributes(sqs, queue, "DelaySeconds", "VisibilityTimeout").keys() == {"DelaySeconds", "VisibilityTimeout"}
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue)
    assert attributes(sqs, queue, "Policy", "KmsMasterKeyId", "FifoQueue") == {}
    with refused("InvalidAttributeName", "Unknown Attribute ApproximateAgeOfOldestMessage."):
        attributes(sqs, queue, "ApproximateAgeOfOldestMessage")


@pytest.mark.parametrize("attribute", BOUNDS)
def test_numbers_have_bounds(sqs, queue, attribute):
    low, high = BOUNDS[attribute]
    if attribute.startswith("Kms"):
        set_attributes(sqs, queue, KmsMasterKeyId="alias/key")
    for value in (low, high):
        set_attributes(sqs, queue, **{attribute: str(value)})
        assert attributes(sqs, queue, attribute) == {attribute: str(value)}
    for value in (low - 1, high + 1, "", "1.5", "many", 10**30):
        with refused("InvalidAttributeValue", f"Invalid value for the parameter {attribute}."):
            set_attributes(sqs, queue, **{attribute: str(value)})
        with refused("InvalidAttributeValue", f"Invalid value for the parameter {attribute}."):
            sqs.create_queue(QueueName=f"never-{uuid.uuid4().hex}", Attributes={attribute: str(value)})
    assert attributes(sqs, queue, attribute) == {attribute: str(high)}


def test_a_change_is_made_whole_or_not_at_all(sqs, queue):
    with refused("InvalidAttributeValue"):
        set_attributes(sqs, queue, DelaySeconds="5", VisibilityTimeout="-1")
    assert attributes(sqs, queue, "DelaySeconds") == {"DelaySeconds": "0"}


def test_a_change_is_dated(sqs, queue):
    made = attributes(sqs, queue)
    time.sleep(1.1)
    set_attributes(sqs, queue, DelaySeconds="5")
    changed = attributes(sqs, queue)
    assert int(changed["LastModifiedTimestamp"]) > int(made["LastModifiedTimestamp"])
    assert changed["CreatedTimestamp"] == made["CreatedTimestamp"]


@pytest.mark.parametrize("attribute", ["QueueArn", "CreatedTimestamp", "ApproximateNumberOfMessages", "Nonsense"])
def test_what_cannot_be_set(sqs, queue, attribute):
    with refused("InvalidAttributeName", f"Unknown Attribute {attribute}."):
        set_attributes(sqs, queue, **{attribute: "1"})


@pytest.mark.parametrize("attribute", FIFO_ONLY)
def test_what_only_fifo_queues_have(sqs, queue, attribute):
    text = f"Unknown Attribute {attribute}."
    if attribute != "ContentBasedDeduplication":
        text = f"You can specify the {attribute} only when FifoQueue is set to true."
    with refused("InvalidAttributeName", text):
        set_attributes(sqs, queue, **{attribute: FIFO_ONLY[attribute]})
    with refused("InvalidAttributeName", text):
        sqs.create_queue(QueueName=f"never-{uuid.uuid4().hex}", Attributes={attribute: FIFO_ONLY[attribute]})


def test_no_queue_becomes_fifo_or_stops_to_be(sqs, queue, fifo):
    with refused("InvalidAttributeName", "Unknown Attribute FifoQueue."):
        sqs.create_queue(QueueName=f"never-{uuid.uuid4().hex}", Attributes={"FifoQueue": "false"})
    with refused("InvalidAttributeName", "Unknown Attribute FifoQueue."):
        set_attributes(sqs, queue, FifoQueue="true")
    text = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
    with refused("InvalidAttributeValue", text):
        set_attributes(sqs, fifo, FifoQueue="false")
    set_attributes(sqs, fifo, FifoQueue="true")


def test_fifo_attributes_are_words(sqs, fifo):
    set_attributes(sqs, fifo, **FIFO_ONLY)
    assert FIFO_ONLY.items() <= attributes(sqs, fifo).items()
    for attribute in FIFO_ONLY:
        with refused("InvalidAttributeValue", attribute):
            set_attributes(sqs, fifo, **{attribute: "perhaps"})


def test_high_throughput_needs_deduplication_by_group(sqs, fifo):
    text = "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup"
    with refused("InvalidAttributeValue", text):
        set_attributes(sqs, fifo, FifoThroughputLimit="perMessageGroupId", DeduplicationScope="queue")
    with refused("InvalidAttributeValue", text):
        set_attributes(sqs, fifo, FifoThroughputLimit="perMessageGroupId")
    set_attributes(sqs, fifo, DeduplicationScope="messageGroup")
    set_attributes(sqs, fifo, FifoThroughputLimit="perMessageGroupId")
    sqs.create_queue(
        QueueName=name_of(fifo), Attributes={"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"}
    )
    with refused("InvalidAttributeValue", text):
        set_attributes(sqs, fifo, DeduplicationScope="queue")


def test_a_key_and_encryption_by_sqs_exclude_each_other(sqs, queue):
    set_attributes(sqs, queue, KmsMasterKeyId="alias/mine", KmsDataKeyReusePeriodSeconds="600")
    shown = attributes(sqs, queue)
    assert (shown["KmsMasterKeyId"], shown["KmsDataKeyReusePeriodSeconds"]) == ("alias/mine", "600")
    assert shown["SqsManagedSseEnabled"] == "false"
    set_attributes(sqs, queue, SqsManagedSseEnabled="true")
    shown = attributes(sqs, queue)
    assert shown["SqsManagedSseEnabled"] == "true"
    assert "KmsMasterKeyId" not in shown and "KmsDataKeyReusePeriodSeconds" not in shown


def test_an_empty_key_is_none(sqs, queue):
    set_attributes(sqs, queue, KmsMasterKeyId="alias/mine")
    set_attributes(sqs, queue, KmsMasterKeyId="")
    assert "KmsMasterKeyId" not in attributes(sqs, queue)
    assert attributes(sqs, queue, "SqsManagedSseEnabled")["SqsManagedSseEnabled"] in ("true", "false")


def test_the_size_of_a_message_counts_its_attributes(sqs, queue_of):
    queue = queue_of(MaximumMessageSize="1024")
    attribute = {"name": {"DataType": "String", "StringValue": "value"}}
    beside = len("name") + len("String") + len("value")
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1024)
    sqs.send_message(QueueUrl=queue, MessageBody="x" * (1024 - beside), MessageAttributes=attribute)
    sqs.send_message(
        QueueUrl=queue,
        MessageBody="x" * 1024,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "not counted"}},
    )
    text = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    for body, sent in (("x" * 1025, {}), ("ü" * 513, {}), ("x" * (1025 - beside), attribute)):
        with refused("InvalidParameterValue", text):
            sqs.send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=sent)
    assert counts(sqs, queue) == (3, 0, 0)


# Finding.


def test_a_queue_is_found_by_its_name(sqs, queue):
    assert sqs.get_queue_url(QueueName=name_of(queue))["QueueUrl"] == queue
    with refused("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."):
        sqs.get_queue_url(QueueName=f"none-{uuid.uuid4().hex}")


def test_the_url_of_a_queue_is_where_the_client_has_reached_the_broker(broker, sqs, queue):
    assert queue == f"{broker.sqs_url}/000000000000/{name_of(queue)}"


@pytest.mark.parametrize(
    "form",
    [
        "http://elsewhere.example:4566/000000000000/{}",
        "https://sqs.us-east-1.amazonaws.com/123456789012/{}",
        "http://localhost/queue/{}",
        "{}",
    ],
)
def test_a_url_counts_by_its_name(broker, sqs, queue, form):
    url = form.format(name_of(queue))
    sqs.meta.events.register("before-sign.sqs", lambda request, **_: setattr(request, "url", broker.sqs_url))
    sqs.send_message(QueueUrl=url, MessageBody="here")
    assert bodies(receive(sqs, queue)) == ["here"]


def test_queues_are_listed_by_prefix(sqs, queue_of):
    queues = [queue_of() for _ in range(3)]
    prefix = name_of(queues[0])[:-1]
    assert sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"] == queues
    assert sqs.list_queues(QueueNamePrefix=name_of(queues[1]))["QueueUrls"] == [queues[1]]
    assert set(queues) <= set(sqs.list_queues()["QueueUrls"])
    none = sqs.list_queues(QueueNamePrefix=f"none-{uuid.uuid4().hex}")
    assert "QueueUrls" not in none and "NextToken" not in none


def test_queues_are_listed_in_pages(sqs, queue_of):
    queues = [queue_of() for _ in range(5)]
    asked = {"QueueNamePrefix": name_of(queues[0])[:-1], "MaxResults": 2}
    pages, token = [], {}
    while token is not None:
        page = sqs.list_queues(**asked, **token)
        pages.append(page["QueueUrls"])
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sum(pages, []) == queues
    paginator = sqs.get_paginator("list_queues")
    paged = paginator.paginate(QueueNamePrefix=asked["QueueNamePrefix"], PaginationConfig={"PageSize": 2})
    assert paged.build_full_result()["QueueUrls"] == queues


def test_no_token_without_pages_and_no_pages_without_bounds(sqs, queue_of):
    queues = [queue_of() for _ in range(3)]
    assert "NextToken" not in sqs.list_queues(QueueNamePrefix=name_of(queues[0])[:-1])
    for most in (0, 1001, -1):
        with refused("InvalidParameterValue", "MaxResults"):
            sqs.list_queues(MaxResults=most)
    with refused("InvalidParameterValue", "token"):
        sqs.list_queues(MaxResults=2, NextToken="no token!")


# Tags.


def test_tags_are_added_replaced_and_removed(sqs, queue):
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=queue)
    sqs.tag_queue(QueueUrl=queue, Tags={"a": "1", "b": "2", "empty": ""})
    sqs.tag_queue(QueueUrl=queue, Tags={"b": "3", "ü": "4"})
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"a": "1", "b": "3", "empty": "", "ü": "4"}
    sqs.untag_queue(QueueUrl=queue, TagKeys=["a", "ü", "not there"])
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"b": "3", "empty": ""}


def test_tags_have_bounds(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={f"{index:0128}": "v" * 256 for index in range(50)})
    for tags in ({"one more": "x"}, {"k" * 129: "x"}, {"k": "v" * 257}, {"": "x"}, {"aws:mine": "x"}, {}):
        with refused("MissingParameter" if not tags else "InvalidParameterValue"):
            sqs.tag_queue(QueueUrl=queue, Tags=tags)
    assert len(sqs.list_queue_tags(QueueUrl=queue)["Tags"]) == 50


# Permissions.


def policy_of(sqs, queue: str) -> dict:
    return json.loads(attributes(sqs, queue, "Policy")["Policy"])


def permit(sqs, queue: str, label: str, accounts=("111122223333",), actions=("SendMessage",)) -> None:
    sqs.add_permission(QueueUrl=queue, Label=label, AWSAccountIds=list(accounts), Actions=list(actions))


def test_permissions_make_a_policy(sqs, queue):
    permit(sqs, queue, "one")
    permit(sqs, queue, "two", ("111122223333", "444455556666"), ("SendMessage", "ReceiveMessage"))
    policy = policy_of(sqs, queue)
    assert policy["Version"] == "2008-10-17"
    assert policy["Id"] == f"{arn(sqs, queue)}/SQSDefaultPolicy"
    assert policy["Statement"][0] == {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "SQS:SendMessage",
        "Resource": arn(sqs, queue),
    }
    assert policy["Statement"][1]["Action"] == ["SQS:SendMessage", "SQS:ReceiveMessage"]
    assert len(policy["Statement"][1]["Principal"]["AWS"]) == 2
    sqs.remove_permission(QueueUrl=queue, Label="one")
    assert [statement["Sid"] for statement in policy_of(sqs, queue)["Statement"]] == ["two"]
    sqs.remove_permission(QueueUrl=queue, Label="two")
    assert "Policy" not in attributes(sqs, queue)


def test_labels_are_distinct_and_known(sqs, queue):
    permit(sqs, queue, "one")
    with refused("InvalidParameterValue", "Value one for parameter Label is invalid. Reason: Already exists."):
        permit(sqs, queue, "one")
    with refused("InvalidParameterValue", "Value two for parameter Label is invalid. Reason: can't find label."):
        sqs.remove_permission(QueueUrl=queue, Label="two")


def test_what_cannot_be_permitted(sqs, queue):
    with refused("InvalidParameterValue", "Only the queue owner is allowed to invoke this action."):
        permit(sqs, queue, "label", actions=["CreateQueue"])
    with refused("MissingParameter", "The request must contain the parameter Actions."):
        permit(sqs, queue, "label", actions=[])
    with refused("MissingParameter"):
        permit(sqs, queue, "label", accounts=[])
    with refused("OverLimit", "8 Actions were found, maximum allowed is 7.", status=403):
        permit(sqs, queue, "label", actions=["SendMessage"] * 8)
    assert "Policy" not in attributes(sqs, queue)


def test_a_policy_is_kept_as_it_was_written_and_taken_away_with_nothing(sqs, queue):
    policy = json.dumps({"Version": "2012-10-17", "Statement": []}, indent=1)
    set_attributes(sqs, queue, Policy=policy)
    assert attributes(sqs, queue, "Policy") == {"Policy": policy}
    for wrong in ("no JSON", "[]", "1"):
        with refused("InvalidAttributeValue", "Invalid value for the parameter Policy."):
            set_attributes(sqs, queue, Policy=wrong)
    set_attributes(sqs, queue, Policy="")
    assert "Policy" not in attributes(sqs, queue)


def test_permissions_are_added_to_a_policy_that_is_there(sqs, queue):
    statement = {"Sid": "mine", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    set_attributes(sqs, queue, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    permit(sqs, queue, "label")
    assert [each["Sid"] for each in policy_of(sqs, queue)["Statement"]] == ["mine", "label"]


# Ending.


def test_a_deleted_queue_is_gone_with_its_messages(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.delete_queue(QueueUrl=queue)
    for use in (sqs.delete_queue, sqs.get_queue_attributes, sqs.purge_queue, sqs.receive_message):
        with refused("AWS.SimpleQueueService.NonExistentQueue", shape="QueueDoesNotExist"):
            use(QueueUrl=queue)
    again = sqs.create_queue(QueueName=name_of(queue))["QueueUrl"]
    assert again == queue and receive(sqs, queue) == []


def test_a_handle_of_the_queue_before_is_no_handle_of_the_queue_of_its_name(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = receive(sqs, queue)
    sqs.delete_queue(QueueUrl=queue)
    sqs.create_queue(QueueName=name_of(queue))
    with refused("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_a_queue_is_purged_as_often_as_one_likes(sqs, queue):
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        sqs.purge_queue(QueueUrl=queue)
        assert counts(sqs, queue) == (0, 0, 0)


@pytest.fixture
def strict(serve):
    """A client of a broker that insists on SQS's minute between two purges."""
    return sqs_client(serve("--sqs-cooldowns=true"))


def test_with_cooldowns_a_second_purge_has_to_wait(strict):
    queue = strict.create_queue(QueueName="purged")["QueueUrl"]
    other = strict.create_queue(QueueName="other")["QueueUrl"]
    strict.purge_queue(QueueUrl=queue)
    text = "Only one PurgeQueue operation on purged is allowed every 60 seconds."
    with refused("AWS.SimpleQueueService.PurgeQueueInProgress", text, 403, "PurgeQueueInProgress"):
        strict.purge_queue(QueueUrl=queue)
    strict.purge_queue(QueueUrl=other)


def test_with_cooldowns_a_name_is_not_used_again_at_once(strict):
    queue = strict.create_queue(QueueName="deleted")["QueueUrl"]
    strict.delete_queue(QueueUrl=queue)
    with refused("AWS.SimpleQueueService.QueueDeletedRecently", "60 seconds", shape="QueueDeletedRecently"):
        strict.create_queue(QueueName="deleted")
    strict.create_queue(QueueName="another")


def test_with_cooldowns_a_name_rests_over_a_restart(serve):
    own = serve("--sqs-cooldowns=true")
    client = sqs_client(own)
    client.delete_queue(QueueUrl=client.create_queue(QueueName="deleted")["QueueUrl"])
    own.restart()
    client = sqs_client(own)
    with refused("AWS.SimpleQueueService.QueueDeletedRecently", "60 seconds", shape="QueueDeletedRecently"):
        client.create_queue(QueueName="deleted")
