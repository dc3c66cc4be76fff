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
    head: &'a [u8; HEAD_BYTES],
    /// The [`Part`]s between the head and the names. Who sends the message on does not look at them.
    parts: &'a [u8],
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
    #[inline]
    pub fn parse(kind: u8, payload: &'a [u8]) -> Result<Stored<'a>, NotAMessage> {
        let payload = match kind {
            MESSAGE => payload,
            MOVED => payload.get(MOVED_BYTES..).ok_or(NotAMessage)?,
            _ => return Err(NotAMessage),
        };
        let (head, rest) = payload.split_first_chunk::<HEAD_BYTES>().ok_or(NotAMessage)?;
        let (parts, rest) = take(rest, Part::lengths(head).iter().sum())?;
        // The two names are checked as one text, which is cut where a character must end.
        let (names, rest) = take(rest, usize::from(head[20]) + usize::from(head[21]))?;
        let names = std::str::from_utf8(names).map_err(|_| NotAMessage)?;
        let (exchange, routing_key) = names.split_at_checked(head[20].into()).ok_or(NotAMessage)?;
        let (properties, rest) = take(rest, le_u32(&head[16..20]) as usize)?;
        let (body, _) = take(rest, le_u32(&head[4..8]) as usize)?;
        Ok(Stored { head, parts, exchange, routing_key, properties, body })
    }

    /// The queues it was stored for.
    pub fn targets(&self) -> impl Iterator<Item = Target> + use<'a> {
        let mut expiries = self.part(Part::Expiries).chunks_exact(8);
        let mut delays = self.part(Part::Delays).chunks_exact(8);
        self.part(Part::Targets).chunks_exact(8).map(move |queue| {
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
        self.part(Part::Targets).len() / 8
    }

    /// When it was sent: when the broker took it, or took what it is a copy of.
    pub fn published_at(&self) -> Time {
        Time(le_u64(&self.head[8..16]))
    }

    /// Delivery mode 2.
    pub fn persistent(&self) -> bool {
        self.head[0] & PERSISTENT != 0
    }

    /// The priority it was published with.
    pub fn priority(&self) -> Option<u8> {
        (self.head[0] & PRIORITY != 0).then_some(self.head[1])
    }

    /// The hash of its group key.
    pub fn group(&self) -> Option<u64> {
        (self.head[0] & GROUPED != 0).then(|| le_u64(self.part(Part::Group)))
    }

    /// What its duplicates are known by.
    pub fn deduplication(&self) -> Option<Deduplication> {
        let (key, message_id) = self.part(Part::Deduplication).split_at_checked(16)?;
        Some(Deduplication { key: le_u128(key), message_id: le_u128(message_id) })
    }

    fn part(&self, part: Part) -> &'a [u8] {
        let lengths = Part::lengths(self.head);
        let start = lengths[..part as usize].iter().sum();
        self.parts.get(start..start + lengths[part as usize]).unwrap_or_default()
    }
}

/// What stands between the head of a stored message and its names, in this order.
#[derive(Clone, Copy)]
enum Part {
    Targets,
    Expiries,
    Delays,
    Group,
    Deduplication,
}

impl Part {
    /// The bytes of each, as the head tells them.
    #[inline]
    fn lengths(head: &[u8; HEAD_BYTES]) -> [usize; 5] {
        let of_targets = 8 * usize::from(u16::from_le_bytes([head[2], head[3]]));
        let flagged = |flag: u8, bytes: usize| if head[0] & flag != 0 { bytes } else { 0 };
        [
            of_targets,
            flagged(EXPIRES, of_targets),
            flagged(DELAYED, of_targets),
            flagged(GROUPED, 8),
            flagged(DEDUPLICATED, 32),
        ]
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

/// Writes the lengths of another message's properties and body into a head that [`write_head`] has written.
pub(crate) fn set_lengths(head: &mut [u8], properties: usize, body: usize) {
    head[4..8].copy_from_slice(&(body as u32).to_le_bytes());
    head[16..20].copy_from_slice(&(properties as u32).to_le_bytes());
}

#[inline]
fn take(bytes: &[u8], count: usize) -> Result<(&[u8], &[u8]), NotAMessage> {
    bytes.split_at_checked(count).ok_or(NotAMessage)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A payload for one queue whose exchange and routing key are these bytes, with one more behind them as the body.
    fn payload(exchange: &[u8], routing_key: &[u8]) -> Vec<u8> {
        let mut payload = vec![0; HEAD_BYTES];
        payload[2] = 1;
        payload[4] = 1;
        payload[20] = exchange.len() as u8;
        payload[21] = routing_key.len() as u8;
        [payload, 7u64.to_le_bytes().to_vec(), exchange.to_vec(), routing_key.to_vec(), b"!".to_vec()]
            .concat()
    }

    #[test]
    fn names_are_text_each_for_itself() {
        let good = payload("grün".as_bytes(), "日本".as_bytes());
        let stored = Stored::parse(MESSAGE, &good).unwrap();
        assert_eq!((stored.exchange, stored.routing_key, stored.body), ("grün", "日本", &b"!"[..]));
        assert_eq!(stored.targets().map(|target| target.queue).collect::<Vec<_>>(), [QueueId(7)]);
        // Two halves of one character are text together, and none alone.
        let halves = payload(b"gr\xc3", b"\xbcn");
        assert!(matches!(Stored::parse(MESSAGE, &halves), Err(NotAMessage)));
        assert!(matches!(Stored::parse(MESSAGE, &payload(b"\xff", b"")), Err(NotAMessage)));
    }

    #[test]
    fn a_payload_that_is_cut_short_is_no_message() {
        let whole = payload(b"e", b"key");
        for length in 0..whole.len() {
            assert!(matches!(Stored::parse(MESSAGE, &whole[..length]), Err(NotAMessage)), "{length} bytes");
        }
    }
}
