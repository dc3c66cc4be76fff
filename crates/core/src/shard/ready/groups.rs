//! Message groups: the messages of a group stand together, and groups do not wait for one another.
//!
//! Exclusive groups (`x-groups`, SQS's FIFO queues): of each at most one consumer holds messages, and they go out in
//! publish order. Fair groups (SQS's fair queues): a group is a tenant; one that holds much of what is in flight, or
//! whose messages have taken much of the consumers' time, is noisy and stands behind the quiet ones, and nothing is ever
//! held back. One of which nothing waits and nothing is held is forgotten, and quiet when it comes again.

use super::super::queue::Entry;
use super::usage::Usage;
use crate::Time;
use leveret_log::Position;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// A group is noisy only if it holds at least so many messages (SQS's fair queues: 30).
const NOISY_HELD: u32 = 30;
/// Or if its messages have taken so much of the consumers' time lately. SQS has no such bound: with it, a queue with
/// little to do keeps its order.
const NOISY_MS: u64 = 10_000;
/// And more than one part in so many of what all hold or have taken (SQS's fair queues: 10 %).
const NOISY_PART: u64 = 10;

/// The ready messages of a queue with groups. A message without a group is a group of its own.
#[derive(Debug)]
pub(in crate::shard) struct Groups {
    kind: GroupKind,
    groups: FxHashMap<u64, Group>,
    /// The first message of every group that may go out: the quiet groups' in publish order, then those of the noisy
    /// ones, fewest held first.
    available: BTreeSet<(Rank, Position, u64)>,
    /// What all groups hold, and those messages that stand in none.
    all: Usage,
    /// The time as it was told last; 0 in a replay.
    now: Time,
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

/// How far back a group stands: 0 for all but the noisy ones, for which it is one more than what they hold.
type Rank = u32;

#[derive(Debug, Default)]
struct Group {
    waiting: BTreeMap<Position, Entry>,
    usage: Usage,
    /// Its place among the available ones.
    listed: Option<(Rank, Position)>,
}

impl Groups {
    /// No groups yet.
    pub(super) fn new(kind: GroupKind) -> Groups {
        Groups {
            kind,
            groups: FxHashMap::default(),
            available: BTreeSet::new(),
            all: Usage::default(),
            now: Time(0),
            last: 0,
        }
    }

    /// Takes the time. It never goes back.
    pub(super) fn look(&mut self, now: Time) {
        self.now = now;
    }

    /// Finds the places of the noisy groups anew, and that of the first quiet one: what other groups do, and time alone,
    /// make one quiet or noisy. There are few to look at, since fewer than ten groups can have more than a tenth of
    /// anything.
    pub(super) fn rerank(&mut self) {
        if self.kind == GroupKind::Exclusive {
            return;
        }
        let mut from = Bound::Excluded((0, Position(u64::MAX), u64::MAX));
        while let Some(place) = self.available.range((from, Bound::Unbounded)).next().copied() {
            self.settle_group(place.2);
            from = Bound::Excluded(place);
        }
        self.settle_front();
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
        self.settle_front();
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
        match held {
            true => self.all.hold(self.now),
            false => self.all.release(self.now),
        }
    }

    /// A held message of the group is settled.
    pub(super) fn release(&mut self, entry: &Entry) {
        self.all.release(self.now);
        let key = key_of(entry);
        if let Some(group) = self.groups.get_mut(&key) {
            group.usage.release(self.now);
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
        if hold {
            group.usage.hold(self.now);
            self.all.hold(self.now);
        }
        self.last = key;
        self.settle_group(key);
        entry
    }

    /// Puts quiet groups that come first and are noisy by now to their places, until one is quiet.
    fn settle_front(&mut self) {
        while let Some((0, _, key)) = self.available.first().copied() {
            self.settle_group(key);
            if self.available.first().is_some_and(|(rank, _, first)| (*rank, *first) == (0, key)) {
                return;
            }
        }
    }

    /// Puts a group at its place among the available ones, and forgets an empty group that nobody holds.
    fn settle_group(&mut self, key: u64) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let held = group.usage.held();
        let rank = match self.kind {
            GroupKind::Exclusive => (held == 0).then_some(0),
            GroupKind::Fair => {
                group.usage.look(self.now);
                self.all.look(self.now);
                Some(if is_noisy(&group.usage, &self.all) { held.saturating_add(1) } else { 0 })
            }
        };
        let place = rank.and_then(|rank| Some((rank, *group.waiting.keys().next()?)));
        let before = std::mem::replace(&mut group.listed, place);
        if group.waiting.is_empty() && held == 0 {
            self.groups.remove(&key);
        }
        if place != before {
            if let Some((rank, first)) = before {
                self.available.remove(&(rank, first, key));
            }
            if let Some((rank, first)) = place {
                self.available.insert((rank, first, key));
            }
        }
    }
}

/// Whether a group has much of what all have.
fn is_noisy(group: &Usage, all: &Usage) -> bool {
    let is_much = |part: u64, whole: u64| part * NOISY_PART > whole;
    (group.held() >= NOISY_HELD && is_much(u64::from(group.held()), u64::from(all.held())))
        || (group.taken_ms() >= NOISY_MS && is_much(group.taken_ms(), all.taken_ms()))
}

/// Messages without a key get one of their own: their position, marked so that it meets no real hash.
fn key(group: u64, position: Position) -> u64 {
    if group == 0 { position.0 | 1 << 63 } else { group & !(1 << 63) }
}

fn key_of(entry: &Entry) -> u64 {
    key(entry.group, entry.position)
}
