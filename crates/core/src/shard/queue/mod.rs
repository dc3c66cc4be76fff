//! One queue: its messages in whatever state, its consumers, its counters.

mod entry;
mod life;

pub(super) use entry::Entry;

use super::consume::{Consumers, Receivers};
use super::duplicates::Duplicates;
use super::effect::DeadReason;
use super::ready::Ready;
use crate::{QueueId, QueueSettings, Time};
use leveret_log::Position;
use std::collections::BTreeMap;

/// A queue of a shard.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) id: QueueId,
    pub(super) settings: QueueSettings,
    pub(super) ready: Ready,
    /// Messages that are ready later, by when, as [`QueueSettings::delay`] stores it.
    pub(super) delayed: BTreeMap<(Time, Position), Entry>,
    /// Dead messages on their way to the dead-letter target, and why they died.
    pub(super) dying: BTreeMap<Position, Dying>,
    /// Dead messages without a target.
    pub(super) parked: BTreeMap<Position, Entry>,
    /// How many leases there are on its messages, and the bytes of their bodies.
    pub(super) leased: u64,
    pub(super) leased_bytes: u64,
    pub(super) consumers: Consumers,
    /// Who waits for a message to receive, and what was received lately.
    pub(super) receivers: Receivers,
    /// The messages whose duplicates are known; only a queue that deduplicates has any.
    pub(super) duplicates: Duplicates,
    /// The dead-letter queue of a redrive was not there: nothing goes there before the next retry.
    pub(super) redrive_suspended: bool,
    /// When it was last used, for `x-expires`.
    pub(super) used_at: Time,
    /// The wake-up that is registered for it.
    pub(super) wake_at: Option<Time>,
    /// It is in the turn's list of queues to look at.
    pub(super) dirty: bool,
    pub(super) counters: QueueCounters,
}

/// A dead message on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dying {
    pub(super) entry: Entry,
    pub(super) reason: DeadReason,
    pub(super) at: Time,
    /// The broker was asked to move it and has not answered yet: asked twice, it would arrive twice.
    pub(super) asked: bool,
}

/// What has happened to a queue's messages since the broker started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QueueCounters {
    /// Messages stored.
    pub published: u64,
    /// Deliveries, first or not.
    pub delivered: u64,
    /// Deliveries of messages that may have been seen before.
    pub redelivered: u64,
    /// Leases settled as done, and deliveries that needed no ack.
    pub acked: u64,
    /// Leases that ended at their deadline.
    pub leases_expired: u64,
    /// Messages handed to the dead-letter target, by reason: rejected, expired, maxlen, delivery limit.
    pub dead_lettered: [u64; 4],
    /// Messages dropped without a target: rejected, expired or over the length limit.
    pub dropped: u64,
    /// Publishes refused because the queue was full.
    pub refused: u64,
}

/// A queue's state as an operator sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QueueStats {
    /// Messages ready to go out.
    pub ready: u64,
    /// Bytes of their bodies.
    pub ready_bytes: u64,
    /// Messages held by consumers.
    pub leased: u64,
    /// Bytes of their bodies.
    pub leased_bytes: u64,
    /// Messages that are ready later.
    pub delayed: u64,
    /// Dead messages on their way to the dead-letter target.
    pub dying: u64,
    /// Dead messages kept aside.
    pub parked: u64,
    /// Consumers.
    pub consumers: u64,
    /// What has happened so far.
    pub counters: QueueCounters,
}

impl Queue {
    pub(super) fn new(id: QueueId, settings: QueueSettings, now: Time) -> Queue {
        Queue {
            ready: Ready::new(&settings),
            id,
            settings,
            delayed: BTreeMap::new(),
            dying: BTreeMap::new(),
            parked: BTreeMap::new(),
            leased: 0,
            leased_bytes: 0,
            consumers: Consumers::default(),
            receivers: Receivers::default(),
            duplicates: Duplicates::default(),
            redrive_suspended: false,
            used_at: now,
            wake_at: None,
            dirty: false,
            counters: QueueCounters::default(),
        }
    }

    pub(super) fn stats(&self) -> QueueStats {
        QueueStats {
            ready: self.ready.len(),
            ready_bytes: self.ready.bytes(),
            leased: self.leased,
            leased_bytes: self.leased_bytes,
            delayed: self.delayed.len() as u64,
            dying: self.dying.len() as u64,
            parked: self.parked.len() as u64,
            consumers: self.consumers.len() as u64,
            counters: self.counters,
        }
    }

    /// Whether a message of this size would exceed a length limit. Both limits speak of ready messages.
    pub(super) fn full_for(&self, size: u64) -> bool {
        let settings = &self.settings;
        settings.max_length.is_some_and(|max| self.ready.len() + 1 > max)
            || settings.max_length_bytes.is_some_and(|max| self.ready.bytes() + size > max)
    }

    /// Whether the ready messages exceed a length limit.
    pub(super) fn over_limit(&self) -> bool {
        let settings = &self.settings;
        settings.max_length.is_some_and(|max| self.ready.len() > max)
            || settings.max_length_bytes.is_some_and(|max| self.ready.bytes() > max)
    }

    /// When a new message of this time to live expires here, as an entry stores it.
    pub(super) fn expiry(&self, now: Time, expiration_ms: Option<u64>, sent_at: Option<Time>) -> Time {
        let lives = match (self.settings.message_ttl_ms, expiration_ms) {
            (None, None) => Entry::NEVER,
            (Some(ttl), None) | (None, Some(ttl)) => now.plus_ms(ttl),
            (Some(a), Some(b)) => now.plus_ms(a.min(b)),
        };
        let Some(retention) = self.settings.retention else { return lives };
        let kept = sent_at.unwrap_or(now).plus_ms(retention.first_ms);
        if lives == Entry::NEVER {
            return kept;
        }
        kept.min(retention.stored(lives))
    }

    /// What has a stored expiry before this is expired: the time, shifted by what the retention was changed.
    pub(super) fn horizon(&self, now: Time) -> Time {
        self.settings.retention.map_or(now, |retention| retention.stored(now))
    }

    /// When a message with this stored expiry expires.
    fn expires_at(&self, stored: Time) -> Time {
        self.settings.retention.map_or(stored, |retention| retention.end(stored))
    }

    /// A message that was handed out so often goes to the dead-letter queue of the redrive instead of once more.
    pub(super) fn max_deliveries(&self) -> u32 {
        match &self.settings.redrive {
            Some(redrive) if !self.redrive_suspended => redrive.max_receives,
            _ => u32::MAX,
        }
    }

    /// The entry of a message that nobody has held yet, but for its position, its size and its charge.
    pub(super) fn new_entry(&self, expires_at: Time, group: Option<u64>, priority: Option<u8>) -> Entry {
        Entry {
            position: Position::NONE,
            expires_at,
            first_received: Entry::NOT_RECEIVED,
            group: group.unwrap_or(0),
            size: 0,
            charge: 0,
            failures: 0,
            acquired: 0,
            level: self.level(priority),
        }
    }

    /// The level of a message of this priority.
    pub(super) fn level(&self, priority: Option<u8>) -> u8 {
        priority.unwrap_or(self.settings.default_priority).min(self.settings.max_priority)
    }

    /// Whether a message is ready or waits. One that was held before is in memory.
    pub(super) fn holds(&self, position: Position) -> bool {
        self.ready.in_memory().any(|entry| entry.position == position)
            || self.delayed.keys().any(|(_, delayed)| *delayed == position)
    }

    /// Takes a message that came back after its lease had ended: one that is ready, or waits for its retry.
    pub(super) fn take_back(&mut self, position: Position) -> Option<Entry> {
        if let Some(entry) = self.ready.remove(position, false) {
            return Some(entry);
        }
        // Without retries that wait, none of the delayed messages has been out before.
        self.settings.delayed_retry?;
        let key = *self.delayed.keys().find(|(_, delayed)| *delayed == position)?;
        self.delayed.remove(&key)
    }

    /// How long a message that comes back waits, by the queue's delayed-retry settings. One of a group does not:
    /// those behind it would overtake it.
    pub(super) fn retry_delay(&self, entry: &Entry, failed: bool) -> Option<u64> {
        let retry = self.settings.delayed_retry?;
        if self.settings.groups && entry.group != 0 {
            return None;
        }
        let applies = match retry.on {
            crate::RetryOn::All => true,
            crate::RetryOn::Failed => failed,
            crate::RetryOn::Returned => !failed,
        };
        applies.then(|| retry.min_ms.saturating_mul(u64::from(entry.failures.max(1))).min(retry.max_ms))
    }

    /// When the queue next needs a look without anybody asking: a head that expires, a message whose delay
    /// ends, the queue's own expiry.
    pub(super) fn next_wake(&self) -> Option<Time> {
        let head = self.ready.front().map(|entry| entry.expires_at).filter(|at| *at != Entry::NEVER);
        // A message expires when its time has passed, not at that time (see `Entry::expired`).
        let head = head.map(|at| self.expires_at(at).plus_ms(1));
        let delayed = self.delayed.first_key_value().map(|((at, _), _)| self.settings.delay.end(*at));
        let unused = self.settings.expires_ms.filter(|_| self.consumers.len() == 0);
        let unused = unused.map(|ms| self.used_at.plus_ms(ms));
        [head, delayed, unused].into_iter().flatten().min()
    }
}
