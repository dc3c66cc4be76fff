//! Dead messages: to the dead-letter target, or dropped, or, at the delivery limit and without a target, kept
//! aside. A dead message stays in its queue's books until its target has it: dead-lettering is at-least-once.

use super::Shard;
use super::durable::fact::Op;
use super::durable::space::Space;
use super::effect::{DeadLetter, DeadReason, SystemEffect};
use super::queue::Dying;
use super::queue::Entry;
use crate::QueueId;
use leveret_log::Position;

/// What became of a dead message at its target, as the broker reports it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transfer {
    /// The target has it durably (or the target is in the same log, ahead of what follows).
    Arrived,
    /// It has no target: no exchange, or no queue behind it. It is dropped, or kept aside if it died of the
    /// delivery limit.
    NoTarget,
    /// The target refused it for now: it stays, and is tried again at the next retry.
    Refused,
}

impl Shard {
    /// Ends the transfer of a dead message. Unknown messages are passed over (the queue may be gone).
    pub fn transferred(&mut self, queue: QueueId, position: Position, transfer: Transfer) {
        let Some(slot) = self.queue_index.get(&queue).copied() else { return };
        let Some(found) = self.queues.at_mut(slot) else { return };
        if transfer == Transfer::Refused {
            if let Some(dying) = found.dying.get_mut(&position) {
                dying.asked = false;
            }
            return;
        }
        let Some(dying) = found.dying.remove(&position) else { return };
        if transfer == Transfer::NoTarget
            && dying.reason == DeadReason::DeliveryLimit
            && found.settings.redrive.is_some()
        {
            // The dead-letter queue is gone: the message stays where it is and can be received (SQS's rule). It is
            // not tried again at once, or it would go back and forth for ever.
            found.redrive_suspended = true;
            found.ready.put_back(dying.entry);
            self.facts.message(queue, Op::Released, position);
            self.mark_dirty(slot);
            return;
        }
        if transfer == Transfer::NoTarget && dying.reason == DeadReason::DeliveryLimit {
            found.parked.insert(position, dying.entry);
            self.facts.message(queue, Op::Parked, position);
            return;
        }
        match transfer {
            Transfer::Arrived => found.counters.dead_lettered[reason_index(dying.reason)] += 1,
            _ => found.counters.dropped += 1,
        }
        self.facts.message(queue, Op::Gone, position);
        self.space.release(position, dying.entry.charge);
        self.bound_facts();
    }

    /// Asks for the transfer of every dead message of the shard that is not under way: after a restart, and
    /// from time to time for those that their target refused. A dead-letter queue that was gone may be back.
    pub fn retry_transfers(&mut self) {
        let Shard { queues, space, system, .. } = self;
        for queue in queues.iter_mut() {
            queue.redrive_suspended = false;
            for dying in queue.dying.values_mut().filter(|dying| !dying.asked) {
                dying.asked = true;
                system.push(SystemEffect::DeadLetter(dead_letter(queue.id, dying, space)));
            }
        }
    }

    /// Puts the messages that were kept aside back into the queue, with a fresh count of failures.
    /// Answers how many there were.
    pub fn unpark(&mut self, queue: QueueId) -> u64 {
        let Some(slot) = self.queue_index.get(&queue).copied() else { return 0 };
        let Some(found) = self.queues.at_mut(slot) else { return 0 };
        let parked = std::mem::take(&mut found.parked);
        let count = parked.len() as u64;
        for (position, mut entry) in parked {
            entry.failures = 0;
            if let Some(found) = self.queues.at_mut(slot) {
                found.ready.put_back(entry);
            }
            self.facts.message(queue, Op::Unparked, position);
            self.bound_facts();
        }
        self.mark_dirty(slot);
        count
    }

    /// A message that is in no list any more is dead.
    pub(super) fn message_dead(&mut self, slot: u32, entry: Entry, reason: DeadReason) {
        let now = self.now;
        let Some(found) = self.queues.at_mut(slot) else { return };
        let (id, position) = (found.id, entry.position);
        let redriven = reason == DeadReason::DeliveryLimit && found.settings.redrive.is_some();
        if redriven || found.settings.dead_letter.is_some() {
            let dying = Dying { entry, reason, at: now, asked: true };
            found.dying.insert(position, dying);
            self.facts.message(id, Op::Dying { reason, at: now }, position);
            self.system.push(SystemEffect::DeadLetter(dead_letter(id, &dying, &self.space)));
        } else if reason == DeadReason::DeliveryLimit {
            found.parked.insert(position, entry);
            self.facts.message(id, Op::Parked, position);
        } else {
            found.counters.dropped += 1;
            self.facts.message(id, Op::Gone, position);
            self.space.release(position, entry.charge);
        }
        self.bound_facts();
    }
}

fn dead_letter(queue: QueueId, dying: &Dying, space: &Space) -> DeadLetter {
    let position = dying.entry.position;
    DeadLetter {
        queue,
        position,
        location: space.location(position),
        reason: dying.reason,
        at: dying.at,
        failures: dying.entry.failures,
    }
}

/// The place of a reason in `QueueCounters::dead_lettered`.
pub(super) fn reason_index(reason: DeadReason) -> usize {
    match reason {
        DeadReason::Rejected => 0,
        DeadReason::Expired => 1,
        DeadReason::MaxLength => 2,
        DeadReason::DeliveryLimit => 3,
    }
}
