"""Users from a definitions file, and what their permissions let them do."""

import json

import pika
import pytest

# RabbitMQ's own example of a hash: the password is "test12".
HASH = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


@pytest.fixture
def narrow(serve, tmp_path):
    """A channel of a user who may read `mine.*`, write anything and configure nothing."""
    definitions = {
        "users": [{"name": "narrow", "password_hash": HASH, "tags": ""}],
        "permissions": [{"user": "narrow", "vhost": "/", "configure": "^$", "write": ".*", "read": "^mine"}],
        "queues": [
            {"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
            for name in ("mine.jobs", "theirs.jobs")
        ],
    }
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps(definitions))
    broker = serve("--definitions", str(file))
    parameters = pika.URLParameters(broker.url)
    parameters.credentials = pika.PlainCredentials("narrow", "test12")
    connection = pika.BlockingConnection(parameters)
    yield connection
    connection.close()


def refused(connection, work):
    channel = connection.channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        work(channel)
    return closed.value.reply_code, closed.value.reply_text


def test_what_is_permitted_is_done(narrow):
    channel = narrow.channel()
    channel.basic_publish("", "mine.jobs", b"x")
    assert channel.basic_get("mine.jobs", auto_ack=True)[2] == b"x"


def test_what_is_not_permitted_is_refused(narrow):
    text = "ACCESS_REFUSED - read access to queue 'theirs.jobs' in vhost '/' refused for user 'narrow'"
    assert refused(narrow, lambda channel: channel.basic_get("theirs.jobs")) == (403, text)
    assert refused(narrow, lambda channel: channel.basic_consume("theirs.jobs", print))[0] == 403
    assert refused(narrow, lambda channel: channel.queue_purge("theirs.jobs"))[0] == 403
    assert refused(narrow, lambda channel: channel.queue_declare("mine.new", durable=True))[0] == 403


def test_a_queue_that_may_not_be_read_does_not_show_whether_it_is_there(narrow):
    assert refused(narrow, lambda channel: channel.basic_get("theirs.nothing"))[0] == 403


def test_replies_need_no_permission(narrow):
    channel = narrow.channel()
    answers = []
    channel.basic_consume("amq.rabbitmq.reply-to", lambda *args: answers.append(args[3]), auto_ack=True)
    channel.basic_publish("", "mine.jobs", b"?", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
    _, properties, _ = channel.basic_get("mine.jobs", auto_ack=True)
    channel.basic_publish("", properties.reply_to, b"!")
    narrow.process_data_events(2)
    assert answers == [b"!"]
