"""Requests as no SDK sends them: the Query protocol by hand, and HTTP on a bare socket."""

import json
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from xml.etree import ElementTree

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
WAIT_SECONDS = 15


@dataclass
class Answer:
    """The response to one request."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def xml(self) -> ElementTree.Element:
        """The document, its tags without their namespace, which has to be SQS's."""
        root = ElementTree.fromstring(self.body)
        for element in root.iter():
            assert element.tag.startswith(NAMESPACE), element.tag
            element.tag = element.tag.removeprefix(NAMESPACE)
        return root

    def text(self, path: str) -> str | None:
        """The text of an element of the document."""
        return self.xml.findtext(path)


def get(url: str) -> Answer:
    return send(urllib.request.Request(url))


def send(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as response:
            return Answer(response.status, lowered(response.headers), response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, lowered(error.headers), error.read())


def lowered(headers) -> dict:
    return {name.lower(): value for name, value in headers.items()}


def query(url: str, action: str, method: str = "POST", **parameters) -> Answer:
    """An action in the Query protocol. Dots in names are written as two underscores."""
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    form = urllib.parse.urlencode({"Action": action, "Version": "2012-11-05"} | named)
    if method == "GET":
        return send(urllib.request.Request(f"{url}?{form}"))
    return send(urllib.request.Request(url, form.encode()))


def json_call(url: str, action: str, body) -> Answer:
    """An action in the JSON protocol; what is not bytes is written as JSON."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}
    return send(urllib.request.Request(url, body, headers))


def written(action: str, body: bytes, *headers: str) -> bytes:
    """A request of the JSON protocol as it goes over the wire."""
    lines = [
        "POST / HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-Amz-Target: AmazonSQS.{action}",
        *(headers or [f"Content-Length: {len(body)}"]),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Wire:
    """A bare socket to the SQS door."""

    def __init__(self, url: str):
        where = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((where.hostname, where.port), timeout=WAIT_SECONDS)
        self.unread = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> Answer:
        """Reads one response whole."""
        while b"\r\n\r\n" not in self.unread:
            self.read_more()
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self.unread) < length:
            self.read_more()
        body, self.unread = self.unread[:length], self.unread[length:]
        return Answer(int(status.split(" ")[1]), headers, body)

    def read_more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"the broker closed the connection after {self.unread!r}")
        self.unread += data

    def wait_closed(self, seconds: float = WAIT_SECONDS) -> None:
        """Reads until the broker ends the connection."""
        deadline = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                if not self.socket.recv(65536):
                    return
            except ConnectionError:
                return
