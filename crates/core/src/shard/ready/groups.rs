//! Message groups: the messages of a group stand together, and groups do not wait for one another.
//!
//! Exclusive groups (`x-groups`, SQS's FIFO queues): of each at most one consumer holds messages, and they go out in
//! publish order. Fair groups (SQS's fair queues): a group is a tenant; one that holds much of what is in flight is
//! noisy and stands behind the quiet ones, and nothing is ever held back.

use super::super::queue::Entry;
use leveret_log::Position;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// A group is noisy only if it holds at least so many messages (SQS's fair queues: 30).
const NOISY_HELD: u32 = 30;
/// And more than one part in so many of all that are held (SQS's fair queues: 10 %).
const NOISY_PART: u64 = 10;

/// The ready messages of a queue with groups. A message without a group is a group of its own.
#[derive(Debug)]
pub(in crate::shard) struct Groups {
    kind: GroupKind,
    groups: FxHashMap<u64, Group>,
    /// The first message of every group that may go out: the quiet groups' in publish order, then those of the noisy
    /// ones, fewest held first.
    available: BTreeSet<(Rank, Position, u64)>,
    /// Messages held of all groups.
    held: u64,
    /// The group that was looked at last: a replay asks for its messages one after the other.
    last: u64,
}

/// What groups are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::shard) enum GroupKind {
    /// One holder at a time.
    Exclusive,
    /// Noisy ones stand behind quiet ones.
    Fair,
}

/// How far back a group stands: 0 for all but the noisy ones, for which it is how many of their messages are held.
type Rank = u32;

#[derive(Debug, Default)]
struct Group {
    waiting: BTreeMap<Position, Entry>,
    held: u32,
    /// Its place among the available ones.
    listed: Option<(Rank, Position)>,
}

impl Groups {
    /// No groups yet.
    pub(super) fn new(kind: GroupKind) -> Groups {
        Groups { kind, groups: FxHashMap::default(), available: BTreeSet::new(), held: 0, last: 0 }
    }

    /// Whether a message of this group (0 for none) stands here, and not in a level.
    pub(super) fn takes(&self, group: u64) -> bool {
        self.kind == GroupKind::Exclusive || group != 0
    }

    /// Takes a new or returned message.
    pub(super) fn insert(&mut self, entry: Entry) {
        let key = key_of(&entry);
        self.groups.entry(key).or_default().waiting.insert(entry.position, entry);
        self.settle_group(key);
    }

    /// The message that goes out next.
    pub(super) fn front(&self) -> Option<&Entry> {
        let (_, position, key) = self.available.first()?;
        self.groups.get(key)?.waiting.get(position)
    }

    /// Whether the message that goes out next is of a noisy group.
    pub(super) fn front_is_noisy(&self) -> bool {
        self.available.first().is_some_and(|(rank, ..)| *rank > 0)
    }

    /// Takes the message that goes out next. Its group waits until [`Groups::release`], unless `hold` is
    /// false (the message leaves for good).
    pub(super) fn pop_front(&mut self, hold: bool) -> Option<Entry> {
        let (_, position, key) = self.available.first().copied()?;
        let entry = self.take(key, position, hold);
        // Whether a group is noisy depends on what the others hold, too: it is looked at when its turn has come.
        if let Some((rank, _, next)) = self.available.first().copied()
            && rank == 0
        {
            self.settle_group(next);
        }
        entry
    }

    /// Takes the next message of a group that the caller holds (SQS: a receive takes what it can of one group).
    pub(super) fn pop_of(&mut self, group: u64) -> Option<Entry> {
        let key = key(group, Position::NONE);
        let position = *self.groups.get(&key)?.waiting.keys().next()?;
        self.take(key, position, true)
    }

    /// The next message of a group, whether it is held or not.
    pub(super) fn next_of(&self, group: u64) -> Option<&Entry> {
        self.groups.get(&key(group, Position::NONE))?.waiting.values().next()
    }

    /// A message that stands in no group is held, or is not any more.
    pub(super) fn count_other(&mut self, held: bool) {
        self.held = if held { self.held + 1 } else { self.held.saturating_sub(1) };
    }

    /// A held message of the group is settled.
    pub(super) fn release(&mut self, entry: &Entry) {
        self.held = self.held.saturating_sub(1);
        let key = key_of(entry);
        if let Some(group) = self.groups.get_mut(&key) {
            group.held = group.held.saturating_sub(1);
        }
        self.settle_group(key);
    }

    /// Takes a message out of the middle, and holds its group if asked to.
    pub(super) fn remove(&mut self, position: Position, hold: bool) -> Option<Entry> {
        let waits_in = |group: &Group| group.waiting.contains_key(&position);
        let key = match self.groups.get(&self.last) {
            Some(group) if waits_in(group) => self.last,
            _ => *self.groups.iter().find(|(_, group)| waits_in(group))?.0,
        };
        self.take(key, position, hold)
    }

    /// Takes every waiting message that stands before a position. What is held stays held.
    pub(super) fn take_before(&mut self, before: Position) -> Vec<Entry> {
        let mut taken = Vec::new();
        let keys: Vec<u64> = self.groups.keys().copied().collect();
        for key in keys {
            if let Some(group) = self.groups.get_mut(&key) {
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

    fn take(&mut self, key: u64, position: Position, hold: bool) -> Option<Entry> {
        let group = self.groups.get_mut(&key)?;
        let entry = group.waiting.remove(&position);
        group.held += u32::from(hold);
        self.held += u64::from(hold);
        self.last = key;
        self.settle_group(key);
        entry
    }

    /// Puts a group at its place among the available ones, and forgets an empty group that nobody holds.
    fn settle_group(&mut self, key: u64) {
        let Some(group) = self.groups.get(&key) else { return };
        let rank = match self.kind {
            GroupKind::Exclusive => (group.held == 0).then_some(0),
            GroupKind::Fair if self.is_noisy(group) => Some(group.held),
            GroupKind::Fair => Some(0),
        };
        let place = rank.and_then(|rank| Some((rank, *group.waiting.keys().next()?)));
        let gone = group.waiting.is_empty() && group.held == 0;
        if place != group.listed {
            if let Some((rank, first)) = group.listed {
                self.available.remove(&(rank, first, key));
            }
            if let Some((rank, first)) = place {
                self.available.insert((rank, first, key));
            }
        }
        if gone {
            self.groups.remove(&key);
        } else if let Some(group) = self.groups.get_mut(&key) {
            group.listed = place;
        }
    }

    fn is_noisy(&self, group: &Group) -> bool {
        group.held >= NOISY_HELD && u64::from(group.held) * NOISY_PART > self.held
    }
}

/// Messages without a key get one of their own: their position, marked so that it meets no real hash.
fn key(group: u64, position: Position) -> u64 {
    if group == 0 { position.0 | 1 << 63 } else { group & !(1 << 63) }
}

fn key_of(entry: &Entry) -> u64 {
    key(entry.group, entry.position)
}
