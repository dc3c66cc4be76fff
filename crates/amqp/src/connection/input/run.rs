//! Runs: messages in one piece, or acks, that came in one behind the other, which is nearly all that comes in.
//!
//! A shard is what publishers and consumers share. So a run is read, checked and routed first, and only then is the
//! shard taken, for all of it.

use super::PUBLISH;
use crate::channel::Incoming;
use crate::codec::{Acked, Published};
use crate::connection::{Connection, Phase};
use leveret_core::broker::{Access, Plan};
use leveret_core::shard::Settle;
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
    messages: Vec<Planned>,
    acked: Vec<(QueueId, LeaseId)>,
    /// How many deliveries were acked since [`begin`](Runs::begin).
    settled: usize,
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
}

/// A message that only has to be stored.
#[derive(Debug)]
struct Planned {
    channel: u16,
    plan: Plan,
    /// Where its properties and its body are in the input.
    properties: Range<usize>,
    body: Range<usize>,
}

impl Connection {
    /// Publishes the run of plain messages at the front of `input`. Answers how many bytes that was; `None` if there is
    /// no such message.
    pub(super) fn messages<A: Access>(&mut self, access: &mut A, input: &[u8]) -> Option<usize> {
        let mut run = std::mem::take(&mut self.runs.messages);
        let mut used = 0;
        while run.len() < RUN
            && let Some((planned, bytes)) = self.plan_message(access, input, used)
        {
            run.push(planned);
            used += bytes;
        }
        let is_full = run.len() == RUN;
        for planned in run.drain(..) {
            self.store_message(access, input, &planned);
        }
        self.runs.messages = run;
        if is_full {
            access.finish();
        }
        (used > 0).then_some(used)
    }

    /// Plans the message that lies at `at` in the input. Answers its size there, too.
    #[inline]
    fn plan_message<A: Access>(&mut self, access: &A, input: &[u8], at: usize) -> Option<(Planned, usize)> {
        let published = Published::read(&input[at..], self.link.frame_max)?;
        let Connection { channels, session, link, alarm, .. } = self;
        let incoming = Incoming::from(&published);
        let is_plain = channels.open_mut(published.channel)?.is_plain(link, &incoming);
        if !is_plain || alarm.reason.is_some() {
            return None;
        }
        let plan = session.as_mut()?.plan(access, &incoming.for_broker())?;
        link.published = true;
        let planned = Planned {
            channel: published.channel,
            plan,
            properties: place(input, published.properties),
            body: place(input, published.body),
        };
        Some((planned, published.encoded_bytes))
    }

    /// Stores a message of the run, unless one before it has ended the channel or the connection.
    #[inline]
    fn store_message<A: Access>(&mut self, access: &mut A, input: &[u8], planned: &Planned) {
        let Connection { channels, session, link, phase, .. } = self;
        let (Phase::Running, Some(channel), Some(session)) =
            (*phase, channels.open_mut(planned.channel), session)
        else {
            return;
        };
        let (properties, body) = (&input[planned.properties.clone()], &input[planned.body.clone()]);
        let outcome = session.store(access, &planned.plan, properties, body);
        if let Err(fault) = channel.stored(link, outcome) {
            self.fail(access, planned.channel, fault, PUBLISH);
        }
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
        for (queue, lease) in runs.acked.drain(..) {
            // `false` says that the queue is gone, and the message with it: nothing is left to settle.
            session.settle(access, queue, lease, Settle::Done);
        }
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
