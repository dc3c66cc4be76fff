//! Dispatch: hands a queue's ready messages to its consumers, at the end of the turn that changed either.

use super::super::Shard;
use super::super::durable::fact::Op;
use super::super::entry::Entry;
use super::{Consumer, Lease, PoolId};
use crate::shard::effect::{DeadReason, Delivery, Effect, SystemEffect};
use crate::{ConsumerId, LeaseId, QueueId, Time};
use std::cmp::Reverse;

/// Nobody: the consumer of a message that was fetched with `get`.
const NOBODY: ConsumerId = ConsumerId { slot: u32::MAX, generation: u32::MAX };

impl Shard {
    /// Delivers what can be delivered from one queue, expires what is due at its head, and fetches its next
    /// page when the head runs low.
    pub(in crate::shard) fn dispatch(&mut self, queue: u32) {
        self.ready_delayed(queue);
        self.choose_active(queue);
        loop {
            self.expire_head(queue, Entry::expired);
            self.fetch_pages(queue);
            if !self.deliver_one(queue) {
                break;
            }
        }
        // What has no time left and found no consumer in this turn is not delivered any more.
        self.expire_head(queue, |entry, now| entry.expires_at <= now);
        self.drop_overflow(queue);
        self.fetch_pages(queue);
        self.set_wake(queue);
    }

    /// Fetches one message for a client that asked (AMQP `basic.get`). With `no_ack` it is gone at once.
    /// The second part of the answer is how many ready messages are left.
    pub fn get(&mut self, queue: QueueId, no_ack: bool) -> Option<(Delivery, u64)> {
        let slot = *self.queue_index.get(&queue)?;
        self.ready_delayed(slot);
        self.expire_head(slot, Entry::expired);
        let now = self.now;
        let found = self.queues.at_mut(slot)?;
        found.used_at = now;
        let entry = found.ready.pop_front(!no_ack)?;
        let left = found.ready.len();
        let delivery = self.hand_out(slot, entry, NOBODY, no_ack, None, None);
        self.mark_dirty(slot);
        Some((delivery, left))
    }

    /// Delivers the next message to the next consumer; `false` when there is no message or nobody to take it.
    fn deliver_one(&mut self, queue: u32) -> bool {
        let Some(found) = self.queues.at_mut(queue) else { return false };
        if found.ready.front().is_none() {
            return false;
        }
        let Some(slot) = self.next_consumer(queue) else { return false };
        let Some(consumer) = self.consumers.at_mut(slot) else { return false };
        let Consumer { no_ack, connection, pool, timeout_ms, .. } = *consumer;
        let Some(entry) = self.queues.at_mut(queue).and_then(|found| found.ready.pop_front(!no_ack)) else {
            return false;
        };
        let generation = self.consumers.generation(slot).unwrap_or(0);
        let id = ConsumerId { slot, generation };
        let delivery = self.hand_out(queue, entry, id, no_ack, pool, timeout_ms);
        self.charge_credit(slot, connection, pool, no_ack, entry.size);
        self.effect(connection, Effect::Deliver(delivery));
        true
    }

    /// The consumer whose turn it is: the front of the highest ring with credit. It goes to the back.
    fn next_consumer(&mut self, queue: u32) -> Option<u32> {
        loop {
            let consumers = &mut self.queues.at_mut(queue)?.consumers;
            let active = consumers.active;
            let (Reverse(priority), slot) = match active {
                Some(slot) => (Reverse(0), slot),
                None => {
                    let mut rings = consumers.rings.iter_mut();
                    let (priority, ring) = rings.find(|(_, ring)| !ring.is_empty())?;
                    (*priority, ring.pop_front()?)
                }
            };
            let has_credit = self.has_credit(slot);
            if active.is_some() {
                return has_credit.then_some(slot);
            }
            if has_credit {
                let consumers = &mut self.queues.at_mut(queue)?.consumers;
                consumers.rings.entry(Reverse(priority)).or_default().push_back(slot);
                return Some(slot);
            }
            self.consumers.at_mut(slot)?.in_ring = false;
        }
    }

    /// Turns an entry into a delivery: a lease, or, for no-ack, the end of the message.
    fn hand_out(
        &mut self,
        queue: u32,
        mut entry: Entry,
        consumer: ConsumerId,
        no_ack: bool,
        pool: Option<PoolId>,
        timeout_ms: Option<u64>,
    ) -> Delivery {
        let redelivered = entry.acquired > 0;
        let acquired = entry.acquired;
        entry.count_delivery();
        let location = self.space.location(entry.position);
        let deadline = if no_ack { None } else { self.deadline(queue, timeout_ms) };
        let mut id = QueueId(0);
        if let Some(found) = self.queues.at_mut(queue) {
            id = found.id;
            found.counters.delivered += 1;
            found.counters.redelivered += u64::from(redelivered);
            if !no_ack {
                found.leased += 1;
                found.leased_bytes += u64::from(entry.size);
            }
        }
        let lease = if no_ack {
            self.facts.message(id, Op::Gone, entry.position);
            self.space.release(entry.position, entry.charge);
            if let Some(found) = self.queues.at_mut(queue) {
                found.counters.acked += 1;
            }
            LeaseId::NONE
        } else {
            self.facts.message(id, Op::Leased, entry.position);
            let (slot, generation) = self.leases.insert(Lease { entry, queue, consumer, pool, deadline });
            if let Some(deadline) = deadline {
                self.deadlines.insert((deadline, slot, generation));
            }
            LeaseId { slot, generation }
        };
        Delivery {
            consumer,
            lease,
            queue: id,
            position: entry.position,
            location,
            size: entry.size,
            failures: entry.failures,
            acquired,
            redelivered,
        }
    }

    /// Uses the credit of one delivery.
    fn charge_credit(&mut self, slot: u32, connection: u32, pool: Option<PoolId>, no_ack: bool, size: u32) {
        if let Some(found) = self.connections.at_mut(connection) {
            found.messages -= 1;
            found.bytes -= i64::from(size);
        }
        if no_ack {
            return;
        }
        if let Some(found) = pool.and_then(|pool| self.pools.get_mut(pool.slot, pool.generation)) {
            found.used += 1;
        }
        if let Some(consumer) = self.consumers.at_mut(slot) {
            consumer.leased += 1;
            if consumer.credit != i64::MAX {
                consumer.credit -= 1;
            }
        }
    }

    fn deadline(&self, queue: u32, timeout_ms: Option<u64>) -> Option<Time> {
        let timeout = timeout_ms.or_else(|| self.queues.at(queue)?.settings.consumer_timeout_ms)?;
        Some(self.now.plus_ms(timeout))
    }

    /// Moves the delayed messages whose time has come to the ready ones, at their place in publish order.
    fn ready_delayed(&mut self, queue: u32) {
        let now = self.now;
        let Some(found) = self.queues.at_mut(queue) else { return };
        while let Some(first) = found.delayed.first_entry() {
            if first.key().0 > now {
                break;
            }
            let entry = first.remove();
            found.ready.put_back(entry);
        }
    }

    /// Takes expired messages off the head of the queue. RabbitMQ looks at the head only, too.
    fn expire_head(&mut self, queue: u32, expired: impl Fn(&Entry, Time) -> bool) {
        let now = self.now;
        loop {
            let Some(found) = self.queues.at_mut(queue) else { return };
            if !found.ready.front().is_some_and(|entry| expired(entry, now)) {
                return;
            }
            let Some(entry) = found.ready.pop_front(false) else { return };
            self.message_dead(queue, entry, DeadReason::Expired);
        }
    }

    /// Drops from the head what exceeds the length limit (overflow drop-head), after the consumers had
    /// their chance: RabbitMQ, too, counts only what waits.
    fn drop_overflow(&mut self, queue: u32) {
        loop {
            let Some(found) = self.queues.at_mut(queue) else { return };
            if found.settings.overflow != crate::Overflow::DropHead || !found.over_limit() {
                return;
            }
            let Some(entry) = found.ready.pop_front(false) else { return self.fetch_pages(queue) };
            self.message_dead(queue, entry, DeadReason::MaxLength);
        }
    }

    /// Asks for the next page of every level whose head runs low.
    fn fetch_pages(&mut self, queue: u32) {
        let Some(found) = self.queues.at_mut(queue) else { return };
        let id = found.id;
        for (level, pages) in found.ready.levels.iter_mut().enumerate() {
            if pages.pages.is_empty() {
                continue;
            }
            if let Some(location) = pages.wants_page() {
                self.system.push(SystemEffect::LoadPage { queue: id, level: level as u8, location });
            }
        }
    }
}
