//! Replay: rebuilds a shard from the records of its log after a restart.
//!
//! Calling order: open every durable queue of the catalog, [`Shard::restore`] the checkpoint if there is one,
//! [`Shard::replay`] every record from the checkpoint's position on, then [`Shard::recovered`] in a turn.

use super::bytes::Input;
use super::fact::{FACT_VERSION, FACTS, Fact, Op, PAGE, PAGE_COPY};
use super::relocate::Aside;
use crate::message::{MESSAGE, MOVED, MOVED_BYTES, Stored, Target};
use crate::shard::consume::Lease;
use crate::shard::publish::record_bytes;
use crate::shard::queue::Entry;
use crate::shard::queue::{Dying, QueueCounters};
use crate::shard::ready::page;
use crate::shard::{DeadReason, Shard};
use crate::{ConsumerId, LeaseId, QueueId, Time};
use bytes::Bytes;
use leveret_log::{Position, Record};
use rustc_hash::FxHashMap;
use std::fmt;

/// A record that cannot be replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplayError {
    /// Where it is.
    pub position: Position,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record at {} {}", self.position, self.what)
    }
}

impl std::error::Error for ReplayError {}

/// Where a replay finds by its position what the live engine found by a lease or by the time. Empty otherwise.
#[derive(Debug, Default)]
pub(in crate::shard) struct Replayed {
    /// The leases, which have no holder.
    pub(in crate::shard) leases: FxHashMap<(QueueId, Position), LeaseId>,
    /// When messages that wait are ready. Ones that were purged are not taken out.
    pub(in crate::shard) delays: FxHashMap<(QueueId, Position), Time>,
}

impl Shard {
    /// Applies one record. Records of kinds that are not the engine's are passed over. `read_page` gives the
    /// payload of a page that lies before the record.
    ///
    /// # Errors
    /// [`ReplayError`] for a malformed record: its checksum held, so it was written by another version or wrongly.
    pub fn replay(
        &mut self,
        record: &Record<'_>,
        read_page: &mut dyn FnMut(Position) -> Option<Bytes>,
    ) -> Result<(), ReplayError> {
        let malformed = |what| ReplayError { position: record.position, what };
        if record.tag.version > FACT_VERSION {
            return Err(malformed("was written by a newer version"));
        }
        match record.tag.kind {
            MESSAGE => {
                let stored =
                    Stored::parse(MESSAGE, record.payload).map_err(|_| malformed("is not a message"))?;
                self.replay_message(record, &stored);
            }
            MOVED => self.replay_moved(record).ok_or(malformed("is not a moved message"))?,
            PAGE => self.replay_spill(record).ok_or(malformed("is not a page"))?,
            PAGE_COPY => self.replay_page_copy(record).ok_or(malformed("is not a copied page"))?,
            FACTS => {
                let mut facts = Vec::new();
                super::fact::read(record.payload, &mut |fact| facts.push(fact))
                    .ok_or(malformed("holds facts that this version does not know"))?;
                for fact in facts {
                    self.replay_fact(fact, read_page).ok_or(malformed("names a page that cannot be read"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn replay_message(&mut self, record: &Record<'_>, stored: &Stored<'_>) {
        let bytes = record_bytes(record.payload.len());
        let charge = (bytes / stored.target_count().max(1) as u64).max(1) as u32;
        for target in stored.targets() {
            let Some(slot) = self.queue_index.get(&target.queue).copied() else { continue };
            let Some(found) = self.queues.at_mut(slot) else { continue };
            let entry = found.new_entry(target.expires_at, stored.group(), stored.priority());
            let size = stored.body.len() as u32;
            let entry = Entry { position: record.position, size, charge, ..entry };
            if let Some(deduplication) = stored.deduplication() {
                found.remember(deduplication, stored.group(), stored.published_at(), record.position);
            }
            match target.deliver_at {
                // The fact that it is on its way to the dead-letter target follows.
                _ if target.refused => {
                    let (reason, at) = (DeadReason::MaxLength, stored.published_at());
                    found.dying.insert(record.position, Dying { entry, reason, at, asked: false });
                }
                Target::AT_ONCE => found.ready.push_back(entry),
                at => {
                    found.delayed.insert((at, record.position), entry);
                    self.replayed.delays.insert((target.queue, record.position), at);
                }
            }
            self.space.hold(record.position, charge);
        }
    }

    fn replay_moved(&mut self, record: &Record<'_>) -> Option<()> {
        let stored = Stored::parse(MOVED, record.payload).ok()?;
        let position = Input::new(record.payload).position()?;
        self.move_holders(
            &Aside::Replayed,
            position,
            record.position,
            &stored,
            record.payload.len() - MOVED_BYTES,
        );
        Some(())
    }

    fn replay_page_copy(&mut self, record: &Record<'_>) -> Option<()> {
        let page = page::decode(record.payload)?;
        let (_, from) = record.payload.split_last_chunk()?;
        self.move_page(&page, Position(u64::from_le_bytes(*from)), record.position);
        Some(())
    }

    /// A page was cut: its entries are in memory now, and leave it.
    fn replay_spill(&mut self, record: &Record<'_>) -> Option<()> {
        let page = page::decode(record.payload)?;
        let Some(slot) = self.queue_index.get(&page.queue).copied() else { return Some(()) };
        let bytes = record_bytes(record.payload.len()) as u32;
        let page_ref = self.page_ref(record.position, bytes, &page.entries);
        let level = self.queues.at_mut(slot)?.ready.levels.get_mut(usize::from(page.level))?;
        level.replay_spill(page_ref);
        self.space.hold(record.position, bytes);
        Some(())
    }

    fn replay_fact(
        &mut self,
        fact: Fact,
        read_page: &mut dyn FnMut(Position) -> Option<Bytes>,
    ) -> Option<()> {
        match fact {
            Fact::Message { queue, op, position } => {
                if let Some(slot) = self.queue_index.get(&queue).copied() {
                    self.replay_op(queue, slot, op, position);
                }
            }
            Fact::Purged { queue, before } => {
                if let Some(slot) = self.queue_index.get(&queue).copied() {
                    self.purge_before(slot, before);
                }
            }
            Fact::Dropped { queue } => self.replay_drop(queue),
            Fact::Remembered { key, first, until } => self.restore_duplicate(key, first, until),
            Fact::PageOpened { queue, level, location } => {
                if self.queue_index.contains_key(&queue) {
                    let payload = read_page(location)?;
                    self.open_page(queue, level, location, &payload)?;
                }
            }
        }
        Some(())
    }

    fn replay_op(&mut self, queue: QueueId, slot: u32, op: Op, position: Position) {
        if let Op::Extended { until } = op {
            return self.replay_extension(queue, position, until);
        }
        let hold = matches!(op, Op::Leased | Op::Received { .. });
        let Some(mut entry) = self.take_anywhere(queue, slot, position, hold) else { return };
        let Some(found) = self.queues.at_mut(slot) else { return };
        match op {
            Op::Leased => {
                entry.count_delivery();
                self.replay_lease(slot, queue, entry, None);
            }
            Op::Received { at, until } => {
                entry.count_delivery();
                if entry.first_received == Entry::NOT_RECEIVED {
                    entry.first_received = at;
                }
                self.replay_lease(slot, queue, entry, Some((at, until)));
            }
            // It took nothing out of a list, and was handled before.
            Op::Extended { .. } => {}
            Op::Gone => self.space.release(position, entry.charge),
            Op::Failed => {
                entry.count_failure();
                found.ready.put_back(entry);
            }
            Op::Released => found.ready.put_back(entry),
            Op::Delayed { until, failed } => {
                if failed {
                    entry.count_failure();
                }
                found.delayed.insert((until, position), entry);
                self.replayed.delays.insert((queue, position), until);
            }
            Op::Dying { reason, at } => {
                found.dying.insert(position, Dying { entry, reason, at, asked: false });
            }
            Op::Parked => {
                found.parked.insert(position, entry);
            }
            Op::Unparked => {
                entry.failures = 0;
                found.ready.put_back(entry);
            }
        }
    }

    /// Books a lease without a holder. One under a receipt has the times of its receive and of its end.
    pub(in crate::shard) fn replay_lease(
        &mut self,
        slot: u32,
        id: QueueId,
        entry: Entry,
        receipt: Option<(Time, Time)>,
    ) {
        let Some(found) = self.queues.at_mut(slot) else { return };
        found.leased += 1;
        found.leased_bytes += u64::from(entry.size);
        let consumer = ConsumerId { slot: u32::MAX, generation: u32::MAX };
        let (received_at, deadline) = receipt.unzip();
        let lease = Lease { entry, queue: slot, consumer, pool: None, deadline, received_at };
        let (lease, generation) = self.leases.insert(lease);
        self.replayed.leases.insert((id, entry.position), LeaseId { slot: lease, generation });
    }

    fn replay_extension(&mut self, queue: QueueId, position: Position, until: Time) {
        let Some(id) = self.replayed.leases.get(&(queue, position)) else { return };
        if let Some(lease) = self.leases.get_mut(id.slot, id.generation) {
            lease.deadline = Some(until);
        }
    }

    /// Takes a message out of whichever list holds it.
    fn take_anywhere(&mut self, queue: QueueId, slot: u32, position: Position, hold: bool) -> Option<Entry> {
        if let Some(id) = self.replayed.leases.remove(&(queue, position)) {
            let lease = self.leases.remove(id.slot, id.generation)?;
            let found = self.queues.at_mut(slot)?;
            found.leased -= 1;
            found.leased_bytes -= u64::from(lease.entry.size);
            found.ready.release(&lease.entry);
            return Some(lease.entry);
        }
        let found = self.queues.at_mut(slot)?;
        if let Some(at) = self.replayed.delays.remove(&(queue, position)) {
            let entry = found.delayed.remove(&(at, position))?;
            if !hold {
                return Some(entry);
            }
            // A delayed message of a group was leased: by then it was ready, and its group is held now.
            found.ready.put_back(entry);
            return found.ready.remove(position, true);
        }
        if found.ready.front().is_some_and(|front| front.position == position) {
            return found.ready.pop_front(hold);
        }
        if let Some(entry) = found.ready.remove(position, hold) {
            return Some(entry);
        }
        if let Some(dying) = found.dying.remove(&position) {
            return Some(dying.entry);
        }
        found.parked.remove(&position)
    }

    /// A queue was dropped that the catalog still knows: its end was never durable there, so nobody was told
    /// of it. The queue lives on, empty.
    fn replay_drop(&mut self, queue: QueueId) {
        let found = self.queue_index.get(&queue).and_then(|slot| self.queues.at(*slot));
        let Some(settings) = found.map(|found| found.settings.clone()) else { return };
        self.drop_queue(queue);
        self.facts.clear();
        self.open_queue(queue, settings);
    }
}

impl Shard {
    /// Ends a replay, in a turn of its own: a lease was lost with its holder, which counts as a failed delivery, but
    /// one under a receipt goes on; the transfers of dead messages begin anew. Then the shard takes commands.
    pub fn recovered(&mut self) {
        let replayed = std::mem::take(&mut self.replayed);
        let mut lost: Vec<((QueueId, Position), LeaseId)> = replayed.leases.into_iter().collect();
        lost.sort_unstable_by_key(|(held, _)| *held);
        for (_, id) in lost {
            match self.leases.get(id.slot, id.generation) {
                Some(Lease { received_at: Some(_), deadline: Some(until), queue, entry, .. }) => {
                    self.deadlines.insert((*until, id.slot, id.generation));
                    self.receipts.insert((*queue, entry.position), id);
                }
                _ => {
                    self.settle(id, crate::shard::Settle::Again);
                }
            }
        }
        self.retry_transfers();
        for queue in self.queues.iter_mut() {
            // They count from the broker's start on.
            queue.counters = QueueCounters::default();
        }
        for queue in self.queue_ids() {
            self.touch_queue(queue);
        }
    }
}
