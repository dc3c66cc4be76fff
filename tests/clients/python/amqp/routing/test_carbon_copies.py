"""CC and BCC: more routing keys, chosen by the sender."""

import pytest


def test_cc_and_bcc_reach_their_queues_too(session, name):
    to, cc, bcc = (session.queue(f"{name}.{suffix}") for suffix in ("to", "cc", "bcc"))
    session.publish("copies", to, headers={"CC": [cc], "BCC": [bcc], "other": 1})
    for queue in (to, cc, bcc):
        message = session.get(queue)
        assert (message.text, message.routing_key) == ("copies", to)
        assert message.headers == {"CC": [cc], "other": 1}, "BCC is taken off before delivery"


def test_a_queue_named_twice_gets_one_copy(session, name):
    session.queue(name)
    session.publish("once", name, headers={"CC": [name], "BCC": [name]})
    assert session.drain(name) == ["once"]


def test_cc_goes_through_the_bindings_of_the_exchange(session, name):
    session.exchange(name, "topic")
    session.queue(f"{name}.q")
    session.bind(f"{name}.q", name, "copy.#")
    session.publish("by cc", "unmatched", exchange=name, headers={"CC": ["copy.this"]}, mandatory=True)
    assert session.drain(f"{name}.q") == ["by cc"]


@pytest.mark.parametrize("header", ["CC", "BCC"])
def test_a_header_that_is_no_list_of_strings_is_refused(session, name, header):
    session.queue(name)
    with session.refused(406, f'"{header}"'):
        session.publish("bad", name, headers={header: "not a list"})
