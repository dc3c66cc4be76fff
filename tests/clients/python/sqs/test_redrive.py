"""Dead letters: what is received too often goes to another queue, and comes back from there when it is told to."""

import base64
import json
import time
import uuid

import pytest

from .conftest import arn, attributes, bodies, counts, receive, refused, sqs_client

MOVED_WITHIN_SECONDS = 15


def redrive(sqs, dead: str, times: int = 1) -> str:
    return json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": times})


@pytest.fixture
def pair(sqs, queue_of) -> tuple:
    """A queue whose messages die when they are received for the second time, and where they go."""
    dead = queue_of()
    return queue_of(VisibilityTimeout="0", RedrivePolicy=redrive(sqs, dead)), dead


def kill(sqs, queue: str, dead: str, *texts: str) -> None:
    """Sends messages and lets them die: received once more than is allowed."""
    before = counts(sqs, dead)[0]
    for text in texts:
        sqs.send_message(QueueUrl=queue, MessageBody=text)
    end = time.monotonic() + MOVED_WITHIN_SECONDS
    while counts(sqs, dead)[0] < before + len(texts) and time.monotonic() < end:
        receive(sqs, queue)
    assert counts(sqs, dead)[0] == before + len(texts)


# Dying.


def test_a_message_dies_at_the_receive_after_the_last_that_is_allowed(sqs, queue_of):
    dead = queue_of()
    queue = queue_of(VisibilityTimeout="0", RedrivePolicy=redrive(sqs, dead, 2))
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    for count in ("1", "2"):
        (message,) = receive(sqs, queue)
        assert message["Attributes"]["ApproximateReceiveCount"] == count
        assert counts(sqs, dead) == (0, 0, 0)
    assert receive(sqs, queue) == []
    assert counts(sqs, queue) == (0, 0, 0) and counts(sqs, dead) == (1, 0, 0)


def test_a_delete_that_is_late_counts_after_the_last_receive_that_is_allowed(sqs, pair):
    queue, dead = pair
    sqs.send_message(QueueUrl=queue, MessageBody="done in the end")
    (message,) = receive(sqs, queue)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    receive(sqs, queue)
    assert counts(sqs, queue) == counts(sqs, dead) == (0, 0, 0)


def test_the_receive_that_lets_one_die_gives_the_others(sqs, pair):
    queue, dead = pair
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    receive(sqs, queue)
    sqs.send_message(QueueUrl=queue, MessageBody="good")
    assert bodies(receive(sqs, queue, VisibilityTimeout=30)) == ["good"]
    assert bodies(receive(sqs, dead)) == ["poison"]


def test_a_dead_letter_is_the_message_it_was(sqs, pair):
    queue, dead = pair
    attribute = {"a": {"DataType": "Number.int", "StringValue": "7"}}
    sent = sqs.send_message(
        QueueUrl=queue,
        MessageBody="poison",
        MessageAttributes=attribute,
        MessageGroupId="g",
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
    )
    (first,) = receive(sqs, queue)
    assert "DeadLetterQueueSourceArn" not in first["Attributes"]
    receive(sqs, queue)
    (message,) = receive(sqs, dead, MessageAttributeNames=["All"])
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "poison")
    assert message["MessageAttributes"] == attribute, "what the broker knows of its death is no attribute"
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    system = message["Attributes"]
    assert system["DeadLetterQueueSourceArn"] == arn(sqs, queue)
    assert (system["MessageGroupId"], system["AWSTraceHeader"]) == ("g", "Root=1")
    assert system["SentTimestamp"] == first["Attributes"]["SentTimestamp"]
    assert system["SenderId"] == first["Attributes"]["SenderId"]


def test_a_message_dies_when_its_last_lease_ends_unused_and_somebody_asks(sqs, queue_of):
    dead = queue_of()
    queue = queue_of(VisibilityTimeout="1", RedrivePolicy=redrive(sqs, dead))
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    receive(sqs, queue)
    assert receive(sqs, queue, WaitTimeSeconds=2) == []
    assert bodies(receive(sqs, dead, WaitTimeSeconds=5)) == ["poison"]


def test_a_receive_that_waits_at_the_dead_letter_queue_is_told(sqs, queue_of):
    dead = queue_of()
    queue = queue_of(VisibilityTimeout="1", RedrivePolicy=redrive(sqs, dead))
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    receive(sqs, queue)
    time.sleep(1.2)
    receive(sqs, queue)
    began = time.monotonic()
    assert bodies(receive(sqs, dead, WaitTimeSeconds=10)) == ["poison"]
    assert time.monotonic() - began < 3


def test_letters_of_a_group_die_in_order_and_let_it_go_on(sqs, queue_of):
    dead = queue_of(".fifo")
    queue = queue_of(".fifo", VisibilityTimeout="0", RedrivePolicy=redrive(sqs, dead))
    for body in ("0", "1", "2"):
        sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId="g")
    assert bodies(receive(sqs, queue, 2)) == ["0", "1"]
    assert bodies(receive(sqs, queue, 1)) == ["2"]
    receive(sqs, queue)
    letters = receive(sqs, dead)
    assert bodies(letters) == ["0", "1", "2"]
    for letter in letters:
        assert letter["Attributes"]["MessageGroupId"] == "g"
        assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, queue)


def test_a_fifo_dead_letter_is_known_by_the_id_it_had_as_a_message(sqs, queue_of):
    dead = queue_of(".fifo")
    queue = queue_of(".fifo", VisibilityTimeout="0", RedrivePolicy=redrive(sqs, dead))
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="1")
    receive(sqs, queue)
    receive(sqs, queue)
    (letter,) = receive(sqs, dead, WaitTimeSeconds=5)
    assert letter["MessageId"] == sent["MessageId"]
    assert letter["Attributes"]["MessageDeduplicationId"] == sent["MessageId"]


def test_dead_letters_can_die_again(sqs, queue_of):
    last = queue_of()
    middle = queue_of(VisibilityTimeout="0", RedrivePolicy=redrive(sqs, last))
    first = queue_of(VisibilityTimeout="0", RedrivePolicy=redrive(sqs, middle))
    kill(sqs, first, middle, "x")
    receive(sqs, middle)
    receive(sqs, middle)
    (letter,) = receive(sqs, last, WaitTimeSeconds=5)
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, middle)


def test_without_its_dead_letter_queue_a_message_can_be_received_on(sqs, pair):
    queue, dead = pair
    sqs.delete_queue(QueueUrl=dead)
    assert "RedrivePolicy" in attributes(sqs, queue), "the policy stays"
    sqs.send_message(QueueUrl=queue, MessageBody="kept")
    for count in ("1", "2", "3", "4"):
        (message,) = receive(sqs, queue, WaitTimeSeconds=2)
        assert message["Attributes"]["ApproximateReceiveCount"] == count
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)


def test_without_a_policy_a_message_can_be_received_as_often_as_one_likes(sqs, queue_of):
    queue = queue_of(VisibilityTimeout="0")
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    for count in range(1, 31):
        (message,) = receive(sqs, queue)
        assert message["Attributes"]["ApproximateReceiveCount"] == str(count)


def test_a_policy_can_be_given_and_taken_later(sqs, queue_of):
    dead, queue = queue_of(), queue_of(VisibilityTimeout="0")
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    for _ in range(3):
        assert len(receive(sqs, queue)) == 1
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": redrive(sqs, dead, 3)})
    assert receive(sqs, queue) == []
    assert counts(sqs, dead) == (1, 0, 0)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": ""})
    assert "RedrivePolicy" not in attributes(sqs, queue)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []


# What a policy may say.


@pytest.mark.parametrize("count", ["0", "1001", "many", "-1", "1.5"])
def test_the_bounds_of_receives(sqs, queue_of, count):
    policy = {"deadLetterTargetArn": arn(sqs, queue_of()), "maxReceiveCount": count}
    text = f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive."
    with refused("InvalidParameterValue", text):
        queue_of(RedrivePolicy=json.dumps(policy))


def test_receives_are_a_number_or_its_text(sqs, queue_of):
    dead = queue_of()
    for count in (1, "1", 1000, "1000"):
        queue_of(RedrivePolicy=json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": count}))


def test_policies_that_are_refused(sqs, queue_of, queue, fifo):
    dead = arn(sqs, queue)
    none = dead.rsplit(":", 1)[0] + f":none-{uuid.uuid4().hex}"
    wrong = [
        ({"deadLetterTargetArn": dead}, "does not contain mandatory attribute: maxReceiveCount."),
        ({"maxReceiveCount": 1}, "does not contain mandatory attribute: deadLetterTargetArn."),
        ({"deadLetterTargetArn": "no arn", "maxReceiveCount": 1}, "Invalid value for deadLetterTargetArn."),
        ({"deadLetterTargetArn": none, "maxReceiveCount": 1}, "Dead letter target does not exist."),
        ({"deadLetterTargetArn": arn(sqs, fifo), "maxReceiveCount": 1}, "must be same type of queue as the source."),
    ]
    for policy, text in wrong:
        with refused("InvalidParameterValue", text):
            queue_of(RedrivePolicy=json.dumps(policy))
    with refused("InvalidParameterValue", "must be same type of queue as the source."):
        queue_of(".fifo", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1}))


def allow(sqs, dead: str, permission: str, *sources: str) -> None:
    policy = {"redrivePermission": permission}
    if sources:
        policy["sourceQueueArns"] = [arn(sqs, source) for source in sources]
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(policy)})


def test_a_queue_says_whose_dead_letters_it_takes(sqs, queue_of):
    dead, friend, stranger = queue_of(), queue_of(), queue_of()

    def use(source: str) -> None:
        sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": redrive(sqs, dead)})

    allow(sqs, dead, "denyAll")
    with refused("InvalidParameterValue", "permission"):
        use(friend)
    allow(sqs, dead, "byQueue", friend)
    use(friend)
    with refused("InvalidParameterValue", "permission"):
        use(stranger)
    allow(sqs, dead, "allowAll")
    use(stranger)
    allow(sqs, dead, "denyAll")
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": ""})
    assert "RedriveAllowPolicy" not in attributes(sqs, dead)
    use(queue_of())


def test_what_a_redrive_allow_policy_may_say(sqs, queue_of, queue):
    arns = [arn(sqs, queue)]
    wrong = [
        {"redrivePermission": "perhaps"},
        {},
        {"redrivePermission": "byQueue"},
        {"redrivePermission": "byQueue", "sourceQueueArns": []},
        {"redrivePermission": "byQueue", "sourceQueueArns": arns * 11},
        {"redrivePermission": "byQueue", "sourceQueueArns": ["no arn"]},
        {"redrivePermission": "allowAll", "sourceQueueArns": arns},
        {"redrivePermission": "denyAll", "sourceQueueArns": arns},
    ]
    for policy in wrong:
        with refused("InvalidParameterValue"):
            queue_of(RedriveAllowPolicy=json.dumps(policy))


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs, queue_of):
    dead = queue_of()
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []
    sources = [queue_of(RedrivePolicy=redrive(sqs, dead)) for _ in range(3)]
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == sources
    page = sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=2)
    assert page["queueUrls"] == sources[:2]
    rest = sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=2, NextToken=page["NextToken"])
    assert rest["queueUrls"] == sources[2:] and "NextToken" not in rest
    sqs.delete_queue(QueueUrl=sources[0])
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == sources[1:]


# Moving back.


def start(sqs, source: str, **options) -> str:
    return sqs.start_message_move_task(SourceArn=arn(sqs, source), **options)["TaskHandle"]


def tasks(sqs, source: str, most: int = 10) -> list:
    return sqs.list_message_move_tasks(SourceArn=arn(sqs, source), MaxResults=most).get("Results", [])


def finished(sqs, source: str) -> dict:
    """The newest task of a queue, once it has ended."""
    end = time.monotonic() + MOVED_WITHIN_SECONDS
    while (task := tasks(sqs, source)[0])["Status"] in ("RUNNING", "CANCELLING"):
        assert time.monotonic() < end, task
        time.sleep(0.05)
    return task


def test_dead_letters_go_back_to_where_they_died(sqs, queue_of):
    dead = queue_of()
    sources = [queue_of(VisibilityTimeout="0", RedrivePolicy=redrive(sqs, dead)) for _ in range(2)]
    kill(sqs, sources[0], dead, "a1", "a2")
    kill(sqs, sources[1], dead, "b")
    handle = start(sqs, dead)
    named = json.loads(base64.b64decode(handle))
    assert named.keys() == {"taskId", "sourceArn"} and named["sourceArn"] == arn(sqs, dead)
    task = finished(sqs, dead)
    assert task["Status"] == "COMPLETED" and task["SourceArn"] == arn(sqs, dead)
    assert task["ApproximateNumberOfMessagesMoved"] == task["ApproximateNumberOfMessagesToMove"] == 3
    assert abs(task["StartedTimestamp"] / 1000 - time.time()) < 60
    assert "TaskHandle" not in task and "DestinationArn" not in task and "FailureReason" not in task
    assert counts(sqs, dead) == (0, 0, 0)
    assert sorted(bodies(receive(sqs, sources[0]))) == ["a1", "a2"]
    assert bodies(receive(sqs, sources[1])) == ["b"]


def test_what_goes_back_is_a_new_message(sqs, pair):
    queue, dead = pair
    attribute = {"a": {"DataType": "String", "StringValue": "kept"}}
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attribute)
    (first,) = receive(sqs, queue)
    receive(sqs, queue)
    start(sqs, dead)
    finished(sqs, dead)
    (again,) = receive(sqs, queue, MessageAttributeNames=["All"])
    assert again["MessageId"] != sent["MessageId"]
    assert again["MessageAttributes"] == attribute
    assert again["Attributes"]["ApproximateReceiveCount"] == "1"
    assert int(again["Attributes"]["SentTimestamp"]) > int(first["Attributes"]["SentTimestamp"])
    assert "DeadLetterQueueSourceArn" not in again["Attributes"]


def test_dead_letters_go_where_they_are_told(sqs, pair, queue_of):
    queue, dead = pair
    elsewhere = queue_of()
    kill(sqs, queue, dead, "x", "y")
    start(sqs, dead, DestinationArn=arn(sqs, elsewhere))
    task = finished(sqs, dead)
    assert (task["Status"], task["DestinationArn"]) == ("COMPLETED", arn(sqs, elsewhere))
    assert sorted(bodies(receive(sqs, elsewhere))) == ["x", "y"]
    assert counts(sqs, queue) == (0, 0, 0)


def test_groups_go_back_in_order(sqs, queue_of):
    dead = queue_of(".fifo")
    queue = queue_of(".fifo", VisibilityTimeout="0", RedrivePolicy=redrive(sqs, dead))
    texts = [str(index) for index in range(6)]
    for text in texts:
        sqs.send_message(QueueUrl=queue, MessageBody=text, MessageGroupId="g")
    receive(sqs, queue)
    receive(sqs, queue)
    assert counts(sqs, dead) == (6, 0, 0)
    start(sqs, dead)
    assert finished(sqs, dead)["Status"] == "COMPLETED"
    messages = receive(sqs, queue)
    assert bodies(messages) == texts
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}


def test_a_task_keeps_its_rate_and_can_be_cancelled(sqs, pair):
    queue, dead = pair
    kill(sqs, queue, dead, *(str(index) for index in range(20)))
    began = time.monotonic()
    handle = start(sqs, dead, MaxNumberOfMessagesPerSecond=2)
    (task,) = tasks(sqs, dead)
    assert (task["Status"], task["TaskHandle"]) == ("RUNNING", handle)
    assert task["MaxNumberOfMessagesPerSecond"] == 2
    text = "There is already a task running."
    with refused("InvalidParameterValue", text):
        start(sqs, dead)
    time.sleep(2)
    answer = sqs.cancel_message_move_task(TaskHandle=handle)
    assert isinstance(answer["ApproximateNumberOfMessagesMoved"], int)
    task = finished(sqs, dead)
    ran = time.monotonic() - began
    assert task["Status"] == "CANCELLED" and "TaskHandle" not in task
    moved = task["ApproximateNumberOfMessagesMoved"]
    assert 1 <= moved <= 2 * ran + 1, f"{moved} in {ran} s"
    time.sleep(1)
    left, back = counts(sqs, dead), counts(sqs, queue)
    assert sum(back) == moved and sum(left) == 20 - moved, "what has moved stays, nothing more does"
    with refused("AWS.SimpleQueueService.UnsupportedOperation"):
        sqs.cancel_message_move_task(TaskHandle=handle)
    start(sqs, dead)
    finished(sqs, dead)
    assert [task["Status"] for task in tasks(sqs, dead)] == ["COMPLETED", "CANCELLED"], "newest first"
    assert len(sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"]) == 1, "one, unless more are asked for"


def test_moving_nothing_is_soon_done(sqs, pair):
    _, dead = pair
    assert tasks(sqs, dead) == []
    start(sqs, dead)
    assert (finished(sqs, dead)["Status"], counts(sqs, dead)) == ("COMPLETED", (0, 0, 0))


def test_a_task_fails_where_there_is_no_way_back(sqs, pair):
    queue, dead = pair
    kill(sqs, queue, dead, "died here")
    sqs.delete_queue(QueueUrl=queue)
    other = sqs.create_queue(
        QueueName=f"other-{uuid.uuid4().hex}", Attributes={"RedrivePolicy": redrive(sqs, dead)}
    )["QueueUrl"]
    start(sqs, dead)
    task = finished(sqs, dead)
    assert task["Status"] == "FAILED"
    assert task["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert counts(sqs, dead) == (1, 0, 0), "the message stays and can be received at once"
    sqs.delete_queue(QueueUrl=other)


def test_a_message_that_never_died_has_no_way_back(sqs, pair):
    _, dead = pair
    sqs.send_message(QueueUrl=dead, MessageBody="sent here")
    start(sqs, dead)
    task = finished(sqs, dead)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert bodies(receive(sqs, dead)) == ["sent here"]


def test_what_cannot_be_moved(sqs, queue, pair):
    dead = arn(sqs, pair[1])
    none = dead.rsplit(":", 1)[0] + f":none-{uuid.uuid4().hex}"
    move = sqs.start_message_move_task
    with refused("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."):
        move(SourceArn=arn(sqs, queue))
    for missing in ({"SourceArn": none}, {"SourceArn": dead, "DestinationArn": none}):
        with refused("ResourceNotFoundException", "doesn't exist", 404, "ResourceNotFoundException"):
            move(**missing)
    with refused("ResourceNotFoundException", status=404):
        sqs.list_message_move_tasks(SourceArn=none)
    for wrong in ("no arn", "arn:aws:sns:eu-west-1:000000000000:topic"):
        with refused("InvalidParameterValue", "SourceArn"):
            move(SourceArn=wrong)
    for rate in (0, 501, -1):
        with refused("InvalidParameterValue", "MaxNumberOfMessagesPerSecond"):
            move(SourceArn=dead, MaxNumberOfMessagesPerSecond=rate)
    for most in (0, 11):
        with refused("InvalidParameterValue", "MaxResults"):
            tasks(sqs, pair[1], most)


def test_a_task_is_cancelled_by_its_handle_alone(sqs, pair):
    named = {"taskId": str(uuid.uuid4()), "sourceArn": arn(sqs, pair[1])}
    unknown = base64.b64encode(json.dumps(named).encode()).decode()
    with refused("ResourceNotFoundException", "Task does not exist.", 404):
        sqs.cancel_message_move_task(TaskHandle=unknown)
    for wrong in ("nonsense", base64.b64encode(b"[]").decode()):
        with refused("InvalidParameterValue", "TaskHandle is invalid"):
            sqs.cancel_message_move_task(TaskHandle=wrong)


def test_a_task_goes_on_after_a_crash(own_broker):
    sqs = sqs_client(own_broker)
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = {"VisibilityTimeout": "0", "RedrivePolicy": redrive(sqs, dead)}
    queue = sqs.create_queue(QueueName="queue", Attributes=policy)["QueueUrl"]
    texts = [f"{index:02}" for index in range(30)]
    kill(sqs, queue, dead, *texts)
    start(sqs, dead, MaxNumberOfMessagesPerSecond=10)
    time.sleep(1)
    own_broker.restart()
    assert tasks(sqs, dead)[0]["Status"] == "RUNNING"
    task = finished(sqs, dead)
    assert task["Status"] == "COMPLETED"
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": "", "VisibilityTimeout": "60"})
    back = []
    while messages := receive(sqs, queue):
        back += bodies(messages)
    # At least once: the kill may have come between a copy and the end of its original.
    assert sorted(set(back)) == texts and len(back) <= 31
    assert counts(sqs, dead)[0] == 0
