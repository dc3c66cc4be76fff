//! The stored form of a message: what the log holds and what a door sends on.
//!
//! The payload of a MESSAGE record, little-endian (docs/log-format.md has the table):
//! a fixed head of [`HEAD_BYTES`], one queue id per target, then, where the flags say so, one expiry per
//! target, one delivery time per target, the group, and what duplicates are known by; then exchange, routing key, properties (as an AMQP content
//! header carries them) and the body. A MOVED record holds the same behind its own 16 bytes.

use crate::{QueueId, Time};
use std::fmt;

/// Record kind: a message, where it was first appended.
pub const MESSAGE: u8 = 16;
/// Record kind: a message that was copied out of a sparse segment.
pub const MOVED: u8 = 17;

/// The header of a deduplication id, by which a door that has such ids sends a message and shows it.
pub const DEDUPLICATION_HEADER: &str = "x-deduplication-id";

/// Bytes of the fixed head of a stored message.
pub const HEAD_BYTES: usize = 24;
/// Bytes in front of the message in a MOVED record: original position and number of holders.
pub const MOVED_BYTES: usize = 16;

const PERSISTENT: u8 = 1;
const EXPIRES: u8 = 2;
const DELAYED: u8 = 4;
const GROUPED: u8 = 8;
const PRIORITY: u8 = 16;
const DEDUPLICATED: u8 = 32;

/// Marks a queue id in a stored message as one that refused it. Shard numbers stay below 2^15.
const REFUSED: u64 = 1 << 63;

/// A message as a publisher hands it in. The strings and properties were checked at the door.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage<'a> {
    /// The exchange it was published to; at most 255 bytes.
    pub exchange: &'a str,
    /// Its routing key; at most 255 bytes.
    pub routing_key: &'a str,
    /// AMQP property flags and list, valid.
    pub properties: &'a [u8],
    /// The body.
    pub body: &'a [u8],
    /// What the engine needs to know of the properties.
    pub traits: Traits,
    /// What its duplicates are known by, in the queues that look for them.
    pub deduplication: Option<Deduplication>,
}

/// By what a queue that deduplicates knows a message again (SQS's FIFO queues).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deduplication {
    /// A hash of the deduplication id that no two ids have in common.
    pub key: u128,
    /// The message's id (a UUID), which a duplicate is answered with.
    pub message_id: u128,
}

/// What the engine needs to know of a message's properties.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traits {
    /// Delivery mode 2.
    pub persistent: bool,
    /// The priority property.
    pub priority: Option<u8>,
    /// The `expiration` property, in milliseconds.
    pub expiration_ms: Option<u64>,
    /// How long it waits before it is ready, in milliseconds.
    pub delay_ms: Option<u64>,
    /// A hash of its group key. Two keys with one hash are served as one group.
    pub group: Option<u64>,
    /// When it was sent, if that was before now: the broker moves it from another queue, and its time there counts.
    pub sent_at: Option<Time>,
}

/// A stored message, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    flags: u8,
    priority: u8,
    published_at: u64,
    targets: &'a [u8],
    expiries: &'a [u8],
    delays: &'a [u8],
    group: u64,
    deduplication: &'a [u8],
    /// The exchange it was published to.
    pub exchange: &'a str,
    /// Its routing key.
    pub routing_key: &'a str,
    /// AMQP property flags and list.
    pub properties: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

/// A record that says it is a message and is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAMessage;

impl fmt::Display for NotAMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record is not a message in a form this version knows")
    }
}

impl std::error::Error for NotAMessage {}

impl<'a> Stored<'a> {
    /// Reads a message from the payload of a MESSAGE or MOVED record.
    ///
    /// # Errors
    /// [`NotAMessage`] for another kind, and for lengths that do not add up.
    pub fn parse(kind: u8, payload: &'a [u8]) -> Result<Stored<'a>, NotAMessage> {
        let payload = match kind {
            MESSAGE => payload,
            MOVED => payload.get(MOVED_BYTES..).ok_or(NotAMessage)?,
            _ => return Err(NotAMessage),
        };
        let (head, mut rest) = payload.split_at_checked(HEAD_BYTES).ok_or(NotAMessage)?;
        let flags = head[0];
        let count = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let body_len = le_u32(&head[4..8]) as usize;
        let properties_len = le_u32(&head[16..20]) as usize;
        let targets = take(&mut rest, count * 8)?;
        let expiries = take(&mut rest, if flags & EXPIRES != 0 { count * 8 } else { 0 })?;
        let delays = take(&mut rest, if flags & DELAYED != 0 { count * 8 } else { 0 })?;
        let group = if flags & GROUPED != 0 { le_u64(take(&mut rest, 8)?) } else { 0 };
        let deduplication = take(&mut rest, if flags & DEDUPLICATED != 0 { 32 } else { 0 })?;
        let exchange = text(take(&mut rest, usize::from(head[20]))?)?;
        let routing_key = text(take(&mut rest, usize::from(head[21]))?)?;
        let properties = take(&mut rest, properties_len)?;
        let body = take(&mut rest, body_len)?;
        let published_at = le_u64(&head[8..16]);
        let priority = head[1];
        Ok(Stored {
            flags,
            priority,
            published_at,
            targets,
            expiries,
            delays,
            group,
            deduplication,
            exchange,
            routing_key,
            properties,
            body,
        })
    }

    /// The queues it was stored for.
    pub fn targets(&self) -> impl Iterator<Item = Target> + use<'a> {
        let mut expiries = self.expiries.chunks_exact(8);
        let mut delays = self.delays.chunks_exact(8);
        self.targets.chunks_exact(8).map(move |queue| {
            let queue = le_u64(queue);
            let expires_at = expiries.next().map_or(u64::MAX, le_u64);
            Target {
                queue: QueueId(queue & !REFUSED),
                expires_at: Time(expires_at),
                deliver_at: Time(delays.next().map_or(0, le_u64)),
                refused: queue & REFUSED != 0,
            }
        })
    }

    /// How many queues it was stored for.
    pub fn target_count(&self) -> usize {
        self.targets.len() / 8
    }

    /// When it was sent: when the broker took it, or took what it is a copy of.
    pub fn published_at(&self) -> Time {
        Time(self.published_at)
    }

    /// Delivery mode 2.
    pub fn persistent(&self) -> bool {
        self.flags & PERSISTENT != 0
    }

    /// The priority it was published with.
    pub fn priority(&self) -> Option<u8> {
        (self.flags & PRIORITY != 0).then_some(self.priority)
    }

    /// The hash of its group key.
    pub fn group(&self) -> Option<u64> {
        (self.flags & GROUPED != 0).then_some(self.group)
    }

    /// What its duplicates are known by.
    pub fn deduplication(&self) -> Option<Deduplication> {
        let (key, message_id) = self.deduplication.split_at_checked(16)?;
        Some(Deduplication { key: le_u128(key), message_id: le_u128(message_id) })
    }
}

/// One queue that a message was stored for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// The queue.
    pub queue: QueueId,
    /// When the message expires there; the end of time if it does not.
    pub expires_at: Time,
    /// When it is ready there; [`Target::AT_ONCE`] if it does not wait.
    pub deliver_at: Time,
    /// The queue was full: it holds the message for its dead-letter target only.
    pub refused: bool,
}

impl Target {
    /// The delivery time of a message that does not wait.
    pub const AT_ONCE: Time = Time(0);
}

/// Writes everything of a stored message that comes before the exchange's name into `head`.
pub(crate) fn write_head(head: &mut Vec<u8>, message: &NewMessage<'_>, targets: &[Target], now: Time) {
    let traits = &message.traits;
    let expires = targets.iter().any(|target| target.expires_at != Time(u64::MAX));
    let waits = targets.iter().any(|target| target.deliver_at != Target::AT_ONCE);
    let sent_at = traits.sent_at.unwrap_or(now);
    let mut flags = 0;
    flags |= if traits.persistent { PERSISTENT } else { 0 };
    flags |= if expires { EXPIRES } else { 0 };
    flags |= if waits { DELAYED } else { 0 };
    flags |= if traits.group.is_some() { GROUPED } else { 0 };
    flags |= if traits.priority.is_some() { PRIORITY } else { 0 };
    flags |= if message.deduplication.is_some() { DEDUPLICATED } else { 0 };
    let mut fixed = [0; HEAD_BYTES];
    fixed[0] = flags;
    fixed[1] = traits.priority.unwrap_or(0);
    fixed[2..4].copy_from_slice(&(targets.len() as u16).to_le_bytes());
    fixed[4..8].copy_from_slice(&(message.body.len() as u32).to_le_bytes());
    fixed[8..16].copy_from_slice(&sent_at.0.to_le_bytes());
    fixed[16..20].copy_from_slice(&(message.properties.len() as u32).to_le_bytes());
    fixed[20] = message.exchange.len() as u8;
    fixed[21] = message.routing_key.len() as u8;
    head.clear();
    head.extend_from_slice(&fixed);
    for target in targets {
        let mark = if target.refused { REFUSED } else { 0 };
        head.extend_from_slice(&(target.queue.0 | mark).to_le_bytes());
    }
    if expires {
        for target in targets {
            head.extend_from_slice(&target.expires_at.0.to_le_bytes());
        }
    }
    if waits {
        for target in targets {
            head.extend_from_slice(&target.deliver_at.0.to_le_bytes());
        }
    }
    if let Some(group) = traits.group {
        head.extend_from_slice(&group.to_le_bytes());
    }
    if let Some(Deduplication { key, message_id }) = message.deduplication {
        head.extend_from_slice(&key.to_le_bytes());
        head.extend_from_slice(&message_id.to_le_bytes());
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], NotAMessage> {
    let (taken, left) = rest.split_at_checked(count).ok_or(NotAMessage)?;
    *rest = left;
    Ok(taken)
}

fn text(bytes: &[u8]) -> Result<&str, NotAMessage> {
    std::str::from_utf8(bytes).map_err(|_| NotAMessage)
}

fn le_u32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn le_u64(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn le_u128(bytes: &[u8]) -> u128 {
    bytes.first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes))
}
