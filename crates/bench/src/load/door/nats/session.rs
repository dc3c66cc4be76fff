//! A connection to a NATS server. Answers to what it asks come to an inbox of its own; questions of the server's, whether
//! it is still there, are answered whenever something is read.

use std::net::SocketAddr;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::Nats;
use super::wire::{Message, Said, connect, parse, ping, pong, publish, subscribe};
use crate::load::door::DoorError;
use crate::load::door::socket::Socket;

/// The subscription of the inbox.
pub(super) const INBOX: u64 = 1;

/// Tells the inboxes of one process apart.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// An open connection.
pub(super) struct Session {
    /// Commands are added to its output.
    pub(super) socket: Socket,
    /// Its inbox: messages to this subject, with a number behind a dot, come by the subscription [`INBOX`].
    pub(super) inbox: String,
    /// What the server calls itself, in its INFO.
    pub(super) info: Value,
}

impl Session {
    /// Connects, and waits until the server has accepted who comes.
    ///
    /// # Errors
    /// [`DoorError::Unreachable`]; [`DoorError::Unexpected`] with the server's own words if it refuses;
    /// [`DoorError::Unable`] if it wants TLS.
    pub(super) fn open(server: &Nats) -> Result<Self, DoorError> {
        let socket = Socket::open(server.address)?;
        let mut session = Self { socket, inbox: unique_inbox(server.address), info: Value::Null };
        session.info = loop {
            match session.next()? {
                Some(Said::Info(info)) => break read_json(info.as_bytes())?,
                Some(_) => return Err(DoorError::Misread("greeting")),
                None => session.socket.wait()?,
            }
        };
        if session.info["tls_required"] == true {
            return Err(DoorError::Unable("this NATS server wants TLS, which leveret bench does not speak"));
        }
        let output = &mut session.socket.output;
        connect(output, server.login.as_ref());
        subscribe(output, &format!("{}.*", session.inbox), INBOX);
        session.flush()?;
        Ok(session)
    }

    /// What the server says next, if it has come. A PING is answered already.
    ///
    /// # Errors
    /// [`DoorError::Misread`], and [`DoorError::Unexpected`] with what the server refuses.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Said<'_>>, DoorError> {
        self.socket.next(|input, output| {
            let parsed = parse(input)?;
            match parsed {
                Some((Said::Ping, _)) => pong(output),
                Some((Said::Refusal(text), _)) => {
                    return Err(DoorError::Unexpected { answer: text.to_owned() });
                }
                _ => {}
            }
            Ok(parsed)
        })
    }

    /// Writes everything, and waits until the server has read it. Messages that come meanwhile are dropped.
    ///
    /// # Errors
    /// Those of [`Self::next`], and [`DoorError::Lost`].
    pub(super) fn flush(&mut self) -> Result<(), DoorError> {
        ping(&mut self.socket.output);
        loop {
            match self.next()? {
                Some(Said::Pong) => return Ok(()),
                Some(_) => {}
                None => self.socket.wait()?,
            }
        }
    }

    /// Waits for so many answers to the inbox, whatever they are, each at most for so long.
    ///
    /// # Errors
    /// Those of [`Self::next`], and [`DoorError::Lost`].
    pub(super) fn await_answers(&mut self, count: usize, most: Duration) -> Result<(), DoorError> {
        let mut unanswered = count;
        while unanswered > 0 {
            match self.next()? {
                Some(Said::Message(message)) if message.subscription == INBOX => unanswered -= 1,
                Some(_) => {}
                None => self.socket.wait_at_most(most)?,
            }
        }
        Ok(())
    }

    /// Asks JetStream's interface and waits for its answer. No other answer is under way to the inbox.
    ///
    /// # Errors
    /// [`DoorError::Refused`] with JetStream's own words; [`DoorError::Unable`] if there is no JetStream.
    pub(super) fn ask(&mut self, subject: &str, question: &Value) -> Result<Value, DoorError> {
        let question = question.to_string();
        publish(&mut self.socket.output, subject, Some((&self.inbox, 0)), question.as_bytes());
        loop {
            match self.next()? {
                Some(Said::Message(message)) if message.subscription == INBOX => return answer(&message),
                Some(_) => {}
                None => self.socket.wait()?,
            }
        }
    }
}

/// What JetStream answers.
///
/// # Errors
/// As of [`Session::ask`].
pub(super) fn answer(message: &Message<'_>) -> Result<Value, DoorError> {
    if message.status().is_some_and(|status| status.starts_with("503")) {
        return Err(DoorError::Unable(
            "this NATS server has no JetStream, or no such stream any more: start it with a store_dir",
        ));
    }
    let answer = read_json(message.body)?;
    let Some(error) = answer.get("error") else { return Ok(answer) };
    let status = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    let description = error["description"].as_str().map(str::to_owned);
    Err(DoorError::Refused {
        status: status.ok_or(DoorError::Misread("code"))?,
        answer: description.unwrap_or_else(|| error.to_string()),
    })
}

fn read_json(bytes: &[u8]) -> Result<Value, DoorError> {
    serde_json::from_slice(bytes).map_err(|_| DoorError::Misread("JSON"))
}

/// A subject that nobody else at this server has.
fn unique_inbox(server: SocketAddr) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let number = OPENED.fetch_add(1, Ordering::Relaxed);
    format!("_INBOX.leveret-bench-{}-{}-{now}-{number}", server.port(), process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_json_or_an_error_of_jetstream_s() {
        let bare = Message { subject: "_INBOX.x.0", subscription: INBOX, reply: "", head: "", body: b"" };
        let answered = |body: &[u8]| answer(&Message { body, ..bare });
        assert_eq!(answered(b"{\"stream\":\"q\",\"seq\":7}").unwrap()["seq"], 7);
        let refused =
            answered(b"{\"error\":{\"code\":404,\"description\":\"stream not found\"}}").unwrap_err();
        assert_eq!(refused.to_string(), "the broker answered 404: stream not found");
        assert!(matches!(answered(b"{\"error\":{}}"), Err(DoorError::Misread("code"))));
        assert!(matches!(answered(b"+OK"), Err(DoorError::Misread("JSON"))));
        let nobody = answer(&Message { head: "NATS/1.0 503\r\n\r\n", ..bare });
        assert!(nobody.unwrap_err().to_string().contains("no JetStream"));
    }

    #[test]
    fn inboxes_are_told_apart() {
        let server = SocketAddr::from(([127, 0, 0, 1], 4222));
        assert_ne!(unique_inbox(server), unique_inbox(server));
    }
}
