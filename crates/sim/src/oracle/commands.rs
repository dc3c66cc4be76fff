//! What clients ask for, as the model sees it.

use super::copy::{Copy, Place, State};
use super::{Consumer, Oracle, consumer_key};
use crate::Violation;
use crate::world::Span;
use leveret_core::shard::{DeadReason, Delivery, Settle};
use leveret_core::{ConnectionId, ConsumerId, LeaseId, Overflow, QueueId};
use leveret_log::Position;

/// A message that a broker took.
#[derive(Clone, Debug)]
pub(crate) struct Published<'a> {
    pub(crate) uid: u64,
    pub(crate) persistent: bool,
    pub(crate) priority: Option<u8>,
    pub(crate) group: Option<u64>,
    pub(crate) delay_ms: Option<u64>,
    pub(crate) expiration_ms: Option<u64>,
    /// What its duplicates are known by.
    pub(crate) known_by: Option<u64>,
    /// Bytes of its body and its properties.
    pub(crate) bytes: usize,
    /// The queues it was routed to.
    pub(crate) targets: &'a [QueueId],
    /// One of them refused it. Only queues that are the sole target of a message may refuse one here.
    pub(crate) refused: bool,
}

/// Bytes of a message's record beside its body and properties, at most: heads, names, targets and a MARK.
const RECORD_BYTES: u64 = 512;

impl Oracle {
    /// A message was stored: a copy of it in each queue.
    pub(crate) fn published(&mut self, message: &Published<'_>, spans: &[Span]) {
        for id in message.targets {
            let Some(span) = spans.iter().find(|span| span.shard == id.shard()) else { continue };
            let Some(queue) = self.queues.get_mut(id) else { continue };
            if span.before == span.after {
                continue;
            }
            let settings = &queue.settings;
            let ttl = [settings.message_ttl_ms, message.expiration_ms].into_iter().flatten().min();
            let delay = message.delay_ms.unwrap_or(settings.delay.ms);
            let until = (delay > 0).then(|| self.now.plus_ms(delay));
            let place = match until {
                // The record itself says that the queue was full, and keeps the message for its target only.
                _ if message.refused => Place::Dead(DeadReason::MaxLength),
                Some(until) => Place::Delayed(until),
                None => Place::Ready,
            };
            let copy = Copy {
                uid: message.uid,
                persistent: message.persistent,
                level: message.priority.unwrap_or(settings.default_priority).min(settings.max_priority),
                group: message.group.filter(|_| settings.groups),
                expires: ttl.map(|ttl| self.now.plus_ms(ttl)),
                was_delayed: until.is_some(),
                confirmed: false,
                from: span.before.0,
                state: State::new(place),
                sent_at: self.now,
                known_by: message.known_by.filter(|_| settings.deduplicate.is_some()),
                told: 0,
                told_deleted: false,
                source: None,
                transfers: u32::from(message.refused),
                arrivals: 0,
            };
            // Where a page follows in the same span it is not sure where the message's record ends.
            let has_page = span.after.0 - span.before.0 > message.bytes as u64 + RECORD_BYTES;
            let from = if has_page { span.before } else { Position(span.after.0 - 1) };
            let (key, state) = (span.after.0, copy.state);
            queue.insert(key, copy);
            self.journal.note_at(*id, key, None, state, (from, span.after));
            self.homes.entry(message.uid).or_default().push((*id, key));
        }
    }

    /// The publisher has its confirm.
    pub(crate) fn confirmed(&mut self, uid: u64) {
        for (queue, key) in self.homes.get(&uid).into_iter().flatten() {
            let copy = self.queues.get_mut(queue).and_then(|queue| queue.copy_mut(*key));
            if let Some(copy) = copy {
                copy.confirmed = copy.persistent;
            }
        }
    }

    /// Whether a refusal can be: the queue refuses what does not fit.
    pub(crate) fn may_refuse(&self, queue: QueueId) -> bool {
        self.queues.get(&queue).is_some_and(|queue| queue.settings.overflow != Overflow::DropHead)
    }

    /// A client settled a delivery; `answer` is what the broker said: whether the lease was still there.
    pub(crate) fn settled(
        &mut self,
        delivery: &Delivery,
        how: Settle,
        answer: bool,
    ) -> Result<(), Violation> {
        let (id, lease) = (delivery.queue, delivery.lease);
        let key = self.queues.get(&id).and_then(|queue| queue.at(delivery.position));
        let state = key.and_then(|key| Some((key, self.state(id, key)?)));
        let held =
            state.filter(|(_, state)| matches!(state.place, Place::Held(holder) if holder.lease == lease));
        if held.is_some() != answer {
            return Err(Violation(format!("the settle of {delivery:?} was answered with {answer}")));
        }
        let Some((key, state)) = held else { return Ok(()) };
        match how {
            Settle::Done => self.change(id, key, state.at(Place::Gone)),
            Settle::Again => self.come_back(id, key, true),
            Settle::Untouched => self.come_back(id, key, false),
            Settle::Never => self.die(id, key, state, DeadReason::Rejected),
        }
        Ok(())
    }

    /// A queue was purged of so many messages.
    pub(crate) fn purged(&mut self, id: QueueId, count: u64) -> Result<(), Violation> {
        let Some(queue) = self.queues.get_mut(&id) else { return Ok(()) };
        let expected = queue.counts(self.now);
        let waiting =
            queue.keys_where(|place| matches!(place, Place::Ready | Place::Delayed(_) | Place::Unsure));
        if let Some(expected) = expected.filter(|expected| expected.waiting != count) {
            return Err(Violation(format!("the purge of {} dropped {count} of {expected:?}", queue.name)));
        }
        for key in waiting {
            self.drop_copy(id, key);
        }
        self.forget_duplicates(id);
        Ok(())
    }

    /// A queue was deleted; the deletion is durable once the catalog's log is, up to `at`.
    pub(crate) fn deleted(&mut self, id: QueueId, at: Position) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        queue.deleted_at = Some(at);
        self.lost_queues.insert(queue.name.clone());
        for key in queue.keys_where(|place| place != Place::Gone) {
            self.drop_copy(id, key);
        }
        self.consumers.retain(|_, consumer| consumer.queue != id);
    }

    /// An operator put back what was kept aside.
    pub(crate) fn unparked(&mut self, id: QueueId, count: u64) -> Result<(), Violation> {
        let Some(queue) = self.queues.get(&id) else { return Ok(()) };
        let parked = queue.keys_where(|place| place == Place::Parked);
        if queue.counts(self.now).is_some() && parked.len() as u64 != count {
            return Err(Violation(format!("{} had {} parked, {count} came back", queue.name, parked.len())));
        }
        let unsure = queue.keys_where(|place| place == Place::Unsure);
        for key in unsure {
            // It may have been among them, and then its failures are forgotten.
            if let Some(state) = self.state(id, key) {
                self.change(id, key, State { failures: (0, state.failures.1), ..state });
            }
        }
        for key in parked {
            if let Some(state) = self.state(id, key) {
                self.change(id, key, State { place: Place::Ready, failures: (0, 0), ..state });
            }
        }
        Ok(())
    }

    /// A consumer was made.
    pub(crate) fn subscribed(
        &mut self,
        queue: QueueId,
        id: ConsumerId,
        connection: ConnectionId,
        no_ack: bool,
        prefetch: u16,
    ) {
        self.consumers_made += 1;
        let number = self.consumers_made;
        let consumer = Consumer { connection, queue, no_ack, prefetch, held: 0, number };
        self.consumers.insert(consumer_key(queue.shard(), id), consumer);
    }

    /// A consumer is gone; what it held stays held.
    pub(crate) fn unsubscribed(&mut self, queue: QueueId, id: ConsumerId) {
        self.consumers.remove(&consumer_key(queue.shard(), id));
    }

    /// A copy is dropped with its queue or with all that was ready; it may have died before.
    fn drop_copy(&mut self, id: QueueId, key: u64) {
        let Some(queue) = self.queues.get(&id) else { return };
        let Some(copy) = queue.copy(key) else { return };
        let may_be_dead = queue.lossy || copy.expired(self.now) || copy.state.place == Place::Unsure;
        let place = if may_be_dead { Place::Unsure } else { Place::Gone };
        let state = copy.state.at(place);
        self.change(id, key, state);
    }

    /// A message was fetched or delivered without a lease to give back.
    pub(super) fn is_no_ack(lease: LeaseId) -> bool {
        lease == LeaseId::NONE
    }
}
