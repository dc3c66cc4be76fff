//! A shard: the deterministic engine of a set of queues.
//!
//! Calling order: [`Shard::begin`] with the time, any number of commands, [`Shard::end`]; then take what the
//! turn produced: [`Shard::take_effects`], [`Shard::take_system_effects`], [`Shard::next_wake`], and the log's
//! batch from [`Shard::tail`]. A promise made in a turn (a publish that is to be confirmed) holds once the log
//! is durable up to [`Shard::position`] as it was after the command.
//!
//! Commands change the state at once and write facts; deliveries happen in `end`, once for all commands.

mod consume;
mod dead;
mod duplicates;
mod durable;
mod effect;
mod publish;
mod queue;
mod ready;
mod slots;
#[cfg(test)]
mod tests;

pub use consume::{
    ConsumerInfo, Extended, PoolId, Receipt, ReceiptError, Receive, Received, Settle, Subscription,
};
pub use dead::Transfer;
pub use duplicates::Duplicate;
pub use durable::checkpoint::CheckpointError;
pub use durable::fact::{FACT_VERSION, FACTS, PAGE, PAGE_COPY};
pub use durable::relocate::Relocation;
pub use durable::replay::ReplayError;
pub use durable::space::{Traffic, Use};
pub use effect::{CancelReason, DeadLetter, DeadReason, Delivery, Effect, SystemEffect};
pub use publish::{Alike, Contents, Published, RunPublished};
pub use queue::{QueueCounters, QueueStats};

use crate::{ConnectionId, LeaseId, QueueId, ShardIndex, Time};
use consume::{Connection, Consumer, Lease, Pool};
use duplicates::Duplicates;
use durable::fact::Facts;
use durable::replay::Replayed;
use durable::space::Space;
use leveret_log::{AppendError, Batch, Geometry, Position, Tag, Tail};
use queue::Queue;
use rustc_hash::FxHashMap;
use slots::Slots;
use std::collections::BTreeSet;

/// The engine of a set of queues, with its end of their log.
pub struct Shard {
    index: ShardIndex,
    now: Time,
    queues: Slots<Queue>,
    queue_index: FxHashMap<QueueId, u32>,
    consumers: Slots<Consumer>,
    connections: Slots<Connection>,
    connection_index: FxHashMap<ConnectionId, u32>,
    pools: Slots<Pool>,
    leases: Slots<Lease>,
    /// The leases under receipts, by queue and message.
    receipts: FxHashMap<(u32, Position), LeaseId>,
    /// The messages that are known again whatever queue they went to.
    duplicates: Duplicates,
    /// Counts the receives that have waited.
    tickets: u64,
    /// Leases with a deadline, by it.
    deadlines: BTreeSet<(Time, u32, u32)>,
    /// Queues to look at without being asked, by when.
    wakes: BTreeSet<(Time, u32)>,
    /// Queues that this turn has to dispatch.
    dirty: Vec<u32>,
    /// Connections that this turn has effects for.
    dirty_connections: Vec<u32>,
    system: Vec<SystemEffect>,
    facts: Facts,
    /// `None` while the log is replayed.
    tail: Option<Tail>,
    space: Space,
    replayed: Replayed,
    scratch: Scratch,
}

/// Buffers that are used again, so that the hot path allocates nothing.
#[derive(Debug, Default)]
struct Scratch {
    head: Vec<u8>,
    targets: Vec<crate::message::Target>,
    slots: Vec<u32>,
    takers: Vec<publish::Taker>,
    page: Vec<u8>,
}

impl Shard {
    /// An empty shard over a log of this geometry, to be replayed; [`Shard::open`] ends that.
    pub fn new(index: ShardIndex, geometry: Geometry) -> Shard {
        let space = Space::new(geometry);
        Shard {
            index,
            now: Time(0),
            queues: Slots::default(),
            queue_index: FxHashMap::default(),
            consumers: Slots::default(),
            connections: Slots::default(),
            connection_index: FxHashMap::default(),
            pools: Slots::default(),
            leases: Slots::default(),
            receipts: FxHashMap::default(),
            duplicates: Duplicates::default(),
            tickets: 0,
            deadlines: BTreeSet::new(),
            wakes: BTreeSet::new(),
            dirty: Vec::new(),
            dirty_connections: Vec::new(),
            system: Vec::new(),
            facts: Facts::new(geometry.max_payload_bytes()),
            tail: None,
            space,
            replayed: Replayed::default(),
            scratch: Scratch::default(),
        }
    }

    /// Gives the shard its end of the log, once the log is replayed.
    pub fn open(&mut self, tail: Tail) {
        self.tail = Some(tail);
    }

    /// Begins a turn. The time never goes back: an earlier one is taken as the last.
    pub fn begin(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.expire_leases();
        while let Some((at, queue)) = self.wakes.first().copied() {
            if at > self.now {
                break;
            }
            self.wakes.pop_first();
            if let Some(found) = self.queues.at_mut(queue) {
                found.wake_at = None;
            }
            self.check_unused(queue);
            self.mark_dirty(queue);
        }
    }

    /// Ends a turn: dispatches every queue that changed, writes the turn's facts and seals what was appended.
    pub fn end(&mut self) {
        while let Some(queue) = self.dirty.pop() {
            if let Some(found) = self.queues.at_mut(queue) {
                found.dirty = false;
                self.dispatch(queue);
            }
        }
        self.write_facts();
        if let Some(tail) = &mut self.tail {
            tail.seal();
        }
    }

    /// Hands out the effects of the last turns, one batch per connection.
    pub fn take_effects(&mut self, each: &mut dyn FnMut(ConnectionId, &mut Vec<Effect>)) {
        while let Some(slot) = self.dirty_connections.pop() {
            if let Some(connection) = self.connections.at_mut(slot) {
                connection.dirty = false;
                each(connection.id, &mut connection.effects);
                connection.effects.clear();
            }
        }
    }

    /// Takes what the broker itself has to do for this shard.
    pub fn take_system_effects(&mut self) -> Vec<SystemEffect> {
        std::mem::take(&mut self.system)
    }

    /// Whether there is anything for [`Shard::take_system_effects`].
    pub fn has_system_effects(&self) -> bool {
        !self.system.is_empty()
    }

    /// When the next turn must begin, even if nobody asks for one.
    pub fn next_wake(&self) -> Option<Time> {
        let lease = self.deadlines.first().map(|(at, ..)| *at);
        let queue = self.wakes.first().map(|(at, _)| *at);
        [lease, queue].into_iter().flatten().min()
    }

    /// Writes the turn's facts so far, and says up to where the log must be durable for all of them to be. For a
    /// promise about what no message was stored for: a message that is deleted, received or purged.
    pub fn write_out(&mut self) -> Position {
        self.write_facts();
        self.position()
    }

    /// Where the next record will be: the log must be durable up to here for all that was appended to be.
    pub fn position(&self) -> Position {
        self.tail.as_ref().map_or(Position::NONE, Tail::next_position)
    }

    /// The shard's end of the log, for whoever writes it to disk; `None` before [`Shard::open`].
    pub fn tail(&mut self) -> Option<&mut Tail> {
        self.tail.as_mut()
    }

    /// All that is due in the log, for one group commit; `None` when there is nothing or the log has failed.
    pub fn take_batch(&mut self) -> Option<Batch> {
        let tail = self.tail.as_mut()?;
        tail.note_live(self.space.traffic().live_bytes);
        tail.take_batch()
    }

    /// Which of the broker's shards this is.
    pub fn index(&self) -> ShardIndex {
        self.index
    }

    /// The time of the turn.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Writes the facts so far as a record. A log that refuses writes has failed for good: the effects of
    /// this turn that wait for a position will never leave, so nothing is promised that is not kept.
    fn write_facts(&mut self) {
        if self.facts.payload().is_empty() {
            return;
        }
        let tag = Tag { kind: FACTS, version: FACT_VERSION };
        if let Some(tail) = &mut self.tail {
            let _failed_for_good = tail.append(tag, &[self.facts.payload()]);
        }
        self.facts.clear();
    }

    /// Writes the facts so far if they have grown large: a record has a largest size.
    #[inline]
    fn bound_facts(&mut self) {
        if self.facts.are_many() {
            self.write_facts();
        }
    }

    /// Appends a record.
    fn append(&mut self, kind: u8, parts: &[&[u8]]) -> Result<Position, AppendError> {
        let tail = self.tail.as_mut().ok_or(AppendError::Failed)?;
        tail.append(Tag { kind, version: FACT_VERSION }, parts)
    }

    /// Adds an effect to a connection's batch.
    fn effect(&mut self, connection: u32, effect: Effect) {
        if let Some(found) = self.connections.at_mut(connection) {
            found.effects.push(effect);
            if !found.dirty {
                found.dirty = true;
                self.dirty_connections.push(connection);
            }
        }
    }

    /// Puts a queue on the turn's list.
    fn mark_dirty(&mut self, queue: u32) {
        if let Some(found) = self.queues.at_mut(queue)
            && !found.dirty
        {
            found.dirty = true;
            self.dirty.push(queue);
        }
    }
}
