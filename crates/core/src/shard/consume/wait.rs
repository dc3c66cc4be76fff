//! Receives that wait for a message (SQS's long polling). One that waits is told when there may be a message, and asks
//! again: nothing is held for a client that may be gone.

use super::super::Shard;
use super::receive::Attempts;
use crate::limits::RECEIPTS_PER_QUEUE;
use crate::shard::effect::Effect;
use crate::{ConnectionId, QueueId, Refusal};
use std::collections::BTreeMap;

/// What a queue knows of its receives.
#[derive(Debug, Default)]
pub(in crate::shard) struct Receivers {
    /// Those that wait, by the order in which they came: the connection's slot, and how many messages it takes.
    waiting: BTreeMap<u64, (u32, u32)>,
    pub(super) attempts: Attempts,
}

impl Shard {
    /// Lets a connection wait for messages of a queue; it gets [`Effect::Available`] once, and asks again then. A
    /// connection waits for one queue at a time.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] for an unknown queue.
    pub fn wait(&mut self, queue: QueueId, connection: ConnectionId, max: u32) -> Result<(), Refusal> {
        let slot = self.slot_of(queue)?;
        self.stop_waiting(connection);
        let connection = self.attach(connection);
        self.tickets += 1;
        let ticket = self.tickets;
        if let Some(found) = self.connections.at_mut(connection) {
            found.waits = Some((slot, ticket));
        }
        if let Some(found) = self.queues.at_mut(slot) {
            found.receivers.waiting.insert(ticket, (connection, max));
        }
        self.mark_dirty(slot);
        Ok(())
    }

    /// The connection does not wait any more. If it was told of a message and did not fetch it, another is told.
    pub fn stop_waiting(&mut self, connection: ConnectionId) {
        let Some(slot) = self.connection_index.get(&connection).copied() else { return };
        let waits = self.connections.at_mut(slot).and_then(|found| found.waits.take());
        let Some((queue, ticket)) = waits else { return };
        if let Some(found) = self.queues.at_mut(queue) {
            found.receivers.waiting.remove(&ticket);
        }
        self.mark_dirty(queue);
    }

    /// How many receives wait for messages of a queue.
    pub fn waiting(&self, queue: QueueId) -> usize {
        let found = self.queue_index.get(&queue).and_then(|slot| self.queues.at(*slot));
        found.map_or(0, |found| found.receivers.waiting.len())
    }

    /// Tells as many of those that wait as there are messages for, first come first. While as many are held as may be,
    /// none is told: the end of the first lease has this looked at again.
    pub(in crate::shard) fn wake_receivers(&mut self, queue: u32) {
        let Some(found) = self.queues.at_mut(queue) else { return };
        if found.receivers.waiting.is_empty() || found.ready.front().is_none() {
            return;
        }
        let id = found.id;
        let room = RECEIPTS_PER_QUEUE.saturating_sub(found.leased);
        let mut messages = found.ready.len().min(room);
        while messages > 0 {
            let Some(found) = self.queues.at_mut(queue) else { return };
            let Some((_, (connection, max))) = found.receivers.waiting.pop_first() else { return };
            messages = messages.saturating_sub(u64::from(max));
            self.effect(connection, Effect::Available { queue: id });
        }
    }

    /// Tells all that wait that the queue is gone.
    pub(in crate::shard) fn dismiss_receivers(&mut self, queue: u32) {
        let Some(found) = self.queues.at_mut(queue) else { return };
        let id = found.id;
        for (connection, _) in std::mem::take(&mut found.receivers.waiting).into_values() {
            self.effect(connection, Effect::Available { queue: id });
        }
    }
}
