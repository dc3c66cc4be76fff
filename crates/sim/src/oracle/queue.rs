//! A queue as the oracle knows it: its copies, in order, and which of them must be ready.

use super::copy::{Copy, Place, State};
use leveret_core::{Overflow, QueueId, QueueSettings, Time};
use leveret_log::Position;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The place of a copy in its queue's order: higher levels first, then by age.
pub(super) type Rank = (Reverse<u8>, u64);

/// A queue.
#[derive(Debug)]
pub(super) struct QueueModel {
    pub(super) id: QueueId,
    pub(super) name: String,
    pub(super) settings: QueueSettings,
    /// The catalog's log must be durable up to here for the queue to be there, and not to be there any more.
    pub(super) declared_at: Position,
    pub(super) deleted_at: Option<Position>,
    /// It had a length limit that drops from the head: what is ready may be gone.
    pub(super) lossy: bool,
    /// Dead letters of other queues come here.
    pub(super) is_target: bool,
    copies: BTreeMap<u64, Copy>,
    ready: BTreeSet<Rank>,
    delayed: BTreeSet<(Time, u64)>,
    deadlines: BTreeSet<(Time, u64)>,
    held_groups: BTreeMap<u64, u32>,
    held: u64,
    parked: u64,
    unsure: u64,
    /// Groups of which nobody knows whether they are held.
    unsure_groups: BTreeMap<u64, u32>,
    /// Dead copies that may still be on their way to the target.
    pub(super) dying: BTreeSet<u64>,
    /// Dead copies that the target has, and where the shard's log ended when that was seen.
    pub(super) transferred: Vec<(Position, u64)>,
    /// The youngest copy of each level that went out for the first time.
    pub(super) youngest_out: BTreeMap<u8, u64>,
}

impl QueueModel {
    pub(super) fn new(id: QueueId, name: &str, settings: QueueSettings, declared_at: Position) -> QueueModel {
        let mut queue = QueueModel {
            id,
            name: name.to_owned(),
            settings: QueueSettings::default(),
            declared_at,
            deleted_at: None,
            lossy: false,
            is_target: name.starts_with(crate::world::DEAD_LETTERS),
            copies: BTreeMap::new(),
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            held_groups: BTreeMap::new(),
            held: 0,
            parked: 0,
            unsure: 0,
            unsure_groups: BTreeMap::new(),
            dying: BTreeSet::new(),
            transferred: Vec::new(),
            youngest_out: BTreeMap::new(),
        };
        queue.set_settings(settings);
        queue
    }

    /// New settings, by a policy.
    pub(super) fn set_settings(&mut self, settings: QueueSettings) {
        let limited = settings.max_length.is_some() || settings.max_length_bytes.is_some();
        self.lossy |= limited && settings.overflow == Overflow::DropHead;
        self.settings = settings;
    }

    pub(super) fn copy(&self, key: u64) -> Option<&Copy> {
        self.copies.get(&key)
    }

    /// A copy, to change what is not its state.
    pub(super) fn copy_mut(&mut self, key: u64) -> Option<&mut Copy> {
        self.copies.get_mut(&key)
    }

    pub(super) fn copies(&self) -> impl Iterator<Item = (u64, &Copy)> {
        self.copies.iter().map(|(key, copy)| (*key, copy))
    }

    /// The copy whose record can be at a position.
    pub(super) fn at(&self, position: Position) -> Option<u64> {
        let (key, copy) = self.copies.range(position.0 + 1..).next()?;
        (copy.from <= position.0).then_some(*key)
    }

    pub(super) fn insert(&mut self, key: u64, copy: Copy) {
        self.index(key, &copy, true);
        self.copies.insert(key, copy);
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Copy> {
        let copy = self.copies.remove(&key)?;
        self.index(key, &copy, false);
        Some(copy)
    }

    /// Puts a copy into a state. Answers the one it was in.
    pub(super) fn set(&mut self, key: u64, state: State) -> Option<State> {
        let mut copy = self.copies.remove(&key)?;
        self.index(key, &copy, false);
        let before = std::mem::replace(&mut copy.state, state);
        copy.was_delayed |= matches!(state.place, Place::Delayed(_));
        self.index(key, &copy, true);
        self.copies.insert(key, copy);
        Some(before)
    }

    /// Makes ready what was delayed until now or before. Nothing on disk changes by it.
    pub(super) fn ready_delayed(&mut self, now: Time) {
        while let Some((until, key)) = self.delayed.first().copied() {
            if until > now {
                return;
            }
            let Some(state) = self.copy(key).map(|copy| copy.state) else { return };
            self.set(key, state.at(Place::Ready));
        }
    }

    /// The held copies whose deadline has come.
    pub(super) fn overdue(&self, now: Time) -> Vec<u64> {
        self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| *key).collect()
    }

    /// The copies in places that fit.
    pub(super) fn keys_where(&self, fits: impl Fn(Place) -> bool) -> Vec<u64> {
        self.copies.iter().filter(|(_, copy)| fits(copy.state.place)).map(|(key, _)| *key).collect()
    }

    /// The copy that must go out before all others, as far as is sure.
    pub(super) fn first_due(&self, now: Time) -> Option<Rank> {
        if self.lossy {
            return None;
        }
        let due = |rank: &&Rank| {
            self.copies.get(&rank.1).is_some_and(|copy| {
                let free = |group| !self.is_group_held(group) && !self.unsure_groups.contains_key(&group);
                !copy.expired(now) && copy.group.is_none_or(free)
            })
        };
        self.ready.iter().find(due).copied()
    }

    /// The first ready copy of a group, as far as is sure.
    pub(super) fn first_of_group(&self, group: u64, now: Time) -> Option<Rank> {
        let of_group = |rank: &&Rank| {
            self.copies.get(&rank.1).is_some_and(|copy| copy.group == Some(group) && !copy.expired(now))
        };
        self.ready.iter().find(of_group).copied().filter(|_| !self.lossy)
    }

    /// Whether somebody holds a message of a group.
    pub(super) fn is_group_held(&self, group: u64) -> bool {
        self.settings.groups && self.held_groups.contains_key(&group)
    }

    /// Ready, delayed, held and parked copies, if that is sure.
    pub(super) fn counts(&self, now: Time) -> Option<Counts> {
        let vague = self.lossy || self.is_target || self.unsure > 0;
        let waiting = || self.ready.iter().map(|rank| rank.1).chain(self.delayed.iter().map(|(_, key)| *key));
        let may_expire = || waiting().any(|key| self.copies.get(&key).is_some_and(|copy| copy.expired(now)));
        if vague || may_expire() {
            return None;
        }
        Some(Counts {
            waiting: self.ready.len() as u64 + self.delayed.len() as u64,
            held: self.held,
            parked: self.parked,
        })
    }

    /// Every dead copy that is still on its way may be sent once more.
    pub(super) fn allow_resend(&mut self) {
        for key in &self.dying {
            if let Some(copy) = self.copies.get_mut(key) {
                copy.transfers += 1;
            }
        }
    }

    fn index(&mut self, key: u64, copy: &Copy, add: bool) {
        let count = |counter: &mut u64| *counter = if add { *counter + 1 } else { *counter - 1 };
        match copy.state.place {
            Place::Ready => member(&mut self.ready, (Reverse(copy.level), key), add),
            Place::Delayed(until) => member(&mut self.delayed, (until, key), add),
            Place::Held(holder) => {
                count(&mut self.held);
                if let Some(deadline) = holder.deadline {
                    member(&mut self.deadlines, (deadline, key), add);
                }
                count_group(&mut self.held_groups, copy.group, add);
            }
            Place::Dead(_) => member(&mut self.dying, key, add),
            Place::Parked => count(&mut self.parked),
            Place::Unsure => {
                count(&mut self.unsure);
                count_group(&mut self.unsure_groups, copy.group, add);
            }
            Place::Gone => {}
        }
    }
}

/// What a queue must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Counts {
    pub(super) waiting: u64,
    pub(super) held: u64,
    pub(super) parked: u64,
}

fn count_group(groups: &mut BTreeMap<u64, u32>, group: Option<u64>, add: bool) {
    let Some(group) = group else { return };
    let copies = groups.entry(group).or_default();
    *copies = if add { *copies + 1 } else { *copies - 1 };
    if *copies == 0 {
        groups.remove(&group);
    }
}

fn member<T: Ord>(set: &mut BTreeSet<T>, item: T, add: bool) {
    if add {
        set.insert(item);
    } else {
        set.remove(&item);
    }
}
