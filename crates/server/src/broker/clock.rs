//! The only clock of the broker.

use leveret_core::Time;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch that never go back: the wall clock is read once, at the start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    epoch: Duration,
}

impl Clock {
    /// Starts the clock at the wall clock's time.
    pub fn start() -> Clock {
        Clock { started: Instant::now(), epoch: wall() }
    }

    /// What the wall clock says now, in milliseconds since the epoch: for what others have dated by theirs.
    pub fn wall_ms() -> u64 {
        wall().as_millis() as u64
    }

    /// The time now.
    pub fn now(&self) -> Time {
        Time((self.epoch + self.started.elapsed()).as_millis() as u64)
    }

    /// The instant at which the clock will show `time`.
    pub fn instant(&self, time: Time) -> tokio::time::Instant {
        let since_start = Duration::from_millis(time.0).saturating_sub(self.epoch);
        // Beyond what an instant can name lies "never": a year is as good.
        let far = Duration::from_secs(365 * 86_400);
        tokio::time::Instant::from_std(self.started + since_start.min(far + self.started.elapsed()))
    }
}

/// A wall clock before 1970 is taken as 1970.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
