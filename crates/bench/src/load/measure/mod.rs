//! What is measured: times, messages, and what the broker's process uses.

mod latency;
mod pace;
mod tally;
mod usage;

pub(crate) use latency::{Latencies, PERCENTILES, Summary};
pub(crate) use pace::{Clock, Pace};
pub(crate) use tally::{Counts, Tally, fingerprint_of_all};
pub(crate) use usage::{Process, Usage};
