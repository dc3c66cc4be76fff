//! What clients without a connection do: they receive under receipts, and delete and extend by them (SQS).

use super::copy::{Copy, Holder, Place, State};
use super::{Oracle, Seen};
use crate::Violation;
use leveret_core::shard::{Extended, Receipt, ReceiptError, Receive};
use leveret_core::{ConsumerId, LeaseId, QueueId, Time};
use std::collections::BTreeSet;

/// By what a receive that is repeated is known.
pub(crate) type Attempt = u128;

/// How long a receive may be repeated, in milliseconds (SQS: five minutes).
const ATTEMPT_MS: u64 = 300_000;

/// A message that a repeated receive gets again, if nothing became of it since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Repeatable {
    key: u64,
    receive: u16,
    until: Time,
    /// When the receive is forgotten.
    forgotten: Time,
}

impl Oracle {
    /// A receive was answered. `has_all` says that the broker had the whole queue in memory: then it may not leave
    /// behind what it had room for.
    pub(crate) fn received(
        &mut self,
        receive: &Receive,
        answer: Vec<Seen>,
        has_all: bool,
    ) -> Result<(), Violation> {
        let id = receive.queue;
        let Some(queue) = self.queues.get_mut(&id) else { return Ok(()) };
        queue.ready_delayed(self.now);
        let until = self.now.plus_ms(receive.visibility_ms.unwrap_or(queue.settings.visibility_timeout_ms));
        if let Some(expected) = receive.attempt.and_then(|attempt| self.repeatable(id, attempt)) {
            return self.repeated(receive, &answer, &expected, until);
        }
        let count = answer.len();
        if count > receive.max as usize {
            return Err(Violation(format!("{receive:?} got {count}")));
        }
        let mut repeatable = Vec::new();
        let mut mine = BTreeSet::new();
        for seen in answer {
            let (number, ends) = seen.receipt.unwrap_or_default();
            if number != seen.delivery.acquired + 1 || ends != until {
                return Err(Violation(format!("a receipt names receive {number} of {:?}", seen.delivery)));
            }
            let found = self.find(seen)?;
            self.deliver(&found, &mine)?;
            let queue = self.queues.get(&id).filter(|queue| queue.settings.groups);
            mine.extend(queue.and_then(|queue| queue.copy(found.key)?.group));
            let forgotten = self.now.plus_ms(ATTEMPT_MS);
            repeatable.push(Repeatable { key: found.key, receive: number, until, forgotten });
        }
        let left = self.queues.get(&id).and_then(|queue| queue.first_due(self.now));
        if let Some(left) = left.filter(|_| has_all && count < receive.max as usize) {
            return Err(Violation(format!("{receive:?} got {count} and left {left:?}")));
        }
        if let Some(attempt) = receive.attempt.filter(|_| count > 0) {
            self.attempts.insert((id, attempt), repeatable);
        }
        Ok(())
    }

    /// A message was deleted by a receipt. Answers whether the broker has promised that it does not come back.
    pub(crate) fn deleted_by(
        &mut self,
        id: QueueId,
        receipt: Receipt,
        answer: &Result<(), ReceiptError>,
    ) -> Result<bool, Violation> {
        let Some((key, copy)) = self.copy_of(id, receipt) else {
            return self.of_nothing(id, answer, "delete");
        };
        let (state, strict) = (copy.state, self.is_strict(id));
        let may_be_gone = self.may_be_gone(id, &copy);
        let mine = |holder: Holder| holder.receive == Some(receipt.receive);
        let refuses = match state.place {
            Place::Held(holder) => Some(strict && !mine(holder)),
            Place::Unsure => None,
            Place::Ready | Place::Delayed(_) if strict && may_be_gone => None,
            Place::Ready | Place::Delayed(_) => Some(strict),
            Place::Dead(_) | Place::Parked | Place::Gone => Some(false),
        };
        let refused = match answer {
            Ok(()) => false,
            Err(ReceiptError::Expired) => true,
            Err(error) => return Err(Violation(format!("the delete of {receipt:?}: {error:?}"))),
        };
        if refuses.is_some_and(|refuses| refuses != refused) {
            return Err(Violation(format!("the delete of {receipt:?} was answered {answer:?}: {state:?}")));
        }
        if refused {
            return Ok(false);
        }
        let waits_for_retry = self.queues[&id].settings.delayed_retry.is_some();
        match state.place {
            Place::Held(holder) if holder.receive.is_some() => self.change(id, key, state.at(Place::Gone)),
            Place::Ready if !may_be_gone => self.change(id, key, state.at(Place::Gone)),
            Place::Delayed(_) if waits_for_retry && !may_be_gone => {
                self.change(id, key, state.at(Place::Gone));
            }
            // It died, or may have: it is at its dead-letter target then.
            Place::Ready | Place::Delayed(_) if may_be_gone => self.change(id, key, state.at(Place::Unsure)),
            _ => return Ok(false),
        }
        Ok(matches!(self.state(id, key), Some(State { place: Place::Gone, .. })))
    }

    /// The time of a lease was changed by its receipt.
    pub(crate) fn extended(
        &mut self,
        id: QueueId,
        receipt: Receipt,
        visibility_ms: u64,
        answer: &Result<Extended, ReceiptError>,
    ) -> Result<(), Violation> {
        let Some((key, copy)) = self.copy_of(id, receipt) else {
            return self.of_nothing(id, answer, "extension").map(|_| ());
        };
        let (state, strict) = (copy.state, self.is_strict(id));
        let late = if strict { Err(ReceiptError::Expired) } else { Ok(Extended::Late) };
        let expected = match state.place {
            Place::Held(holder) if holder.receive == Some(receipt.receive) => Some(Ok(Extended::Held)),
            Place::Held(_) => Some(late),
            Place::Unsure => None,
            Place::Ready | Place::Delayed(_) if self.may_be_gone(id, &copy) => None,
            Place::Ready | Place::Delayed(_) => Some(late),
            Place::Dead(_) | Place::Parked | Place::Gone => Some(Err(ReceiptError::Gone)),
        };
        if expected.as_ref().is_some_and(|expected| expected != answer) {
            return Err(Violation(format!(
                "the extension of {receipt:?} was answered {answer:?} and not {expected:?}: {state:?}"
            )));
        }
        if *answer != Ok(Extended::Held) {
            return Ok(());
        }
        if visibility_ms == 0 {
            self.come_back(id, key, true);
        } else {
            let deadline = Some(self.now.plus_ms(visibility_ms));
            let receive = Some(receipt.receive);
            let held = Holder { lease: LeaseId::NONE, consumer: NOBODY, deadline, receive };
            self.change(id, key, state.at(Place::Held(held)));
        }
        Ok(())
    }

    /// A queue was purged of all that is ready, waits, or is held under receipts.
    pub(crate) fn purged_all(&mut self, id: QueueId, count: u64) -> Result<(), Violation> {
        let Some(queue) = self.queues.get(&id) else { return Ok(()) };
        let received = |place| matches!(place, Place::Held(holder) if holder.receive.is_some());
        let held = queue.keys_where(received);
        for key in &held {
            if let Some(state) = self.state(id, *key) {
                self.change(id, *key, state.at(Place::Gone));
            }
        }
        match count.checked_sub(held.len() as u64) {
            Some(waiting) => self.purged(id, waiting),
            None => Err(Violation(format!("{} were received and {count} purged from {id}", held.len()))),
        }
    }

    /// A client has the answer to its receive: these receipts are good from now on, whatever happens.
    pub(crate) fn told_received(&mut self, id: QueueId, receipts: &[Receipt]) {
        for receipt in receipts {
            if let Some(copy) = self.told_copy(id, *receipt) {
                copy.told = copy.told.max(receipt.receive);
            }
        }
    }

    /// A client was told that a message is deleted.
    pub(crate) fn told_deleted(&mut self, id: QueueId, receipt: Receipt) {
        if let Some(copy) = self.told_copy(id, receipt) {
            copy.told_deleted = true;
        }
    }

    /// What a repeated receive gets: what the first one got, if all of it is still held as it was.
    fn repeatable(&self, id: QueueId, attempt: Attempt) -> Option<Vec<Repeatable>> {
        let known = self.attempts.get(&(id, attempt))?;
        let held = |one: &Repeatable| {
            let place = self.state(id, one.key).map(|state| state.place);
            let same =
                |holder: Holder| holder.receive == Some(one.receive) && holder.deadline == Some(one.until);
            matches!(place, Some(Place::Held(holder)) if same(holder)) && self.now < one.forgotten
        };
        known.iter().all(held).then(|| known.clone())
    }

    fn repeated(
        &mut self,
        receive: &Receive,
        answer: &[Seen],
        expected: &[Repeatable],
        until: Time,
    ) -> Result<(), Violation> {
        let mut found = Vec::new();
        for seen in answer {
            found.push((self.identify(seen)?, seen.receipt.unwrap_or_default().0));
        }
        if !found.iter().copied().eq(expected.iter().map(|one| (one.key, one.receive))) {
            return Err(Violation(format!(
                "{receive:?} was repeated, and got {found:?} and not {expected:?}"
            )));
        }
        for one in expected {
            let Some(state) = self.state(receive.queue, one.key) else { continue };
            if let Place::Held(holder) = state.place {
                let held = Holder { deadline: Some(until), ..holder };
                self.change(receive.queue, one.key, state.at(Place::Held(held)));
            }
        }
        let again = expected.iter().map(|one| Repeatable { until, ..*one }).collect();
        self.attempts.extend(receive.attempt.map(|attempt| ((receive.queue, attempt), again)));
        Ok(())
    }

    /// A receipt's message is not known: it was never there, or its queue is gone.
    fn of_nothing<T: std::fmt::Debug>(
        &self,
        id: QueueId,
        answer: &Result<T, ReceiptError>,
        what: &str,
    ) -> Result<bool, Violation> {
        match answer {
            Err(ReceiptError::NoQueue(_)) => Ok(false),
            _ => Err(Violation(format!("the {what} in {id} of what is not there was answered {answer:?}"))),
        }
    }

    fn copy_of(&self, id: QueueId, receipt: Receipt) -> Option<(u64, Copy)> {
        let queue = self.queues.get(&id).filter(|queue| queue.deleted_at.is_none())?;
        let key = queue.at(receipt.position)?;
        Some((key, queue.copy(key)?.clone()))
    }

    fn told_copy(&mut self, id: QueueId, receipt: Receipt) -> Option<&mut Copy> {
        let queue = self.queues.get_mut(&id)?;
        let key = queue.at(receipt.position)?;
        queue.copy_mut(key)
    }

    /// A queue with exclusive groups insists on a receipt's time.
    fn is_strict(&self, id: QueueId) -> bool {
        self.queues.get(&id).is_some_and(|queue| queue.settings.groups)
    }

    /// Whether a rule may have let a waiting copy go.
    fn may_be_gone(&self, id: QueueId, copy: &Copy) -> bool {
        copy.expired(self.now) || self.queues.get(&id).is_some_and(|queue| queue.lossy)
    }
}

/// The consumer of a message that was received.
const NOBODY: ConsumerId = ConsumerId { slot: u32::MAX, generation: u32::MAX };
