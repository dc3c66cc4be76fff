//! The oracle: a small model of what a broker has promised, independent of the engine, that is told every command and
//! every effect and objects when a promise is broken (the promises are those of `docs/guarantees.md`).
//!
//! It knows exactly what a crash may lose: every change of a message is noted with the positions between which its
//! fact stands in the shard's log; what lies behind the log's end after a crash did not happen.
//!
//! - [`copy`]: one message in one queue; [`queue`]: the order of a queue's copies;
//! - [`journal`]: changes that are not durable yet, and how a crash takes them back;
//! - [`commands`]: what clients ask for; [`deliver`]: what the broker hands out;
//! - [`receipts`]: what is received, deleted and extended under receipts; [`duplicates`]: what must not come twice;
//! - [`account`]: at the end every message is accounted for.

mod account;
mod commands;
mod copy;
mod deliver;
mod duplicates;
mod journal;
mod queue;
mod receipts;

pub(crate) use commands::Published;
pub(crate) use deliver::Seen;
pub(crate) use journal::Ends;
pub(crate) use receipts::Attempt;

use crate::Violation;
use crate::world::Report;
use copy::{Place, State};
use journal::Journal;
use leveret_core::shard::{DeadReason, QueueStats};
use leveret_core::{ConnectionId, ConsumerId, QueueId, QueueSettings, ShardIndex, Time};
use leveret_log::Position;
use queue::QueueModel;
use receipts::Repeatable;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the broker. See the module's documentation.
#[derive(Default)]
pub(crate) struct Oracle {
    now: Time,
    queues: BTreeMap<QueueId, QueueModel>,
    consumers: BTreeMap<(ShardIndex, u32, u32), Consumer>,
    consumers_made: u64,
    journal: Journal,
    /// The copies that a publish made, by the message's id.
    homes: BTreeMap<u64, Vec<(QueueId, u64)>>,
    /// Crashes, and rounds in which dead messages were sent again: each may send one once more.
    resends: u32,
    /// Where the log of each shard ended at its last turn; nowhere, once it has failed.
    ends: BTreeMap<ShardIndex, Position>,
    /// Where the log of each shard ended after the last crash.
    recovered_at: BTreeMap<ShardIndex, Position>,
    /// Queues that are gone, and messages that a crash unmade, by queue: a dead letter of theirs may have become
    /// durable at its target, in another log.
    lost_queues: BTreeSet<String>,
    unmade: BTreeSet<(String, u64)>,
    /// What receives got that may be repeated.
    attempts: BTreeMap<(QueueId, Attempt), Vec<Repeatable>>,
    crashes: u32,
}

/// A consumer.
#[derive(Clone, Copy, Debug)]
struct Consumer {
    connection: ConnectionId,
    queue: QueueId,
    no_ack: bool,
    prefetch: u16,
    held: u32,
    /// Counts the consumers in the order in which they came.
    number: u64,
}

impl Oracle {
    /// Time goes on. Leases whose deadline has come end with the next turn of their shard.
    pub(crate) fn set_now(&mut self, now: Time) {
        self.now = now;
        let overdue: Vec<(QueueId, u64)> = self
            .queues
            .values()
            .flat_map(|queue| queue.overdue(now).into_iter().map(|key| (queue.id, key)))
            .collect();
        for (queue, key) in overdue {
            let Some(Place::Held(holder)) = self.state(queue, key).map(|state| state.place) else { continue };
            self.come_back(queue, key, true);
            let state = self.state(queue, key).filter(|state| matches!(state.place, Place::Delayed(_)));
            if let Some(state) = state {
                // The wait begins when the shard notices.
                self.change(queue, key, state.at(Place::Unsure));
            }
            // RabbitMQ's consumer timeout: the consumer that held it is cancelled.
            self.consumers.remove(&consumer_key(queue.shard(), holder.consumer));
        }
    }

    /// A queue is there, since the declaration at `declared_at` of the catalog's log.
    pub(crate) fn queue_opened(
        &mut self,
        id: QueueId,
        name: &str,
        settings: QueueSettings,
        declared_at: Position,
    ) {
        match self.queues.get_mut(&id) {
            Some(queue) => queue.set_settings(settings),
            None => {
                self.queues.insert(id, QueueModel::new(id, name, settings, declared_at));
            }
        }
    }

    /// A policy changed a queue.
    pub(crate) fn settings_changed(&mut self, id: QueueId, settings: QueueSettings) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.set_settings(settings);
        }
    }

    /// A turn of a shard is over: all that it changed is in the log before its end. `lost` says that the log takes
    /// nothing more.
    pub(crate) fn turn_ended(&mut self, report: &Report, lost: bool) {
        self.ends.insert(report.shard, if lost { journal::NEVER.1 } else { report.after });
        let exact = Position(report.after.0.saturating_sub(1));
        let from = if report.one_record { exact } else { report.before };
        self.journal.stamp(report.shard, if lost { journal::NEVER } else { (from, report.after) });
    }

    /// What a turn has done so far is in one record of the log, which ends at `at`. `lost` says that the log took nothing.
    pub(crate) fn written(&mut self, shard: ShardIndex, at: Position, one_record: bool, lost: bool) {
        let stamp = match (lost, one_record) {
            (true, _) => journal::NEVER,
            (false, true) => (Position(at.0.saturating_sub(1)), at),
            (false, false) => (Position::NONE, at),
        };
        self.journal.stamp_so_far(shard, stamp);
    }

    /// The log of a shard is durable up to here.
    pub(crate) fn durable(&mut self, shard: ShardIndex, position: Position) {
        self.journal.forget(shard, position);
    }

    /// Compares a queue's numbers with the model. Call it right after a turn of its shard.
    pub(crate) fn check_counts(
        &mut self,
        id: QueueId,
        stats: &QueueStats,
        position: Position,
    ) -> Result<(), Violation> {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&id) else { return Ok(()) };
        if stats.dying == 0 {
            let done = std::mem::take(&mut queue.dying);
            queue.transferred.extend(done.into_iter().map(|key| (position, key)));
        }
        let Some(expected) = queue.counts(now) else { return Ok(()) };
        let found =
            queue::Counts { waiting: stats.ready + stats.delayed, held: stats.leased, parked: stats.parked };
        if found != expected {
            return Err(Violation(format!(
                "queue {} should hold {expected:?}, and holds {found:?}",
                queue.name
            )));
        }
        Ok(())
    }

    fn state(&self, queue: QueueId, key: u64) -> Option<State> {
        Some(self.queues.get(&queue)?.copy(key)?.state)
    }

    /// Changes a copy's state, so that a crash can take it back.
    fn change(&mut self, queue: QueueId, key: u64, state: State) {
        let Some(found) = self.queues.get_mut(&queue) else { return };
        let Some(before) = found.set(key, state) else { return };
        if let (Place::Held(holder), Some(consumer)) = (before.place, self.holder_of(queue, before)) {
            debug_assert!(!matches!(state.place, Place::Held(_)), "{holder:?} gave it to another");
            consumer.held = consumer.held.saturating_sub(1);
        }
        self.journal.note(queue, key, Some(before), state);
    }

    fn holder_of(&mut self, queue: QueueId, state: State) -> Option<&mut Consumer> {
        let Place::Held(holder) = state.place else { return None };
        self.consumers.get_mut(&consumer_key(queue.shard(), holder.consumer))
    }

    /// A held copy comes back, and dies if it failed too often.
    fn come_back(&mut self, queue: QueueId, key: u64, failed: bool) {
        let Some(found) = self.queues.get(&queue) else { return };
        let Some(before) = found.copy(key).map(|copy| copy.state) else { return };
        let state = if failed { before.failed() } else { before };
        let limit = found.settings.delivery_limit.unwrap_or(u32::MAX);
        let (low, high) = (u32::from(state.failures.0), u32::from(state.failures.1));
        if low > limit {
            return self.die(queue, key, state, DeadReason::DeliveryLimit);
        }
        let place = match found.settings.delayed_retry {
            _ if high > limit => Place::Unsure,
            Some(retry) if retries(retry.on, failed) => {
                let ms = |failures: u16| (retry.min_ms * u64::from(failures.max(1))).min(retry.max_ms);
                let (first, last) = (ms(state.failures.0), ms(state.failures.1));
                if first == last { Place::Delayed(self.now.plus_ms(first)) } else { Place::Unsure }
            }
            _ => Place::Ready,
        };
        self.change(queue, key, state.at(place));
    }

    /// A copy is dead: it goes to the dead-letter target, is kept aside, or is gone.
    fn die(&mut self, queue: QueueId, key: u64, state: State, reason: DeadReason) {
        let Some(found) = self.queues.get_mut(&queue) else { return };
        let has_target = found.settings.dead_letter.is_some();
        if let (true, Some(copy)) = (has_target, found.copy_mut(key)) {
            copy.transfers += 1;
        }
        let place = match reason {
            _ if has_target => Place::Dead(reason),
            DeadReason::DeliveryLimit => Place::Parked,
            _ => Place::Gone,
        };
        self.change(queue, key, state.at(place));
    }
}

fn consumer_key(shard: ShardIndex, consumer: ConsumerId) -> (ShardIndex, u32, u32) {
    (shard, consumer.slot, consumer.generation)
}

fn retries(on: leveret_core::RetryOn, failed: bool) -> bool {
    match on {
        leveret_core::RetryOn::All => true,
        leveret_core::RetryOn::Failed => failed,
        leveret_core::RetryOn::Returned => !failed,
    }
}
