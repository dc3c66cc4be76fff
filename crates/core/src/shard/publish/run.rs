//! Runs: messages of one publisher that follow each other, go to the same queues and ask for the same. Nearly all that
//! is published comes in runs, and all that is the same for every message of one is done once.

use super::record_bytes;
use crate::message::{MESSAGE, NewMessage, Target, Traits, set_lengths, write_head};
use crate::shard::Shard;
use crate::shard::durable::fact::FACT_VERSION;
use crate::shard::queue::{Entry, Queue};
use crate::{Overflow, QueueId};
use leveret_log::{Position, Tag};

/// What the messages of a run have in common.
#[derive(Clone, Copy, Debug)]
pub struct Alike<'a> {
    /// The exchange they were published to; at most 255 bytes.
    pub exchange: &'a str,
    /// Their routing key; at most 255 bytes.
    pub routing_key: &'a str,
    /// What the engine needs to know of their properties.
    pub traits: Traits,
}

/// What each message of a run has for itself.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// AMQP property flags and list, valid, and with the traits of the run.
    pub properties: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

/// What became of a run in one shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunPublished {
    /// How many messages were stored. The log refused the one behind them, if there is one.
    pub count: u64,
    /// The log must be durable up to here for all of them to be.
    pub durable_at: Position,
    /// They were stored for at least one queue that survives a restart.
    pub durable: bool,
}

/// A queue that takes a run.
#[derive(Clone, Copy, Debug)]
pub(in crate::shard) struct Taker {
    slot: u32,
    /// The entry of a message of the run, but for its position, its size and its charge.
    entry: Entry,
}

/// Why storing stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pause {
    /// All are stored, or the log refuses the next.
    Done,
    /// A queue's tail has grown so long that a page has to be cut from it.
    Spill,
}

impl Shard {
    /// Stores a run of messages for queues of this shard, each as [`Shard::publish`] would. `None`, with nothing stored,
    /// where each message has to be looked at for itself: it waits, or a queue refuses what exceeds its length limit.
    /// It stops before the first message that the log refuses.
    pub fn publish_run<'m>(
        &mut self,
        queues: &[QueueId],
        alike: &Alike<'_>,
        mut messages: impl Iterator<Item = Contents<'m>>,
    ) -> Option<RunPublished> {
        let mut takers = std::mem::take(&mut self.scratch.takers);
        let mut head = std::mem::take(&mut self.scratch.head);
        let durable = self.begin_run(queues, alike, &mut takers, &mut head);
        let stored = durable.map(|durable| {
            let mut count = 0;
            while self.store_run(&takers, &mut head, &mut messages, &mut count) == Pause::Spill {
                self.spill_takers(&takers);
            }
            for taker in &takers {
                if let Some(found) = self.queues.at_mut(taker.slot) {
                    found.counters.published += count;
                    self.mark_dirty(taker.slot);
                }
            }
            RunPublished { count, durable_at: self.position(), durable }
        });
        self.scratch.takers = takers;
        self.scratch.head = head;
        stored
    }

    /// Finds the queues that take a run, and writes into `head` what all its records begin with. Answers whether one
    /// of the queues is durable; `None` where there is no such run, or nobody to take it.
    fn begin_run(
        &mut self,
        queues: &[QueueId],
        alike: &Alike<'_>,
        takers: &mut Vec<Taker>,
        head: &mut Vec<u8>,
    ) -> Option<bool> {
        takers.clear();
        let traits = alike.traits;
        let mut targets = std::mem::take(&mut self.scratch.targets);
        targets.clear();
        let (mut fits, mut durable) = (true, false);
        for queue in queues {
            let Some(slot) = self.queue_index.get(queue).copied() else { continue };
            let Some(found) = self.queues.at(slot) else { continue };
            fits &= traits.delay_ms.unwrap_or(found.settings.delay.ms) == 0 && !found.refuses_what_exceeds();
            let expires_at = found.expiry(self.now, traits.expiration_ms, traits.sent_at);
            durable |= found.settings.durable;
            targets.push(Target { queue: *queue, expires_at, deliver_at: Target::AT_ONCE, refused: false });
            takers.push(Taker { slot, entry: found.new_entry(expires_at, traits.group, traits.priority) });
        }
        let Alike { exchange, routing_key, .. } = *alike;
        let like =
            NewMessage { exchange, routing_key, properties: &[], body: &[], traits, deduplication: None };
        write_head(head, &like, &targets, self.now);
        head.extend_from_slice(exchange.as_bytes());
        head.extend_from_slice(routing_key.as_bytes());
        self.scratch.targets = targets;
        (fits && !takers.is_empty()).then_some(durable)
    }

    /// Stores one message after another and counts them, until something else is to be done.
    fn store_run<'m>(
        &mut self,
        takers: &[Taker],
        head: &mut [u8],
        messages: &mut impl Iterator<Item = Contents<'m>>,
        count: &mut u64,
    ) -> Pause {
        let Shard { tail, queues, space, .. } = self;
        let Some(tail) = tail else { return Pause::Done };
        let tag = Tag { kind: MESSAGE, version: FACT_VERSION };
        for Contents { properties, body } in messages {
            set_lengths(head, properties.len(), body.len());
            let Ok(position) = tail.append(tag, &[head, properties, body]) else { return Pause::Done };
            *count += 1;
            let bytes = record_bytes(head.len() + properties.len() + body.len());
            let charge = (bytes / takers.len() as u64).max(1) as u32;
            let mut is_long = false;
            for Taker { slot, entry } in takers {
                let Some(found) = queues.at_mut(*slot) else { continue };
                space.hold(position, charge);
                found.ready.push_back(Entry { position, size: body.len() as u32, charge, ..*entry });
                is_long |= found.ready.wants_spill(entry.level);
            }
            if is_long {
                return Pause::Spill;
            }
        }
        Pause::Done
    }

    fn spill_takers(&mut self, takers: &[Taker]) {
        for Taker { slot, entry } in takers {
            if self.queues.at(*slot).is_some_and(|found| found.ready.wants_spill(entry.level)) {
                self.spill(*slot, entry.level);
            }
        }
    }
}

impl Queue {
    /// Whether there is a length limit by which a publish is refused, instead of something that waits dropped.
    fn refuses_what_exceeds(&self) -> bool {
        let settings = &self.settings;
        let is_limited = settings.max_length.is_some() || settings.max_length_bytes.is_some();
        is_limited && settings.overflow != Overflow::DropHead
    }
}
