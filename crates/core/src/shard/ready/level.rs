//! The ready messages of one priority, in publish order: the head in memory, the middle as pages on disk,
//! the tail in memory. Memory stays flat however deep the queue is.

use super::super::queue::Entry;
use super::page::PageRef;
use crate::limits::{PAGE_AHEAD_ENTRIES, PAGE_ENTRIES, READY_HEAD_ENTRIES};
use leveret_log::Position;
use std::collections::VecDeque;

/// One priority level of a queue.
#[derive(Debug, Default)]
pub(in crate::shard) struct Level {
    pub(in crate::shard) head: VecDeque<Entry>,
    pub(in crate::shard) pages: VecDeque<PageRef>,
    pub(in crate::shard) tail: VecDeque<Entry>,
    /// The page that is on its way from disk. It may have moved or gone meanwhile; then the next one is asked for.
    loading: Option<Position>,
}

impl Level {
    /// Takes a new message at the end.
    #[inline]
    pub(super) fn push_back(&mut self, entry: Entry) {
        if self.tail.is_empty() && self.pages.is_empty() && self.head.len() < READY_HEAD_ENTRIES {
            self.head.push_back(entry);
        } else {
            self.tail.push_back(entry);
        }
    }

    /// The entry at the front, if it is in memory.
    #[inline]
    pub(super) fn front(&self) -> Option<&Entry> {
        self.head.front()
    }

    /// Takes the entry at the front, if it is in memory.
    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<Entry> {
        let entry = self.head.pop_front()?;
        if self.head.is_empty() && self.pages.is_empty() {
            std::mem::swap(&mut self.head, &mut self.tail);
        }
        Some(entry)
    }

    /// The first message, if it is on disk: nothing that stands behind it may go out before it is here.
    pub(super) fn stalled_at(&self) -> Option<Position> {
        if self.head.is_empty() { self.pages.front().map(|page| page.first) } else { None }
    }

    /// Whether enough has piled up at the tail to cut a page from it.
    pub(super) fn wants_spill(&self) -> bool {
        self.tail.len() >= 2 * PAGE_ENTRIES
    }

    /// The page to fetch now, if the head runs low and it is not on its way.
    pub(in crate::shard) fn wants_page(&mut self) -> Option<Position> {
        if self.head.len() > PAGE_AHEAD_ENTRIES {
            return None;
        }
        let location = Some(self.pages.front()?.location);
        if self.loading == location {
            return None;
        }
        self.loading = location;
        location
    }

    /// Puts the entries of the first page behind the head. The page's record is of no more use.
    pub(in crate::shard) fn open_page(&mut self, entries: &[Entry]) -> Option<PageRef> {
        self.loading = None;
        let page = self.pages.pop_front()?;
        self.head.extend(entries);
        if self.pages.is_empty() && self.head.len() < READY_HEAD_ENTRIES {
            self.head.append(&mut self.tail);
        }
        Some(page)
    }

    /// Puts a page in place of the entries it holds, when a log is replayed: where the live engine had them
    /// at its tail, the replay may still have some of them at the head.
    pub(in crate::shard) fn replay_spill(&mut self, page: PageRef) {
        let (first, last) = (page.first, page.last);
        let mut rest: VecDeque<Entry> = self.head.iter().filter(|e| e.position > last).copied().collect();
        self.head.retain(|entry| entry.position < first);
        self.tail.retain(|entry| entry.position > last);
        rest.append(&mut self.tail);
        self.tail = rest;
        self.pages.push_back(page);
    }

    /// Takes the message at `position` out of memory, wherever it stands.
    pub(super) fn remove(&mut self, position: Position) -> Option<Entry> {
        let part = if self.tail.front().is_some_and(|first| first.position <= position) {
            &mut self.tail
        } else {
            &mut self.head
        };
        let index = part.binary_search_by_key(&position, |entry| entry.position).ok()?;
        let entry = part.remove(index);
        if self.head.is_empty() && self.pages.is_empty() {
            std::mem::swap(&mut self.head, &mut self.tail);
        }
        entry
    }

    /// Takes everything that stands before a position. A page on its way from disk will find its level changed.
    pub(super) fn take_before(
        &mut self,
        before: Position,
        entries: &mut Vec<Entry>,
        pages: &mut Vec<PageRef>,
    ) {
        for part in [&mut self.head, &mut self.tail] {
            let count = part.partition_point(|entry| entry.position < before);
            entries.extend(part.drain(..count));
        }
        pages.extend(self.pages.drain(..));
        self.head.append(&mut self.tail);
    }

    /// Whether the message is here, in memory.
    pub(super) fn in_memory_at(&self, position: Position) -> bool {
        let within = |part: &VecDeque<Entry>| part.binary_search_by_key(&position, |e| e.position).is_ok();
        within(&self.head) || within(&self.tail)
    }

    /// Whether the position lies in the range of a page.
    pub(in crate::shard) fn in_page(&self, position: Position) -> bool {
        self.page_index(position).is_some()
    }

    /// The page that holds the message. A page's range holds nothing else of its queue and level.
    pub(in crate::shard) fn page_with(&mut self, position: Position) -> Option<&mut PageRef> {
        let index = self.page_index(position)?;
        self.pages.get_mut(index)
    }

    fn page_index(&self, position: Position) -> Option<usize> {
        let index = self.pages.partition_point(|page| page.last < position);
        self.pages.get(index).filter(|page| page.first <= position).map(|_| index)
    }

    /// Everything in memory, from the front to the end.
    pub(in crate::shard) fn in_memory(&self) -> impl Iterator<Item = &Entry> {
        self.head.iter().chain(&self.tail)
    }
}
