//! When messages are to be sent: as fast as it goes, or each at its own time.

use std::time::{Duration, Instant};

/// Nanoseconds since the beginning of a row, on a clock that all of its threads share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time.
    #[inline]
    pub(crate) fn now_ns(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// Messages that come due within so long go together, at its end, in nanoseconds. A publisher of many messages a second
/// that looked at the clock for each of them would write them singly and never sleep: it would take the processor away
/// from a broker on the same machine, and measure itself.
const TICK_NS: u64 = 100_000;

/// One publisher's pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// A closed loop: a message is due when it can be sent.
    AsItGoes,
    /// An open loop: message n is due at `first_ns + n * interval_ns`, whatever became of those before it. Latency
    /// counts from there, so a broker that makes the publisher wait is not spared the wait of the messages behind
    /// (no coordinated omission).
    Timed {
        /// When the first message is due.
        first_ns: u64,
        /// Nanoseconds from one message to the next.
        interval_ns: f64,
    },
    /// As it goes, of messages whose latency is of no concern: they are due at 0, before every window.
    Backlog,
}

impl Pace {
    /// The pace of publisher `index` of `publishers`, which share the rate and take turns. Without a rate, it goes as
    /// it goes.
    pub(crate) fn new(rate: Option<f64>, publishers: u32, index: u32, start_ns: u64) -> Self {
        let Some(rate) = rate else { return Self::AsItGoes };
        let turn_ns = 1e9 / rate;
        let first_ns = start_ns + (turn_ns * f64::from(index)) as u64;
        Self::Timed { first_ns, interval_ns: turn_ns * f64::from(publishers) }
    }

    /// Whether each message has its own time.
    #[inline]
    pub(crate) fn is_open_loop(&self) -> bool {
        matches!(self, Self::Timed { .. })
    }

    /// How many messages more are due at `now_ns`, of one who has sent so many.
    #[inline]
    pub(crate) fn due(&self, sent: u64, now_ns: u64) -> u64 {
        match *self {
            Self::AsItGoes | Self::Backlog => u64::MAX,
            Self::Timed { first_ns, .. } if now_ns < first_ns => 0,
            Self::Timed { first_ns, interval_ns } => {
                let since_ns = now_ns - first_ns;
                let tick_ns = since_ns - since_ns % self.tick_ns();
                ((tick_ns as f64 / interval_ns) as u64 + 1).saturating_sub(sent)
            }
        }
    }

    /// When message `number` is to be sent, of one who could send it at `now_ns`.
    #[inline]
    pub(crate) fn intended_ns(&self, number: u64, now_ns: u64) -> u64 {
        match *self {
            Self::AsItGoes => now_ns,
            Self::Timed { first_ns, interval_ns } => first_ns + (number as f64 * interval_ns) as u64,
            Self::Backlog => 0,
        }
    }

    /// How long it is until the message after so many is due.
    pub(crate) fn until_next(&self, sent: u64, now_ns: u64) -> Duration {
        let intended_ns = self.intended_ns(sent, now_ns);
        let due_ns = match *self {
            Self::AsItGoes | Self::Backlog => intended_ns,
            Self::Timed { first_ns, .. } => {
                first_ns + intended_ns.saturating_sub(first_ns).next_multiple_of(self.tick_ns())
            }
        };
        Duration::from_nanos(due_ns.saturating_sub(now_ns))
    }

    /// The times at which to look for messages are so far apart.
    fn tick_ns(&self) -> u64 {
        match *self {
            Self::Timed { interval_ns, .. } if interval_ns < TICK_NS as f64 => TICK_NS,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_an_open_loop_are_due_at_their_own_times() {
        let pace = Pace::new(Some(1000.0), 1, 0, 500);
        assert_eq!((pace.due(0, 499), pace.due(0, 500)), (0, 1));
        assert_eq!(pace.due(1, 1_000_499), 0);
        assert_eq!(pace.due(1, 10_000_500), 10, "nobody waited for: all of them are due");
        assert_eq!(pace.intended_ns(7, 99_000_000), 7_000_500, "not when it could be sent");
        assert_eq!(pace.until_next(7, 7_000_400), Duration::from_nanos(100));
        assert_eq!(pace.until_next(7, 8_000_000), Duration::ZERO);
    }

    #[test]
    fn messages_that_are_close_together_go_together() {
        let pace = Pace::new(Some(1_000_000.0), 1, 0, 500);
        assert_eq!(pace.due(0, 500), 1);
        assert_eq!(pace.due(1, 100_499), 0, "the tick has not ended");
        assert_eq!(pace.due(1, 100_500), 100);
        assert_eq!(pace.due(1, 150_000), 100, "the next has not ended");
        assert_eq!(pace.intended_ns(60, 100_500), 60_500, "the wait for the tick's end counts");
        assert_eq!(pace.until_next(1, 600), Duration::from_nanos(99_900));
        assert_eq!(pace.until_next(101, 100_500), Duration::from_nanos(100_000));
        assert_eq!(pace.until_next(101, 300_500), Duration::ZERO);
    }

    #[test]
    fn publishers_take_turns() {
        let paces = [0, 1, 2, 3].map(|index| Pace::new(Some(4000.0), 4, index, 0).intended_ns(1, 0));
        assert_eq!(paces, [1_000_000, 1_250_000, 1_500_000, 1_750_000]);
    }

    #[test]
    fn a_closed_loop_is_always_due() {
        let pace = Pace::new(None, 3, 2, 500);
        assert_eq!(pace.due(1 << 40, 0), u64::MAX);
        assert_eq!(pace.intended_ns(7, 1234), 1234);
        assert_eq!(Pace::Backlog.intended_ns(7, 1234), 0);
    }
}
