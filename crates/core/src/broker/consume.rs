//! Consume, get and settle: a session's side of the leases.

use super::declare::REPLY_QUEUE;
use super::{Access, Session};
use crate::catalog::DestinationKind;
use crate::shard::{Delivery, PoolId, Settle, Subscription};
use crate::{Cause, ConsumerId, LeaseId, QueueId, Refusal};

/// What a client asks for with `basic.consume`.
#[derive(Clone, Copy, Debug)]
pub struct Consume<'a> {
    /// The queue's name.
    pub queue: &'a str,
    /// Deliveries need no ack.
    pub no_ack: bool,
    /// No other consumer may be on the queue.
    pub exclusive: bool,
    /// Unacked deliveries at most; 0 is no limit.
    pub prefetch: u16,
    /// The channel's common credit in the queue's shard; see [`Session::shard_of`].
    pub pool: Option<PoolId>,
    /// `x-priority`.
    pub priority: i32,
    /// `x-consumer-timeout` of the consumer, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// A consumer that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Consuming {
    /// Its id, in the shard of its queue.
    pub consumer: ConsumerId,
    /// Its queue.
    pub queue: QueueId,
}

impl Session {
    /// The queue of a name, for a channel that needs its shard's credit before it consumes.
    ///
    /// # Errors
    /// [`Cause::NotFound`], or [`Cause::ResourceLocked`] for another connection's exclusive queue.
    pub fn find_queue<A: Access>(&self, access: &A, name: &str) -> Result<QueueId, Refusal> {
        Ok(access.catalog().usable_queue(self.caller(), &self.vhost, name)?.id)
    }

    /// Starts a consumer. Deliveries come as effects from the end of this turn on.
    ///
    /// # Errors
    /// As [`Session::find_queue`], and [`Cause::AccessRefused`] without read permission or when an exclusive
    /// consumer stands against it.
    pub fn consume<A: Access>(
        &mut self,
        access: &mut A,
        consume: &Consume<'_>,
    ) -> Result<Consuming, Refusal> {
        let catalog = access.catalog();
        // Whoever may log in may be answered; the queue of its answers is its own.
        if !consume.queue.starts_with(REPLY_QUEUE) {
            catalog.may_read(&self.user, &self.vhost, DestinationKind::Queue, consume.queue)?;
        }
        let queue = self.find_queue(access, consume.queue)?;
        let in_use = || {
            Refusal::access(format!("queue '{}' in vhost '{}' in exclusive use", consume.queue, self.vhost))
        };
        // A single active consumer and an exclusive one exclude each other (RabbitMQ's rule).
        let single = catalog.queue_by_id(queue).is_some_and(|queue| queue.settings.single_active_consumer);
        if consume.exclusive && single {
            return Err(in_use());
        }
        let subscription = Subscription {
            queue,
            connection: self.connection,
            no_ack: consume.no_ack,
            exclusive: consume.exclusive,
            priority: consume.priority,
            prefetch: consume.prefetch,
            pool: consume.pool,
            timeout_ms: consume.timeout_ms,
        };
        match access.shard(queue.shard()).subscribe(&subscription) {
            Ok(consumer) => Ok(Consuming { consumer, queue }),
            Err(refusal) if refusal.cause == Cause::AccessRefused => Err(in_use()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Ends a consumer; its leases stay until they are settled.
    pub fn cancel<A: Access>(&mut self, access: &mut A, consuming: Consuming) {
        access.shard(consuming.queue.shard()).unsubscribe(consuming.consumer);
    }

    /// Fetches one message. The second part of the answer is how many ready messages are left.
    ///
    /// # Errors
    /// As [`Session::find_queue`]; [`Cause::AccessRefused`] without read permission; [`Cause::ResourceLocked`] on
    /// a queue with a single active consumer (RabbitMQ: 405).
    pub fn get<A: Access>(
        &mut self,
        access: &mut A,
        name: &str,
        no_ack: bool,
    ) -> Result<Option<(Delivery, u64)>, Refusal> {
        let catalog = access.catalog();
        catalog.may_read(&self.user, &self.vhost, DestinationKind::Queue, name)?;
        let queue = self.find_queue(access, name)?;
        if catalog.queue_by_id(queue).is_some_and(|queue| queue.settings.single_active_consumer) {
            return Err(Refusal::new(
                Cause::ResourceLocked,
                format!("basic.get is not allowed on queue '{name}' with a single active consumer"),
            ));
        }
        Ok(access.shard(queue.shard()).get(queue, no_ack))
    }

    /// Ends a lease. `false` when it had ended before: at its deadline, or with its queue.
    pub fn settle<A: Access>(&mut self, access: &mut A, queue: QueueId, lease: LeaseId, how: Settle) -> bool {
        access.shard(queue.shard()).settle(lease, how)
    }

    /// Ends leases whose work is done, each with its queue, in their order. Those that had ended are passed over.
    #[inline]
    pub fn settle_done<A: Access>(&mut self, access: &mut A, leases: &[(QueueId, LeaseId)]) {
        for leases in leases.chunk_by(|(a, _), (b, _)| a.shard() == b.shard()) {
            if let Some((queue, _)) = leases.first() {
                access.shard(queue.shard()).settle_done(leases.iter().map(|(_, lease)| *lease));
            }
        }
    }
}
