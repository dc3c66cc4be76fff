"""`leveret access-key`, on a broker that runs, on one that does not, and after crashes; and what the keys are good for."""

import json
import re
import socket
import stat
import subprocess
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from broker import Broker, binary

pytestmark = pytest.mark.leveret_only("access keys")


def run(broker, *words: str) -> subprocess.CompletedProcess:
    command = [binary(), "access-key", *words, "--data", str(broker.data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def done(broker, *words: str):
    """What the command answers, as machines read it."""
    finished = run(broker, *words, "--json")
    assert (finished.returncode, finished.stderr) == (0, "")
    return json.loads(finished.stdout)


def ids(broker) -> set:
    return {key["id"] for key in done(broker, "list")}


def refused(broker, *words: str) -> str:
    finished = run(broker, *words)
    assert (finished.returncode, finished.stdout) == (1, "")
    return finished.stderr


def client(broker, key: str, secret: str, service: str = "sqs"):
    return boto3.client(
        service,
        endpoint_url=broker.sqs_url,
        region_name="eu-central-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 1}),
    )


def test_a_running_broker_makes_lists_and_deletes_keys(own_broker):
    assert done(own_broker, "list") == []
    made = done(own_broker, "create")
    assert re.fullmatch("LKIA[A-Z2-7]{16}", made["id"])
    assert re.fullmatch("[A-Za-z0-9+/]{40}", made["secret"])
    assert made["user"] == "guest"
    other = done(own_broker, "create", "--user", "guest")
    assert ids(own_broker) == {made["id"], other["id"]}
    assert all("secret" not in key for key in done(own_broker, "list"))
    assert done(own_broker, "delete", made["id"]) == {}
    assert ids(own_broker) == {other["id"]}


def test_what_people_read(own_broker):
    assert run(own_broker, "list").stdout == "there are no access keys\n"
    text = run(own_broker, "create").stdout
    key = re.match("access key id +(LKIA[A-Z2-7]{16})\nsecret access key +[A-Za-z0-9+/]{40}\nuser +guest\n", text)
    assert key, text
    assert re.fullmatch(f"{key[1]}  guest  made [0-9]+ seconds? ago\n", run(own_broker, "list").stdout)
    assert run(own_broker, "delete", key[1]).stdout == "deleted\n"


def test_what_cannot_be_done_is_said(own_broker):
    for _ in ("running", "stopped"):
        assert refused(own_broker, "create", "--user", "nobody") == "leveret: no user 'nobody'\n"
        assert refused(own_broker, "delete", "LKIA") == "leveret: no access key 'LKIA'\n"
        if own_broker.alive:
            assert own_broker.terminate() == 0


def test_a_stopped_broker_has_its_keys_and_gets_new_ones(own_broker):
    first = done(own_broker, "create")
    assert own_broker.terminate() == 0
    assert not (own_broker.data / "control.sock").exists()
    assert ids(own_broker) == {first["id"]}
    second = done(own_broker, "create")
    third = done(own_broker, "create")
    done(own_broker, "delete", third["id"])
    own_broker.start()
    assert ids(own_broker) == {first["id"], second["id"]}
    assert client(own_broker, second["id"], second["secret"]).list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_keys_survive_kill_9(own_broker):
    """Of the broker right after its answer, and of the folder that nobody closed."""
    kept = set()
    for _ in range(3):
        kept.add(done(own_broker, "create")["id"])
        own_broker.kill9()
        assert (own_broker.data / "control.sock").exists(), "a crash leaves it behind"
        assert ids(own_broker) == kept
        kept.add(done(own_broker, "create")["id"])
        own_broker.start()
        assert ids(own_broker) == kept


def test_keys_can_be_made_before_the_first_start(tmp_path):
    broker = Broker(tmp_path / "new")
    assert refused(broker, "list") == f"leveret: there is no data folder {broker.data}\n"
    assert not broker.data.exists()
    made = done(broker, "create")
    broker.start()
    try:
        assert ids(broker) == {made["id"]}
        assert client(broker, made["id"], made["secret"]).list_queues()
    finally:
        broker.kill9()


def test_only_the_owner_may_look(own_broker):
    """The secrets are in the clear in the data folder."""
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (own_broker.data, own_broker.data / "control.sock")]
    assert modes == [0o700, 0o600]


def test_a_key_is_asked_for_once_there_is_one(own_broker):
    anybody = client(own_broker, "anybody", "anything")
    url = anybody.create_queue(QueueName="jobs")["QueueUrl"]
    key = done(own_broker, "create")
    known = client(own_broker, key["id"], key["secret"])
    known.send_message(QueueUrl=url, MessageBody="signed")
    assert client(own_broker, key["id"], key["secret"], "sts").get_caller_identity()["UserId"] == "guest"
    with pytest.raises(ClientError, match="InvalidClientTokenId.*security token included in the request is invalid"):
        anybody.list_queues()
    with pytest.raises(ClientError, match="SignatureDoesNotMatch.*signature we calculated does not match"):
        client(own_broker, key["id"], "wrong").list_queues()
    credentials = Credentials(key["id"], key["secret"])
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(signed_for_sns("ListQueues", own_broker.sqs_url, credentials))
    assert refused.value.code == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in (said := refused.value.read())
    assert b"<Message>Credential should be scoped to correct service: 'sqs'.</Message>" in said
    done(own_broker, "delete", key["id"])
    assert anybody.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "signed"


def signed_for_sns(action: str, url: str, credentials: Credentials) -> urllib.request.Request:
    """A request to SQS with a signature that would be right at SNS."""
    request = AWSRequest("GET", url, params={"Action": action, "Version": "2012-11-05"})
    SigV4Auth(credentials, "sns", "eu-central-1").add_auth(request)
    prepared = request.prepare()
    return urllib.request.Request(prepared.url, headers=dict(prepared.headers))


def test_what_is_no_request_harms_nobody(own_broker):
    for line in (b"\n", b"{}\n", b'{"request":"fly"}\n', b"\xff" * 70_000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(own_broker.data / "control.sock"))
            try:
                control.sendall(line)
                assert control.recv(1_000).startswith(b'{"refused":"')
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert done(own_broker, "list") == []
