//! The bytes of NATS's client protocol, and of what JetStream says in it, as NATS's documentation of the client protocol
//! and its ADRs 13 (pull consumers) and 15 (delivery subjects) have them: what is said, and what is read. No sockets.

use std::str;

use serde_json::{Value, json};

use crate::load::door::DoorError;
use crate::load::door::text::{Decimal, push};

/// The longest line of a server, in bytes: INFO names a cluster's servers.
const LINE_BYTES: usize = 32 << 10;
/// What ends a line, and a body.
const END: &[u8] = b"\r\n";
/// What the head of a message begins with.
const HEAD_VERSION: &str = "NATS/1.0";
/// A head for a message that is for a stream whose name no stream has.
const NO_STREAM: &[u8] = b"NATS/1.0\r\nNats-Expected-Stream: .\r\n\r\n";

/// What a server says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said<'a> {
    /// A message of a subscription.
    Message(Message<'a>),
    /// Who it is and what it takes, in JSON.
    Info(&'a str),
    /// It wants a PONG.
    Ping,
    /// It has read what was said before a PING.
    Pong,
    /// It has handled one command. Nobody asks for that here.
    Done,
    /// It refuses something.
    Refusal(&'a str),
}

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Message<'a> {
    /// Where it was published to.
    pub(super) subject: &'a str,
    /// The subscription that it comes by.
    pub(super) subscription: u64,
    /// Where an answer goes, empty for nowhere. With a delivery of JetStream's, it is what it is acked by.
    pub(super) reply: &'a str,
    /// Its headers with the status before them, empty for none.
    pub(super) head: &'a str,
    /// Its body.
    pub(super) body: &'a [u8],
}

/// What stands at the front of what came, and its length; `None` if it is not whole.
///
/// # Errors
/// [`DoorError::Misread`] for what no NATS server says.
pub(super) fn parse(input: &[u8]) -> Result<Option<(Said<'_>, usize)>, DoorError> {
    let Some(end) = input.iter().take(LINE_BYTES).position(|&byte| byte == b'\n') else {
        return if input.len() < LINE_BYTES { Ok(None) } else { Err(DoorError::Misread("line's end")) };
    };
    let line = str::from_utf8(&input[..end]).map_err(|_| DoorError::Misread("text"))?.trim_end();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let said = match word {
        "MSG" | "HMSG" => {
            let parsed = message(rest, word == "HMSG", &input[end + 1..])?;
            return Ok(parsed.map(|(message, bytes)| (Said::Message(message), end + 1 + bytes)));
        }
        "INFO" => Said::Info(rest),
        "PING" => Said::Ping,
        "PONG" => Said::Pong,
        "+OK" => Said::Done,
        "-ERR" => Said::Refusal(rest.trim_matches('\'')),
        _ => return Err(DoorError::Misread("word of NATS's")),
    };
    Ok(Some((said, end + 1)))
}

/// `subject subscription [reply] [head bytes] bytes`, and what follows that line. Returns how much of that is the message's.
fn message<'a>(
    line: &'a str,
    with_head: bool,
    input: &'a [u8],
) -> Result<Option<(Message<'a>, usize)>, DoorError> {
    let number = |text: Option<&str>| {
        text.and_then(|text| text.parse::<usize>().ok()).ok_or(DoorError::Misread("number"))
    };
    let (mut words, count) = (line.split(' '), line.split(' ').count());
    let subject = words.next().unwrap_or_default();
    let subscription = number(words.next())? as u64;
    let reply = if count == 4 + usize::from(with_head) { words.next().unwrap_or_default() } else { "" };
    let head_bytes = if with_head { number(words.next())? } else { 0 };
    let bytes = number(words.next())?;
    let Some((content, end)) = input.split_at_checked(bytes) else { return Ok(None) };
    if end.len() < END.len() {
        return Ok(None);
    }
    if !end.starts_with(END) {
        return Err(DoorError::Misread("end of a body"));
    }
    let (head, body) = content.split_at_checked(head_bytes).ok_or(DoorError::Misread("head"))?;
    let head = str::from_utf8(head).map_err(|_| DoorError::Misread("text"))?;
    Ok(Some((Message { subject, subscription, reply, head, body }, bytes + END.len())))
}

impl<'a> Message<'a> {
    /// The status that a server sends in place of a message, such as `408 Request Timeout`.
    #[inline]
    pub(super) fn status(&self) -> Option<&'a str> {
        let line = self.head.lines().next()?.strip_prefix(HEAD_VERSION)?.trim_start();
        (!line.is_empty()).then_some(line)
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
        self.head.lines().find_map(value).map(str::trim)
    }

    /// The number that stands at the end of an inbox.
    #[inline]
    pub(super) fn number(&self) -> Option<u64> {
        self.subject.rsplit('.').next()?.parse().ok()
    }

    /// How often JetStream has delivered it, this time included; `None` if it is no delivery.
    ///
    /// The subject is `$JS.ACK.stream.consumer.deliveries.…` with nine parts, or has domain and account before the stream
    /// and then at least eleven.
    #[inline]
    pub(super) fn deliveries(&self) -> Option<u64> {
        let mut parts = self.reply.strip_prefix("$JS.ACK.")?.split('.');
        let place = if parts.clone().count() > 7 { 4 } else { 2 };
        parts.nth(place)?.parse().ok()
    }
}

/// Says who comes, and asks for nothing but what is needed: no `+OK` for each command, but a word where nobody listens.
pub(super) fn connect(out: &mut Vec<u8>, login: Option<&(String, String)>) {
    let mut options = json!({
        "verbose": false, "pedantic": false, "headers": true, "no_responders": true, "protocol": 1,
        "name": "leveret bench", "lang": "rust", "version": env!("CARGO_PKG_VERSION"),
    });
    if let Some((user, password)) = login {
        options["user"] = Value::from(user.as_str());
        options["pass"] = Value::from(password.as_str());
    }
    push(out, &[b"CONNECT ", options.to_string().as_bytes(), END]);
}

/// Wants the messages of a subject, by a subscription with this number.
pub(super) fn subscribe(out: &mut Vec<u8>, subject: &str, subscription: u64) {
    push(out, &[b"SUB ", subject.as_bytes(), b" ", Decimal::of(subscription).as_ref(), END]);
}

/// Publishes a message. `reply` is where an answer goes: an inbox, and the number at its end.
#[inline]
pub(super) fn publish(out: &mut Vec<u8>, subject: &str, reply: Option<(&str, u64)>, body: &[u8]) {
    push(out, &[b"PUB ", subject.as_bytes(), b" "]);
    if let Some((inbox, number)) = reply {
        push(out, &[inbox.as_bytes(), b".", Decimal::of(number).as_ref(), b" "]);
    }
    push(out, &[Decimal::of(body.len() as u64).as_ref(), END, body, END]);
}

/// Publishes what JetStream refuses, since it is said to be for another stream than the subject's. Its answer comes when
/// all messages of that subject before it are stored: they are handled in their order, but behind the answer to a PING.
pub(super) fn publish_refused(out: &mut Vec<u8>, subject: &str, (inbox, number): (&str, u64)) {
    let bytes = Decimal::of(NO_STREAM.len() as u64);
    push(out, &[b"HPUB ", subject.as_bytes(), b" ", inbox.as_bytes(), b".", Decimal::of(number).as_ref()]);
    push(out, &[b" ", bytes.as_ref(), b" ", bytes.as_ref(), END, NO_STREAM, END]);
}

/// Asks whether all that was said is read.
pub(super) fn ping(out: &mut Vec<u8>) {
    push(out, &[b"PING", END]);
}

/// Answers a PING.
pub(super) fn pong(out: &mut Vec<u8>) {
    push(out, &[b"PONG", END]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: Message<'_> = Message { subject: "a.b", subscription: 7, reply: "", head: "", body: b"" };

    #[test]
    fn commands_are_as_the_protocol_has_them() {
        let mut out = Vec::new();
        subscribe(&mut out, "_INBOX.x.*", 1);
        publish(&mut out, "orders", None, b"a\r\nb");
        publish(&mut out, "orders", Some(("_INBOX.x", 70)), b"");
        publish_refused(&mut out, "orders", ("_INBOX.x", 3));
        ping(&mut out);
        pong(&mut out);
        let text = "SUB _INBOX.x.* 1\r\nPUB orders 4\r\na\r\nb\r\nPUB orders _INBOX.x.70 0\r\n\r\n\
                    HPUB orders _INBOX.x.3 37 37\r\nNATS/1.0\r\nNats-Expected-Stream: .\r\n\r\n\r\nPING\r\nPONG\r\n";
        assert_eq!(out, text.as_bytes());
    }

    #[test]
    fn a_login_is_named_if_there_is_one() {
        let options = |login: Option<(String, String)>| -> Value {
            let mut out = Vec::new();
            connect(&mut out, login.as_ref());
            serde_json::from_slice(out.strip_prefix(b"CONNECT ").unwrap()).unwrap()
        };
        let without = options(None);
        assert_eq!((&without["verbose"], &without["headers"]), (&json!(false), &json!(true)));
        assert!(without.get("user").is_none());
        let with = options(Some(("me".to_owned(), "\"quoted\"\r\n".to_owned())));
        assert_eq!((&with["user"], &with["pass"]), (&json!("me"), &json!("\"quoted\"\r\n")));
    }

    #[test]
    fn what_a_server_says_is_read_and_a_body_may_hold_anything() {
        let head = "NATS/1.0\r\nA: b\r\n\r\n";
        for (bytes, said) in [
            (&b"INFO {\"a\": 1} \r\n"[..], Said::Info("{\"a\": 1}")),
            (b"PING\r\n", Said::Ping),
            (b"PONG\r\n", Said::Pong),
            (b"+OK\r\n", Said::Done),
            (b"-ERR 'Authorization Violation'\r\n", Said::Refusal("Authorization Violation")),
            (b"MSG a.b 7 0\r\n\r\n", Said::Message(BARE)),
            (
                b"MSG a.b 7 r.s 4\r\na\r\nb\r\n",
                Said::Message(Message { reply: "r.s", body: b"a\r\nb", ..BARE }),
            ),
            (
                b"HMSG a.b 7 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nxy\r\n",
                Said::Message(Message { head, body: b"xy", ..BARE }),
            ),
            (
                b"HMSG a.b 7 r 18 18\r\nNATS/1.0\r\nA: b\r\n\r\n\r\n",
                Said::Message(Message { reply: "r", head, ..BARE }),
            ),
        ] {
            let text = String::from_utf8_lossy(bytes);
            let behind = [bytes, b"PING\r\n"].concat();
            assert_eq!(parse(&behind).unwrap(), Some((said, bytes.len())), "{text}");
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut]).unwrap(), None, "{cut} bytes of {text}");
            }
        }
    }

    #[test]
    fn what_no_server_says_is_an_error() {
        for bytes in [
            &b"HELLO\r\n"[..],
            b"MSG a\r\n",
            b"MSG a x 1\r\nb\r\n",
            b"MSG a 1 1\r\nbcd\r\n",
            b"HMSG a 1 5 4\r\nabcd\r\n",
            b"PING \xff\r\n",
            &[b'a'; LINE_BYTES],
        ] {
            assert!(matches!(parse(bytes), Err(DoorError::Misread(_))), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_head_has_a_status_or_headers() {
        let timeout = "NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 9\r\n\r\n";
        let timeout = Message { head: timeout, ..BARE };
        assert_eq!(timeout.status(), Some("408 Request Timeout"));
        assert_eq!(timeout.header("Nats-Pending-Messages"), Some("9"));
        assert_eq!(timeout.header("Nats-Pending"), None);
        assert_eq!(Message { head: "NATS/1.0 503\r\n\r\n", ..BARE }.status(), Some("503"));
        assert_eq!(Message { head: "NATS/1.0\r\nA: b\r\n\r\n", ..BARE }.status(), None);
        assert_eq!(BARE.status(), None);
    }

    #[test]
    fn subjects_say_which_message_and_how_often() {
        assert_eq!(Message { subject: "_INBOX.x.12", ..BARE }.number(), Some(12));
        assert_eq!(BARE.number(), None);
        for (reply, deliveries) in [
            ("$JS.ACK.stream.consumer.3.1.1.1795555291878289587.0", Some(3)),
            ("$JS.ACK.hub.ACCOUNT.stream.consumer.4.1.1.1795555291878289587.0", Some(4)),
            ("$JS.ACK._.ACCOUNT.stream.consumer.5.1.1.1795555291878289587.0.token", Some(5)),
            ("$JS.ACK.stream", None),
            ("_INBOX.x.12", None),
        ] {
            assert_eq!(Message { reply, ..BARE }.deliveries(), deliveries, "{reply}");
        }
    }
}
