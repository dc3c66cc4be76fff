//! Consumers come and go; on a queue with a single active consumer, one of them is chosen.

use super::super::Shard;
use super::{Connection, Consumer, PoolId};
use crate::shard::effect::{CancelReason, Effect, SystemEffect};
use crate::{Cause, ConnectionId, ConsumerId, QueueId, Refusal};

/// What a consumer asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// The queue.
    pub queue: QueueId,
    /// The connection that gets the deliveries.
    pub connection: ConnectionId,
    /// Deliveries need no ack: they are settled as they are made.
    pub no_ack: bool,
    /// No other consumer may be on the queue.
    pub exclusive: bool,
    /// Consumers of higher priority are served first while they have credit (`x-priority`).
    pub priority: i32,
    /// Unacked deliveries at most; 0 is no limit.
    pub prefetch: u16,
    /// The credit it shares with the other consumers of its channel.
    pub pool: Option<PoolId>,
    /// How long it may hold a delivery, in milliseconds; `None` leaves it to the queue.
    pub timeout_ms: Option<u64>,
}

/// A consumer as an operator sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConsumerInfo {
    /// Its id.
    pub id: ConsumerId,
    /// Its connection.
    pub connection: ConnectionId,
    /// It gets messages now (false for one that waits behind a single active consumer).
    pub active: bool,
    /// Leases it holds.
    pub leased: u32,
}

impl Shard {
    /// Adds a consumer; it gets messages from the end of this turn on.
    ///
    /// # Errors
    /// [`Cause::NotFound`] for an unknown queue; [`Cause::AccessRefused`] when an exclusive consumer is there,
    /// or this one wants to be exclusive and is not the first.
    pub fn subscribe(&mut self, subscription: &Subscription) -> Result<ConsumerId, Refusal> {
        let queue = self.slot_of(subscription.queue)?;
        let connection = self.attach(subscription.connection);
        let Some(found) = self.queues.at_mut(queue) else { return Err(Refusal::not_found("no such queue")) };
        let consumers = &mut found.consumers;
        if consumers.exclusive || (subscription.exclusive && consumers.len() > 0) {
            return Err(Refusal::new(Cause::AccessRefused, "in exclusive use"));
        }
        consumers.exclusive = subscription.exclusive;
        found.used_at = self.now;
        let (slot, generation) = self.consumers.insert(Consumer {
            queue,
            connection,
            pool: subscription.pool,
            priority: subscription.priority,
            no_ack: subscription.no_ack,
            credit: if subscription.prefetch == 0 { i64::MAX } else { i64::from(subscription.prefetch) },
            leased: 0,
            timeout_ms: subscription.timeout_ms,
            in_ring: false,
        });
        found.consumers.all.push(slot);
        if let Some(found) = self.connections.at_mut(connection) {
            found.members.push(slot);
        }
        if let Some(found) = subscription.pool.and_then(|pool| self.pools.get_mut(pool.slot, pool.generation))
        {
            found.members.push(slot);
        }
        self.wake_consumer(slot);
        self.mark_dirty(queue);
        Ok(ConsumerId { slot, generation })
    }

    /// Removes a consumer. Its leases stay with its channel until they are settled (AMQP `basic.cancel`).
    /// An unknown id is a no-op.
    pub fn unsubscribe(&mut self, id: ConsumerId) {
        let Some(consumer) = self.consumers.remove(id.slot, id.generation) else { return };
        if let Some(connection) = self.connections.at_mut(consumer.connection) {
            connection.members.retain(|member| *member != id.slot);
        }
        if let Some(pool) = consumer.pool.and_then(|pool| self.pools.get_mut(pool.slot, pool.generation)) {
            pool.members.retain(|member| *member != id.slot);
        }
        let now = self.now;
        let Some(queue) = self.queues.at_mut(consumer.queue) else { return };
        queue.consumers.forget(id.slot);
        queue.used_at = now;
        if queue.settings.auto_delete && queue.consumers.len() == 0 {
            self.system.push(SystemEffect::QueueUnused { queue: queue.id });
        }
        self.mark_dirty(consumer.queue);
    }

    /// The connection is gone: its consumers with it. Its leases were settled by its door before.
    pub fn detach(&mut self, connection: ConnectionId) {
        self.stop_waiting(connection);
        let Some(slot) = self.connection_index.remove(&connection) else { return };
        let members = self.connections.at(slot).map(|found| found.members.clone()).unwrap_or_default();
        for member in members {
            if let Some(generation) = self.consumers.generation(member) {
                self.unsubscribe(ConsumerId { slot: member, generation });
            }
        }
        if let Some(generation) = self.connections.generation(slot) {
            self.connections.remove(slot, generation);
        }
    }

    /// The consumers of a queue, in the order in which they came.
    pub fn consumers_of(&self, queue: QueueId) -> Vec<ConsumerInfo> {
        let Some(found) = self.queue_index.get(&queue).and_then(|slot| self.queues.at(*slot)) else {
            return Vec::new();
        };
        let info = |slot: &u32| {
            let consumer = self.consumers.at(*slot)?;
            let generation = self.consumers.generation(*slot)?;
            Some(ConsumerInfo {
                id: ConsumerId { slot: *slot, generation },
                connection: self.connections.at(consumer.connection)?.id,
                active: found.consumers.active.is_none_or(|active| active == *slot),
                leased: consumer.leased,
            })
        };
        found.consumers.all.iter().filter_map(info).collect()
    }

    /// Tells the consumers of a queue that it is gone, and forgets them.
    pub(in crate::shard) fn cancel_consumers(&mut self, queue: u32) {
        let members = self.queues.at(queue).map(|found| found.consumers.all.clone()).unwrap_or_default();
        for slot in members {
            let Some(generation) = self.consumers.generation(slot) else { continue };
            let consumer = ConsumerId { slot, generation };
            if let Some(connection) = self.consumers.at(slot).map(|found| found.connection) {
                let reason = CancelReason::QueueDeleted;
                self.effect(connection, Effect::ConsumerCancelled { consumer, reason });
            }
            self.unsubscribe(consumer);
        }
    }

    /// Chooses the single active consumer: the first that came; on a quorum queue one of higher priority
    /// takes over, but not before the one in its way holds nothing.
    pub(in crate::shard) fn choose_active(&mut self, queue: u32) {
        let Shard { queues, consumers, .. } = self;
        let Some(found) = queues.at_mut(queue).filter(|found| found.settings.single_active_consumer) else {
            return;
        };
        let by_priority = found.settings.active_by_priority;
        let priority_of = |slot: u32| consumers.at(slot).map_or(i32::MIN, |consumer| consumer.priority);
        let beats = |slot: u32, other: u32| by_priority && priority_of(slot) > priority_of(other);
        // The first that came goes before its equals.
        let best = found.consumers.all.iter().copied().reduce(|a, b| if beats(b, a) { b } else { a });
        let successor = match (found.consumers.active, best) {
            (Some(active), Some(best)) if beats(best, active) => Some(best),
            (Some(_), _) => None,
            (None, best) => best,
        };
        found.consumers.held = successor.is_some()
            && found.consumers.active.and_then(|active| consumers.at(active)).is_some_and(|it| it.leased > 0);
        if successor.is_some() && !found.consumers.held {
            found.consumers.active = successor;
        }
    }

    /// The shard's slot for a connection, made at its first consumer here.
    pub(super) fn attach(&mut self, connection: ConnectionId) -> u32 {
        if let Some(slot) = self.connection_index.get(&connection) {
            return *slot;
        }
        let (slot, _) = self.connections.insert(Connection::new(connection));
        self.connection_index.insert(connection, slot);
        slot
    }
}
