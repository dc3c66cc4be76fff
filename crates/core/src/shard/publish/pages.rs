//! Pages: a deep queue's tail is written to the log a page at a time, and read back when the head runs low.

use super::record_bytes;
use crate::QueueId;
use crate::limits::PAGE_ENTRIES;
use crate::shard::Shard;
use crate::shard::durable::fact::{Fact, PAGE};
use crate::shard::queue::Entry;
use crate::shard::ready::page::{self, PageRef};
use leveret_log::Position;

impl Shard {
    /// Writes the oldest entries of a level's tail to the log as a page, and forgets them. A log that
    /// refuses the page has failed for good: the entries stay in memory, for the consumers that drain them.
    pub(super) fn spill(&mut self, slot: u32, level: u8) {
        // A purge of this turn takes the pages before it and not this one: it comes first in the log.
        self.write_facts();
        let Some(found) = self.queues.at_mut(slot) else { return };
        let id = found.id;
        let tail = &mut found.ready.levels[usize::from(level)].tail;
        let entries: Vec<Entry> = tail.range(..PAGE_ENTRIES).copied().collect();
        let mut payload = std::mem::take(&mut self.scratch.page);
        page::encode(&mut payload, id, level, &entries);
        if let Ok(location) = self.append(PAGE, &[&payload]) {
            let bytes = record_bytes(payload.len()) as u32;
            let page = self.page_ref(location, bytes, &entries);
            self.space.hold(location, bytes);
            if let Some(found) = self.queues.at_mut(slot) {
                let level = &mut found.ready.levels[usize::from(level)];
                level.tail.drain(..PAGE_ENTRIES);
                level.pages.push_back(page);
            }
        }
        self.scratch.page = payload;
    }

    /// What stays in memory of a page of these entries.
    pub(in crate::shard) fn page_ref(
        &self,
        location: Position,
        record_bytes: u32,
        entries: &[Entry],
    ) -> PageRef {
        let mut holds: Vec<(u64, u32, u64)> = Vec::with_capacity(1);
        for entry in entries {
            let segment = self.space.segment_of(self.space.location(entry.position));
            match holds.iter_mut().rev().find(|(held, ..)| *held == segment) {
                Some((_, count, bytes)) => {
                    *count += 1;
                    *bytes += u64::from(entry.charge);
                }
                None => holds.push((segment, 1, u64::from(entry.charge))),
            }
        }
        let first = entries.first().map_or(location, |entry| entry.position);
        let last = entries.last().map_or(location, |entry| entry.position);
        let body_bytes = entries.iter().map(|entry| u64::from(entry.size)).sum();
        PageRef { location, record_bytes, count: entries.len() as u32, body_bytes, first, last, holds }
    }

    /// Takes in a page that was read because of [`SystemEffect::LoadPage`](super::SystemEffect). A page that
    /// was purged or moved meanwhile is passed over; one that moved was asked for again when it did.
    pub fn page_loaded(&mut self, queue: QueueId, level: u8, location: Position, payload: &[u8]) {
        if self.open_page(queue, level, location, payload).is_some() {
            self.facts.queue(Fact::PageOpened { queue, level, location });
        }
        if let Some(slot) = self.queue_index.get(&queue).copied() {
            self.mark_dirty(slot);
        }
    }

    /// Puts the entries of a level's first page behind its head; `None` when it is not that page.
    pub(in crate::shard) fn open_page(
        &mut self,
        queue: QueueId,
        level: u8,
        location: Position,
        payload: &[u8],
    ) -> Option<()> {
        let slot = self.queue_index.get(&queue).copied()?;
        let found = self.queues.at_mut(slot)?.ready.levels.get_mut(usize::from(level))?;
        if found.pages.front()?.location != location {
            return None;
        }
        let page = page::decode(payload)?;
        let expected = found.pages.front()?;
        if (page.queue, page.level, page.entries.len()) != (queue, level, expected.count as usize) {
            return None;
        }
        let page_ref = found.open_page(&page.entries)?;
        self.space.release(location, page_ref.record_bytes);
        Some(())
    }
}
