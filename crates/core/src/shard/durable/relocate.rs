//! Rewriting sparse segments: what is still live in one is appended anew, and the segment dies.
//!
//! A message keeps its identity (the position where it was first appended) and with it its place in every
//! queue; only its location changes.

use super::bytes::put_u64;
use super::fact::{PAGE, PAGE_COPY};
use super::space::{Traffic, Use};
use crate::message::{MESSAGE, MOVED, MOVED_BYTES, Stored, Target};
use crate::shard::Shard;
use crate::shard::publish::record_bytes;
use crate::shard::queue::Queue;
use crate::shard::ready::page::{self, Page};
use bytes::Bytes;
use leveret_log::{AppendError, Position};
use rustc_hash::FxHashSet;

/// A record of a sparse segment, as it was read from the log.
#[derive(Clone, Debug)]
pub struct Relocation {
    /// Where the record is.
    pub location: Position,
    /// Its kind.
    pub kind: u8,
    /// Its payload.
    pub payload: Bytes,
}

/// How to find messages that stand in no order of positions: those that are held or wait.
#[derive(Debug)]
pub(in crate::shard) enum Aside {
    /// In a set of those in the range at hand.
    Listed(FxHashSet<(u32, Position)>),
    /// In the books of the replay.
    Replayed,
}

/// Where a queue holds a message.
enum Place {
    Memory,
    Page { slot: u32, level: usize },
}

impl Shard {
    /// Copies what is live of these records to the end of the log. Answers how many were. Call it in a turn.
    ///
    /// # Errors
    /// When the log refuses a copy; what was copied before stays valid.
    pub fn relocate(&mut self, records: &[Relocation]) -> Result<usize, AppendError> {
        // The facts of this turn come before the copies, or a replay would count holders that are gone.
        self.write_facts();
        let identities = || records.iter().filter_map(identity);
        let from = identities().min().unwrap_or(Position::NONE);
        let to = identities().max().unwrap_or(Position::NONE);
        let aside = self.aside_within(from, to);
        let mut copied = 0;
        for record in records {
            copied += usize::from(match record.kind {
                MESSAGE | MOVED => self.relocate_message(&aside, record)?,
                PAGE | PAGE_COPY => self.relocate_page(record)?,
                _ => false,
            });
        }
        Ok(copied)
    }

    /// Where a message's bytes are now. Those of a live message may have moved since its delivery was made,
    /// and the place that the delivery names may be gone.
    pub fn location_of(&self, message: Position) -> Position {
        self.space.location(message)
    }

    /// What is live in a segment.
    pub fn segment_use(&self, segment: u64) -> Use {
        self.space.of(segment)
    }

    /// Bytes of records that are live, in all segments.
    pub fn live_bytes(&self) -> u64 {
        self.space.traffic().live_bytes
    }

    /// What came into the queues and what went.
    pub fn traffic(&self) -> Traffic {
        self.space.traffic()
    }

    /// A segment was deleted from the log.
    pub fn segment_deleted(&mut self, segment: u64) {
        self.space.forget_segment(segment);
    }

    fn relocate_message(&mut self, aside: &Aside, record: &Relocation) -> Result<bool, AppendError> {
        let Ok(stored) = Stored::parse(record.kind, &record.payload) else { return Ok(false) };
        let Some(position) = identity(record) else { return Ok(false) };
        if self.space.location(position) != record.location {
            return Ok(false);
        }
        let holders =
            stored.targets().filter(|target| self.place(aside, target, position, &stored).is_some()).count();
        if holders == 0 {
            return Ok(false);
        }
        let body = if record.kind == MOVED { &record.payload[MOVED_BYTES..] } else { &record.payload[..] };
        let mut head = Vec::with_capacity(MOVED_BYTES);
        put_u64(&mut head, position.0);
        put_u64(&mut head, holders as u64);
        let location = self.append(MOVED, &[&head, body])?;
        self.move_holders(aside, position, location, &stored, body.len());
        Ok(true)
    }

    /// Books the holders of a message at its new location.
    pub(in crate::shard) fn move_holders(
        &mut self,
        aside: &Aside,
        position: Position,
        location: Position,
        stored: &Stored<'_>,
        stored_bytes: usize,
    ) {
        let targets = stored.target_count().max(1) as u64;
        let charge = (record_bytes(stored_bytes) / targets).max(1);
        let from = self.space.segment_of(self.space.location(position));
        let to = self.space.segment_of(location);
        let mut holders = 0;
        for target in stored.targets() {
            let Some(place) = self.place(aside, &target, position, stored) else { continue };
            holders += 1;
            if let Place::Page { slot, level } = place {
                let level = self.queues.at_mut(slot).and_then(|found| found.ready.levels.get_mut(level));
                if let Some(page) = level.and_then(|level| level.page_with(position)) {
                    page.move_hold(from, to, charge);
                }
            }
        }
        if holders > 0 {
            self.space.relocate(position, location, holders, u64::from(holders) * charge);
        }
    }

    fn relocate_page(&mut self, record: &Relocation) -> Result<bool, AppendError> {
        let Some(page) = page::decode(&record.payload) else { return Ok(false) };
        if !self.has_page(&page, record.location) {
            return Ok(false);
        }
        // The old location follows the page, so that a copy is read like any page.
        let body = match record.kind {
            PAGE_COPY => &record.payload[..record.payload.len().saturating_sub(8)],
            _ => &record.payload[..],
        };
        let location = self.append(PAGE_COPY, &[body, &record.location.0.to_le_bytes()])?;
        self.move_page(&page, record.location, location);
        Ok(true)
    }

    /// Books a page at its new location.
    pub(in crate::shard) fn move_page(&mut self, page: &Page, from: Position, to: Position) {
        let Some(slot) = self.queue_index.get(&page.queue).copied() else { return };
        let Some(found) = self.queues.at_mut(slot) else { return };
        let Some(level) = found.ready.levels.get_mut(usize::from(page.level)) else { return };
        let Some(page) = level.pages.iter_mut().find(|page| page.location == from) else { return };
        page.location = to;
        let bytes = page.record_bytes;
        // A read of the old location may be under way: it will be passed over, and the page is asked for again.
        self.mark_dirty(slot);
        self.space.release(from, bytes);
        self.space.hold(to, bytes);
    }

    /// What is held or waits and has a position from `from` to `to`.
    fn aside_within(&self, from: Position, to: Position) -> Aside {
        let within = |position: &Position| (from..=to).contains(position);
        let held = self.leases.iter().map(|(_, lease)| (lease.queue, lease.entry.position));
        let delayed = self
            .queues
            .iter()
            .flat_map(|(slot, queue)| queue.delayed.values().map(move |entry| (slot, entry.position)));
        Aside::Listed(held.chain(delayed).filter(|(_, position)| within(position)).collect())
    }

    fn is_aside(&self, aside: &Aside, slot: u32, queue: &Queue, position: Position) -> bool {
        match aside {
            Aside::Listed(set) => set.contains(&(slot, position)),
            Aside::Replayed => {
                let key = (queue.id, position);
                let lease = self.replayed.leases.get(&key);
                lease.is_some_and(|lease| self.leases.get(lease.slot, lease.generation).is_some())
                    || self
                        .replayed
                        .delays
                        .get(&key)
                        .is_some_and(|at| queue.delayed.contains_key(&(*at, position)))
            }
        }
    }

    /// Where a queue holds a message, if it does. What was delayed or refused when it was stored is never in
    /// a page, and neither is what stands in a group, though its position may lie in a page's range.
    fn place(
        &self,
        aside: &Aside,
        target: &Target,
        position: Position,
        stored: &Stored<'_>,
    ) -> Option<Place> {
        let slot = self.queue_index.get(&target.queue).copied()?;
        let found = self.queues.at(slot)?;
        let level = found.level(stored.priority());
        if found.dying.contains_key(&position)
            || found.parked.contains_key(&position)
            || found.ready.in_memory_at(level, stored.group(), position)
            || self.is_aside(aside, slot, found, position)
        {
            return Some(Place::Memory);
        }
        let level = usize::from(level);
        let ordered = target.deliver_at == Target::AT_ONCE && !target.refused;
        let paged = ordered
            && found.ready.may_page(stored.group())
            && found.ready.levels.get(level)?.in_page(position);
        paged.then_some(Place::Page { slot, level })
    }

    fn has_page(&self, page: &Page, location: Position) -> bool {
        let slot = self.queue_index.get(&page.queue).copied();
        let queue = slot.and_then(|slot| self.queues.at(slot));
        let level = queue.and_then(|queue| queue.ready.levels.get(usize::from(page.level)));
        level.is_some_and(|level| level.pages.iter().any(|page| page.location == location))
    }
}

/// The position that a message had first; `None` for what is no message.
fn identity(record: &Relocation) -> Option<Position> {
    match record.kind {
        MESSAGE => Some(record.location),
        MOVED => super::bytes::Input::new(&record.payload).position(),
        _ => None,
    }
}
