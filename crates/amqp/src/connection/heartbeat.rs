//! Signs of life in both directions (specification 4.2.7, RabbitMQ's timing): one goes out when nothing else did
//! for half the agreed time; a client that was not heard of for twice that time is taken for dead.

use leveret_core::Time;

/// The heartbeat of an open connection.
#[derive(Debug, Default)]
pub(super) struct Heartbeat {
    /// The agreed time in milliseconds, 0 for none.
    timeout_ms: u64,
    heard: Time,
    next_check: Time,
    /// Something was written since the last check.
    sent: bool,
}

/// What is to be done at a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Beat {
    /// Nothing.
    Rest,
    /// A heartbeat is due.
    Send,
    /// The client is dead.
    Dead,
}

impl Heartbeat {
    /// Starts with what was agreed.
    pub(super) fn start(&mut self, seconds: u16, now: Time) {
        self.timeout_ms = u64::from(seconds) * 1000;
        self.heard = now;
        self.next_check = now.plus_ms(self.timeout_ms / 2);
    }

    /// Bytes came in.
    pub(super) fn heard(&mut self, now: Time) {
        self.heard = now;
    }

    /// Bytes went out.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }

    /// When to check.
    pub(super) fn next_check(&self) -> Option<Time> {
        (self.timeout_ms > 0).then_some(self.next_check)
    }

    /// Checks. With `deaf`, nobody listens to the client just now, so its silence means nothing.
    pub(super) fn check(&mut self, now: Time, deaf: bool) -> Beat {
        if self.timeout_ms == 0 || now < self.next_check {
            return Beat::Rest;
        }
        self.next_check = now.plus_ms(self.timeout_ms / 2);
        if deaf {
            self.heard = now;
        }
        if now >= self.heard.plus_ms(2 * self.timeout_ms) {
            return Beat::Dead;
        }
        if std::mem::take(&mut self.sent) { Beat::Rest } else { Beat::Send }
    }
}
