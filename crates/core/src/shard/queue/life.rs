//! The life of a shard's queues: opened, changed, purged, dropped. Their names and arguments live in the catalog.

use super::{Queue, QueueStats};
use crate::shard::durable::fact::Fact;
use crate::shard::ready::page::PageRef;
use crate::shard::{Shard, SystemEffect};
use crate::{LeaseId, QueueId, QueueSettings, Refusal};
use leveret_log::Position;

impl Shard {
    /// Makes a queue known, or gives a known one new settings (a policy changed).
    ///
    /// Priorities, groups and fairness are fixed when a queue is made; a change of them is passed over. So is one of
    /// the default priority, by which a stored message is found again.
    pub fn open_queue(&mut self, id: QueueId, settings: QueueSettings) {
        let now = self.now;
        if let Some(slot) = self.queue_index.get(&id).copied() {
            if let Some(found) = self.queues.at_mut(slot) {
                let QueueSettings { max_priority, default_priority, groups, fair, .. } = found.settings;
                found.settings = QueueSettings { max_priority, default_priority, groups, fair, ..settings };
                found.redrive_suspended = false;
                found.used_at = now;
            }
            return self.mark_dirty(slot);
        }
        let (slot, _) = self.queues.insert(Queue::new(id, settings, now));
        self.queue_index.insert(id, slot);
        self.mark_dirty(slot);
    }

    /// The queue was used: its `x-expires` starts anew (RabbitMQ: a re-declare or a `basic.get` is a use).
    pub fn touch_queue(&mut self, id: QueueId) {
        let now = self.now;
        if let Some(slot) = self.queue_index.get(&id).copied() {
            if let Some(found) = self.queues.at_mut(slot) {
                found.used_at = now;
            }
            self.mark_dirty(slot);
        }
    }

    /// Forgets a queue and all its messages; nothing is dead-lettered (RabbitMQ's rule). Its consumers are
    /// told. Answers how many messages were ready.
    pub fn drop_queue(&mut self, id: QueueId) -> u64 {
        let Some(slot) = self.queue_index.get(&id).copied() else { return 0 };
        self.cancel_consumers(slot);
        self.dismiss_receivers(slot);
        self.queue_index.remove(&id);
        self.drop_leases(slot);
        let generation = self.queues.generation(slot).unwrap_or(0);
        let Some(queue) = self.queues.remove(slot, generation) else { return 0 };
        if let Some(at) = queue.wake_at {
            self.wakes.remove(&(at, slot));
        }
        self.system.retain(|effect| *effect != SystemEffect::QueueUnused { queue: id });
        self.release_all(&queue);
        self.facts.queue(Fact::Dropped { queue: id });
        queue.ready.len()
    }

    /// Drops every ready message of a queue, and every delayed one, and forgets whose duplicates it knew (SQS's rule).
    /// Answers how many messages there were.
    pub fn purge(&mut self, id: QueueId) -> u64 {
        let Some(slot) = self.queue_index.get(&id).copied() else { return 0 };
        let before = self.position();
        let purged = self.purge_before(slot, before);
        self.facts.queue(Fact::Purged { queue: id, before });
        self.mark_dirty(slot);
        purged
    }

    /// A queue's state, for an operator; `None` for an unknown queue.
    pub fn stats(&self, id: QueueId) -> Option<QueueStats> {
        Some(self.queues.at(*self.queue_index.get(&id)?)?.stats())
    }

    /// The queues of the shard, in the order of their ids.
    pub fn queue_ids(&self) -> Vec<QueueId> {
        let mut ids: Vec<QueueId> = self.queue_index.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    pub(in crate::shard) fn slot_of(&self, id: QueueId) -> Result<u32, Refusal> {
        self.queue_index.get(&id).copied().ok_or_else(|| Refusal::not_found("no such queue"))
    }

    /// Registers when the queue wants to be looked at next.
    pub(in crate::shard) fn set_wake(&mut self, slot: u32) {
        let Some(found) = self.queues.at_mut(slot) else { return };
        let next = found.next_wake();
        if next == found.wake_at {
            return;
        }
        if let Some(at) = found.wake_at {
            self.wakes.remove(&(at, slot));
        }
        found.wake_at = next;
        if let Some(at) = next {
            self.wakes.insert((at, slot));
        }
    }

    /// Reports a queue whose `x-expires` has passed without use.
    pub(in crate::shard) fn check_unused(&mut self, slot: u32) {
        let now = self.now;
        let Some(found) = self.queues.at_mut(slot) else { return };
        let Some(ms) = found.settings.expires_ms else { return };
        if found.consumers.len() == 0 && found.used_at.plus_ms(ms) <= now {
            // Asked once in each period, should the deletion not come about.
            found.used_at = now;
            self.system.push(SystemEffect::QueueUnused { queue: found.id });
        }
    }

    fn drop_leases(&mut self, slot: u32) {
        if self.queues.at(slot).is_none_or(|queue| queue.leased == 0) {
            return;
        }
        let held: Vec<u32> =
            self.leases.iter().filter(|(_, lease)| lease.queue == slot).map(|(lease, _)| lease).collect();
        for slot in held {
            let generation = self.leases.generation(slot).unwrap_or(0);
            if let Some(lease) = self.end_lease(LeaseId { slot, generation }) {
                self.space.release(lease.entry.position, lease.entry.charge);
            }
        }
    }

    /// Gives back the space of everything that a queue still holds in its lists.
    fn release_all(&mut self, queue: &Queue) {
        let listed = queue.ready.in_memory().chain(queue.delayed.values().copied());
        let dead = queue.dying.values().map(|dying| dying.entry).chain(queue.parked.values().copied());
        for entry in listed.chain(dead) {
            self.space.release(entry.position, entry.charge);
        }
        for page in queue.ready.levels.iter().flat_map(|level| &level.pages) {
            self.release_page(page);
        }
    }

    /// Drops what was ready or delayed before a position: all of it for a purge now, the same for its replay.
    pub(in crate::shard) fn purge_before(&mut self, slot: u32, before: Position) -> u64 {
        let Some(found) = self.queues.at_mut(slot) else { return 0 };
        let (mut entries, pages) = found.ready.take_before(before);
        let delayed = found.delayed.extract_if(.., |_, entry| entry.position < before);
        entries.extend(delayed.map(|(_, entry)| entry));
        let paged: u64 = pages.iter().map(|page| u64::from(page.count)).sum();
        let purged = entries.len() as u64 + paged;
        found.counters.dropped += purged;
        found.duplicates.forget_before(before);
        for entry in entries {
            self.space.release(entry.position, entry.charge);
        }
        for page in &pages {
            self.release_page(page);
        }
        purged
    }

    /// Gives back the space of a page that will never be read, and of all its messages.
    fn release_page(&mut self, page: &PageRef) {
        self.space.release(page.location, page.record_bytes);
        for (segment, count, bytes) in &page.holds {
            self.space.release_in(*segment, u64::from(*count), *bytes);
        }
    }
}
