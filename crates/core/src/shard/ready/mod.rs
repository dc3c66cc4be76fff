//! The ready messages of a queue: which one goes out next, and what a deep queue keeps on disk.

pub(super) mod groups;
pub(super) mod level;
pub(super) mod page;

use super::entry::Entry;
use groups::Groups;
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
    /// The messages of a queue with groups, which has no levels and does not page.
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
    Returned,
    Level(usize),
}

impl Ready {
    /// An empty list for priorities 0 to `max_priority`, or for groups.
    pub(super) fn new(max_priority: u8, groups: bool) -> Ready {
        let levels = if groups { 1 } else { usize::from(max_priority) + 1 };
        Ready {
            levels: (0..levels).map(|_| Level::default()).collect(),
            returned: BTreeMap::new(),
            groups: groups.then(Groups::default),
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
    pub(super) fn push_back(&mut self, entry: Entry) {
        self.add(&entry);
        match &mut self.groups {
            Some(groups) => groups.insert(entry),
            None => self.level_of(&entry).push_back(entry),
        }
    }

    /// Takes back a message at its old place.
    pub(super) fn put_back(&mut self, entry: Entry) {
        self.add(&entry);
        match &mut self.groups {
            Some(groups) => groups.insert(entry),
            None => {
                self.returned.insert((Reverse(entry.level), entry.position), entry);
            }
        }
    }

    /// The message that goes out next; `None` when there is none, or when it is still on its way from disk.
    pub(super) fn front(&self) -> Option<&Entry> {
        if let Some(groups) = &self.groups {
            return groups.front();
        }
        match self.next()? {
            Next::Returned => self.returned.first_key_value().map(|(_, entry)| entry),
            Next::Level(level) => self.levels[level].front(),
        }
    }

    /// Takes the message that goes out next. With `hold`, its group waits for [`Ready::release`].
    pub(super) fn pop_front(&mut self, hold: bool) -> Option<Entry> {
        let entry = match &mut self.groups {
            Some(groups) => groups.pop_front(hold)?,
            None => match self.next()? {
                Next::Returned => self.returned.pop_first()?.1,
                Next::Level(level) => self.levels[level].pop_front()?,
            },
        };
        self.subtract(&entry);
        Some(entry)
    }

    /// Takes the message at `position`, if it is in memory.
    pub(super) fn remove(&mut self, position: Position, hold: bool) -> Option<Entry> {
        let entry = match &mut self.groups {
            Some(groups) => groups.remove(position, hold)?,
            None => self.remove_from_levels(position)?,
        };
        self.subtract(&entry);
        Some(entry)
    }

    /// Whether a message of this level and group is here, in memory.
    pub(super) fn in_memory_at(&self, level: u8, group: Option<u64>, position: Position) -> bool {
        if let Some(groups) = &self.groups {
            return groups.contains(group.unwrap_or(0), position);
        }
        self.returned.contains_key(&(Reverse(level), position))
            || self.levels.get(usize::from(level)).is_some_and(|level| level.in_memory_at(position))
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
        if let Some(groups) = &mut self.groups {
            groups.release(entry);
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
        match &mut self.groups {
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

    /// Which message is next: the highest level with any, and in it the oldest of head and returned.
    fn next(&self) -> Option<Next> {
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
