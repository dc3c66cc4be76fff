"""AMQP over TLS, and users who log in with a certificate."""

import json
import ssl
import subprocess

import pika
import pytest

from broker import free_port


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def issue(folder, name, subject, extension):
    """A certificate of the test's root for `subject`, in `name`.pem and `name`.key."""
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
    (folder / f"{name}.ext").write_text(extension)
    openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem",
    )


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
        "-subj", "/CN=root", "-addext", "keyUsage=critical,keyCertSign",
    )
    issue(folder, "server", "/CN=localhost", "subjectAltName=DNS:localhost\n")
    issue(folder, "worker", "/O=Hares/CN=worker", "extendedKeyUsage=clientAuth\n")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    definitions = {
        "users": [{"name": "worker", "password_hash": "", "tags": []}],
        "permissions": [{"user": "worker", "vhost": "/", **everything}],
    }
    (folder / "definitions.json").write_text(json.dumps(definitions))
    return folder


@pytest.fixture
def secured(serve, papers):
    """Starts a broker with TLS and answers how to connect to it."""

    def start(*options, certificate=None, credentials=None):
        port = free_port()
        serve(
            "--amqps", f"127.0.0.1:{port}", "--tls-cert", f"{papers}/server.pem", "--tls-key", f"{papers}/server.key",
            "--definitions", f"{papers}/definitions.json", *options,
        )
        context = ssl.create_default_context(cafile=papers / "ca.pem")
        if certificate:
            context.load_cert_chain(papers / f"{certificate}.pem", papers / f"{certificate}.key")
        return pika.ConnectionParameters(
            "127.0.0.1", port, ssl_options=pika.SSLOptions(context, "localhost"),
            **({"credentials": credentials} if credentials else {}),
        )

    return start


def round_trip(parameters):
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare("secret", durable=True)
    channel.confirm_delivery()
    body = bytes(range(256)) * 4096
    channel.basic_publish("", "secret", body)
    assert channel.basic_get("secret", auto_ack=True)[2] == body
    connection.close()


def test_a_megabyte_goes_both_ways(secured):
    round_trip(secured())


def test_a_certificate_is_a_login(secured, papers):
    credentials = pika.credentials.ExternalCredentials()
    round_trip(secured("--tls-ca", f"{papers}/ca.pem", certificate="worker", credentials=credentials))


def test_without_a_certificate_there_is_no_such_login(secured, papers):
    parameters = secured("--tls-ca", f"{papers}/ca.pem", credentials=pika.credentials.ExternalCredentials())
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(parameters)


def test_a_client_that_must_show_a_certificate_and_does_not_is_sent_away(secured, papers):
    parameters = secured("--tls-ca", f"{papers}/ca.pem", "--tls-verify-peer")
    with pytest.raises((pika.exceptions.AMQPConnectionError, ssl.SSLError)):
        pika.BlockingConnection(parameters)
