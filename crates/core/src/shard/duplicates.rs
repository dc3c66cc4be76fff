//! Duplicates: a queue that deduplicates knows every message again for five minutes after it was first sent, whether
//! it is still there or not (SQS's FIFO queues). A purge forgets them.
//!
//! A door that deduplicates before it chooses queues (SNS's FIFO topics) has a shard remember messages, whichever queues
//! of the shard they went to. No purge forgets those.

use super::Shard;
use super::durable::fact::Fact;
use super::queue::Queue;
use crate::limits::{DEDUPLICATION_MS, TOPIC_DUPLICATES};
use crate::message::{Deduplication, NewMessage};
use crate::{DeduplicationScope, Time};
use leveret_log::Position;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// The message that another is a duplicate of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Duplicate {
    /// Its id.
    pub message_id: u128,
    /// Where it was stored.
    pub position: Position,
}

/// What is remembered of the messages of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    known: FxHashMap<u128, Duplicate>,
    /// In the order in which they came, when each is forgotten, by what it is known, and where it was stored. One whose
    /// place is not that of the known one has been followed by another since.
    order: VecDeque<(Time, u128, Position)>,
}

impl Duplicates {
    /// Remembers a message that came at `now`.
    pub(super) fn add(&mut self, key: u128, duplicate: Duplicate, now: Time) {
        self.restore(key, duplicate, now.plus_ms(DEDUPLICATION_MS));
    }

    /// Remembers a message until `until`. Call it in the order in which they came.
    pub(super) fn restore(&mut self, key: u128, duplicate: Duplicate, until: Time) {
        self.known.insert(key, duplicate);
        self.order.push_back((until, key, duplicate.position));
    }

    /// The message known by this key, if it came in the last five minutes.
    pub(super) fn find(&mut self, key: u128, now: Time) -> Option<Duplicate> {
        while let Some((until, ..)) = self.order.front().copied() {
            if until > now {
                break;
            }
            self.forget_oldest();
        }
        self.known.get(&key).copied()
    }

    fn forget_oldest(&mut self) {
        let Some((_, old, position)) = self.order.pop_front() else { return };
        if self.known.get(&old).is_some_and(|known| known.position == position) {
            self.known.remove(&old);
        }
    }

    /// Forgets those that were stored before a position: all of them for a purge now, the same for its replay.
    pub(super) fn forget_before(&mut self, before: Position) {
        self.order.retain(|(.., position)| *position >= before);
        self.known.retain(|_, known| known.position >= before);
    }

    /// All that are known, oldest first: until when, by what, and which message.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Time, u128, Duplicate)> {
        let known = |key, position| self.known.get(key).copied().filter(|known| known.position == position);
        self.order
            .iter()
            .filter_map(move |(until, key, position)| Some((*until, *key, known(key, *position)?)))
    }
}

impl Shard {
    /// The message that was remembered by this key in the last five minutes.
    pub fn find_duplicate(&mut self, key: u128) -> Option<Duplicate> {
        self.duplicates.find(key, self.now)
    }

    /// Remembers a message by this key for five minutes, whatever becomes of the broker. Call it behind what stores the
    /// message in this shard: then the one is not durable without the other, and no message is taken for a duplicate of
    /// one that a crash has lost.
    pub fn remember_duplicate(&mut self, key: u128, first: Duplicate) {
        let until = self.now.plus_ms(DEDUPLICATION_MS);
        self.facts.queue(Fact::Remembered { key, first, until });
        self.bound_facts();
        self.restore_duplicate(key, first, until);
    }

    /// Remembers a message until `until`. Call it in the order in which they came.
    pub(super) fn restore_duplicate(&mut self, key: u128, first: Duplicate, until: Time) {
        self.duplicates.restore(key, first, until);
        if self.duplicates.order.len() > TOPIC_DUPLICATES {
            self.duplicates.forget_oldest();
        }
    }
}

impl Queue {
    /// The message that this one is a duplicate of.
    pub(super) fn duplicate(&mut self, message: &NewMessage<'_>, now: Time) -> Option<Duplicate> {
        let scope = self.settings.deduplicate?;
        let key = key_in(scope, message.deduplication?, message.traits.group);
        self.duplicates.find(key, now)
    }

    /// Remembers a message that was stored, if the queue deduplicates.
    pub(super) fn remember(
        &mut self,
        deduplication: Deduplication,
        group: Option<u64>,
        now: Time,
        position: Position,
    ) {
        if let Some(scope) = self.settings.deduplicate {
            let duplicate = Duplicate { message_id: deduplication.message_id, position };
            self.duplicates.add(key_in(scope, deduplication, group), duplicate, now);
        }
    }
}

/// By what a queue knows a message again: with the scope of a group, the same id in another group is another message.
fn key_in(scope: DeduplicationScope, deduplication: Deduplication, group: Option<u64>) -> u128 {
    /// An odd number without structure, so that groups spread over all bits.
    const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    match scope {
        DeduplicationScope::Queue => deduplication.key,
        DeduplicationScope::Group => deduplication.key ^ u128::from(group.unwrap_or(0)).wrapping_mul(SPREAD),
    }
}
