//! Publishing, with many messages under way. JetStream answers a message that has a reply subject, whose last part is the
//! message's number; without confirms there is none, and JetStream says nothing, not even that it refused the message.

use std::ops::RangeInclusive;
use std::time::Duration;

use leveret_amqp::codec::method::basic;

use super::session::{INBOX, Session, answer};
use super::wire::{Said, publish, publish_refused};
use crate::client::{Confirms, Stamp, body_bytes};
use crate::load::door::pipeline::{self, Pipelined};
use crate::load::door::{DoorError, Publish, Published, Task};
use crate::load::row::Row;

/// How long it may take to store all that was sent without confirms. Buffers of sockets hold a hundred thousand small
/// messages, and a slow disk syncs each of them for milliseconds.
const STORED: Duration = Duration::from_secs(600);
/// What an answer has that is a refusal.
const ERROR: &[u8] = b"\"error\"";

/// A connection that publishes to its queues in turn.
pub(super) struct Publishing {
    session: Session,
    queues: Vec<String>,
    sizes: RangeInclusive<usize>,
    publisher: u16,
    /// The longest body.
    body: Vec<u8>,
    confirms: Confirms,
    has_confirms: bool,
    sent: u64,
}

impl Publishing {
    /// Publishes to these queues.
    pub(super) fn new(session: Session, row: &Row, publisher: u16, queues: &[String]) -> Self {
        Self {
            session,
            queues: queues.to_vec(),
            sizes: row.sizes.clone(),
            publisher,
            body: vec![b'x'; *row.sizes.end()],
            confirms: Confirms::new(row.confirm_window as usize),
            has_confirms: row.confirm_window > 0,
            sent: 0,
        }
    }

    /// Publishes the next message, which is to be written.
    fn send_one(&mut self, intended_ns: u64) {
        let number = self.sent;
        let body = &mut self.body[..body_bytes(&self.sizes, number)];
        Stamp { publisher: self.publisher, number, intended_ns: Some(intended_ns) }.write(body);
        let queue = &self.queues[(number % self.queues.len() as u64) as usize];
        let reply = self.has_confirms.then_some((self.session.inbox.as_str(), number));
        publish(&mut self.session.socket.output, queue, reply, body);
        self.confirms.sent(number, intended_ns);
        self.sent += 1;
    }

    /// Handles the answers that came, and notes how many messages are done.
    fn take_answers(&mut self, task: &Task<'_>, seen: &mut Published) -> Result<(), DoorError> {
        let mut now_ns = None;
        while let Some(said) = self.session.next()? {
            let Said::Message(message) = said else { continue };
            if message.subscription != INBOX {
                continue;
            }
            if message.status().is_some() || message.body.windows(ERROR.len()).any(|part| part == ERROR) {
                answer(&message)?;
            }
            let number = message.number().ok_or(DoorError::Misread("number of a message"))?;
            let now_ns = *now_ns.get_or_insert_with(|| task.clock.now_ns());
            // JetStream confirms each message by itself, as AMQP calls it: not multiple.
            let ack = basic::Ack { delivery_tag: number + 1, multiple: false };
            self.confirms.settle(ack, self.sent, |intended_ns| {
                seen.confirms.take(intended_ns, now_ns);
                seen.count += 1;
            })?;
        }
        if !self.has_confirms {
            seen.count = self.sent;
        }
        task.gauge.set(seen.count);
        if now_ns.is_some() { seen.sync_beside(task.clock) } else { Ok(()) }
    }
}

impl Publish for Publishing {
    fn publish(&mut self, task: &Task<'_>, seen: &mut Published) -> Result<(), DoorError> {
        pipeline::publish(self, task, seen)
    }

    fn close(mut self: Box<Self>) -> Result<(), DoorError> {
        if self.has_confirms {
            return Ok(());
        }
        let Session { socket, inbox, .. } = &mut self.session;
        for (queue, index) in self.queues.iter().zip(0..) {
            publish_refused(&mut socket.output, queue, (inbox, index));
        }
        self.session.await_answers(self.queues.len(), STORED)
    }
}

impl Pipelined for Publishing {
    fn sent(&self) -> u64 {
        self.sent
    }

    fn room(&self) -> u64 {
        if self.session.socket.is_full() { 0 } else { self.confirms.room(self.sent).unwrap_or(u64::MAX) }
    }

    fn unconfirmed(&self) -> u64 {
        if self.has_confirms { self.sent - self.confirms.settled() } else { 0 }
    }

    fn send(
        &mut self,
        most: u64,
        now_ns: u64,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError> {
        let end = self.sent + most;
        while self.sent < end && !self.session.socket.is_full() {
            self.send_one(task.pace.intended_ns(self.sent, now_ns));
        }
        self.take_confirms(Some(Duration::ZERO), task, seen)
    }

    fn take_confirms(
        &mut self,
        most: Option<Duration>,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError> {
        self.session.socket.pass(most)?;
        self.take_answers(task, seen)
    }
}
