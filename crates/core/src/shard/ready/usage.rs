//! What is held of a group or of a queue, and how much of the consumers' time it has taken lately.

use crate::Time;

/// Two such windows are what is called lately: time counts for 2.5 to 5 minutes.
const WINDOW_MS: u64 = 150_000;

/// Messages held, and the time for which they were: two messages held for a second have taken two seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Usage {
    held: u32,
    /// Up to when the time is counted; 0 before it was looked at for the first time.
    counted: Time,
    /// Milliseconds taken in the window that `counted` is in, and in the one before.
    current_ms: u64,
    previous_ms: u64,
}

impl Usage {
    /// Messages held.
    pub(super) fn held(&self) -> u32 {
        self.held
    }

    /// Milliseconds of the consumers' time that its messages have taken lately, as of the last look.
    pub(super) fn taken_ms(&self) -> u64 {
        self.current_ms + self.previous_ms
    }

    /// One more is held from now on.
    pub(super) fn hold(&mut self, now: Time) {
        self.look(now);
        self.held = self.held.saturating_add(1);
    }

    /// One of those that are held is not any more.
    pub(super) fn release(&mut self, now: Time) {
        self.look(now);
        self.held = self.held.saturating_sub(1);
    }

    /// Counts the time up to now. What is held when it is looked at for the first time counts from then on: a replay
    /// has no time (0), and what was held before a restart is not known to have been worked on.
    pub(super) fn look(&mut self, now: Time) {
        let since = self.counted;
        self.counted = now.max(since);
        if since == Time(0) || now <= since {
            return;
        }
        let held = u64::from(self.held);
        let window = |time: Time| time.0 / WINDOW_MS;
        match window(now) - window(since) {
            0 => self.current_ms += held * (now.0 - since.0),
            passed => {
                let begun = window(now) * WINDOW_MS;
                let before = if passed == 1 { begun - since.0 } else { WINDOW_MS };
                self.previous_ms = held * before + if passed == 1 { self.current_ms } else { 0 };
                self.current_ms = held * (now.0 - begun);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time(4 * WINDOW_MS);

    #[test]
    fn time_counts_by_what_is_held() {
        let mut usage = Usage::default();
        usage.hold(START);
        usage.hold(START.plus_ms(1_000));
        usage.release(START.plus_ms(3_000));
        usage.release(START.plus_ms(4_000));
        usage.look(START.plus_ms(9_000));
        assert_eq!((usage.held(), usage.taken_ms()), (0, 6_000));
    }

    #[test]
    fn it_is_forgotten_after_two_windows() {
        let mut usage = Usage::default();
        usage.hold(START.plus_ms(WINDOW_MS - 1_000));
        usage.release(START.plus_ms(WINDOW_MS + 500));
        assert_eq!(usage.taken_ms(), 1_500);
        usage.look(START.plus_ms(2 * WINDOW_MS));
        assert_eq!(usage.taken_ms(), 500);
        usage.look(START.plus_ms(3 * WINDOW_MS));
        assert_eq!(usage.taken_ms(), 0);
    }

    #[test]
    fn what_is_held_for_long_counts_for_the_windows_only() {
        let mut usage = Usage::default();
        usage.hold(START);
        usage.hold(START);
        usage.look(START.plus_ms(7 * WINDOW_MS + 10));
        assert_eq!(usage.taken_ms(), 2 * (WINDOW_MS + 10));
    }

    #[test]
    fn without_a_time_nothing_counts() {
        let mut usage = Usage::default();
        usage.hold(Time(0));
        usage.look(START);
        assert_eq!((usage.held(), usage.taken_ms()), (1, 0));
        usage.look(START.plus_ms(7));
        assert_eq!(usage.taken_ms(), 7);
    }
}
