//! Leases: a message held by one consumer until it is settled, its deadline passes or its holder is gone.

use super::super::Shard;
use super::super::durable::fact::Op;
use super::super::queue::Entry;
use super::PoolId;
use crate::limits::RECEIPTS_PER_QUEUE;
use crate::shard::effect::{CancelReason, DeadReason, Effect};
use crate::{ConsumerId, LeaseId, Time};

/// A message that is held.
#[derive(Debug)]
pub(in crate::shard) struct Lease {
    pub(in crate::shard) entry: Entry,
    pub(in crate::shard) queue: u32,
    /// Who holds it; for a `get`, nobody (slot `u32::MAX`).
    pub(in crate::shard) consumer: ConsumerId,
    pub(in crate::shard) pool: Option<PoolId>,
    pub(in crate::shard) deadline: Option<Time>,
    /// When it was received, if it is held under a receipt: such a lease has a deadline and survives a restart.
    pub(in crate::shard) received_at: Option<Time>,
}

/// How a lease ends, said by its holder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settle {
    /// The work is done: the message is gone. AMQP ack.
    Done,
    /// Back to its old place, and the delivery counts as failed. AMQP nack or reject with requeue, a lost
    /// connection, a closed channel.
    Again,
    /// Back to its old place; the delivery did not reach anybody and does not count.
    Untouched,
    /// Never again: to the dead-letter target. AMQP nack or reject without requeue.
    Never,
}

/// Leases that have ended, of one queue and one holder.
struct Ended {
    queue: u32,
    consumer: ConsumerId,
    pool: Option<PoolId>,
    count: u32,
    /// Bytes of the bodies.
    bytes: u64,
}

impl Ended {
    fn of(lease: &Lease) -> Ended {
        let Lease { queue, consumer, pool, .. } = *lease;
        Ended { queue, consumer, pool, count: 1, bytes: u64::from(lease.entry.size) }
    }

    #[inline]
    fn is_like(&self, lease: &Lease) -> bool {
        self.queue == lease.queue && self.consumer == lease.consumer && self.pool == lease.pool
    }

    #[inline]
    fn add(&mut self, lease: &Lease) {
        self.count += 1;
        self.bytes += u64::from(lease.entry.size);
    }
}

impl Shard {
    /// Ends a lease. A stale id is a no-op and answers `false`: the lease had expired, or the queue is gone.
    pub fn settle(&mut self, lease: LeaseId, how: Settle) -> bool {
        let Some(found) = self.end_lease(lease) else { return false };
        match how {
            Settle::Done => self.message_done(found.queue, &found.entry),
            Settle::Again => self.message_back(found.queue, found.entry, true),
            Settle::Untouched => self.message_back(found.queue, found.entry, false),
            Settle::Never => {
                self.release_group(found.queue, &found.entry);
                self.message_dead(found.queue, found.entry, DeadReason::Rejected);
            }
        }
        self.bound_facts();
        true
    }

    /// Ends leases whose work is done, as [`Shard::settle`] would each. Stale ids are passed over. What leases that follow
    /// each other have in common is accounted for once.
    pub fn settle_done(&mut self, leases: impl Iterator<Item = LeaseId>) {
        let mut ended: Option<Ended> = None;
        for id in leases {
            let Some(lease) = self.take_lease(id) else { continue };
            match &mut ended {
                Some(ended) if ended.is_like(&lease) => ended.add(&lease),
                _ => {
                    let before = ended.replace(Ended::of(&lease));
                    before.iter().for_each(|before| self.free(before));
                }
            }
            self.message_done(lease.queue, &lease.entry);
            self.bound_facts();
        }
        ended.iter().for_each(|last| self.free(last));
    }

    /// How many leases there are in the shard.
    pub fn lease_count(&self) -> usize {
        self.leases.len()
    }

    /// Ends the leases whose deadline has passed: the message goes back with a failed delivery, and the
    /// consumer that held it is cancelled (RabbitMQ 4.3's consumer timeout).
    pub(in crate::shard) fn expire_leases(&mut self) {
        while let Some((deadline, slot, generation)) = self.deadlines.first().copied() {
            if deadline > self.now {
                return;
            }
            self.deadlines.pop_first();
            let id = LeaseId { slot, generation };
            let Some(lease) = self.end_lease(id) else { continue };
            if let Some(queue) = self.queues.at_mut(lease.queue) {
                queue.counters.leases_expired += 1;
            }
            self.message_back(lease.queue, lease.entry, true);
            self.expire_consumer(id, lease.consumer);
        }
    }

    fn expire_consumer(&mut self, lease: LeaseId, consumer: ConsumerId) {
        let Some(found) = self.consumers.get(consumer.slot, consumer.generation) else { return };
        let connection = found.connection;
        self.effect(connection, Effect::LeaseExpired { lease, consumer });
        self.effect(connection, Effect::ConsumerCancelled { consumer, reason: CancelReason::Timeout });
        self.unsubscribe(consumer);
    }

    /// Takes a lease off the books and gives the credit it used back.
    pub(in crate::shard) fn end_lease(&mut self, id: LeaseId) -> Option<Lease> {
        let lease = self.take_lease(id)?;
        self.free(&Ended::of(&lease));
        Some(lease)
    }

    /// Takes a lease out of the books that have each lease. Those of its queue and its holder are left to
    /// [`Shard::free`].
    #[inline]
    fn take_lease(&mut self, id: LeaseId) -> Option<Lease> {
        let lease = self.leases.remove(id.slot, id.generation)?;
        if let Some(deadline) = lease.deadline {
            self.deadlines.remove(&(deadline, id.slot, id.generation));
        }
        if lease.received_at.is_some() {
            self.receipts.remove(&(lease.queue, lease.entry.position));
        }
        Some(lease)
    }

    /// Gives back the room and the credit that leases have used.
    fn free(&mut self, ended: &Ended) {
        let Ended { queue: slot, consumer, pool, count, bytes } = *ended;
        if let Some(queue) = self.queues.at_mut(slot) {
            let was_full = queue.leased >= RECEIPTS_PER_QUEUE;
            queue.leased -= u64::from(count);
            queue.leased_bytes -= bytes;
            if was_full {
                // Receives may wait for the room.
                self.mark_dirty(slot);
            }
        }
        if let Some(pool) = pool
            && let Some(found) = self.pools.get_mut(pool.slot, pool.generation)
        {
            let was_full = found.used >= found.limit;
            found.used -= i64::from(count);
            if was_full && found.used < found.limit {
                self.wake_pool(pool);
            }
        }
        if let Some(found) = self.consumers.get_mut(consumer.slot, consumer.generation) {
            found.leased -= count;
            // One without a limit has all the credit there is, and keeps it.
            found.credit = found.credit.saturating_add(i64::from(count));
            if !found.in_ring {
                self.wake_consumer(consumer.slot);
            }
            // A single active consumer of higher priority may wait for this one to be idle.
            self.mark_dirty(slot);
        }
    }

    /// A message is finished with: the queue forgets it.
    #[inline]
    pub(in crate::shard) fn message_done(&mut self, queue: u32, entry: &Entry) {
        self.release_group(queue, entry);
        let Some(found) = self.queues.at_mut(queue) else { return };
        found.counters.acked += 1;
        self.facts.message(found.id, Op::Gone, entry.position);
        self.space.release(entry.position, entry.charge);
    }

    /// A message comes back: to its old place, to wait for its retry, or, after too many failures, to die.
    fn message_back(&mut self, queue: u32, mut entry: Entry, failed: bool) {
        self.release_group(queue, &entry);
        let now = self.now;
        let Some(found) = self.queues.at_mut(queue) else { return };
        if failed {
            entry.count_failure();
        }
        let id = found.id;
        let limit = found.settings.delivery_limit;
        if limit.is_some_and(|limit| u32::from(entry.failures) > limit) {
            // The fact of its return comes first, so that a replay dies with the same count. A message that did
            // not fail dies, too, if the limit was lowered meanwhile.
            self.facts.message(id, if failed { Op::Failed } else { Op::Released }, entry.position);
            self.message_dead(queue, entry, DeadReason::DeliveryLimit);
            return;
        }
        if let Some(delay) = found.retry_delay(&entry, failed) {
            let until = found.settings.delay.stored(now.plus_ms(delay));
            found.delayed.insert((until, entry.position), entry);
            self.facts.message(id, Op::Delayed { until, failed }, entry.position);
        } else {
            found.ready.put_back(entry);
            self.facts.message(id, if failed { Op::Failed } else { Op::Released }, entry.position);
        }
        self.mark_dirty(queue);
    }

    pub(in crate::shard) fn release_group(&mut self, queue: u32, entry: &Entry) {
        let now = self.now;
        if let Some(found) = self.queues.at_mut(queue)
            && (found.settings.groups || found.settings.fair)
        {
            found.ready.look(now);
            found.ready.release(entry);
            self.mark_dirty(queue);
        }
    }
}
