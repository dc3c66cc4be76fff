//! Changes that are not durable yet. A crash takes back those that stand behind the end of the log.

use super::Oracle;
use super::copy::{Place, State};
use crate::Violation;
use leveret_core::{LogId, QueueId, QueueSettings, ShardIndex};
use leveret_log::Position;
use std::collections::{BTreeMap, VecDeque};

/// Where every log ended after a crash.
pub(crate) type Ends = Vec<(LogId, Position)>;

/// Between which positions the end of a fact stands: it happened if the log ends at the second one or behind it, and
/// did not if the log ends at the first one or before it.
pub(super) type Stamp = (Position, Position);

/// The stamp of what can never become durable.
pub(super) const NEVER: Stamp = (Position(u64::MAX - 1), Position(u64::MAX));

/// The changes that are not known to be durable.
#[derive(Default)]
pub(super) struct Journal {
    shards: BTreeMap<ShardIndex, Changes>,
}

/// The changes of one shard, oldest first.
#[derive(Default)]
struct Changes {
    all: VecDeque<Change>,
    /// How many of them, at the end, belong to the turn that is under way.
    open: usize,
}

struct Change {
    queue: QueueId,
    key: u64,
    /// `None` for a copy that was made.
    before: Option<State>,
    after: State,
    /// `None` until the turn ends.
    stamp: Option<Stamp>,
}

impl Journal {
    /// Notes a change of the turn that is under way.
    pub(super) fn note(&mut self, queue: QueueId, key: u64, before: Option<State>, after: State) {
        self.push(Change { queue, key, before, after, stamp: None });
    }

    /// Notes a change whose record is known: a copy that was made, or what happened at some time before now.
    pub(super) fn note_at(
        &mut self,
        queue: QueueId,
        key: u64,
        before: Option<State>,
        after: State,
        stamp: Stamp,
    ) {
        self.push(Change { queue, key, before, after, stamp: Some(stamp) });
    }

    /// Ends the turn: what it noted stands there.
    pub(super) fn stamp(&mut self, shard: ShardIndex, stamp: Stamp) {
        self.stamp_so_far(shard, stamp);
        if let Some(changes) = self.shards.get_mut(&shard) {
            changes.open = 0;
        }
    }

    /// What the turn has noted so far stands there.
    pub(super) fn stamp_so_far(&mut self, shard: ShardIndex, stamp: Stamp) {
        let changes = self.shards.entry(shard).or_default();
        for change in changes.all.iter_mut().rev().take(changes.open) {
            change.stamp.get_or_insert(stamp);
        }
    }

    /// What is durable stays.
    pub(super) fn forget(&mut self, shard: ShardIndex, durable: Position) {
        let changes = self.shards.entry(shard).or_default();
        while changes.all.len() > changes.open
            && changes.all.front().and_then(|change| change.stamp).is_some_and(|stamp| stamp.1 <= durable)
        {
            changes.all.pop_front();
        }
    }

    fn push(&mut self, change: Change) {
        let changes = self.shards.entry(change.queue.shard()).or_default();
        changes.all.push_back(change);
        changes.open += 1;
    }
}

impl Oracle {
    /// The broker is gone, and its logs were found to end at `ends`: what stands behind is taken back.
    pub(crate) fn crashed(&mut self, ends: &Ends) -> Result<(), Violation> {
        self.crashes += 1;
        self.resends += 1;
        self.consumers.clear();
        self.attempts.clear();
        for (log, end) in ends {
            if let LogId::Shard(shard) = log {
                self.recovered_at.insert(*shard, *end);
                self.roll_back(*shard, *end)?;
                self.resend_dead(*shard, *end);
            }
        }
        for queue in self.queues.values_mut() {
            queue.youngest_out.clear();
        }
        Ok(())
    }

    /// The queues that are there after a restart. What was declared and confirmed must be among them.
    pub(crate) fn queues_found(
        &mut self,
        found: &[(QueueId, String, QueueSettings)],
        catalog_end: Position,
    ) -> Result<(), Violation> {
        for (id, name, settings) in found {
            self.queue_opened(*id, name, settings.clone(), Position::NONE);
            let Some(queue) = self.queues.get_mut(id) else { continue };
            if queue.deleted_at.is_some_and(|at| at <= catalog_end) {
                return Err(Violation(format!("queue {name} was deleted, and is back")));
            }
            queue.deleted_at = None;
        }
        let known: Vec<QueueId> = self.queues.keys().copied().collect();
        for id in known.into_iter().filter(|id| found.iter().all(|(there, ..)| there != id)) {
            let Some(queue) = self.queues.remove(&id) else { continue };
            self.lost_queues.insert(queue.name.clone());
            let confirmed = queue.settings.durable && queue.declared_at <= catalog_end;
            if confirmed && queue.deleted_at.is_none() {
                return Err(Violation(format!("the durable queue {} is lost", queue.name)));
            }
            let kept = queue.settings.durable && queue.deleted_at.is_none();
            if let Some((_, copy)) = queue.copies().find(|(_, copy)| kept && copy.confirmed) {
                let (uid, name) = (copy.uid, &queue.name);
                return Err(Violation(format!(
                    "message {uid} was confirmed and is lost with its queue {name}"
                )));
            }
        }
        Ok(())
    }

    /// The recovery of a shard, a turn of its own: every lease that was durable counts as a failed delivery,
    /// but for those under a receipt, which go on.
    pub(crate) fn recovered(&mut self, shard: ShardIndex) {
        let queues: Vec<QueueId> = self.queues.keys().copied().filter(|id| id.shard() == shard).collect();
        for id in queues {
            let lost = |place| matches!(place, Place::Held(holder) if holder.receive.is_none());
            let held = self.queues[&id].keys_where(lost);
            for key in held {
                self.come_back(id, key, true);
            }
        }
    }

    fn roll_back(&mut self, shard: ShardIndex, end: Position) -> Result<(), Violation> {
        let changes = self.journal.shards.remove(&shard).unwrap_or_default();
        for change in changes.all.into_iter().rev() {
            let Some(queue) = self.queues.get_mut(&change.queue) else { continue };
            let (from, to) = change.stamp.unwrap_or(NEVER);
            if end >= to {
                continue;
            }
            match change.before {
                Some(before) if end <= from => {
                    queue.set(change.key, before);
                }
                Some(before) => {
                    queue.set(change.key, before.or(change.after));
                }
                None if end <= from => self.unmake(change.queue, change.key)?,
                None => self.doubt(change.queue, change.key, end),
            }
        }
        Ok(())
    }

    /// A copy may have been made. If so its record ends where the log ends, or before.
    fn doubt(&mut self, id: QueueId, key: u64, end: Position) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let Some(mut copy) = queue.remove(key) else { return };
        copy.state.place = Place::Unsure;
        copy.state.remembered = None;
        for home in self.homes.get_mut(&copy.uid).into_iter().flatten().filter(|home| **home == (id, key)) {
            home.1 = end.0;
        }
        queue.insert(end.0, copy);
    }

    /// A copy was never made after all.
    fn unmake(&mut self, queue: QueueId, key: u64) -> Result<(), Violation> {
        let Some(found) = self.queues.get_mut(&queue) else { return Ok(()) };
        let Some(copy) = found.remove(key) else { return Ok(()) };
        if copy.confirmed && found.settings.durable {
            return Err(Violation(format!(
                "message {} was confirmed in queue {} and is lost",
                copy.uid, found.name
            )));
        }
        self.unmade.insert((found.name.clone(), copy.uid));
        if let Some(homes) = self.homes.get_mut(&copy.uid) {
            homes.retain(|home| *home != (queue, key));
        }
        if let Some((source, key)) = copy.source {
            let source = self.queues.get_mut(&source).and_then(|queue| queue.copy_mut(key));
            if let Some(source) = source {
                source.arrivals = source.arrivals.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Dead messages whose transfer is not known to be durable are sent once more.
    fn resend_dead(&mut self, shard: ShardIndex, end: Position) {
        for queue in self.queues.values_mut().filter(|queue| queue.id.shard() == shard) {
            let transferred = std::mem::take(&mut queue.transferred);
            let again = transferred.into_iter().filter(|(at, _)| *at > end).map(|(_, key)| key);
            for key in again.collect::<Vec<_>>() {
                if queue.copy(key).is_some_and(|copy| matches!(copy.state.place, Place::Dead(_))) {
                    queue.dying.insert(key);
                }
            }
            queue.allow_resend();
        }
    }

    /// Dead messages that are still on their way are sent again.
    pub(crate) fn transfers_retried(&mut self, shard: ShardIndex) {
        self.resends += 1;
        for queue in self.queues.values_mut().filter(|queue| queue.id.shard() == shard) {
            queue.allow_resend();
        }
    }
}
