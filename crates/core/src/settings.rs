//! How one queue behaves: the effective settings, after arguments, policies and operator policies are merged.
//! The catalog computes them; the shard obeys them. Neither reads the other's state.

use crate::Time;
use std::sync::Arc;

/// The settings of a queue, in effect.
#[derive(Clone, PartialEq, Debug)]
pub struct QueueSettings {
    /// Survives a restart of the broker, and so do its messages.
    pub durable: bool,
    /// `x-message-ttl`, in milliseconds.
    pub message_ttl_ms: Option<u64>,
    /// `x-expires`, in milliseconds: an unused queue is deleted after so long.
    pub expires_ms: Option<u64>,
    /// `x-max-length`: ready messages.
    pub max_length: Option<u64>,
    /// `x-max-length-bytes`: bytes of the bodies of ready messages.
    pub max_length_bytes: Option<u64>,
    /// `x-overflow`: what happens beyond either length limit.
    pub overflow: Overflow,
    /// Where dead messages go; `None` drops them (or parks them, at the delivery limit).
    pub dead_letter: Option<DeadLetterTarget>,
    /// `x-delivery-limit`: failed deliveries before a message is dead; `None` is no limit (-1).
    pub delivery_limit: Option<u32>,
    /// `x-max-priority`: 0 for a queue without priorities; higher priorities are capped at it.
    pub max_priority: u8,
    /// The priority of a message that names none.
    pub default_priority: u8,
    /// `x-single-active-consumer`.
    pub single_active_consumer: bool,
    /// Quorum queues: a single active consumer gives way to one of higher priority.
    pub active_by_priority: bool,
    /// `x-consumer-timeout`, in milliseconds: how long a delivery may stay unacked.
    pub consumer_timeout_ms: Option<u64>,
    /// `x-groups`: messages with the header `x-group-key` are held one at a time per group, in order.
    pub groups: bool,
    /// `x-delayed-retry-*`: how long a message that comes back waits.
    pub delayed_retry: Option<DelayedRetry>,
    /// Deleted when its last consumer goes.
    pub auto_delete: bool,
    /// How long a receive holds a message that says nothing itself, in milliseconds (SQS `VisibilityTimeout`).
    pub visibility_timeout_ms: u64,
    /// How long a new message waits before it is ready (SQS `DelaySeconds`).
    pub delay: Period,
    /// How long a message is kept after it was sent (SQS `MessageRetentionPeriod`).
    pub retention: Option<Period>,
    /// Where messages go that were received too often (SQS `RedrivePolicy`).
    pub redrive: Option<Redrive>,
    /// Messages with a group stand behind those of groups that hold less of the consumers' time (SQS's fair queues).
    pub fair: bool,
    /// Duplicates of a message are known for a while and not stored (SQS's FIFO queues).
    pub deduplicate: Option<DeduplicationScope>,
}

/// How long an SQS queue leaves a message for a consumer that received it, unless something else is said: 30 s.
pub const DEFAULT_VISIBILITY_TIMEOUT_MS: u64 = 30_000;

/// A time that a queue gives its messages, counted from when they were sent. It may change, also for messages that are
/// there: what ends with it is stored as if the period were still the first one, so that a change reaches every message
/// at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Period {
    /// The period now, in milliseconds.
    pub ms: u64,
    /// The period that the queue began with, or that of now where a change is for messages to come.
    pub first_ms: u64,
}

impl Period {
    /// A period whose changes are for messages to come.
    pub fn constant(ms: u64) -> Period {
        Period { ms, first_ms: ms }
    }

    /// How a queue stores the time at which something ends: as it would be under the period that the queue began with.
    pub(crate) fn stored(self, end: Time) -> Time {
        Time(end.plus_ms(self.first_ms).0.saturating_sub(self.ms))
    }

    /// The time that a queue has stored so.
    pub(crate) fn end(self, stored: Time) -> Time {
        Time(stored.plus_ms(self.ms).0.saturating_sub(self.first_ms))
    }
}

/// Where messages go that were received too often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redrive {
    /// The dead-letter queue's name, in the same vhost.
    pub queue: Arc<str>,
    /// A message that was received so often goes there instead of being received once more.
    pub max_receives: u32,
}

/// Among which messages one counts as another's duplicate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeduplicationScope {
    /// All of the queue's.
    Queue,
    /// Those of its group.
    Group,
}

/// The limit of failed deliveries of a queue that says nothing else (promise 4 of the design, RabbitMQ's
/// quorum queues since 4.0).
pub const DEFAULT_DELIVERY_LIMIT: u32 = 20;

impl Default for QueueSettings {
    fn default() -> QueueSettings {
        QueueSettings {
            durable: true,
            message_ttl_ms: None,
            expires_ms: None,
            max_length: None,
            max_length_bytes: None,
            overflow: Overflow::DropHead,
            dead_letter: None,
            delivery_limit: Some(DEFAULT_DELIVERY_LIMIT),
            max_priority: 0,
            default_priority: 0,
            single_active_consumer: false,
            active_by_priority: false,
            consumer_timeout_ms: None,
            groups: false,
            delayed_retry: None,
            auto_delete: false,
            visibility_timeout_ms: DEFAULT_VISIBILITY_TIMEOUT_MS,
            delay: Period::default(),
            retention: None,
            redrive: None,
            fair: false,
            deduplicate: None,
        }
    }
}

/// What a full queue does with one message too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overflow {
    /// Drops or dead-letters from the head.
    DropHead,
    /// Refuses the new message; its publisher gets a nack.
    RejectPublish,
    /// Refuses the new message and dead-letters it.
    RejectPublishDlx,
}

/// Where a queue's dead messages go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetterTarget {
    /// `x-dead-letter-exchange`; empty is the default exchange.
    pub exchange: Arc<str>,
    /// `x-dead-letter-routing-key`; `None` keeps the message's own routing keys.
    pub routing_key: Option<Arc<str>>,
    /// `x-dead-letter-strategy: at-least-once`: what finds no target stays at the source and is tried again.
    pub at_least_once: bool,
}

/// RabbitMQ 4.3's delayed retry of quorum queues: `min(min_ms * delivery count, max_ms)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DelayedRetry {
    /// Which returns are delayed.
    pub on: RetryOn,
    /// `x-delayed-retry-min`.
    pub min_ms: u64,
    /// `x-delayed-retry-max`.
    pub max_ms: u64,
}

/// Which returned messages wait before they are ready again (`x-delayed-retry-type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryOn {
    /// Every message that comes back.
    All,
    /// Those whose delivery failed (reject, lost connection, expired lease).
    Failed,
    /// Those that a consumer gave back (nack with requeue).
    Returned,
}
