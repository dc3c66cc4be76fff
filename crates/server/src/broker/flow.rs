//! Whether publishers run ahead of consumers that could keep up.
//!
//! A publisher that waits for nothing and its consumer want the same processors. The publisher gets more of them, since
//! its connection, its client and the log all work for it at once while a consumer waits for its window to come round.
//! So a backlog grows that has to be written to and read from the disk, messages wait for seconds, and less is consumed
//! than could be. Publishers that send in bulk then give way for a moment after each turn. Behind slow consumers they do not:
//! that would not make those any faster.

use leveret_core::shard::Traffic;
use std::time::Duration;

/// How much may wait in a shard before publishers give way, in bytes: far less than what is kept in memory for readers
/// (`--recent-bytes`), far more than what is on its way to consumers that keep up.
const AHEAD_BYTES: u64 = 4 << 20;
/// A turn that stores fewer messages is not bulk.
const BULK: u64 = 64;
/// Messages over which it is counted what consumers take.
const WINDOW: u64 = 8192;
/// Consumers that take one of so many messages could keep up.
const FAST: u64 = 4;
/// How long a publisher reads nothing more.
pub const GIVE_WAY: Duration = Duration::from_millis(1);

/// What a shard's consumers took lately. The shard's lock guards it.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The traffic when the window began.
    since: Traffic,
    consumers_are_fast: bool,
}

impl Flow {
    /// Whether a turn that stored so many messages, and ends with this traffic, is one of a publisher that has to give
    /// way.
    pub(super) fn is_ahead(&mut self, stored: u64, now: Traffic) -> bool {
        let came = now.came - self.since.came;
        if came >= WINDOW {
            let went = now.went - self.since.went;
            self.consumers_are_fast = went * FAST >= came;
            self.since = now;
        }
        stored >= BULK && self.consumers_are_fast && now.live_bytes > AHEAD_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of 100 messages of 100 bytes, of which `taken` are consumed, until this many wait.
    fn turns(flow: &mut Flow, traffic: &mut Traffic, taken: u64, waiting: u64) -> bool {
        let mut ahead = false;
        for _ in 0..waiting / (100 - taken.min(99)) {
            traffic.came += 100;
            traffic.went += taken;
            traffic.live_bytes = (traffic.came - traffic.went) * 100;
            ahead = flow.is_ahead(100, *traffic);
        }
        ahead
    }

    #[test]
    fn publishers_give_way_to_fast_consumers_that_are_behind() {
        let (mut flow, mut traffic) = (Flow::default(), Traffic::default());
        assert!(!turns(&mut flow, &mut traffic, 50, 40_000), "as much waits as may");
        assert!(turns(&mut flow, &mut traffic, 50, 10_000));
        assert!(!flow.is_ahead(BULK - 1, traffic), "not to a few messages");
    }

    #[test]
    fn nobody_gives_way_to_slow_consumers_or_none() {
        for taken in [0, 20] {
            let (mut flow, mut traffic) = (Flow::default(), Traffic::default());
            assert!(!turns(&mut flow, &mut traffic, taken, 500_000));
        }
    }

    #[test]
    fn consumers_that_stop_or_begin_are_noticed() {
        let (mut flow, mut traffic) = (Flow::default(), Traffic::default());
        assert!(turns(&mut flow, &mut traffic, 50, 100_000));
        assert!(!turns(&mut flow, &mut traffic, 0, 20_000), "they have stopped");
        assert!(turns(&mut flow, &mut traffic, 90, 5_000), "they are back, at a deep queue");
    }
}
