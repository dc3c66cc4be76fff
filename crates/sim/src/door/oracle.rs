//! What a client may expect of the broker, seen from outside: by message, without a look at any position.
//!
//! It knows less than the oracle of the core, and trusts nothing but bytes.

use super::client::Message as Delivery;
use crate::Violation;
use std::collections::BTreeMap;

/// What is known of the messages.
#[derive(Default)]
pub(super) struct Ledger {
    messages: BTreeMap<u64, Message>,
    /// The youngest first delivery: by consuming connection, queue and publishing connection.
    youngest: BTreeMap<(u64, String, u64), u64>,
    crashes: u32,
}

/// A message.
#[derive(Debug)]
struct Message {
    queue: String,
    persistent: bool,
    /// The connection that published it, and its number there.
    publisher: u64,
    number: u64,
    confirmed: bool,
    here: Copy,
    /// The same as a dead letter, once it was seen as one.
    dead: Option<Copy>,
    /// Somebody rejected it for good; how often it came back otherwise.
    rejected: bool,
    returns: u32,
}

/// A message in one queue.
#[derive(Debug, Default)]
struct Copy {
    holder: Option<u64>,
    /// Who acknowledged it, as long as that must have reached the broker.
    acked_by: Option<u64>,
    /// Somebody has acknowledged it at some time.
    acked: bool,
    /// Somebody has had it, and no crash was since.
    seen: bool,
}

/// What a client does with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Ack,
    Requeue,
    Reject,
}

/// The queue whose messages die, after how many failures beyond the first, and where they go.
pub(super) const MORTAL: &str = "mortal";
pub(super) const MORTAL_LIMIT: u32 = 2;
pub(super) const DEAD: &str = "dead";

impl Ledger {
    /// A client has published a message.
    pub(super) fn published(&mut self, uid: u64, queue: &str, persistent: bool, publisher: u64, number: u64) {
        let message = Message {
            queue: queue.to_owned(),
            persistent,
            publisher,
            number,
            confirmed: false,
            here: Copy::default(),
            dead: None,
            rejected: false,
            returns: 0,
        };
        self.messages.insert(uid, message);
    }

    /// Its publisher has the confirm.
    pub(super) fn confirmed(&mut self, uid: u64) {
        if let Some(message) = self.messages.get_mut(&uid) {
            message.confirmed = true;
        }
    }

    /// A client has got a message.
    pub(super) fn delivered(&mut self, uid: u64, to: u64, delivery: &Delivery) -> Result<(), Violation> {
        let Delivery { queue, redelivered, fetched, .. } = delivery;
        let (queue, redelivered) = (queue.as_str(), *redelivered);
        let crashes = self.crashes;
        let Some(message) = self.messages.get_mut(&uid) else {
            return Err(Violation(format!("{queue} gave out message {uid}, which nobody sent")));
        };
        let wrong = |message: &Message, what: &str| {
            Err(Violation(format!("message {uid} in {queue} to connection {to} {what}: {message:?}")))
        };
        let as_dead = queue == DEAD && message.queue != DEAD;
        if as_dead {
            let may_die = message.rejected || message.returns > MORTAL_LIMIT;
            if message.queue != MORTAL || !may_die {
                return wrong(message, "is dead without a reason");
            }
            // A crash may have taken its death back and not its arrival, in another log.
            if message.here.holder.is_some() && crashes == 0 {
                return wrong(message, "is dead and held");
            }
            message.dead.get_or_insert_default();
        } else if message.queue != queue {
            return wrong(message, "was never sent there");
        }
        let copy = if as_dead { message.dead.get_or_insert_default() } else { &mut message.here };
        // A crash may have doubled it on its way to the other log: dead letters arrive at least once.
        let may_be_double = as_dead && crashes > 0;
        if copy.holder.is_some() && !may_be_double {
            return wrong(message, "is held by two");
        }
        if copy.acked_by.is_some() && !may_be_double {
            return wrong(message, "was acknowledged, and comes back");
        }
        if copy.seen && !redelivered && !may_be_double {
            return wrong(message, "was seen, and is not said to be redelivered");
        }
        // What is fetched may pass what is on its way to a consumer of the same connection.
        let is_first = !copy.seen && !redelivered && !fetched;
        copy.holder = Some(to);
        copy.acked_by = None;
        copy.seen = true;
        if is_first && !as_dead {
            let (number, key) = (message.number, (to, queue.to_owned(), message.publisher));
            let youngest = self.youngest.insert(key, number);
            if youngest.is_some_and(|youngest| youngest > number) {
                return wrong(&self.messages[&uid], "came after a younger one of its publisher");
            }
        }
        Ok(())
    }

    /// A client has answered.
    pub(super) fn answered(&mut self, uid: u64, queue: &str, by: u64, answer: Answer) {
        let Some(message) = self.messages.get_mut(&uid) else { return };
        let as_dead = queue == DEAD && message.queue != DEAD;
        if !as_dead {
            message.rejected |= answer == Answer::Reject;
            message.returns += u32::from(answer == Answer::Requeue);
        }
        let copy = if as_dead { message.dead.get_or_insert_default() } else { &mut message.here };
        copy.holder = None;
        match answer {
            Answer::Ack => {
                copy.acked_by = Some(by);
                copy.acked = true;
            }
            // A dead letter that is rejected is gone, as one that is acknowledged.
            Answer::Reject if queue != MORTAL => copy.acked = true,
            Answer::Reject | Answer::Requeue => {}
        }
    }

    /// A connection is lost: what it held comes back, and what it said last may not have been heard.
    pub(super) fn lost(&mut self, connection: u64) {
        for message in self.messages.values_mut() {
            // It may have been on its way to the client, which has not seen it.
            message.returns += 1;
            for copy in [Some(&mut message.here), message.dead.as_mut()].into_iter().flatten() {
                if copy.holder == Some(connection) {
                    copy.holder = None;
                }
                if copy.acked_by == Some(connection) {
                    copy.acked_by = None;
                }
            }
        }
    }

    /// The broker has crashed, and all connections are lost.
    pub(super) fn crashed(&mut self) {
        self.crashes += 1;
        for message in self.messages.values_mut() {
            message.returns += 1;
            for copy in [Some(&mut message.here), message.dead.as_mut()].into_iter().flatten() {
                copy.holder = None;
                copy.acked_by = None;
                copy.seen = false;
            }
        }
    }

    /// At the end everything was drained: what was confirmed must have been acknowledged by somebody.
    pub(super) fn account(&self) -> Result<(), Violation> {
        for (uid, message) in
            self.messages.iter().filter(|(_, message)| message.confirmed && message.persistent)
        {
            let reached_somebody = message.here.acked || message.dead.as_ref().is_some_and(|dead| dead.acked);
            if !reached_somebody {
                return Err(Violation(format!("message {uid} was confirmed and is lost: {message:?}")));
            }
        }
        Ok(())
    }
}
