//! What the broker hands out: each delivery is checked against the model.

use super::copy::{Copy, Holder, Place, State};
use super::{Oracle, consumer_key};
use crate::Violation;
use crate::client::Body;
use leveret_core::message::Stored;
use leveret_core::shard::{DeadReason, Delivery};
use leveret_core::wire::{Properties, Value};
use leveret_core::{ConnectionId, LeaseId, QueueId, Time};
use leveret_log::Position;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// A delivery with the record that was read for it.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Who gets it; `None` for a `get`.
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) delivery: Delivery,
    pub(crate) kind: u8,
    pub(crate) payload: bytes::Bytes,
    /// Which receive of it this is and until when it lasts, if it was received under a receipt.
    pub(crate) receipt: Option<(u16, Time)>,
}

/// A copy that goes out, found and checked.
pub(super) struct Found {
    pub(super) seen: Seen,
    pub(super) key: u64,
    pub(super) level: u8,
}

impl Oracle {
    /// The deliveries of one turn of a shard, for all connections. Among those of one queue the order in which
    /// different connections got theirs is not told, so they are looked at in the queue's order.
    pub(crate) fn delivered(&mut self, deliveries: Vec<Seen>) -> Result<(), Violation> {
        let mut found = Vec::new();
        for seen in deliveries {
            found.push(self.find(seen)?);
        }
        found.sort_by_key(|found| (found.seen.delivery.queue, Reverse(found.level), found.key));
        for found in found {
            self.deliver(&found, &BTreeSet::new())?;
        }
        Ok(())
    }

    /// Finds the copy that goes out.
    pub(super) fn find(&mut self, seen: Seen) -> Result<Found, Violation> {
        let queue = seen.delivery.queue;
        if let Some(known) = self.queues.get_mut(&queue) {
            known.ready_delayed(self.now);
        }
        let key = self.identify(&seen)?;
        let level = self.queues.get(&queue).and_then(|queue| queue.copy(key)).map_or(0, |copy| copy.level);
        Ok(Found { seen, key, level })
    }

    /// Which copy a delivery is of: one that was published, or a dead letter that is seen for the first time.
    pub(super) fn identify(&mut self, seen: &Seen) -> Result<u64, Violation> {
        let delivery = &seen.delivery;
        let wrong = |what: &str| Violation(format!("{what}: {delivery:?}"));
        let stored =
            Stored::parse(seen.kind, &seen.payload).map_err(|_| wrong("delivered what is no message"))?;
        let uid = Body::check(stored.body).ok_or_else(|| wrong("delivered a body that nobody sent"))?;
        if stored.body.len() != delivery.size as usize {
            return Err(wrong("delivered with a wrong size"));
        }
        let Some(queue) = self.queues.get(&delivery.queue) else {
            return Err(wrong("delivered from no queue"));
        };
        if let Some(key) = queue.at(delivery.position)
            && queue.copy(key).is_some_and(|copy| copy.uid == uid)
        {
            return Ok(key);
        }
        if !queue.is_target {
            return Err(wrong(&format!("message {uid} was never stored in {}", queue.name)));
        }
        self.arrived(uid, &stored, seen)
    }

    /// A dead letter is seen at its target for the first time.
    fn arrived(&mut self, uid: u64, stored: &Stored<'_>, seen: &Seen) -> Result<u64, Violation> {
        let target = seen.delivery.queue;
        let (name, reason) = last_death(stored)
            .ok_or_else(|| Violation(format!("message {uid} came to {target} without a history")))?;
        let homes = self.homes.get(&uid).cloned().unwrap_or_default();
        let source =
            homes.into_iter().find(|(id, _)| self.queues.get(id).is_some_and(|queue| queue.name == name));
        let copy = source.and_then(|(source, key)| self.queues.get(&source)?.copy(key));
        let (Some((source, key)), Some(copy)) = (source, copy) else {
            if self.lost_queues.contains(&name) || self.unmade.contains(&(name.clone(), uid)) {
                return Ok(self.admit(uid, false, None, seen));
            }
            return Err(Violation(format!("message {uid} came to {target} from {name}, where it never was")));
        };
        let persistent = copy.persistent;
        self.note_death((source, key), reason, seen);
        let Some(copy) = self.queues.get_mut(&source).and_then(|queue| queue.copy_mut(key)) else {
            return Err(Violation(format!("message {uid} was not kept")));
        };
        copy.arrivals += 1;
        if copy.arrivals > copy.transfers {
            return Err(Violation(format!(
                "message {uid} died {} times in {name} and came {} times to its target ({reason}, {:?})",
                copy.transfers, copy.arrivals, copy.state
            )));
        }
        Ok(self.admit(uid, persistent, Some((source, key)), seen))
    }

    /// A copy died that might have: it was expired, in a queue that drops from its head, or not sure to be there.
    fn note_death(&mut self, (source, key): (QueueId, u64), reason: &str, seen: &Seen) {
        let Some(queue) = self.queues.get_mut(&source) else { return };
        let lossy = queue.lossy;
        let Some(copy) = queue.copy_mut(key) else { return };
        let before = copy.state;
        let let_go = match reason {
            "expired" => copy.expired(self.now),
            "maxlen" => lossy,
            _ => false,
        };
        let arrived = seen.delivery;
        let recovered = self.recovered_at.get(&arrived.queue.shard()).copied().unwrap_or_default();
        // It may have died before a crash that took its death back, but not its arrival.
        let is_sure = arrived.position >= recovered;
        if !matches!(before.place, Place::Ready | Place::Delayed(_) | Place::Unsure) {
            copy.transfers += u32::from(let_go && !is_sure);
            return;
        }
        if !let_go && before.place != Place::Unsure {
            return;
        }
        // When it died is not known, nor how often it was sent since.
        copy.transfers += 1 + self.resends;
        let after = before.at(if is_sure { Place::Dead(reason_of(reason)) } else { Place::Unsure });
        queue.set(key, after);
        let by_now = self.ends.get(&source.shard()).copied().unwrap_or_default();
        self.journal.note_at(source, key, Some(before), after, (Position(0), by_now));
    }

    /// Makes a copy of a dead letter in its target.
    fn admit(&mut self, uid: u64, persistent: bool, source: Option<(QueueId, u64)>, seen: &Seen) -> u64 {
        let (id, at) = (seen.delivery.queue, seen.delivery.position);
        let key = at.0 + 1;
        let state = State::new(Place::Ready);
        let copy = Copy {
            uid,
            persistent,
            level: 0,
            group: None,
            expires: None,
            was_delayed: false,
            confirmed: false,
            from: at.0,
            state,
            sent_at: self.now,
            known_by: None,
            told: 0,
            told_deleted: false,
            source,
            transfers: 0,
            arrivals: 0,
        };
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.insert(key, copy);
        }
        self.journal.note_at(id, key, None, state, (at, Position(key)));
        key
    }

    /// Checks one delivery and books it. `mine` are the groups that the same receive holds already.
    pub(super) fn deliver(&mut self, found: &Found, mine: &BTreeSet<u64>) -> Result<(), Violation> {
        let Found { seen, key, level } = found;
        let delivery = &seen.delivery;
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&delivery.queue) else { return Ok(()) };
        let Some(copy) = queue.copy(*key) else { return Ok(()) };
        let (uid, state) = (copy.uid, copy.state);
        let wrong = |what: &str| {
            Violation(format!("message {uid} of {} {what}: {state:?}, {delivery:?}", queue.name))
        };
        // What clients were told holds whatever the model makes of a crash.
        if let Some(what) = copy.breaks_word(delivery.acquired) {
            return Err(wrong(&what));
        }
        match state.place {
            Place::Ready | Place::Unsure => {}
            Place::Delayed(_) => return Err(wrong("went out before its time")),
            Place::Held(_) => return Err(wrong("is held by two")),
            Place::Dead(_) | Place::Parked => return Err(wrong("went out though it is dead")),
            Place::Gone => return Err(wrong("went out though it is gone")),
        }
        if copy.expires.is_some_and(|at| at < now) {
            return Err(wrong("went out though it has expired"));
        }
        let within = |range: (u16, u16), value: u16| range.0 <= value && value <= range.1;
        if !within(state.failures, delivery.failures) || !within(state.acquired, delivery.acquired) {
            return Err(wrong("has wrong counts"));
        }
        if delivery.redelivered != (delivery.acquired > 0) {
            return Err(wrong("has a wrong redelivered flag"));
        }
        let of_mine = copy.group.filter(|group| mine.contains(group));
        let before = match of_mine {
            Some(group) => queue.first_of_group(group, now),
            None => queue.first_due(now),
        };
        if before.is_some_and(|first| first < (Reverse(*level), *key)) {
            return Err(wrong(&format!("overtook {before:?}")));
        }
        if of_mine.is_none() && copy.group.is_some_and(|group| queue.is_group_held(group)) {
            return Err(wrong("overtook a held one of its group"));
        }
        let in_order = copy.was_delayed || copy.group.is_some() || queue.settings.groups;
        if delivery.acquired == 0 && !in_order {
            let youngest = queue.youngest_out.insert(*level, *key);
            if youngest.is_some_and(|youngest| youngest > *key) {
                return Err(Violation(format!(
                    "message {uid} went out for the first time after a younger one"
                )));
            }
        }
        self.check_consumer(seen)?;
        self.hand_out(seen, *key, state);
        Ok(())
    }

    fn check_consumer(&mut self, seen: &Seen) -> Result<(), Violation> {
        let delivery = &seen.delivery;
        let Some(connection) = seen.connection else { return Ok(()) };
        let shard = delivery.queue.shard();
        let wrong = |what: &str| Err(Violation(format!("a consumer {what}: {delivery:?}")));
        let Some(consumer) = self.consumers.get(&consumer_key(shard, delivery.consumer)).copied() else {
            return wrong("that is gone got a message");
        };
        if consumer.connection != connection || consumer.queue != delivery.queue {
            return wrong("got a message of another");
        }
        if consumer.no_ack != Oracle::is_no_ack(delivery.lease) {
            return wrong("got a lease it did not want, or none");
        }
        if consumer.prefetch > 0 && consumer.held >= u32::from(consumer.prefetch) {
            return wrong("got more than its prefetch");
        }
        let settings = self.queues.get(&delivery.queue).map(|queue| &queue.settings);
        let single = settings.is_some_and(|settings| settings.single_active_consumer);
        let others = self.consumers.values().filter(|other| other.queue == consumer.queue);
        if single && others.map(|other| other.number).min() != Some(consumer.number) {
            return wrong("got a message past the single active one");
        }
        Ok(())
    }

    fn hand_out(&mut self, seen: &Seen, key: u64, before: State) {
        let delivery = &seen.delivery;
        let (id, lease) = (delivery.queue, delivery.lease);
        let timeout = self.queues.get(&id).and_then(|queue| queue.settings.consumer_timeout_ms);
        let (receive, until) = seen.receipt.unzip();
        let deadline = until.or(timeout.map(|ms| self.now.plus_ms(ms)));
        let counted = delivery.acquired + 1;
        let place = match lease {
            LeaseId::NONE => Place::Gone,
            lease => Place::Held(Holder { lease, consumer: delivery.consumer, deadline, receive }),
        };
        // A no-ack delivery is gone with all its counts: what a crash brings back has not been counted.
        let acquired = if place == Place::Gone { before.acquired } else { (counted, counted) };
        let failures = (delivery.failures, delivery.failures);
        if let Some(consumer) = self.consumers.get_mut(&consumer_key(id.shard(), delivery.consumer)) {
            consumer.held += u32::from(place != Place::Gone);
        }
        self.change(id, key, State { place, failures, acquired, ..before });
    }
}

/// The queue and the reason of a message's last death, by its headers.
fn last_death(stored: &Stored<'_>) -> Option<(String, &'static str)> {
    let headers = Properties::decode(stored.properties).ok()?.headers?;
    let deaths = headers.get("x-death").and_then(Value::as_array)?;
    let last = deaths.first()?.as_table()?;
    let queue = last.get("queue")?.as_str()?.to_owned();
    let reason = last.get("reason")?.as_str()?;
    let known = ["rejected", "expired", "maxlen", "delivery_limit"];
    Some((queue, known.into_iter().find(|known| *known == reason)?))
}

fn reason_of(name: &str) -> DeadReason {
    match name {
        "expired" => DeadReason::Expired,
        "maxlen" => DeadReason::MaxLength,
        "rejected" => DeadReason::Rejected,
        _ => DeadReason::DeliveryLimit,
    }
}
