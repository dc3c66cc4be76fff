//! Credit: how many deliveries a consumer, a channel or a connection may have outstanding.
//!
//! A consumer is in its queue's ring while all of its credits last. Whatever gives credit back puts it in again.

use super::Consumer;
use crate::limits::{CONNECTION_WINDOW_BYTES, CONNECTION_WINDOW_MESSAGES};
use crate::shard::Shard;
use crate::shard::effect::Effect;
use crate::shard::slots::Slots;
use crate::{ConnectionId, ConsumerId};

/// A credit that the consumers of a channel have in common (AMQP `basic.qos` with `global`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolId {
    pub(in crate::shard) slot: u32,
    pub(in crate::shard) generation: u32,
}

/// The common credit of a channel.
#[derive(Debug)]
pub(in crate::shard) struct Pool {
    pub(in crate::shard) limit: i64,
    pub(in crate::shard) used: i64,
    pub(in crate::shard) members: Vec<u32>,
}

/// A connection as the shard sees it: a window of deliveries that it has not yet written out, so that one
/// that stops reading costs a bounded amount of memory; and the effects of the turn.
#[derive(Debug)]
pub(in crate::shard) struct Connection {
    pub(in crate::shard) id: ConnectionId,
    pub(in crate::shard) messages: i64,
    pub(in crate::shard) bytes: i64,
    pub(in crate::shard) members: Vec<u32>,
    pub(in crate::shard) effects: Vec<Effect>,
    pub(in crate::shard) dirty: bool,
    /// The queue it waits for with a receive, and the receive's ticket.
    pub(in crate::shard) waits: Option<(u32, u64)>,
}

impl Connection {
    pub(in crate::shard) fn new(id: ConnectionId) -> Connection {
        Connection {
            id,
            messages: CONNECTION_WINDOW_MESSAGES,
            bytes: CONNECTION_WINDOW_BYTES,
            members: Vec::new(),
            effects: Vec::new(),
            dirty: false,
            waits: None,
        }
    }

    fn open(&self) -> bool {
        self.messages > 0 && self.bytes > 0
    }
}

impl Shard {
    /// Makes a common credit of `limit` unacked deliveries; 0 is no limit.
    pub fn open_pool(&mut self, limit: u16) -> PoolId {
        let (slot, generation) =
            self.pools.insert(Pool { limit: pool_limit(limit), used: 0, members: Vec::new() });
        PoolId { slot, generation }
    }

    /// Changes the limit of a common credit, for the consumers that share it already too.
    pub fn resize_pool(&mut self, pool: PoolId, limit: u16) {
        let Some(found) = self.pools.get_mut(pool.slot, pool.generation) else { return };
        found.limit = pool_limit(limit);
        self.wake_pool(pool);
    }

    /// Lets consumers that are there already share a common credit. What they hold counts, so that it may be used up at
    /// once (RabbitMQ begins with the unacked deliveries of the channel, too). Ids of consumers that are gone are
    /// passed over, and so are those that share one already.
    pub fn join_pool(&mut self, pool: PoolId, consumers: &[ConsumerId]) {
        let Shard { pools, consumers: all, leases, .. } = self;
        let Some(found) = pools.get_mut(pool.slot, pool.generation) else { return };
        for id in consumers {
            if let Some(consumer) = all.get_mut(id.slot, id.generation).filter(|it| it.pool.is_none()) {
                consumer.pool = Some(pool);
                found.members.push(id.slot);
            }
        }
        for lease in leases.iter_mut().filter(|lease| lease.pool.is_none()) {
            let ConsumerId { slot, generation } = lease.consumer;
            if all.get(slot, generation).is_some_and(|consumer| consumer.pool == Some(pool)) {
                lease.pool = Some(pool);
                found.used += 1;
            }
        }
    }

    /// Forgets a common credit; its channel is gone, and with it its consumers.
    pub fn close_pool(&mut self, pool: PoolId) {
        self.pools.remove(pool.slot, pool.generation);
    }

    /// The connection has written out `messages` deliveries of `bytes` body bytes in all.
    pub fn written(&mut self, connection: ConnectionId, messages: u64, bytes: u64) {
        let Some(slot) = self.connection_index.get(&connection).copied() else { return };
        let Some(found) = self.connections.at_mut(slot) else { return };
        let was_open = found.open();
        found.messages += messages as i64;
        found.bytes += bytes as i64;
        if !was_open && found.open() {
            let members = std::mem::take(&mut found.members);
            members.iter().for_each(|member| self.wake_consumer(*member));
            if let Some(found) = self.connections.at_mut(slot) {
                found.members = members;
            }
        }
    }

    /// A common credit lasts again: its consumers go on.
    pub(in crate::shard) fn wake_pool(&mut self, pool: PoolId) {
        let Some(found) = self.pools.get_mut(pool.slot, pool.generation) else { return };
        let members = std::mem::take(&mut found.members);
        members.iter().for_each(|member| self.wake_consumer(*member));
        if let Some(found) = self.pools.get_mut(pool.slot, pool.generation) {
            found.members = members;
        }
    }

    /// Puts a consumer with credit back into its ring, and its queue on the list of the turn.
    pub(in crate::shard) fn wake_consumer(&mut self, slot: u32) {
        let Some(consumer) = self.consumers.at_mut(slot) else { return };
        if !consumer.has_credit(&self.pools, &self.connections) {
            return;
        }
        let queue = consumer.queue;
        if !consumer.in_ring {
            consumer.in_ring = true;
            if let Some(found) = self.queues.at_mut(queue) {
                found.consumers.enter_ring(slot, consumer.priority);
            }
        }
        self.mark_dirty(queue);
    }
}

impl Consumer {
    /// Whether every credit of the consumer lasts for one more delivery.
    pub(super) fn has_credit(&self, pools: &Slots<Pool>, connections: &Slots<Connection>) -> bool {
        let pool = self.pool.and_then(|pool| pools.get(pool.slot, pool.generation));
        self.credit > 0
            && pool.is_none_or(|pool| pool.used < pool.limit)
            && connections.at(self.connection).is_some_and(Connection::open)
    }
}

fn pool_limit(limit: u16) -> i64 {
    if limit == 0 { i64::MAX } else { i64::from(limit) }
}
