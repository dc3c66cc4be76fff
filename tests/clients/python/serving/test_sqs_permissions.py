"""What a user's permissions and a queue's policy let it do over SQS."""

import json

import pytest
from botocore.exceptions import ClientError

from .test_access_keys import client, done
from .test_permissions import HASH

pytestmark = pytest.mark.leveret_only("access keys")


@pytest.fixture
def narrow(serve, tmp_path):
    """The client of a user who may read `mine*` and configure nothing, and the client of one who may do everything."""
    definitions = {
        "users": [{"name": name, "password_hash": HASH, "tags": ""} for name in ("narrow", "owner")],
        "permissions": [
            {"user": "narrow", "vhost": "/", "configure": "^$", "write": "^$", "read": "^mine"},
            {"user": "owner", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
        ],
    }
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps(definitions))
    broker = serve("--definitions", str(file))
    keys = [done(broker, "create", "--user", name) for name in ("narrow", "owner")]
    return [client(broker, key["id"], key["secret"]) for key in keys]


def names(sqs) -> list:
    return [url.rsplit("/", 1)[1] for url in sqs.list_queues().get("QueueUrls", [])]


def statement(sqs, queue: str, **parts) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*"} | parts]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})


def test_queues_that_a_user_may_not_read_are_not_listed(narrow):
    narrow, owner = narrow
    queues = {name: owner.create_queue(QueueName=name)["QueueUrl"] for name in ("mine", "theirs")}
    assert names(owner) == ["mine", "theirs"]
    assert names(narrow) == ["mine"]
    statement(owner, queues["theirs"], Principal={"AWS": "narrow"}, Resource="*")
    assert names(narrow) == ["mine", "theirs"]
    statement(owner, queues["mine"], Effect="Deny", NotPrincipal={"AWS": "owner"})
    assert names(narrow) == ["theirs"]
    assert names(owner) == ["mine", "theirs"]


def test_a_queue_that_is_there_is_made_again_by_those_who_may_make_it(narrow):
    narrow, owner = narrow
    owner.create_queue(QueueName="mine", Attributes={"VisibilityTimeout": "7"})
    for name in ("mine", "new"):
        for attributes in ({}, {"VisibilityTimeout": "8"}):
            with pytest.raises(ClientError, match="AccessDenied"):
                narrow.create_queue(QueueName=name, Attributes=attributes)
    assert owner.create_queue(QueueName="mine")


def test_a_statement_holds_for_the_queue_and_the_actions_that_it_names(narrow):
    narrow, owner = narrow
    queue = owner.create_queue(QueueName="theirs")["QueueUrl"]
    principal = {"AWS": "narrow"}
    statement(owner, queue, Principal=principal, Resource="arn:aws:sqs:*:*:other")
    with pytest.raises(ClientError, match="AccessDenied"):
        narrow.send_message(QueueUrl=queue, MessageBody="x")
    resource = "arn:aws:sqs:*:*:their?"
    policy = {"Effect": "Allow", "Principal": principal, "Resource": resource, "NotAction": "sqs:Purge*"}
    owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": policy})})
    narrow.send_message(QueueUrl=queue, MessageBody="x")
    with pytest.raises(ClientError, match="AccessDenied"):
        narrow.purge_queue(QueueUrl=queue)
