"""amqp-tools: the command line of rabbitmq-c."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("amqp-publish"), reason="amqp-tools are not installed")


@pytest.fixture
def tool(broker):
    """Runs one of the tools and returns what it printed."""

    def run(command, *arguments, status=0, **options):
        words = [f"amqp-{command}", f"--url={broker.url}", *arguments]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=30, **options)
        assert ended.returncode == status, ended.stderr
        return ended.stdout + ended.stderr

    return run


def test_declare_publish_get_delete(tool, name):
    assert tool("declare-queue", "-d", "-q", name).strip() == name
    tool("publish", "-p", "-r", name, "-b", "from the shell")
    tool("publish", "-p", "-r", name, "-l", input="line one\nline two\n")
    assert tool("get", "-q", name) == "from the shell"
    assert tool("get", "-q", name).strip() == "line one"
    assert tool("delete-queue", "-q", name).strip() == "1"


def test_an_empty_queue_is_told_by_the_exit_status(tool, name):
    tool("declare-queue", "-q", name)
    tool("get", "-q", name, status=2)
    tool("delete-queue", "-q", name)


def test_consume_gives_each_message_to_a_command(tool, name):
    tool("declare-queue", "-d", "-q", name)
    for number in range(3):
        tool("publish", "-p", "-r", name, "-b", f"{number};")
    assert tool("consume", "-q", name, "-c", "3", "-p", "1", "cat") == "0;1;2;"
    tool("get", "-q", name, status=2)
    tool("delete-queue", "-q", name)


def test_a_command_that_fails_gives_the_message_back(tool, session, name):
    session.queue(name)
    session.publish("kept", name)
    tool("consume", "-q", name, "-c", "1", "-p", "1", "false")
    assert session.wait_get(name).redelivered


def test_a_missing_queue_is_told(tool, name):
    assert "NOT_FOUND" in tool("get", "-q", f"{name}.missing", status=1)


def test_a_wrong_password_is_told(tool, broker, name):
    url = broker.url.replace("guest:guest", "guest:wrong")
    ended = subprocess.run(["amqp-get", f"--url={url}", "-q", name], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1 and "ACCESS_REFUSED" in ended.stderr
