//! Message groups: of each group at most one message is held at a time, and the group's messages go out in
//! publish order. Groups do not wait for one another.

use super::super::entry::Entry;
use leveret_log::Position;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// The ready messages of a queue with groups. A message without a group is a group of its own.
#[derive(Debug, Default)]
pub(in crate::shard) struct Groups {
    groups: FxHashMap<u64, Group>,
    /// The first message of every group that nobody holds.
    available: BTreeSet<(Position, u64)>,
}

#[derive(Debug, Default)]
struct Group {
    waiting: BTreeMap<Position, Entry>,
    held: u32,
}

impl Groups {
    /// Takes a new or returned message.
    pub(super) fn insert(&mut self, entry: Entry) {
        let key = key_of(&entry);
        let group = self.groups.entry(key).or_default();
        let first_before = group.waiting.keys().next().copied();
        group.waiting.insert(entry.position, entry);
        if group.held == 0 && first_before.is_none_or(|first| entry.position < first) {
            if let Some(first) = first_before {
                self.available.remove(&(first, key));
            }
            self.available.insert((entry.position, key));
        }
    }

    /// The message that goes out next.
    pub(super) fn front(&self) -> Option<&Entry> {
        let (position, key) = self.available.first()?;
        self.groups.get(key)?.waiting.get(position)
    }

    /// Takes the message that goes out next. Its group waits until [`Groups::release`], unless `hold` is
    /// false (the message leaves for good).
    pub(super) fn pop_front(&mut self, hold: bool) -> Option<Entry> {
        let (position, key) = self.available.pop_first()?;
        let group = self.groups.get_mut(&key)?;
        let entry = group.waiting.remove(&position);
        group.held += u32::from(hold);
        self.settle_group(key);
        entry
    }

    /// A held message of the group is settled.
    pub(super) fn release(&mut self, entry: &Entry) {
        let key = key_of(entry);
        if let Some(group) = self.groups.get_mut(&key) {
            group.held = group.held.saturating_sub(1);
        }
        self.settle_group(key);
    }

    /// Takes a message out of the middle, and holds its group if asked to.
    pub(super) fn remove(&mut self, position: Position, hold: bool) -> Option<Entry> {
        let key = self
            .groups
            .iter()
            .find(|(_, group)| group.waiting.contains_key(&position))
            .map(|(key, _)| *key)?;
        let group = self.groups.get_mut(&key)?;
        let entry = group.waiting.remove(&position);
        group.held += u32::from(hold);
        self.available.remove(&(position, key));
        self.settle_group(key);
        entry
    }

    /// Takes every waiting message that stands before a position. What is held stays held.
    pub(super) fn take_before(&mut self, before: Position) -> Vec<Entry> {
        let mut taken = Vec::new();
        let keys: Vec<u64> = self.groups.keys().copied().collect();
        for key in keys {
            if let Some(group) = self.groups.get_mut(&key) {
                if let Some(first) = group.waiting.keys().next() {
                    self.available.remove(&(*first, key));
                }
                let before = group.waiting.extract_if(.., |position, _| *position < before);
                taken.extend(before.map(|(_, entry)| entry));
            }
            self.settle_group(key);
        }
        taken.sort_unstable_by_key(|entry| entry.position);
        taken
    }

    /// Whether a message of this group (0 for none) waits.
    pub(super) fn contains(&self, group: u64, position: Position) -> bool {
        let group = self.groups.get(&key(group, position));
        group.is_some_and(|group| group.waiting.contains_key(&position))
    }

    /// Every waiting message, in publish order.
    pub(in crate::shard) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> =
            self.groups.values().flat_map(|group| group.waiting.values()).copied().collect();
        entries.sort_unstable_by_key(|entry| entry.position);
        entries
    }

    /// Makes a group's first message available or not, and forgets an empty group that nobody holds.
    fn settle_group(&mut self, key: u64) {
        let Some(group) = self.groups.get(&key) else { return };
        let first = group.waiting.keys().next().copied();
        match first {
            Some(first) if group.held == 0 => {
                self.available.insert((first, key));
            }
            Some(first) => {
                self.available.remove(&(first, key));
            }
            None if group.held == 0 => {
                self.groups.remove(&key);
            }
            None => {}
        }
    }
}

/// Messages without a key get one of their own: their position, marked so that it meets no real hash.
fn key(group: u64, position: Position) -> u64 {
    if group == 0 { position.0 | 1 << 63 } else { group & !(1 << 63) }
}

fn key_of(entry: &Entry) -> u64 {
    key(entry.group, entry.position)
}
