//! Receipts: what settles a lease whose holder has no connection. A receipt names the message and which receive of it
//! is meant, so it says the same thing after a restart.

use super::super::Shard;
use super::super::durable::fact::Op;
use super::{Lease, Settle};
use crate::{LeaseId, QueueId, Refusal, Time};
use leveret_log::Position;

/// Names one receive of one message of a queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Receipt {
    /// The message's identity.
    pub position: Position,
    /// Which receive of it, counted from 1; those beyond the largest number share it.
    pub receive: u16,
}

/// Why a receipt does not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReceiptError {
    /// No such queue.
    NoQueue(Refusal),
    /// Its lease has ended, and the queue insists on it (one with exclusive groups: SQS's FIFO queues).
    Expired,
    /// The message is not there any more.
    Gone,
    /// A lease may not last so long in all.
    TooLong,
}

/// What became of a lease that was to be extended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extended {
    /// It ends at the new time; with a time of 0 it has ended.
    Held,
    /// It had ended before, and the message stays as it is.
    Late,
}

impl Shard {
    /// The work on a received message is done: it is gone. A message that is gone already is no error, and neither is
    /// a lease that has ended, but on a queue with exclusive groups: there another consumer may be at work on what
    /// comes after (SQS's rules for standard and FIFO queues). What a connection holds by now is left to it.
    ///
    /// # Errors
    /// [`ReceiptError::NoQueue`] and [`ReceiptError::Expired`].
    pub fn delete(&mut self, queue: QueueId, receipt: Receipt) -> Result<(), ReceiptError> {
        let slot = self.slot_of(queue).map_err(ReceiptError::NoQueue)?;
        let strict = self.queues.at(slot).is_some_and(|queue| queue.settings.groups);
        if let Some((id, held)) = self.held_under(slot, receipt) {
            if strict && !held {
                return Err(ReceiptError::Expired);
            }
            self.settle(id, Settle::Done);
            return Ok(());
        }
        if strict {
            return if self.is_there(slot, receipt.position) { Err(ReceiptError::Expired) } else { Ok(()) };
        }
        let Some(found) = self.queues.at_mut(slot) else { return Ok(()) };
        if let Some(entry) = found.take_back(receipt.position) {
            found.counters.acked += 1;
            self.facts.message(queue, Op::Gone, entry.position);
            self.space.release(entry.position, entry.charge);
            self.bound_facts();
            self.mark_dirty(slot);
        }
        Ok(())
    }

    /// Lets a lease end `visibility_ms` from now, or at once. It may last `most_ms` in all, from the receive on.
    ///
    /// # Errors
    /// See [`ReceiptError`].
    pub fn extend(
        &mut self,
        queue: QueueId,
        receipt: Receipt,
        visibility_ms: u64,
        most_ms: u64,
    ) -> Result<Extended, ReceiptError> {
        let slot = self.slot_of(queue).map_err(ReceiptError::NoQueue)?;
        let strict = self.queues.at(slot).is_some_and(|queue| queue.settings.groups);
        match self.held_under(slot, receipt) {
            Some((id, true)) => {
                let until = self.now.plus_ms(visibility_ms);
                let since = self.leases.get(id.slot, id.generation).and_then(|lease| lease.received_at);
                if since.is_some_and(|since| until > since.plus_ms(most_ms)) {
                    return Err(ReceiptError::TooLong);
                }
                if visibility_ms == 0 {
                    self.settle(id, Settle::Again);
                } else {
                    self.move_deadline(id, until);
                }
                Ok(Extended::Held)
            }
            Some((_, false)) if strict => Err(ReceiptError::Expired),
            Some((_, false)) => Ok(Extended::Late),
            None => match (self.is_there(slot, receipt.position), strict) {
                (false, _) => Err(ReceiptError::Gone),
                (true, true) => Err(ReceiptError::Expired),
                (true, false) => Ok(Extended::Late),
            },
        }
    }

    /// Drops every message of a queue that is ready, waits or is held under a receipt (SQS's PurgeQueue). Answers how
    /// many there were.
    pub fn purge_all(&mut self, queue: QueueId) -> u64 {
        let Some(slot) = self.queue_index.get(&queue).copied() else { return 0 };
        let mut held: Vec<(Position, LeaseId)> =
            self.receipts.iter().filter(|(key, _)| key.0 == slot).map(|(key, id)| (key.1, *id)).collect();
        held.sort_unstable_by_key(|(position, _)| *position);
        let purged = self.purge(queue);
        for (_, id) in &held {
            self.settle(*id, Settle::Done);
        }
        purged + held.len() as u64
    }

    /// Whether a message that nobody holds under a receipt is there: it is ready, waits, or is held by a connection. Whoever
    /// asks is late, so it may take a look at all of them.
    fn is_there(&self, slot: u32, position: Position) -> bool {
        let Some(found) = self.queues.at(slot) else { return false };
        let held = |(_, lease): (u32, &Lease)| lease.queue == slot && lease.entry.position == position;
        found.holds(position) || found.leased > 0 && self.leases.iter().any(held)
    }

    /// The lease on a receipt's message, and whether it is that of this very receive.
    fn held_under(&self, slot: u32, receipt: Receipt) -> Option<(LeaseId, bool)> {
        let id = *self.receipts.get(&(slot, receipt.position))?;
        let lease = self.leases.get(id.slot, id.generation)?;
        Some((id, lease.entry.acquired == receipt.receive))
    }

    /// Lets a lease under a receipt end at another time.
    pub(in crate::shard) fn move_deadline(&mut self, id: LeaseId, until: Time) {
        let Some(lease) = self.leases.get_mut(id.slot, id.generation) else { return };
        let (queue, position) = (lease.queue, lease.entry.position);
        if let Some(deadline) = lease.deadline.replace(until) {
            self.deadlines.remove(&(deadline, id.slot, id.generation));
        }
        self.deadlines.insert((until, id.slot, id.generation));
        if let Some(queue) = self.queues.at(queue).map(|queue| queue.id) {
            self.facts.message(queue, Op::Extended { until }, position);
            self.bound_facts();
        }
    }
}
