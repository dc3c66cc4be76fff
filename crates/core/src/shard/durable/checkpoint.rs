//! Checkpoints: the durable state of a shard at one position, so that a replay starts there. Its size goes
//! with what is in memory, not with the depth of the queues.
//!
//! Format, version 1: version, moved messages, then each queue with its lists, then duplicates; `docs/log-format.md` has the table.
//! Replaying it is the same as replaying every record before it.

use super::bytes::{Input, put_u64, put_u128, put_varint};
use super::fact::{reason_code, reason_of};
use crate::shard::Shard;
use crate::shard::duplicates::{Duplicate, Duplicates};
use crate::shard::queue::Entry;
use crate::shard::queue::{Dying, Queue};
use crate::shard::ready::Restored;
use crate::shard::ready::page::PageRef;
use crate::{QueueId, Time};
use leveret_log::Position;
use rustc_hash::FxHashMap;
use std::fmt;

const VERSION: u8 = 1;

/// A checkpoint that this version cannot read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckpointError;

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the checkpoint is not in a form that this version knows")
    }
}

impl std::error::Error for CheckpointError {}

impl Shard {
    /// The durable state, and the position of the first record that it does not cover. Call it between turns.
    pub fn checkpoint(&self) -> (Position, Vec<u8>) {
        let mut out = vec![VERSION];
        let moved = self.space.moved();
        put_varint(&mut out, moved.len() as u64);
        for (position, location, holders) in moved {
            put_u64(&mut out, position.0);
            put_u64(&mut out, location.0);
            put_varint(&mut out, u64::from(holders));
        }
        let durable = |queue: &&Queue| queue.settings.durable;
        let mut queues: Vec<(u32, &Queue)> = self.queues.iter().filter(|(_, queue)| durable(queue)).collect();
        queues.sort_unstable_by_key(|(_, queue)| queue.id);
        let mut leased = self.leases_by_queue();
        put_varint(&mut out, queues.len() as u64);
        for (slot, queue) in queues {
            put_queue(&mut out, queue, &leased.remove(&slot).unwrap_or_default());
        }
        put_duplicates(&mut out, &self.duplicates);
        (self.position(), out)
    }

    /// Rebuilds the state from a checkpoint. Queues that the catalog no longer knows are passed over.
    ///
    /// # Errors
    /// [`CheckpointError`] for another version, or bytes that do not add up.
    pub fn restore(&mut self, payload: &[u8]) -> Result<(), CheckpointError> {
        self.read_checkpoint(payload).ok_or(CheckpointError)
    }

    /// The durable state in a canonical form: two shards with the same one hold the same messages in the same
    /// state. It does not depend on whether a delay has been noticed to be over, nor on how the entries in memory
    /// are spread over the parts of their level. Which are in memory and which in a page is durable, too.
    pub fn durable_state(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut queues: Vec<(u32, &Queue)> =
            self.queues.iter().filter(|(_, queue)| queue.settings.durable).collect();
        queues.sort_unstable_by_key(|(_, queue)| queue.id);
        let mut leased = self.leases_by_queue();
        for (slot, queue) in queues {
            put_u64(&mut out, queue.id.0);
            let mut waiting: Vec<Entry> =
                queue.ready.in_memory().chain(queue.delayed.values().copied()).collect();
            waiting.sort_unstable_by_key(|entry| entry.position);
            put_entries(&mut out, waiting.iter());
            for page in queue.ready.levels.iter().flat_map(|level| &level.pages) {
                put_page(&mut out, 0, page);
            }
            put_dying(&mut out, queue);
            put_entries(&mut out, queue.parked.values());
            put_leased(&mut out, &leased.remove(&slot).unwrap_or_default());
        }
        out
    }

    fn leases_by_queue(&self) -> FxHashMap<u32, Vec<Leased>> {
        let mut leased: FxHashMap<u32, Vec<Leased>> = FxHashMap::default();
        for (_, lease) in self.leases.iter() {
            let receipt = lease.received_at.zip(lease.deadline);
            leased.entry(lease.queue).or_default().push(Leased { entry: lease.entry, receipt });
        }
        for entries in leased.values_mut() {
            entries.sort_unstable_by_key(|leased| leased.entry.position);
        }
        leased
    }

    fn read_checkpoint(&mut self, payload: &[u8]) -> Option<()> {
        let mut input = Input::new(payload);
        if input.u8()? != VERSION {
            return None;
        }
        for _ in 0..input.varint()? {
            let (position, location) = (input.position()?, input.position()?);
            self.space.restore_moved(position, location, u32::try_from(input.varint()?).ok()?);
        }
        for _ in 0..input.varint()? {
            let lists = read_queue(&mut input)?;
            if let Some(slot) = self.queue_index.get(&lists.queue).copied() {
                self.restore_queue(slot, lists)?;
            }
        }
        for (until, key, first) in read_duplicates(&mut input)? {
            self.restore_duplicate(key, first, until);
        }
        input.is_empty().then_some(())
    }

    fn restore_queue(&mut self, slot: u32, lists: Lists) -> Option<()> {
        for entry in lists.all_entries() {
            self.space.hold(entry.position, entry.charge);
        }
        for (_, page) in &lists.pages {
            self.space.hold(page.location, page.record_bytes);
            for (segment, count, bytes) in &page.holds {
                self.space.hold_in(*segment, u64::from(*count), *bytes);
            }
        }
        let queue = self.queues.at_mut(slot)?;
        for entry in lists.before_pages {
            queue.ready.restore(entry, Restored::Head);
        }
        for (level, page) in lists.pages {
            queue.ready.restore_page(level, page)?;
        }
        for entry in lists.after_pages {
            queue.ready.restore(entry, Restored::Tail);
        }
        for entry in lists.returned {
            queue.ready.put_back(entry);
        }
        for (at, entry) in lists.delayed {
            queue.delayed.insert((at, entry.position), entry);
            self.replayed.delays.insert((lists.queue, entry.position), at);
        }
        queue.dying.extend(lists.dying.into_iter().map(|dying| (dying.entry.position, dying)));
        queue.parked.extend(lists.parked.into_iter().map(|entry| (entry.position, entry)));
        for (until, key, duplicate) in lists.duplicates {
            queue.duplicates.restore(key, duplicate, until);
        }
        for leased in lists.leased {
            self.restore_lease(slot, lists.queue, leased);
        }
        Some(())
    }

    /// A message that was held: it stands as a held one, in its group too, until the replay says otherwise.
    fn restore_lease(&mut self, slot: u32, id: QueueId, leased: Leased) {
        let Some(queue) = self.queues.at_mut(slot) else { return };
        if queue.ready.groups.is_some() {
            queue.ready.put_back(leased.entry);
            queue.ready.remove(leased.entry.position, true);
        }
        self.replay_lease(slot, id, leased.entry, leased.receipt);
    }
}

/// The lists of a queue, as a checkpoint holds them.
struct Lists {
    queue: QueueId,
    before_pages: Vec<Entry>,
    pages: Vec<(u8, PageRef)>,
    after_pages: Vec<Entry>,
    returned: Vec<Entry>,
    delayed: Vec<(Time, Entry)>,
    dying: Vec<Dying>,
    parked: Vec<Entry>,
    leased: Vec<Leased>,
    duplicates: Vec<(Time, u128, Duplicate)>,
}

/// A message that is held; under a receipt, since when and until when.
struct Leased {
    entry: Entry,
    receipt: Option<(Time, Time)>,
}

impl Lists {
    fn all_entries(&self) -> impl Iterator<Item = &Entry> {
        let plain = [&self.before_pages, &self.after_pages, &self.returned, &self.parked];
        let leased = self.leased.iter().map(|leased| &leased.entry);
        let delayed = self.delayed.iter().map(|(_, entry)| entry);
        let listed = plain.into_iter().flatten().chain(leased).chain(delayed);
        listed.chain(self.dying.iter().map(|dying| &dying.entry))
    }
}

fn put_queue(out: &mut Vec<u8>, queue: &Queue, leased: &[Leased]) {
    put_u64(out, queue.id.0);
    let ready = &queue.ready;
    let grouped = ready.groups.as_ref().map(|groups| groups.entries()).unwrap_or_default();
    let heads = ready.levels.iter().flat_map(|level| &level.head);
    put_entries(out, heads.chain(&grouped));
    let pages =
        ready.levels.iter().enumerate().flat_map(|(at, level)| level.pages.iter().map(move |p| (at, p)));
    put_varint(out, ready.levels.iter().map(|level| level.pages.len() as u64).sum());
    for (level, page) in pages {
        put_page(out, level as u8, page);
    }
    put_entries(out, ready.levels.iter().flat_map(|level| &level.tail));
    put_entries(out, ready.returned.values());
    put_varint(out, queue.delayed.len() as u64);
    for ((at, _), entry) in &queue.delayed {
        put_u64(out, at.0);
        put_entry(out, entry);
    }
    put_dying(out, queue);
    put_entries(out, queue.parked.values());
    put_leased(out, leased);
    put_duplicates(out, &queue.duplicates);
}

/// The entries, then the times of each: 0 for a lease without a receipt.
fn put_leased(out: &mut Vec<u8>, leased: &[Leased]) {
    put_entries(out, leased.iter().map(|leased| &leased.entry));
    for leased in leased {
        let (at, until) = leased.receipt.unwrap_or_default();
        put_varint(out, at.0);
        put_varint(out, until.0);
    }
}

fn read_leased(input: &mut Input<'_>) -> Option<Vec<Leased>> {
    let mut leased = Vec::new();
    for entry in read_entries(input)? {
        leased.push(Leased { entry, receipt: None });
    }
    for leased in &mut leased {
        let times = (Time(input.varint()?), Time(input.varint()?));
        leased.receipt = (times.0 != Time(0)).then_some(times);
    }
    Some(leased)
}

fn put_duplicates(out: &mut Vec<u8>, duplicates: &Duplicates) {
    put_varint(out, duplicates.iter().count() as u64);
    for (until, key, duplicate) in duplicates.iter() {
        put_varint(out, until.0);
        put_u128(out, key);
        put_u128(out, duplicate.message_id);
        put_u64(out, duplicate.position.0);
    }
}

fn read_duplicates(input: &mut Input<'_>) -> Option<Vec<(Time, u128, Duplicate)>> {
    let mut duplicates = Vec::new();
    for _ in 0..input.varint()? {
        let until = Time(input.varint()?);
        let (key, message_id) = (input.u128()?, input.u128()?);
        duplicates.push((until, key, Duplicate { message_id, position: input.position()? }));
    }
    Some(duplicates)
}

fn put_dying(out: &mut Vec<u8>, queue: &Queue) {
    put_varint(out, queue.dying.len() as u64);
    for dying in queue.dying.values() {
        out.push(reason_code(dying.reason));
        put_u64(out, dying.at.0);
        put_entry(out, &dying.entry);
    }
}

fn read_queue(input: &mut Input<'_>) -> Option<Lists> {
    let queue = QueueId(input.u64()?);
    let before_pages = read_entries(input)?;
    let mut pages = Vec::new();
    for _ in 0..input.varint()? {
        pages.push(read_page(input)?);
    }
    let after_pages = read_entries(input)?;
    let returned = read_entries(input)?;
    let mut delayed = Vec::new();
    for _ in 0..input.varint()? {
        delayed.push((Time(input.u64()?), read_entry(input)?));
    }
    let mut dying = Vec::new();
    for _ in 0..input.varint()? {
        let reason = reason_of(input.u8()?)?;
        let at = Time(input.u64()?);
        dying.push(Dying { entry: read_entry(input)?, reason, at, asked: false });
    }
    let parked = read_entries(input)?;
    let leased = read_leased(input)?;
    let duplicates = read_duplicates(input)?;
    Some(Lists {
        queue,
        before_pages,
        pages,
        after_pages,
        returned,
        delayed,
        dying,
        parked,
        leased,
        duplicates,
    })
}

fn put_entries<'a>(out: &mut Vec<u8>, entries: impl Iterator<Item = &'a Entry> + Clone) {
    put_varint(out, entries.clone().count() as u64);
    for entry in entries {
        put_entry(out, entry);
    }
}

fn read_entries(input: &mut Input<'_>) -> Option<Vec<Entry>> {
    let count = input.varint()?;
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(read_entry(input)?);
    }
    Some(entries)
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    put_u64(out, entry.position.0);
    // Zero stands for "never", so a real expiry is written one later.
    put_varint(out, if entry.expires_at == Entry::NEVER { 0 } else { entry.expires_at.0 + 1 });
    put_varint(out, entry.first_received.0);
    put_u64(out, entry.group);
    put_varint(out, u64::from(entry.size));
    put_varint(out, u64::from(entry.charge));
    put_varint(out, u64::from(entry.failures));
    put_varint(out, u64::from(entry.acquired));
    out.push(entry.level);
}

fn read_entry(input: &mut Input<'_>) -> Option<Entry> {
    let position = input.position()?;
    let expires_at = match input.varint()? {
        0 => Entry::NEVER,
        later => Time(later - 1),
    };
    Some(Entry {
        position,
        expires_at,
        first_received: Time(input.varint()?),
        group: input.u64()?,
        size: u32::try_from(input.varint()?).ok()?,
        charge: u32::try_from(input.varint()?).ok()?,
        failures: u16::try_from(input.varint()?).ok()?,
        acquired: u16::try_from(input.varint()?).ok()?,
        level: input.u8()?,
    })
}

fn put_page(out: &mut Vec<u8>, level: u8, page: &PageRef) {
    out.push(level);
    put_u64(out, page.location.0);
    put_varint(out, u64::from(page.record_bytes));
    put_varint(out, u64::from(page.count));
    put_varint(out, page.body_bytes);
    put_u64(out, page.first.0);
    put_u64(out, page.last.0);
    put_varint(out, page.holds.len() as u64);
    for (segment, count, bytes) in &page.holds {
        put_varint(out, *segment);
        put_varint(out, u64::from(*count));
        put_varint(out, *bytes);
    }
}

fn read_page(input: &mut Input<'_>) -> Option<(u8, PageRef)> {
    let level = input.u8()?;
    let location = input.position()?;
    let record_bytes = u32::try_from(input.varint()?).ok()?;
    let count = u32::try_from(input.varint()?).ok()?;
    let body_bytes = input.varint()?;
    let (first, last) = (input.position()?, input.position()?);
    let mut holds = Vec::new();
    for _ in 0..input.varint()? {
        holds.push((input.varint()?, u32::try_from(input.varint()?).ok()?, input.varint()?));
    }
    Some((level, PageRef { location, record_bytes, count, body_bytes, first, last, holds }))
}
