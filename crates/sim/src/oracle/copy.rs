//! One message in one queue, as the oracle knows it.

use leveret_core::shard::DeadReason;
use leveret_core::{ConsumerId, LeaseId, QueueId, Time};

/// A message in a queue. Its key in the queue's model orders it: every key lies behind the record's first byte and not
/// behind its end, so that keys and positions compare as the records do.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) uid: u64,
    pub(super) persistent: bool,
    pub(super) level: u8,
    pub(super) group: Option<u64>,
    /// It expires once this has passed.
    pub(super) expires: Option<Time>,
    /// It was delayed, or came back with a delay: it may go out after younger ones.
    pub(super) was_delayed: bool,
    /// Its publisher has its confirm: from now on it may not be lost.
    pub(super) confirmed: bool,
    /// The first position at which its record can be.
    pub(super) from: u64,
    pub(super) state: State,
    /// When it was sent, and what its duplicates are known by.
    pub(super) sent_at: Time,
    pub(super) known_by: Option<u64>,
    /// The highest number of a receive of it that some client was told.
    pub(super) told: u16,
    /// A client was told that it is deleted.
    pub(super) told_deleted: bool,
    /// Where it came from, if it is a dead letter.
    pub(super) source: Option<(QueueId, u64)>,
    /// How often it may arrive at its dead-letter target, and how often it was seen there.
    pub(super) transfers: u32,
    pub(super) arrivals: u32,
}

/// What changes in the life of a copy, and what a crash may roll back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    pub(super) place: Place,
    /// Failed deliveries: at least, at most.
    pub(super) failures: (u16, u16),
    /// Deliveries: at least, at most.
    pub(super) acquired: (u16, u16),
    /// Its queue knows its duplicates, as long as they come in time; `None` if that is not sure.
    pub(super) remembered: Option<bool>,
}

/// Where a copy is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Ready,
    Delayed(Time),
    Held(Holder),
    Dead(DeadReason),
    Parked,
    Gone,
    /// A crash met the very record that would tell.
    Unsure,
}

/// Who holds a copy, and until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Holder {
    pub(super) lease: LeaseId,
    pub(super) consumer: ConsumerId,
    pub(super) deadline: Option<Time>,
    /// Which receive of it this is, if it is held under a receipt and not by a connection: a crash does not end that.
    pub(super) receive: Option<u16>,
}

impl State {
    /// A message that was just stored.
    pub(super) fn new(place: Place) -> State {
        State { place, failures: (0, 0), acquired: (0, 0), remembered: Some(true) }
    }

    /// The same in another place.
    pub(super) fn at(self, place: Place) -> State {
        State { place, ..self }
    }

    /// One failed delivery more.
    pub(super) fn failed(self) -> State {
        let (low, high) = self.failures;
        State { failures: (low + 1, high + 1), ..self }
    }

    /// What is known if it may be either.
    pub(super) fn or(self, other: State) -> State {
        let join = |a: (u16, u16), b: (u16, u16)| (a.0.min(b.0), a.1.max(b.1));
        let mut failures = join(self.failures, other.failures);
        if [self.place, other.place].iter().any(|place| matches!(place, Place::Held(_))) {
            // The recovery counts a lease that was lost as a failure.
            failures.1 += 1;
        }
        State {
            place: Place::Unsure,
            failures,
            acquired: join(self.acquired, other.acquired),
            remembered: self.remembered.filter(|known| Some(*known) == other.remembered),
        }
    }
}

impl Copy {
    /// Whether its time to live has passed, so that the queue may have let it go.
    pub(super) fn expired(&self, now: Time) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// What a delivery after `acquired` others breaks of what clients were told.
    pub(super) fn breaks_word(&self, acquired: u16) -> Option<String> {
        if self.told_deleted {
            return Some("went out though a client was told that it is deleted".into());
        }
        let told = self.told;
        (acquired < told).then(|| format!("is counted less often than the {told} that a client was told"))
    }
}
