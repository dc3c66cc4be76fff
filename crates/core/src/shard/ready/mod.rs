//! The ready messages of a queue: which one goes out next, and what a deep queue keeps on disk.

pub(super) mod groups;
pub(super) mod level;
pub(super) mod page;
mod usage;

use super::queue::Entry;
use crate::{QueueSettings, Time};
use groups::{GroupKind, Groups};
use level::Level;
use leveret_log::Position;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The ready messages of one queue. Higher levels go first; within a level, publish order.
#[derive(Debug)]
pub(super) struct Ready {
    /// One level a priority; a queue without priorities has one.
    pub(super) levels: Vec<Level>,
    /// What came back, by level (highest first) and place.
    pub(super) returned: BTreeMap<(Reverse<u8>, Position), Entry>,
    /// The messages of a queue with groups, which do not page. With exclusive groups that is all of them; with fair
    /// ones those that have a group, and the others stand in their level.
    pub(super) groups: Option<Groups>,
    len: u64,
    bytes: u64,
}

/// Where in its level a checkpoint has a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Restored {
    /// Before the pages.
    Head,
    /// Behind the pages.
    Tail,
}

/// Where the next message is.
enum Next {
    Group,
    Returned,
    Level(usize),
}

impl Ready {
    /// An empty list for a queue with these settings. One with groups has no priorities.
    pub(super) fn new(settings: &QueueSettings) -> Ready {
        let kind = match settings {
            QueueSettings { groups: true, .. } => Some(GroupKind::Exclusive),
            QueueSettings { fair: true, .. } => Some(GroupKind::Fair),
            _ => None,
        };
        let levels = if kind.is_some() { 1 } else { usize::from(settings.max_priority) + 1 };
        Ready {
            levels: (0..levels).map(|_| Level::default()).collect(),
            returned: BTreeMap::new(),
            groups: kind.map(Groups::new),
            len: 0,
            bytes: 0,
        }
    }

    /// Messages, wherever they are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes of the bodies of these messages.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a new message.
    #[inline]
    pub(super) fn push_back(&mut self, entry: Entry) {
        self.add(&entry);
        if let ([level], None) = (self.levels.as_mut_slice(), &self.groups) {
            return level.push_back(entry);
        }
        match self.groups_of(entry.group) {
            Some(groups) => groups.insert(entry),
            None => self.level_of(&entry).push_back(entry),
        }
    }

    /// Whether enough has piled up at a level's tail to cut a page from it.
    pub(super) fn wants_spill(&self, level: u8) -> bool {
        self.levels.get(usize::from(level)).is_some_and(Level::wants_spill)
    }

    /// Takes back a message at its old place.
    pub(super) fn put_back(&mut self, entry: Entry) {
        self.add(&entry);
        match self.groups_of(entry.group) {
            Some(groups) => groups.insert(entry),
            None => {
                self.returned.insert((Reverse(entry.level), entry.position), entry);
            }
        }
    }

    /// The message that goes out next; `None` when there is none, or when it is still on its way from disk.
    #[inline]
    pub(super) fn front(&self) -> Option<&Entry> {
        if let ([level], None, true) = (self.levels.as_slice(), &self.groups, self.returned.is_empty()) {
            return level.front();
        }
        match self.next()? {
            Next::Group => self.groups.as_ref()?.front(),
            Next::Returned => self.returned.first_key_value().map(|(_, entry)| entry),
            Next::Level(level) => self.levels[level].front(),
        }
    }

    /// Takes the message that goes out next. With `hold`, its group waits for [`Ready::release`].
    #[inline]
    pub(super) fn pop_front(&mut self, hold: bool) -> Option<Entry> {
        if let ([level], None, true) = (self.levels.as_mut_slice(), &self.groups, self.returned.is_empty()) {
            let entry = level.pop_front()?;
            self.subtract(&entry);
            return Some(entry);
        }
        let entry = match self.next()? {
            Next::Group => self.groups.as_mut()?.pop_front(hold)?,
            Next::Returned => self.returned.pop_first()?.1,
            Next::Level(level) => self.levels[level].pop_front()?,
        };
        self.subtract(&entry);
        self.count_held(&entry, hold);
        Some(entry)
    }

    /// Takes the next message of an exclusive group that the caller holds, if `fits`.
    pub(super) fn pop_of_group(&mut self, group: u64, fits: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let groups = self.groups.as_mut()?;
        groups.next_of(group).filter(|entry| fits(entry))?;
        let entry = groups.pop_of(group)?;
        self.subtract(&entry);
        Some(entry)
    }

    /// Takes the message at `position`, if it is in memory.
    pub(super) fn remove(&mut self, position: Position, hold: bool) -> Option<Entry> {
        let grouped = self.groups.as_mut().and_then(|groups| groups.remove(position, hold));
        let entry = match grouped {
            Some(entry) => entry,
            None => {
                let entry = self.remove_from_levels(position)?;
                self.count_held(&entry, hold);
                entry
            }
        };
        self.subtract(&entry);
        Some(entry)
    }

    /// Whether a message of this level and group is here, in memory.
    pub(super) fn in_memory_at(&self, level: u8, group: Option<u64>, position: Position) -> bool {
        let group = group.unwrap_or(0);
        self.groups.as_ref().is_some_and(|groups| groups.contains(group, position))
            || self.returned.contains_key(&(Reverse(level), position))
            || self.levels.get(usize::from(level)).is_some_and(|level| level.in_memory_at(position))
    }

    /// Whether a message of this group may be in a page: those that stand in groups never are.
    pub(super) fn may_page(&self, group: Option<u64>) -> bool {
        self.groups.as_ref().is_none_or(|groups| !groups.takes(group.unwrap_or(0)))
    }

    /// Takes everything that stands before a position, in memory and on disk.
    pub(super) fn take_before(&mut self, before: Position) -> (Vec<Entry>, Vec<page::PageRef>) {
        let mut entries = self.groups.as_mut().map(|groups| groups.take_before(before)).unwrap_or_default();
        let mut pages = Vec::new();
        for level in &mut self.levels {
            level.take_before(before, &mut entries, &mut pages);
        }
        entries
            .extend(self.returned.extract_if(.., |_, entry| entry.position < before).map(|(_, entry)| entry));
        self.len -= entries.len() as u64 + pages.iter().map(|page| u64::from(page.count)).sum::<u64>();
        self.bytes -= entries.iter().map(|entry| u64::from(entry.size)).sum::<u64>();
        self.bytes -= pages.iter().map(|page| page.body_bytes).sum::<u64>();
        (entries, pages)
    }

    /// A held message of a group is settled.
    pub(super) fn release(&mut self, entry: &Entry) {
        match self.groups_of(entry.group) {
            Some(groups) => groups.release(entry),
            None => {
                if let Some(groups) = &mut self.groups {
                    groups.count_other(false);
                }
            }
        }
    }

    /// Tells the time to groups, which weigh how much of it each takes. It stays so until the next call.
    pub(super) fn look(&mut self, now: Time) {
        if let Some(groups) = &mut self.groups {
            groups.look(now);
        }
    }

    /// Has the noisy groups find their places anew.
    pub(super) fn rerank(&mut self) {
        if let Some(groups) = &mut self.groups {
            groups.rerank();
        }
    }

    /// Every message in memory, in no particular order.
    pub(super) fn in_memory(&self) -> impl Iterator<Item = Entry> {
        let grouped = self.groups.as_ref().map(Groups::entries).unwrap_or_default();
        let levels = self.levels.iter().flat_map(Level::in_memory).copied();
        levels.chain(self.returned.values().copied()).chain(grouped)
    }

    /// Puts a message of a checkpoint back where it was: before the pages of its level, if it has any, or at
    /// the end. Neither is [`Ready::push_back`]'s choice, which would let a long head overflow into the tail.
    pub(super) fn restore(&mut self, entry: Entry, place: Restored) {
        self.add(&entry);
        match self.groups_of(entry.group) {
            Some(groups) => groups.insert(entry),
            None => match place {
                Restored::Head => self.level_of(&entry).head.push_back(entry),
                Restored::Tail => self.level_of(&entry).tail.push_back(entry),
            },
        }
    }

    /// Counts the messages of a page that a checkpoint names.
    pub(super) fn restore_page(&mut self, level: u8, page: page::PageRef) -> Option<()> {
        let level = self.levels.get_mut(usize::from(level))?;
        self.len += u64::from(page.count);
        self.bytes += page.body_bytes;
        level.pages.push_back(page);
        Some(())
    }

    /// Which message is next: that of the groups, if there are any, or that of the levels; the older of both.
    fn next(&self) -> Option<Next> {
        let Some(groups) = &self.groups else { return self.next_of_levels() };
        let Some(grouped) = groups.front() else { return self.next_of_levels() };
        // Messages of no group are tenants of their own, and never noisy.
        match self.next_of_levels() {
            None => Some(Next::Group),
            Some(next) if groups.front_is_noisy() => Some(next),
            Some(next) => {
                let other = match next {
                    Next::Returned => self.returned.first_key_value().map(|((_, position), _)| *position),
                    Next::Level(level) => self.levels[level].front().map(|entry| entry.position),
                    Next::Group => None,
                };
                Some(if other.is_some_and(|other| other < grouped.position) { next } else { Next::Group })
            }
        }
    }

    /// Which message of the levels is next: the highest level with any, and in it the oldest of head and returned.
    fn next_of_levels(&self) -> Option<Next> {
        let returned =
            self.returned.first_key_value().map(|((Reverse(level), position), _)| (*level, *position));
        for (index, level) in self.levels.iter().enumerate().rev() {
            let returned_here = returned.filter(|(at, _)| usize::from(*at) == index);
            if let Some(stalled_at) = level.stalled_at() {
                // What came back is mostly older than the page on its way, since it had gone out before; what
                // was delayed may be younger, and waits for the page.
                return returned_here.filter(|(_, at)| *at < stalled_at).map(|_| Next::Returned);
            }
            match (returned_here, level.front()) {
                (Some((_, position)), Some(front)) if front.position < position => {
                    return Some(Next::Level(index));
                }
                (Some(_), _) => return Some(Next::Returned),
                (None, Some(_)) => return Some(Next::Level(index)),
                (None, None) => {}
            }
        }
        None
    }

    fn remove_from_levels(&mut self, position: Position) -> Option<Entry> {
        let Ready { levels, returned, .. } = self;
        levels.iter_mut().enumerate().rev().find_map(|(index, level)| {
            level.remove(position).or_else(|| returned.remove(&(Reverse(index as u8), position)))
        })
    }

    /// The groups, if a message of this group (0 for none) stands there.
    fn groups_of(&mut self, group: u64) -> Option<&mut Groups> {
        self.groups.as_mut().filter(|groups| groups.takes(group))
    }

    /// Counts a message that stood in a level and is held now, on a queue with fair groups.
    fn count_held(&mut self, entry: &Entry, hold: bool) {
        if let Some(groups) = &mut self.groups
            && hold
            && !groups.takes(entry.group)
        {
            groups.count_other(true);
        }
    }

    fn level_of(&mut self, entry: &Entry) -> &mut Level {
        let top = self.levels.len() - 1;
        &mut self.levels[usize::from(entry.level).min(top)]
    }

    fn add(&mut self, entry: &Entry) {
        self.len += 1;
        self.bytes += u64::from(entry.size);
    }

    fn subtract(&mut self, entry: &Entry) {
        self.len -= 1;
        self.bytes -= u64::from(entry.size);
    }
}
