//! The names by which the engine and its doors speak of things. All are small and `Copy`; none is a bare integer.

use std::fmt;
use std::time::Duration;

/// A point in time in milliseconds since the Unix epoch. It always comes in from outside the core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Time {
    /// The point `ms` milliseconds later; stays at the end of time instead of wrapping.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Time {
        Time(self.0.saturating_add(ms))
    }

    /// How long from `self` until `later`; zero when that has passed.
    pub fn until(self, later: Time) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }
}

/// A queue for all its life, never used again after it: the upper 16 bits are the shard that owns it,
/// so that whoever holds the id knows whom to ask.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QueueId(pub u64);

impl QueueId {
    /// The id of the `serial`th queue of the broker, owned by `shard`. `serial` must stay below 2^48.
    pub fn new(shard: ShardIndex, serial: u64) -> QueueId {
        debug_assert!(serial < 1 << 48, "a broker makes fewer than 2^48 queues");
        QueueId(u64::from(shard.0) << 48 | serial)
    }

    /// The shard that owns the queue.
    pub fn shard(self) -> ShardIndex {
        ShardIndex((self.0 >> 48) as u16)
    }
}

/// Which of the broker's engines, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ShardIndex(pub u16);

/// A connection in the eyes of every shard: the server numbers its connections and never uses a number again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId(pub u64);

/// A consumer of one shard: a slot and the slot's generation, so that a stale id finds nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConsumerId {
    /// Index into the shard's consumers.
    pub slot: u32,
    /// Counts the uses of the slot.
    pub generation: u32,
}

/// A lease of one shard: a slot and the slot's generation, so that a late settle finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LeaseId {
    /// Index into the shard's leases.
    pub slot: u32,
    /// Counts the uses of the slot.
    pub generation: u32,
}

impl LeaseId {
    /// The lease of a delivery that was settled as it was made (no-ack).
    pub const NONE: LeaseId = LeaseId { slot: u32::MAX, generation: u32::MAX };
}

/// A message's id at the doors that give every message one: a UUID, which AMQP carries as `message-id`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MessageId(pub u128);

impl MessageId {
    /// A random id (UUID version 4) from 128 random bits.
    pub fn random(bits: u128) -> MessageId {
        const VERSION: u128 = 0x4 << 76;
        const VARIANT: u128 = 0x2 << 62;
        MessageId(bits & !(0xf << 76) & !(0x3 << 62) | VERSION | VARIANT)
    }

    /// The id of a message that came without one: it says where the message was stored, so it stays the same (UUID
    /// version 8).
    pub fn of_position(shard: ShardIndex, position: leveret_log::Position) -> MessageId {
        const VERSION: u128 = 0x8 << 76;
        const VARIANT: u128 = 0x2 << 62;
        let (high, low) = (position.0 >> 32, position.0 & 0xffff_ffff);
        MessageId(u128::from(shard.0) << 112 | u128::from(high) << 80 | VERSION | VARIANT | u128::from(low))
    }

    /// Reads an id as [`MessageId`] is displayed, in either case of letters.
    pub fn parse(text: &str) -> Option<MessageId> {
        let bytes = text.as_bytes();
        let dashes = bytes.len() == 36 && [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-');
        let digits: String = dashes.then(|| text.chars().filter(|digit| *digit != '-').collect())?;
        let whole = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        whole.then(|| u128::from_str_radix(&digits, 16).ok().map(MessageId))?
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0;
        let (a, b, c) = ((id >> 96) as u32, (id >> 80) as u16, (id >> 64) as u16);
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", (id >> 48) as u16, id & 0xffff_ffff_ffff)
    }
}

/// A log of the broker: the catalog's, or that of one shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LogId {
    /// The log of vhosts, users, exchanges, queues, bindings and policies.
    Catalog,
    /// The log of one shard's messages.
    Shard(ShardIndex),
}

/// What a promise waits for: that this log is durable up to (not including) this position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// Which log.
    pub log: LogId,
    /// The position that must be durable: the end of the record that carries the promise.
    pub position: leveret_log::Position,
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shard().0, self.0 & 0xffff_ffff_ffff)
    }
}
