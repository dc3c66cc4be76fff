"""Envelopes are signed: what consumers of SNS verify, they can verify here, with a certificate that stays."""

import base64
import json
import subprocess
import urllib.error
import urllib.request

import pytest

from .conftest import Topics

DIGESTS = {"1": "-sha1", "2": "-sha256"}


def signed_text(envelope: dict) -> bytes:
    """What the signature is of, as AWS documents it."""
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    return "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope).encode()


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/x-pem-file"
        return response.read()


def verifies(envelope: dict, certificate: bytes, folder) -> bool:
    """Whether the signature is one of the certificate's key, asked of openssl."""
    files = {name: folder / name for name in ("certificate", "key", "signature", "text")}
    files["certificate"].write_bytes(certificate)
    files["signature"].write_bytes(base64.b64decode(envelope["Signature"]))
    files["text"].write_bytes(signed_text(envelope))
    public = ["openssl", "x509", "-in", files["certificate"], "-noout", "-pubkey"]
    files["key"].write_bytes(subprocess.run(public, check=True, capture_output=True).stdout)
    digest = DIGESTS[envelope["SignatureVersion"]]
    verify = ["openssl", "dgst", digest, "-verify", files["key"], "-signature", files["signature"], files["text"]]
    return subprocess.run(verify, capture_output=True).returncode == 0


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_envelope_is_signed_with_and_without_a_subject(topics, tmp_path, version):
    topic = topics.topic(**({"SignatureVersion": version} if version == "2" else {}))
    url, _ = topics.subscribe(topic)
    topics.sns.publish(TopicArn=topic, Message="with a körper", Subject="a subject")
    topics.sns.publish(TopicArn=topic, Message="line\nline")
    envelopes = [json.loads(body) for body in topics.bodies(url)]
    assert ["Subject" in envelope for envelope in envelopes] == [True, False]
    for envelope in envelopes:
        assert envelope["SignatureVersion"] == version
        certificate = fetch(envelope["SigningCertURL"])
        assert verifies(envelope, certificate, tmp_path)
        assert not verifies(envelope | {"Message": "another"}, certificate, tmp_path)


def test_the_certificate_is_one_that_openssl_trusts_once_it_is_told_to(topics, tmp_path):
    topic = topics.topic()
    url, _ = topics.subscribe(topic)
    topics.sns.publish(TopicArn=topic, Message="m")
    (body,) = topics.bodies(url)
    cert_url = json.loads(body)["SigningCertURL"]
    file = tmp_path / "certificate"
    file.write_bytes(fetch(cert_url))
    subprocess.run(["openssl", "verify", "-check_ss_sig", "-trusted", file, file], check=True)
    with pytest.raises(urllib.error.HTTPError):
        fetch(cert_url.replace(".pem", "0.pem"))


def test_key_and_certificate_stay_the_same_over_restarts(own_broker, tmp_path):
    def published() -> dict:
        topics = Topics(own_broker)
        topic = topics.topic()
        url, _ = topics.subscribe(topic)
        topics.sns.publish(TopicArn=topic, Message="m")
        (body,) = topics.bodies(url)
        return json.loads(body)

    before = published()
    certificate = fetch(before["SigningCertURL"])
    own_broker.restart()
    assert fetch(before["SigningCertURL"]) == certificate
    after = published()
    assert after["SigningCertURL"] == before["SigningCertURL"]
    assert verifies(after, certificate, tmp_path) and verifies(before, certificate, tmp_path)
    key = own_broker.data / "sns-signing-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    subprocess.run(["openssl", "rsa", "-in", key, "-check", "-noout"], check=True)


def test_a_key_that_cannot_be_read_stops_the_start(own_broker):
    own_broker.kill9()
    (own_broker.data / "sns-signing-key.pem").write_text("no key")
    with pytest.raises(RuntimeError, match="sns-signing-key.pem"):
        own_broker.start()
