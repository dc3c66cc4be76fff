//! Pulling from durable consumers and acking. A work-queue stream takes no acks but those of single messages, so that an
//! ack for many is as many that are written together.

use std::time::Duration;

use super::session::{INBOX, Session};
use super::wire::{Message, Said, publish, subscribe};
use super::{CONSUMER, unexpected};
use crate::client::{Acking, SILENCE, Stamp};
use crate::load::door::{Consume, DoorError};
use crate::load::measure::{Clock, Tally};
use crate::load::row::Row;

/// How many messages are asked for ahead where a consumer may hold any number.
const AHEAD: usize = 1000;
/// How long a pull waits for its messages, in nanoseconds.
const PULL_NS: u64 = 30_000_000_000;
/// How long a consumer waits for something, so that it sees whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(50);
/// The subscription of the first queue; those of the others follow.
const FIRST_QUEUE: u64 = INBOX + 1;
/// The message that settles one.
const ACK: &[u8] = b"+ACK";

/// A connection that pulls from some queues.
pub(super) struct Consuming {
    session: Session,
    queues: Vec<Queue>,
    acks: Acks,
}

impl Consuming {
    /// Consumes these queues, whose consumers are there.
    pub(super) fn of(mut session: Session, queues: &[String], row: &Row) -> Result<Self, DoorError> {
        // One more part than the subjects of the inbox itself, which else had the deliveries, too.
        let inbox = format!("{}.queue", session.inbox);
        let mut pulling = Vec::new();
        for (name, index) in queues.iter().zip(0..) {
            let mut queue = Queue::new(name, index, row.prefetch);
            subscribe(&mut session.socket.output, &format!("{inbox}.{index}"), FIRST_QUEUE + index);
            queue.pull(&inbox, &mut session.socket.output);
            pulling.push(queue);
        }
        session.socket.exchange(Duration::ZERO)?;
        Ok(Self { session, queues: pulling, acks: Acks::new(row.acking, inbox) })
    }
}

impl Consume for Consuming {
    fn consume(&mut self, clock: Clock, tally: &mut Tally) -> Result<(), DoorError> {
        self.session.socket.exchange(PATIENCE)?;
        let now_ns = clock.now_ns();
        while let Some(said) = self.session.next()? {
            let Said::Message(message) = said else { continue };
            let Some(index) = message.subscription.checked_sub(FIRST_QUEUE) else { continue };
            let index = index as usize;
            let queue = self.queues.get_mut(index).ok_or(DoorError::Misread("subscription"))?;
            if let Some(status) = message.status() {
                queue.pull_ended(status, &message)?;
            } else {
                let stamp = Stamp::read(message.body).ok_or(DoorError::Misread("stamp"))?;
                let deliveries = message.deliveries().ok_or(DoorError::Misread("count of deliveries"))?;
                tally.take(index, stamp, deliveries > 1, now_ns);
                queue.delivered(message.reply);
                self.acks.note(index, message.reply);
            }
            let output = &mut self.session.socket.output;
            if self.acks.are_due() {
                self.acks.write(&mut self.queues, output);
            }
            self.queues[index].pull(&self.acks.inbox, output);
        }
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(), DoorError> {
        let Self { session, queues, acks } = &mut *self;
        acks.write(queues, &mut session.socket.output);
        if acks.acking == Acking::Never {
            return session.flush();
        }
        // Acks are handled behind the server's answer to a PING, but in their order, and one with a reply subject is
        // answered, also if it was there before.
        let mut unanswered = 0;
        for queue in queues.iter().filter(|queue| !queue.last.is_empty()) {
            publish(&mut session.socket.output, &queue.last, Some((&session.inbox, 0)), ACK);
            unanswered += 1;
        }
        session.await_answers(unanswered, SILENCE)
    }
}

/// A queue that is pulled from.
struct Queue {
    /// Where a pull is asked for.
    subject: String,
    index: u64,
    /// How many messages may be held.
    most: usize,
    /// How many messages may be held and asked for together.
    window: usize,
    /// How many messages are asked for and did not come yet.
    asked: usize,
    /// How many messages came and are not acked.
    held: usize,
    /// What the last message is acked by, empty before the first one.
    last: String,
}

impl Queue {
    fn new(name: &str, index: u64, prefetch: u16) -> Self {
        let (most, window) = match usize::from(prefetch) {
            0 => (usize::MAX, AHEAD),
            prefetch => (prefetch, prefetch),
        };
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{name}.{CONSUMER}");
        Self { subject, index, most, window, asked: 0, held: 0, last: String::new() }
    }

    /// Asks for more messages, if half of what may be under way is not, or nothing is.
    #[inline]
    fn pull(&mut self, inbox: &str, output: &mut Vec<u8>) {
        let room = (self.most - self.held).min(self.window).saturating_sub(self.asked);
        if room == 0 || self.asked > 0 && 2 * room < self.window {
            return;
        }
        let pull = format!("{{\"batch\":{room},\"expires\":{PULL_NS}}}");
        publish(output, &self.subject, Some((inbox, self.index)), pull.as_bytes());
        self.asked += room;
    }

    /// A pull ended before all of its messages had come.
    fn pull_ended(&mut self, status: &str, message: &Message<'_>) -> Result<(), DoorError> {
        if !status.starts_with("408") {
            return Err(unexpected(status));
        }
        let left = message.header("Nats-Pending-Messages").and_then(|text| text.parse::<usize>().ok());
        self.asked = self.asked.saturating_sub(left.ok_or(DoorError::Misread("number of messages"))?);
        Ok(())
    }

    /// A message came.
    #[inline]
    fn delivered(&mut self, reply: &str) {
        self.asked = self.asked.saturating_sub(1);
        self.held += 1;
        self.last.clear();
        self.last.push_str(reply);
    }
}

/// Acks that wait until there are enough of them.
struct Acks {
    acking: Acking,
    /// Where deliveries come to.
    inbox: String,
    /// The acks as they will be written.
    lines: Vec<u8>,
    /// The queue of each.
    queues: Vec<usize>,
}

impl Acks {
    fn new(acking: Acking, inbox: String) -> Self {
        Self { acking, inbox, lines: Vec::new(), queues: Vec::new() }
    }

    /// Acks a message, if messages are acked.
    #[inline]
    fn note(&mut self, queue: usize, reply: &str) {
        if self.acking != Acking::Never {
            publish(&mut self.lines, reply, None, ACK);
            self.queues.push(queue);
        }
    }

    fn are_due(&self) -> bool {
        matches!(self.acking, Acking::Every(count) if self.queues.len() as u64 >= count)
    }

    /// Writes what waits, whose messages are no longer held then, and asks for more where there is room.
    fn write(&mut self, queues: &mut [Queue], output: &mut Vec<u8>) {
        output.append(&mut self.lines);
        for index in self.queues.drain(..) {
            queues[index].held -= 1;
            queues[index].pull(&self.inbox, output);
        }
    }
}
