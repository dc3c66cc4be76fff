//! Pages: runs of a deep queue's entries, written to the log as records of their own.

use super::super::durable::bytes::{Input, put_varint};
use super::super::queue::Entry;
use crate::{QueueId, Time};
use leveret_log::Position;

/// What stays in memory of a page on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::shard) struct PageRef {
    /// Where its record is.
    pub(in crate::shard) location: Position,
    /// Bytes of its record.
    pub(in crate::shard) record_bytes: u32,
    /// Its entries.
    pub(in crate::shard) count: u32,
    /// Bytes of the bodies of its messages.
    pub(in crate::shard) body_bytes: u64,
    /// The position of its first entry.
    pub(in crate::shard) first: Position,
    /// The position of its last entry.
    pub(in crate::shard) last: Position,
    /// What its entries hold in which segment, for the space account: segment, entries, bytes.
    pub(in crate::shard) holds: Vec<(u64, u32, u64)>,
}

impl PageRef {
    /// One of its messages moved from one segment to another.
    pub(in crate::shard) fn move_hold(&mut self, from: u64, to: u64, bytes: u64) {
        if let Some((_, count, held)) = self.holds.iter_mut().find(|(segment, ..)| *segment == from) {
            *count = count.saturating_sub(1);
            *held = held.saturating_sub(bytes);
        }
        match self.holds.iter_mut().find(|(segment, ..)| *segment == to) {
            Some((_, count, held)) => {
                *count += 1;
                *held += bytes;
            }
            None => self.holds.push((to, 1, bytes)),
        }
        self.holds.retain(|(_, count, _)| *count > 0);
    }
}

/// Writes the payload of a PAGE record: queue, level, count, then each entry against the one before it.
pub(in crate::shard) fn encode(out: &mut Vec<u8>, queue: QueueId, level: u8, entries: &[Entry]) {
    out.clear();
    out.extend_from_slice(&queue.0.to_le_bytes());
    out.push(level);
    put_varint(out, entries.len() as u64);
    let mut before = 0;
    for entry in entries {
        put_varint(out, entry.position.0 - before);
        before = entry.position.0;
        put_varint(out, u64::from(entry.size));
        put_varint(out, u64::from(entry.charge));
        // Zero stands for "never", so a real expiry is written one later.
        put_varint(out, if entry.expires_at == Entry::NEVER { 0 } else { entry.expires_at.0 + 1 });
    }
}

/// A PAGE record, read.
#[derive(Debug)]
pub(in crate::shard) struct Page {
    pub(in crate::shard) queue: QueueId,
    pub(in crate::shard) level: u8,
    pub(in crate::shard) entries: Vec<Entry>,
}

/// Reads the payload of a PAGE record; `None` when it is malformed.
pub(in crate::shard) fn decode(payload: &[u8]) -> Option<Page> {
    let mut input = Input::new(payload);
    let queue = QueueId(input.u64()?);
    let level = input.u8()?;
    let count = input.varint()?;
    let mut entries = Vec::with_capacity(count.min(crate::limits::PAGE_ENTRIES as u64) as usize);
    let mut before = 0u64;
    for _ in 0..count {
        before = before.checked_add(input.varint()?)?;
        let size = u32::try_from(input.varint()?).ok()?;
        let charge = u32::try_from(input.varint()?).ok()?;
        let expires_at = match input.varint()? {
            0 => Entry::NEVER,
            later => Time(later - 1),
        };
        let position = Position(before);
        let first_received = Entry::NOT_RECEIVED;
        let (group, failures, acquired) = (0, 0, 0);
        entries.push(Entry {
            position,
            expires_at,
            first_received,
            group,
            size,
            charge,
            failures,
            acquired,
            level,
        });
    }
    Some(Page { queue, level, entries })
}
