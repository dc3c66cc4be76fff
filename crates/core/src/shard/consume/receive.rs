//! Receive: a consumer without a connection to hold its leases takes messages for a while, each under a receipt
//! (SQS's ReceiveMessage). The receipt settles the lease from anywhere, also after a restart of the broker.

use super::super::Shard;
use super::super::queue::Entry;
use super::lend::Holder;
use super::receipt::Receipt;
use crate::limits::{RECEIPTS_PER_QUEUE, RECEIVE_ATTEMPT_MS, RECEIVE_ATTEMPTS};
use crate::shard::effect::Delivery;
use crate::{Cause, LeaseId, QueueId, Refusal, Time};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// What a receive asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receive {
    /// The queue.
    pub queue: QueueId,
    /// Messages at most.
    pub max: u32,
    /// How long they are held, in milliseconds; `None` leaves it to the queue. With 0 they are ready again at once.
    pub visibility_ms: Option<u64>,
    /// By what a repeated receive is known: it gets the same messages again (SQS `ReceiveRequestAttemptId`).
    pub attempt: Option<u128>,
}

/// A message that was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// The message.
    pub delivery: Delivery,
    /// By which its lease is settled.
    pub receipt: Receipt,
    /// When it was received for the first time.
    pub first_received: Time,
}

/// The receives of a queue that may be repeated.
#[derive(Debug, Default)]
pub(in crate::shard) struct Attempts {
    known: FxHashMap<u128, Attempt>,
    /// In the order in which they came, and until when each is known. One whose time is not that of the known one was
    /// followed by another receive of the same id.
    order: VecDeque<(Time, u128)>,
}

#[derive(Debug)]
struct Attempt {
    /// Until when it is known.
    until: Time,
    /// What was received, and when each lease was to end: one that was changed ends the attempt.
    leases: Vec<(LeaseId, Time)>,
}

impl Shard {
    /// Receives messages, oldest first. Of an exclusive group it takes as many as it can, and no other receive gets
    /// any of that group before all of them are settled.
    ///
    /// # Errors
    /// [`Cause::NotFound`] for an unknown queue; [`Cause::NotAllowed`] when as many messages of it are held as may be.
    pub fn receive(&mut self, receive: &Receive, received: &mut Vec<Received>) -> Result<(), Refusal> {
        received.clear();
        let slot = self.slot_of(receive.queue)?;
        self.ready_delayed(slot);
        let now = self.now;
        let Some(queue) = self.queues.at_mut(slot) else { return Err(Refusal::not_found("no such queue")) };
        queue.used_at = now;
        let until = now.plus_ms(receive.visibility_ms.unwrap_or(queue.settings.visibility_timeout_ms));
        if let Some(attempt) = receive.attempt
            && self.repeat(slot, attempt, until, received)
        {
            return Ok(());
        }
        let held = self.queues.at(slot).map_or(0, |queue| queue.leased);
        let room = RECEIPTS_PER_QUEUE.saturating_sub(held).min(u64::from(receive.max)) as usize;
        if room == 0 {
            return Err(Refusal::new(Cause::NotAllowed, "too many messages of the queue are in flight"));
        }
        let holder = Holder::receipt(until);
        while received.len() < room {
            self.bury_head(slot);
            if self.receive_run(slot, &holder, room, received) == 0 {
                break;
            }
            self.bound_facts();
        }
        if let Some(attempt) = receive.attempt {
            self.remember_attempt(slot, attempt, until, received);
        }
        // What is left may be for another receive that waits.
        self.mark_dirty(slot);
        Ok(())
    }

    /// Receives the first message and, with exclusive groups, those of its group behind it. Answers how many.
    fn receive_run(
        &mut self,
        slot: u32,
        holder: &Holder,
        room: usize,
        received: &mut Vec<Received>,
    ) -> usize {
        let before = received.len();
        let Some(mut lender) = self.lender(slot) else { return 0 };
        let group = lender.queue.ready.front().map_or(0, |entry| entry.group);
        let Some(first) = lender.queue.ready.pop_front(true) else { return 0 };
        received.push(lender.receive(first, holder));
        if lender.queue.settings.groups && group != 0 {
            let horizon = lender.queue.horizon(lender.now);
            let most = lender.queue.max_deliveries();
            let fits = |entry: &Entry| entry.may_go_out(horizon, most);
            while received.len() < room {
                let Some(next) = lender.queue.ready.pop_of_group(group, fits) else { break };
                received.push(lender.receive(next, holder));
            }
        }
        received.len() - before
    }

    /// Answers a repeated receive with what the first one got, held anew; `false` if it is not known, or something
    /// became of the messages since.
    fn repeat(&mut self, slot: u32, attempt: u128, until: Time, received: &mut Vec<Received>) -> bool {
        let now = self.now;
        let Some(queue) = self.queues.at_mut(slot) else { return false };
        let Some(found) = queue.receivers.attempts.find(attempt, now) else { return false };
        let held = |(id, ends): &(LeaseId, Time)| {
            self.leases.get(id.slot, id.generation).is_some_and(|lease| lease.deadline == Some(*ends))
        };
        if found.leases.is_empty() || !found.leases.iter().all(held) {
            return false;
        }
        let ids: Vec<LeaseId> = found.leases.iter().map(|(id, _)| *id).collect();
        for lease in &mut found.leases {
            lease.1 = until;
        }
        for id in ids {
            self.move_deadline(id, until);
            received.extend(self.received_under(id));
        }
        true
    }

    /// A lease as its receive was answered.
    fn received_under(&self, id: LeaseId) -> Option<Received> {
        let lease = self.leases.get(id.slot, id.generation)?;
        let entry = &lease.entry;
        let acquired = entry.acquired.saturating_sub(1);
        let delivery = Delivery {
            consumer: lease.consumer,
            lease: id,
            queue: self.queues.at(lease.queue)?.id,
            position: entry.position,
            location: self.space.location(entry.position),
            size: entry.size,
            failures: entry.failures,
            acquired,
            redelivered: acquired > 0,
        };
        let receipt = Receipt { position: entry.position, receive: entry.acquired };
        Some(Received { delivery, receipt, first_received: entry.first_received })
    }

    fn remember_attempt(&mut self, slot: u32, attempt: u128, until: Time, received: &[Received]) {
        let now = self.now;
        let Some(queue) = self.queues.at_mut(slot).filter(|_| !received.is_empty()) else { return };
        let leases = received.iter().map(|received| (received.delivery.lease, until)).collect();
        queue.receivers.attempts.add(attempt, Attempt { until: now.plus_ms(RECEIVE_ATTEMPT_MS), leases });
    }
}

impl Attempts {
    fn find(&mut self, attempt: u128, now: Time) -> Option<&mut Attempt> {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        self.known.get_mut(&attempt)
    }

    fn add(&mut self, key: u128, attempt: Attempt) {
        self.order.push_back((attempt.until, key));
        self.known.insert(key, attempt);
        if self.order.len() > RECEIVE_ATTEMPTS {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((until, oldest)) = self.order.pop_front() else { return };
        if self.known.get(&oldest).is_some_and(|attempt| attempt.until == until) {
            self.known.remove(&oldest);
        }
    }
}
