//! What a turn of a shard asks the world to do.

use crate::{ConsumerId, LeaseId, QueueId, Time};
use leveret_log::Position;

/// An effect for one connection. A turn yields one batch of them per connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Send this message to this consumer.
    Deliver(Delivery),
    /// The consumer is gone: its queue was deleted, or its lease timed out (RabbitMQ 4.3's consumer timeout).
    ConsumerCancelled {
        /// Which consumer.
        consumer: ConsumerId,
        /// Why.
        reason: CancelReason,
    },
    /// There may be a message for a receive that waits ([`Shard::wait`](super::Shard::wait)); or the queue is gone.
    Available {
        /// The queue.
        queue: QueueId,
    },
    /// The lease ended at its deadline and the message went back: a later settle of it is a no-op.
    LeaseExpired {
        /// The lease that is no more.
        lease: LeaseId,
        /// The consumer that held it.
        consumer: ConsumerId,
    },
}

/// Why a consumer was cancelled from the broker's side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CancelReason {
    /// Its queue was deleted.
    QueueDeleted,
    /// It held a delivery for longer than the consumer timeout.
    Timeout,
}

/// A message on its way to a consumer. It holds positions, never bytes: the connection reads them from the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// Who gets it. Meaningless (slot `u32::MAX`) for a `get`.
    pub consumer: ConsumerId,
    /// By which it is settled; [`LeaseId::NONE`] for a no-ack consumer.
    pub lease: LeaseId,
    /// The queue it comes from.
    pub queue: QueueId,
    /// The message's identity: where it was first appended. It orders the queue.
    pub position: Position,
    /// Where its bytes are now.
    pub location: Position,
    /// Bytes of its body.
    pub size: u32,
    /// Failed deliveries before this one (AMQP `x-delivery-count`).
    pub failures: u16,
    /// Deliveries before this one (AMQP `x-acquired-count`; SQS's receive count is one more).
    pub acquired: u16,
    /// It may have been seen by a consumer before.
    pub redelivered: bool,
}

/// An effect for the broker itself rather than for a client.
#[derive(Clone, PartialEq, Debug)]
pub enum SystemEffect {
    /// A page of a deep queue is needed: read the record at `location` and give it to `Shard::page_loaded`.
    LoadPage {
        /// The queue and the priority level whose page it is.
        queue: QueueId,
        /// The priority level.
        level: u8,
        /// Where the page's record is.
        location: Position,
    },
    /// A message is dead: route it to the queue's dead-letter target, then call `Shard::transferred`.
    DeadLetter(DeadLetter),
    /// The last consumer of an auto-delete queue is gone, or the queue's `x-expires` has passed: delete it.
    QueueUnused {
        /// Which queue.
        queue: QueueId,
    },
}

/// One dead message, kept at its source until the target has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// The queue in which it died.
    pub queue: QueueId,
    /// Its identity.
    pub position: Position,
    /// Where its bytes are.
    pub location: Position,
    /// Why it died.
    pub reason: DeadReason,
    /// When it died.
    pub at: Time,
    /// Failed deliveries in the queue it died in.
    pub failures: u16,
}

/// Why a message died; the names are those of AMQP's `x-death` header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeadReason {
    /// A consumer rejected it for good.
    Rejected,
    /// Its time to live passed.
    Expired,
    /// The queue was full.
    MaxLength,
    /// Its deliveries failed too often.
    DeliveryLimit,
}

impl DeadReason {
    /// The word in `x-death`.
    pub fn name(self) -> &'static str {
        match self {
            DeadReason::Rejected => "rejected",
            DeadReason::Expired => "expired",
            DeadReason::MaxLength => "maxlen",
            DeadReason::DeliveryLimit => "delivery_limit",
        }
    }
}
