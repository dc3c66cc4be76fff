"""basic.get."""


def test_an_empty_queue_says_so(session, name):
    session.queue(name)
    assert session.get(name) is None


def test_get_tells_what_is_left(session, name):
    session.queue(name)
    session.fill(name, 3)
    assert [session.get(name).left for _ in range(3)] == [2, 1, 0]


def test_all_properties_and_headers_arrive_as_they_were_sent(session, name):
    session.queue(name)
    sent = {
        "content_type": "text/plain", "content_encoding": "utf-8", "delivery_mode": 2, "priority": 7,
        "correlation_id": "c-1", "reply_to": "somewhere", "expiration": "60000", "message_id": "m-1",
        "timestamp": 1_800_000_000, "type": "order", "user_id": "guest", "app_id": "shop", "cluster_id": "c",
        "headers": {
            "text": "grün", "bytes": b"\xff\x00".hex(), "number": -5, "big": 2**40, "yes": True, "nothing": None,
            "list": [1, "two", [3]], "table": {"deep": {"deeper": "x"}},
        },
    }  # fmt: skip
    session.publish(b"\x00\xff body", name, **sent)
    message = session.get(name)
    assert message.body == b"\x00\xff body"
    assert {key: getattr(message.properties, key) for key in sent} == sent
    assert (message.exchange, message.routing_key, message.redelivered) == ("", name, False)


def test_an_empty_body_and_a_large_one(session, name):
    session.queue(name)
    large = bytes(range(256)) * 8192
    session.publish(b"", name)
    session.publish(large, name)
    assert session.get(name).body == b""
    assert session.get(name).body == large


def test_what_was_got_and_not_acknowledged_returns_with_the_channel(session, name):
    session.queue(name)
    session.fill(name, 3)
    session.get(name, ack=False)
    session.get(name, ack=False)
    session.channel.close()
    session.open_channel()
    session.wait_depth(name, 3)
    messages = [session.get(name) for _ in range(3)]
    assert [(m.text, m.redelivered) for m in messages] == [("0", True), ("1", True), ("2", False)]


def test_get_without_acknowledgement_forgets_at_once(session, name):
    session.queue(name)
    session.fill(name, 2)
    session.channel.basic_get(name, auto_ack=True)
    session.channel.close()
    session.open_channel()
    assert session.drain(name) == ["1"]


def test_get_ignores_prefetch(session, name):
    session.queue(name)
    session.fill(name, 3)
    session.channel.basic_qos(prefetch_count=1)
    held = [session.get(name, ack=False) for _ in range(3)]
    assert [message.text for message in held] == ["0", "1", "2"]
