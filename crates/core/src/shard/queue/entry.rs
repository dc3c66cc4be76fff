//! What a queue remembers of one message: 48 bytes, never the message itself.

use crate::Time;
use leveret_log::Position;

/// One message in one queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::shard) struct Entry {
    /// Where the message was first appended: its identity in this queue and its place in the order.
    pub(in crate::shard) position: Position,
    /// When it expires; [`Entry::NEVER`] if it does not.
    pub(in crate::shard) expires_at: Time,
    /// When it was first received under a receipt; [`Entry::NOT_RECEIVED`] if it was not.
    pub(in crate::shard) first_received: Time,
    /// The hash of its group key; 0 for none.
    pub(in crate::shard) group: u64,
    /// Bytes of its body.
    pub(in crate::shard) size: u32,
    /// This queue's part of the record's bytes: the record's length over the number of its targets.
    pub(in crate::shard) charge: u32,
    /// Failed deliveries.
    pub(in crate::shard) failures: u16,
    /// Deliveries.
    pub(in crate::shard) acquired: u16,
    /// Its priority level.
    pub(in crate::shard) level: u8,
}

impl Entry {
    /// The expiry of a message that does not expire.
    pub(in crate::shard) const NEVER: Time = Time(u64::MAX);

    /// No consumer has received it yet.
    pub(in crate::shard) const NOT_RECEIVED: Time = Time(0);

    /// Counts a delivery; the counters stay at their maximum instead of wrapping.
    pub(in crate::shard) fn count_delivery(&mut self) {
        self.acquired = self.acquired.saturating_add(1);
    }

    /// Counts a failed delivery.
    pub(in crate::shard) fn count_failure(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether its time to live has passed. A message with none left may still be delivered in the turn
    /// that stored it (RabbitMQ: a TTL of 0 expires a message unless it can be delivered at once).
    /// `horizon` is the queue's ([`Queue::horizon`](super::Queue::horizon)).
    pub(in crate::shard) fn expired(&self, horizon: Time) -> bool {
        self.expires_at < horizon
    }

    /// Whether somebody who asks for a message may get this one: it has not expired and was not delivered as often as the
    /// redrive allows.
    pub(in crate::shard) fn may_go_out(&self, horizon: Time, max_deliveries: u32) -> bool {
        !self.expired(horizon) && u32::from(self.acquired) < max_deliveries
    }
}
