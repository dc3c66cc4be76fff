//! Dispatch: hands a queue's ready messages to its consumers, at the end of the turn that changed either.

use super::super::Shard;
use super::super::queue::{Entry, Queue};
use super::super::slots::Slots;
use super::lend::{Holder, Lender};
use super::{Connection, Consumer, Pool};
use crate::shard::effect::{DeadReason, Delivery, Effect, SystemEffect};
use crate::{ConsumerId, QueueId, Time};

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
        let mut lender = self.lender(slot)?;
        lender.queue.used_at = now;
        let entry = lender.queue.ready.pop_front(!no_ack)?;
        let left = lender.queue.ready.len();
        let nobody = Holder { no_ack, ..Holder::NOBODY };
        let delivery = lender.hand_out(entry, &nobody);
        self.bound_facts();
        self.mark_dirty(slot);
        Some((delivery, left))
    }

    fn dispatcher(&mut self, slot: u32) -> Option<Dispatcher<'_>> {
        let now = self.now;
        let Shard { queues, receipts, leases, deadlines, facts, space, .. } = self;
        let Shard { consumers, connections, dirty_connections, pools, .. } = self;
        let lender =
            Lender { now, slot, queue: queues.at_mut(slot)?, receipts, leases, deadlines, facts, space };
        Some(Dispatcher {
            horizon: lender.queue.horizon(now),
            max_deliveries: lender.queue.max_deliveries(),
            lender,
            consumers,
            connections,
            dirty_connections,
            pools,
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
            front.is_some_and(|entry| !entry.may_go_out(horizon, most))
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

/// One queue and all that its deliveries touch, borrowed apart: the queue is looked up once for all of them.
struct Dispatcher<'a> {
    horizon: Time,
    max_deliveries: u32,
    lender: Lender<'a>,
    consumers: &'a mut Slots<Consumer>,
    connections: &'a mut Slots<Connection>,
    dirty_connections: &'a mut Vec<u32>,
    pools: &'a mut Slots<Pool>,
}

/// Whose turn it is.
struct Next {
    /// The consumer's slot.
    slot: u32,
    /// Nobody else is in its ring: it gets what comes behind, too, as far as its credit goes.
    alone: bool,
}

impl Dispatcher<'_> {
    /// Delivers message after message.
    fn run(&mut self) -> Pause {
        while let Some(front) = self.lender.queue.ready.front() {
            if front.expired(self.horizon) {
                return Pause::Expired;
            }
            let exhausted = u32::from(front.acquired) >= self.max_deliveries;
            if self.lender.facts.are_many() {
                return Pause::ManyFacts;
            }
            let Some(next) = self.next_consumer() else { return Pause::Served };
            if exhausted {
                return Pause::Exhausted;
            }
            self.deliver_to(&next);
        }
        Pause::Served
    }

    /// Whether the message at the front may be delivered, and the fact of it written.
    fn goes_on(&self) -> bool {
        let front = self.lender.queue.ready.front();
        front.is_some_and(|entry| entry.may_go_out(self.horizon, self.max_deliveries))
            && !self.lender.facts.are_many()
    }

    /// The consumer whose turn it is: the front of the highest ring with credit. It goes to the back.
    fn next_consumer(&mut self) -> Option<Next> {
        let Dispatcher { consumers, pools, connections, .. } = self;
        let has_credit =
            |consumer: Option<&Consumer>| consumer.is_some_and(|it| it.has_credit(pools, connections));
        let waiting = &mut self.lender.queue.consumers;
        if let Some(slot) = waiting.active {
            let serves = !waiting.held && has_credit(consumers.at(slot));
            return serves.then_some(Next { slot, alone: true });
        }
        for ring in &mut waiting.rings {
            while let Some(slot) = ring.members.front().copied() {
                if has_credit(consumers.at(slot)) {
                    let alone = ring.members.len() == 1;
                    if !alone {
                        ring.members.rotate_left(1);
                    }
                    return Some(Next { slot, alone });
                }
                ring.members.pop_front();
                if let Some(consumer) = consumers.at_mut(slot) {
                    consumer.in_ring = false;
                }
            }
        }
        None
    }

    /// Delivers the next message to a consumer, or as many as may follow it, and uses its credit.
    fn deliver_to(&mut self, next: &Next) {
        let Some((generation, consumer)) = self.consumers.entry_mut(next.slot) else { return };
        let Consumer { no_ack, pool, timeout_ms, connection, credit, .. } = *consumer;
        let consumer = ConsumerId { slot: next.slot, generation };
        let holder = Holder { consumer, no_ack, pool, timeout_ms, receipt_until: None };
        let of_pool = pool.and_then(|pool| self.pools.get(pool.slot, pool.generation));
        let of_pool = of_pool.map_or(i64::MAX, |pool| pool.limit - pool.used);
        let Some((messages, bytes)) = self.connections.at(connection).map(|it| (it.messages, it.bytes))
        else {
            return;
        };
        let most = match (next.alone, no_ack) {
            (false, _) => 1,
            (true, true) => messages,
            (true, false) => messages.min(credit).min(of_pool),
        };
        let (mut count, mut left) = (0, bytes);
        while let Some(entry) = self.lender.queue.ready.pop_front(!no_ack) {
            let delivery = self.lender.hand_out(entry, &holder);
            if let Some(found) = self.connections.at_mut(connection) {
                found.effects.push(Effect::Deliver(delivery));
            }
            count += 1;
            left -= i64::from(entry.size);
            if count >= most || left <= 0 || !self.goes_on() {
                break;
            }
        }
        self.use_credit(&holder, connection, count, bytes - left);
    }

    /// So many messages with so many bytes are on their way to a consumer by its connection.
    fn use_credit(&mut self, holder: &Holder, connection: u32, count: i64, bytes: i64) {
        if let Some(found) = self.connections.at_mut(connection) {
            found.messages -= count;
            found.bytes -= bytes;
            if !found.dirty {
                found.dirty = true;
                self.dirty_connections.push(connection);
            }
        }
        if holder.no_ack {
            return;
        }
        if let Some(consumer) = self.consumers.at_mut(holder.consumer.slot) {
            consumer.leased += count as u32;
            if consumer.credit != i64::MAX {
                consumer.credit -= count;
            }
        }
        if let Some(pool) = holder.pool.and_then(|pool| self.pools.get_mut(pool.slot, pool.generation)) {
            pool.used += count;
        }
    }
}
