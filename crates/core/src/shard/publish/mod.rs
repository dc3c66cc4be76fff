//! Publish: one record in the log, one entry in each queue.

mod pages;
mod run;

pub(super) use run::Taker;
pub use run::{Alike, Contents, RunPublished};

use super::Shard;
use super::duplicates::Duplicate;
use super::effect::DeadReason;
use super::queue::Entry;
use crate::message::{MESSAGE, NewMessage, Target, Traits, write_head};
use crate::{Overflow, QueueId};
use leveret_log::{AppendError, Position, RECORD_HEADER_BYTES};

/// What became of a publish in one shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Published {
    /// Where the message was stored: its identity. Meaningless if no queue took it.
    pub position: Position,
    /// The log must be durable up to here for the message to be.
    pub durable_at: Position,
    /// A queue was full and refused the message; its publisher gets a nack.
    pub refused: bool,
    /// The message was stored for at least one queue that survives a restart.
    pub durable: bool,
    /// A queue has had it already and did not take it again.
    pub duplicate_of: Option<Duplicate>,
}

/// What the queues that a message was routed to say to it.
#[derive(Default)]
struct Chosen {
    /// One of them was full.
    refused: bool,
    /// One of those that take it survives a restart.
    durable: bool,
    /// One of them has had it already.
    duplicate_of: Option<Duplicate>,
}

impl Shard {
    /// Stores a message for queues of this shard. Queues that are unknown (deleted since the message was
    /// routed) are passed over, as if the message had come a moment later.
    ///
    /// # Errors
    /// When the log refuses it: it failed before, or the message does not fit a segment. Nothing is stored then.
    pub fn publish(
        &mut self,
        queues: &[QueueId],
        message: &NewMessage<'_>,
    ) -> Result<Published, AppendError> {
        let mut targets = std::mem::take(&mut self.scratch.targets);
        let mut slots = std::mem::take(&mut self.scratch.slots);
        let mut head = std::mem::take(&mut self.scratch.head);
        let chosen = self.choose_targets(queues, message, &mut targets, &mut slots);
        let Chosen { refused, durable, duplicate_of } = chosen;
        let position = self.position();
        let mut result = Ok(Published { position, durable_at: position, refused, durable, duplicate_of });
        if !targets.is_empty() {
            write_head(&mut head, message, &targets, self.now);
            let parts = [
                &head,
                message.exchange.as_bytes(),
                message.routing_key.as_bytes(),
                message.properties,
                message.body,
            ];
            result = self.append(MESSAGE, &parts).map(|position| {
                let payload: usize = parts.iter().map(|part| part.len()).sum();
                let charge = (record_bytes(payload) / targets.len() as u64).max(1) as u32;
                for (target, slot) in targets.iter().zip(&slots) {
                    self.enqueue(*slot, *target, message, position, charge);
                }
                Published { position, durable_at: self.position(), refused, durable, duplicate_of }
            });
        }
        self.scratch.targets = targets;
        self.scratch.slots = slots;
        self.scratch.head = head;
        result
    }

    /// Which queues take the message, where they are, and when it expires there.
    fn choose_targets(
        &mut self,
        queues: &[QueueId],
        message: &NewMessage<'_>,
        targets: &mut Vec<Target>,
        slots: &mut Vec<u32>,
    ) -> Chosen {
        targets.clear();
        slots.clear();
        let mut chosen = Chosen::default();
        for queue in queues {
            let Some(slot) = self.queue_index.get(queue).copied() else { continue };
            let Some(found) = self.queues.at(slot) else { continue };
            let mut full = false;
            if found.settings.overflow != Overflow::DropHead && found.full_for(message.body.len() as u64) {
                // Consumers with credit make room first: only what waits counts.
                self.dispatch(slot);
                full = self.queues.at(slot).is_some_and(|found| found.full_for(message.body.len() as u64));
            }
            let now = self.now;
            let Some(found) = self.queues.at_mut(slot) else { continue };
            if let Some(duplicate) = found.duplicate(message, now) {
                // The reply promises that the first one is safe.
                chosen.durable |= found.settings.durable;
                chosen.duplicate_of = Some(duplicate);
                continue;
            }
            if full {
                chosen.refused = true;
                found.counters.refused += 1;
                if found.settings.overflow != Overflow::RejectPublishDlx
                    || found.settings.dead_letter.is_none()
                {
                    continue;
                }
            }
            chosen.durable |= found.settings.durable;
            let traits = &message.traits;
            let expires_at = found.expiry(now, traits.expiration_ms, traits.sent_at);
            let of_queue = found.settings.delay;
            let deliver_at = match traits.delay_ms.unwrap_or(of_queue.ms) {
                0 => Target::AT_ONCE,
                delay => of_queue.stored(now.plus_ms(delay)),
            };
            targets.push(Target { queue: *queue, expires_at, deliver_at, refused: full });
            slots.push(slot);
        }
        chosen
    }

    /// Puts a stored message into the queue that has this slot.
    fn enqueue(
        &mut self,
        slot: u32,
        target: Target,
        message: &NewMessage<'_>,
        position: Position,
        charge: u32,
    ) {
        let size = message.body.len() as u32;
        let now = self.now;
        let Some(found) = self.queues.at_mut(slot) else { return };
        let Traits { group, priority, .. } = message.traits;
        let entry = Entry { position, size, charge, ..found.new_entry(target.expires_at, group, priority) };
        found.counters.published += 1;
        if let Some(deduplication) = message.deduplication {
            found.remember(deduplication, message.traits.group, now, position);
        }
        self.space.hold(position, charge);
        if target.refused {
            self.message_dead(slot, entry, DeadReason::MaxLength);
            return;
        }
        match target.deliver_at {
            at if at != Target::AT_ONCE => {
                found.delayed.insert((at, position), entry);
            }
            _ => {
                found.ready.push_back(entry);
                if found.ready.wants_spill(entry.level) {
                    self.spill(slot, entry.level);
                }
            }
        }
        self.mark_dirty(slot);
    }
}

/// Bytes that a record with this payload takes in the log.
pub(in crate::shard) fn record_bytes(payload: usize) -> u64 {
    (RECORD_HEADER_BYTES + payload).next_multiple_of(8) as u64
}
