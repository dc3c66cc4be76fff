//! Runs: messages in one piece, or acks, that came in one behind the other, which is nearly all that comes in.
//!
//! A shard is what publishers and consumers share. So a run is read, checked and routed first, and only then is the
//! shard taken, for all of it.

use super::PUBLISH;
use crate::channel::{Channel, Incoming};
use crate::codec::{Acked, Published};
use crate::connection::link::Link;
use crate::connection::{Connection, Phase};
use leveret_core::broker::{Access, Plan, Session};
use leveret_core::shard::Contents;
use leveret_core::{LeaseId, QueueId};
use std::ops::Range;

/// Messages of a run, about: behind it others get the shard before the next.
const RUN: usize = 1024;
/// Acked deliveries of a run, about: behind it the client is sent what comes next. While it works on that, the rest of its
/// acks are handled; if they were all handled first, the client and the broker would wait for each other in turn.
const ACKS: usize = 256;

/// The run at hand; between two of them only its memory is kept.
#[derive(Debug, Default)]
pub(in crate::connection) struct Runs {
    messages: Vec<Message>,
    /// The messages, as far as neighbours are alike.
    alike: Vec<Alike>,
    acked: Vec<(QueueId, LeaseId)>,
    /// How many deliveries were acked since [`begin`](Runs::begin).
    settled: usize,
}

/// A message that only has to be stored: where its properties and its body are in the input.
#[derive(Debug)]
struct Message {
    properties: Range<usize>,
    body: Range<usize>,
}

/// Messages that follow each other on one channel, go the same way and ask for the same.
#[derive(Debug)]
struct Alike {
    channel: u16,
    plan: Plan,
    count: usize,
}

impl Runs {
    /// Begins to count.
    pub(in crate::connection) fn begin(&mut self) {
        self.settled = 0;
    }

    /// Whether deliveries should go out before more is handled.
    pub(in crate::connection) fn are_enough(&self) -> bool {
        self.settled >= ACKS
    }

    /// Adds a message that is like the one before, if there is one.
    #[inline]
    fn add_alike(&mut self, message: Message) -> bool {
        let Some(last) = self.alike.last_mut() else { return false };
        last.count += 1;
        self.messages.push(message);
        true
    }

    fn add(&mut self, channel: u16, plan: Plan, message: Message) {
        if self.alike.last().is_none_or(|last| last.channel != channel || last.plan != plan) {
            self.alike.push(Alike { channel, plan, count: 0 });
        }
        self.add_alike(message);
    }
}

impl Message {
    #[inline]
    fn of(input: &[u8], published: &Published<'_>) -> Message {
        Message { properties: place(input, published.properties), body: place(input, published.body) }
    }

    fn contents<'a>(&self, input: &'a [u8]) -> Contents<'a> {
        Contents { properties: &input[self.properties.clone()], body: &input[self.body.clone()] }
    }
}

impl Connection {
    /// Publishes the run of plain messages at the front of `input`. Answers how many bytes that was; `None` if there is
    /// no such message.
    pub(super) fn messages<A: Access>(&mut self, access: &mut A, input: &[u8]) -> Option<usize> {
        let mut runs = std::mem::take(&mut self.runs);
        let used = self.plan_messages(access, input, &mut runs);
        let is_full = runs.messages.len() == RUN;
        let mut messages = runs.messages.as_slice();
        for alike in runs.alike.drain(..) {
            let (these, others) = messages.split_at(alike.count);
            self.store_messages(access, input, &alike, these);
            messages = others;
        }
        runs.messages.clear();
        self.runs = runs;
        if is_full {
            access.finish();
        }
        (used > 0).then_some(used)
    }

    /// Plans the messages at the front of the input. Answers how many bytes they are.
    fn plan_messages<A: Access>(&mut self, access: &A, input: &[u8], runs: &mut Runs) -> usize {
        let (frame_max, body_max) = (self.link.frame_max, self.link.settings.message_bytes);
        let mut used = 0;
        let mut before: Option<Published<'_>> = None;
        while runs.messages.len() < RUN {
            let alike = before.and_then(|before| before.read_alike(&input[used..], frame_max));
            let published = match alike.filter(|published| published.body.len() <= body_max) {
                Some(published) if runs.add_alike(Message::of(input, &published)) => published,
                _ => match Published::read(&input[used..], frame_max) {
                    Some(published) if self.plan_message(access, input, &published, runs) => published,
                    _ => break,
                },
            };
            used += published.encoded_bytes;
            before = Some(published);
        }
        used
    }

    /// Plans a message and adds it to the run; `false` if more is to be done with it than to store it.
    #[inline]
    fn plan_message<A: Access>(
        &mut self,
        access: &A,
        input: &[u8],
        published: &Published<'_>,
        runs: &mut Runs,
    ) -> bool {
        let Connection { channels, session, link, alarm, .. } = self;
        let incoming = Incoming::from(published);
        let channel = channels.open_mut(published.channel);
        let is_plain = channel.is_some_and(|channel| channel.is_plain(link, &incoming));
        if !is_plain || alarm.reason.is_some() {
            return false;
        }
        let Some(session) = session else { return false };
        let Some(plan) = session.plan(access, &incoming.for_broker()) else { return false };
        link.published = true;
        runs.add(published.channel, plan, Message::of(input, published));
        true
    }

    /// Stores messages of the run that are alike: in one go, and what that leaves one by one.
    fn store_messages<A: Access>(
        &mut self,
        access: &mut A,
        input: &[u8],
        alike: &Alike,
        messages: &[Message],
    ) {
        let Alike { channel: number, plan, .. } = alike;
        let mut stored = 0;
        if let Some((channel, session, link)) = self.publisher(*number) {
            let contents = messages.iter().map(|message| message.contents(input));
            if let Some((count, outcome)) = session.store_run(access, plan, contents) {
                channel.stored_run(link, count, outcome);
                stored = count as usize;
            }
        }
        for message in &messages[stored..] {
            // One before it may have ended the channel or the connection.
            let Some((channel, session, link)) = self.publisher(*number) else { return };
            let Contents { properties, body } = message.contents(input);
            let outcome = session.store(access, plan, properties, body);
            if let Err(fault) = channel.stored(link, outcome) {
                self.fail(access, *number, fault, PUBLISH);
            }
        }
    }

    /// What a message on a channel needs, while that channel and the connection are open.
    fn publisher(&mut self, channel: u16) -> Option<(&mut Channel, &mut Session, &mut Link)> {
        let Connection { channels, session, link, phase: Phase::Running, .. } = self else { return None };
        Some((channels.open_mut(channel)?, session.as_mut()?, link))
    }

    /// Settles the run of acks at the front of `input`. Answers how many bytes that was; `None` if there is no ack, or
    /// one with which more is to be done or that is wrong.
    pub(super) fn acks<A: Access>(&mut self, access: &mut A, input: &[u8]) -> Option<usize> {
        let Connection { channels, session, runs, .. } = self;
        let session = session.as_mut()?;
        let mut used = 0;
        while runs.acked.len() < ACKS
            && let Some(ack) = Acked::read(&input[used..])
            && let Some(channel) = channels.open_mut(ack.channel)
            && channel.take_acked(&ack.method, &mut runs.acked)
        {
            used += Acked::ENCODED_BYTES;
        }
        let is_full = runs.acked.len() >= ACKS;
        runs.settled += runs.acked.len();
        session.settle_done(access, &runs.acked);
        runs.acked.clear();
        if is_full {
            access.finish();
        }
        (used > 0).then_some(used)
    }
}

impl<'a> From<&Published<'a>> for Incoming<'a> {
    #[inline]
    fn from(published: &Published<'a>) -> Incoming<'a> {
        Incoming {
            exchange: published.method.exchange,
            routing_key: published.method.routing_key,
            mandatory: published.method.mandatory,
            immediate: published.method.immediate,
            properties: published.properties,
            body: published.body,
        }
    }
}

/// Where a part of the input lies in it. An empty part may lie anywhere.
#[inline]
fn place(input: &[u8], part: &[u8]) -> Range<usize> {
    if part.is_empty() {
        return 0..0;
    }
    let start = part.as_ptr().addr() - input.as_ptr().addr();
    start..start + part.len()
}
