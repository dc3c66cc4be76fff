//! Dispatch: hands a queue's ready messages to its consumers, at the end of the turn that changed either.

use super::super::Shard;
use super::super::durable::fact::{Facts, Op};
use super::super::durable::space::Space;
use super::super::queue::Entry;
use super::super::queue::Queue;
use super::super::slots::Slots;
use super::{Connection, Consumer, Lease, Pool, PoolId, Receipt, Received};
use crate::shard::effect::{DeadReason, Delivery, Effect, SystemEffect};
use crate::{ConsumerId, LeaseId, QueueId, Time};
use leveret_log::Position;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

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
            let Some(mut dispatcher) = self.dispatcher(queue) else { return };
            match dispatcher.run() {
                Pause::Served => break,
                Pause::Exhausted => self.bury_exhausted(queue),
                Pause::Expired | Pause::ManyFacts => {}
            }
            self.bound_facts();
        }
        // What has no time left and found no consumer in this turn is not delivered any more.
        self.expire_head(queue, |entry, horizon| entry.expires_at <= horizon);
        self.drop_overflow(queue);
        self.fetch_pages(queue);
        self.wake_receivers(queue);
        self.set_wake(queue);
    }

    /// Fetches one message for a client that asked (AMQP `basic.get`). With `no_ack` it is gone at once.
    /// The second part of the answer is how many ready messages are left.
    pub fn get(&mut self, queue: QueueId, no_ack: bool) -> Option<(Delivery, u64)> {
        let slot = *self.queue_index.get(&queue)?;
        self.ready_delayed(slot);
        self.bury_head(slot);
        let now = self.now;
        let mut dispatcher = self.dispatcher(slot)?;
        dispatcher.queue.used_at = now;
        let entry = dispatcher.queue.ready.pop_front(!no_ack)?;
        let left = dispatcher.queue.ready.len();
        let nobody = Holder { no_ack, ..Holder::NOBODY };
        let delivery = dispatcher.hand_out(entry, &nobody);
        self.bound_facts();
        self.mark_dirty(slot);
        Some((delivery, left))
    }

    pub(super) fn dispatcher(&mut self, slot: u32) -> Option<Dispatcher<'_>> {
        let queue = self.queues.at_mut(slot)?;
        Some(Dispatcher {
            now: self.now,
            horizon: queue.horizon(self.now),
            max_deliveries: queue.max_deliveries(),
            slot,
            queue,
            receipts: &mut self.receipts,
            consumers: &mut self.consumers,
            connections: &mut self.connections,
            dirty_connections: &mut self.dirty_connections,
            pools: &mut self.pools,
            leases: &mut self.leases,
            deadlines: &mut self.deadlines,
            facts: &mut self.facts,
            space: &mut self.space,
        })
    }

    /// Moves the delayed messages whose time has come to the ready ones, at their place in publish order, and has groups
    /// find theirs.
    pub(super) fn ready_delayed(&mut self, queue: u32) {
        let now = self.now;
        let Some(found) = self.queues.at_mut(queue) else { return };
        let over = found.settings.delay.stored(now);
        while let Some(first) = found.delayed.first_entry() {
            if first.key().0 > over {
                break;
            }
            let entry = first.remove();
            found.ready.put_back(entry);
        }
        found.ready.look(now);
        found.ready.rerank();
    }

    /// Takes expired messages off the head of the queue. RabbitMQ looks at the head only, too.
    fn expire_head(&mut self, queue: u32, expired: impl Fn(&Entry, Time) -> bool) {
        let now = self.now;
        loop {
            let Some(found) = self.queues.at_mut(queue) else { return };
            let horizon = found.horizon(now);
            if found.ready.front().is_none_or(|entry| !expired(entry, horizon)) {
                return;
            }
            let Some(entry) = found.ready.pop_front(false) else { return };
            self.message_dead(queue, entry, DeadReason::Expired);
        }
    }

    /// Takes messages off the head that were delivered too often for the redrive. They stay until somebody would get
    /// them once more: until then a consumer that is late may still delete one (SQS's rule).
    fn bury_exhausted(&mut self, queue: u32) {
        loop {
            let Some(found) = self.queues.at_mut(queue) else { return };
            let most = found.max_deliveries();
            if found.ready.front().is_none_or(|entry| u32::from(entry.acquired) < most) {
                return;
            }
            let Some(entry) = found.ready.pop_front(false) else { return };
            self.message_dead(queue, entry, DeadReason::DeliveryLimit);
        }
    }

    /// Takes everything off the head that somebody who asks for a message must not get.
    pub(super) fn bury_head(&mut self, queue: u32) {
        let dead = |found: &Queue, now| {
            let (horizon, most) = (found.horizon(now), found.max_deliveries());
            let front = found.ready.front();
            front.is_some_and(|entry| entry.expired(horizon) || u32::from(entry.acquired) >= most)
        };
        while self.queues.at(queue).is_some_and(|found| dead(found, self.now)) {
            self.expire_head(queue, Entry::expired);
            self.bury_exhausted(queue);
        }
    }

    /// Drops from the head what exceeds the length limit (overflow drop-head), after the consumers had
    /// their chance: RabbitMQ, too, counts only what waits. A head that is still on disk is dropped once it
    /// is here.
    fn drop_overflow(&mut self, queue: u32) {
        loop {
            let Some(found) = self.queues.at_mut(queue) else { return };
            if found.settings.overflow != crate::Overflow::DropHead || !found.over_limit() {
                return;
            }
            let Some(entry) = found.ready.pop_front(false) else { return };
            self.message_dead(queue, entry, DeadReason::MaxLength);
        }
    }

    /// Asks for the next page of every level whose head runs low.
    fn fetch_pages(&mut self, queue: u32) {
        let Some(found) = self.queues.at_mut(queue) else { return };
        let id = found.id;
        for (level, pages) in found.ready.levels.iter_mut().enumerate() {
            if let Some(location) = pages.wants_page() {
                self.system.push(SystemEffect::LoadPage { queue: id, level: level as u8, location });
            }
        }
    }
}

/// Why a dispatcher stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pause {
    /// There is no message in memory, or nobody to take it.
    Served,
    /// The head of the queue has expired.
    Expired,
    /// The head of the queue was delivered too often, and somebody would get it now.
    Exhausted,
    /// The facts of the turn have grown large and must be written first.
    ManyFacts,
}

/// Who gets a message, and on which terms.
pub(super) struct Holder {
    consumer: ConsumerId,
    no_ack: bool,
    pool: Option<PoolId>,
    timeout_ms: Option<u64>,
    /// It gets a receipt, and the lease ends then.
    receipt_until: Option<Time>,
}

impl Holder {
    /// A client that asks for one message and holds it for as long as its connection lasts.
    const NOBODY: Holder =
        Holder { consumer: NOBODY, no_ack: false, pool: None, timeout_ms: None, receipt_until: None };

    /// A client that gets a receipt for a lease until that time.
    pub(super) fn receipt(until: Time) -> Holder {
        Holder { receipt_until: Some(until), ..Holder::NOBODY }
    }
}

/// One queue and all that its deliveries touch, borrowed apart: the queue is looked up once for all of them.
pub(super) struct Dispatcher<'a> {
    now: Time,
    pub(super) horizon: Time,
    max_deliveries: u32,
    slot: u32,
    pub(super) queue: &'a mut Queue,
    receipts: &'a mut FxHashMap<(u32, Position), LeaseId>,
    consumers: &'a mut Slots<Consumer>,
    connections: &'a mut Slots<Connection>,
    dirty_connections: &'a mut Vec<u32>,
    pools: &'a mut Slots<Pool>,
    leases: &'a mut Slots<Lease>,
    deadlines: &'a mut BTreeSet<(Time, u32, u32)>,
    facts: &'a mut Facts,
    space: &'a mut Space,
}

impl Dispatcher<'_> {
    /// Delivers message after message.
    fn run(&mut self) -> Pause {
        while let Some(front) = self.queue.ready.front() {
            if front.expired(self.horizon) {
                return Pause::Expired;
            }
            let exhausted = u32::from(front.acquired) >= self.max_deliveries;
            if self.facts.are_many() {
                return Pause::ManyFacts;
            }
            let Some(slot) = self.next_consumer() else { return Pause::Served };
            if exhausted {
                return Pause::Exhausted;
            }
            self.deliver_to(slot);
        }
        Pause::Served
    }

    /// The consumer whose turn it is: the front of the highest ring with credit. It goes to the back.
    fn next_consumer(&mut self) -> Option<u32> {
        let Dispatcher { consumers, pools, connections, .. } = self;
        let has_credit =
            |consumer: Option<&Consumer>| consumer.is_some_and(|it| it.has_credit(pools, connections));
        let waiting = &mut self.queue.consumers;
        if let Some(active) = waiting.active {
            return (!waiting.held && has_credit(consumers.at(active))).then_some(active);
        }
        for ring in &mut waiting.rings {
            while let Some(slot) = ring.members.front().copied() {
                if has_credit(consumers.at(slot)) {
                    if ring.members.len() > 1 {
                        ring.members.rotate_left(1);
                    }
                    return Some(slot);
                }
                ring.members.pop_front();
                if let Some(consumer) = consumers.at_mut(slot) {
                    consumer.in_ring = false;
                }
            }
        }
        None
    }

    /// Delivers the next message to a consumer, and uses its credit.
    fn deliver_to(&mut self, slot: u32) {
        let Some((generation, consumer)) = self.consumers.entry_mut(slot) else { return };
        let Consumer { no_ack, pool, timeout_ms, connection, .. } = *consumer;
        let Some(entry) = self.queue.ready.pop_front(!no_ack) else { return };
        if !no_ack {
            consumer.leased += 1;
            if consumer.credit != i64::MAX {
                consumer.credit -= 1;
            }
            if let Some(found) = pool.and_then(|pool| self.pools.get_mut(pool.slot, pool.generation)) {
                found.used += 1;
            }
        }
        let consumer = ConsumerId { slot, generation };
        let delivery =
            self.hand_out(entry, &Holder { consumer, no_ack, pool, timeout_ms, receipt_until: None });
        let Some(found) = self.connections.at_mut(connection) else { return };
        found.messages -= 1;
        found.bytes -= i64::from(entry.size);
        found.effects.push(Effect::Deliver(delivery));
        if !found.dirty {
            found.dirty = true;
            self.dirty_connections.push(connection);
        }
    }

    /// Turns an entry into a delivery: a lease, or, for no-ack, the end of the message.
    fn hand_out(&mut self, mut entry: Entry, holder: &Holder) -> Delivery {
        let acquired = entry.acquired;
        let redelivered = acquired > 0;
        entry.count_delivery();
        let location = self.space.location(entry.position);
        let counters = &mut self.queue.counters;
        counters.delivered += 1;
        counters.redelivered += u64::from(redelivered);
        let lease = if holder.no_ack {
            counters.acked += 1;
            self.facts.message(self.queue.id, Op::Gone, entry.position);
            self.space.release(entry.position, entry.charge);
            LeaseId::NONE
        } else {
            self.lease(entry, holder)
        };
        Delivery {
            consumer: holder.consumer,
            lease,
            queue: self.queue.id,
            position: entry.position,
            location,
            size: entry.size,
            failures: entry.failures,
            acquired,
            redelivered,
        }
    }

    /// Hands an entry out under a receipt.
    pub(super) fn receive(&mut self, mut entry: Entry, holder: &Holder) -> Received {
        if entry.first_received == Entry::NOT_RECEIVED {
            entry.first_received = self.now;
        }
        let delivery = self.hand_out(entry, holder);
        let receipt = Receipt { position: entry.position, receive: entry.acquired.saturating_add(1) };
        Received { delivery, receipt, first_received: entry.first_received }
    }

    fn lease(&mut self, entry: Entry, holder: &Holder) -> LeaseId {
        self.queue.leased += 1;
        self.queue.leased_bytes += u64::from(entry.size);
        let timeout_ms = holder.timeout_ms.or(self.queue.settings.consumer_timeout_ms);
        let deadline = holder.receipt_until.or(timeout_ms.map(|ms| self.now.plus_ms(ms)));
        let op = match holder.receipt_until {
            None => Op::Leased,
            Some(until) => Op::Received { at: self.now, until },
        };
        self.facts.message(self.queue.id, op, entry.position);
        let Holder { consumer, pool, .. } = *holder;
        let received_at = holder.receipt_until.map(|_| self.now);
        let (slot, generation) =
            self.leases.insert(Lease { entry, queue: self.slot, consumer, pool, deadline, received_at });
        let id = LeaseId { slot, generation };
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, slot, generation));
        }
        if received_at.is_some() {
            self.receipts.insert((self.slot, entry.position), id);
        }
        id
    }
}
