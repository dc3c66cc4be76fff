//! Latencies as histograms, from a microsecond to minutes, to three digits.

use hdrhistogram::Histogram;

/// The longest latency that is told from longer ones: ten minutes.
const LONGEST_NS: u64 = 600_000_000_000;
/// What is below counts as this; no clock here is better.
const SHORTEST_NS: u64 = 100;
const DIGITS: u8 = 3;

/// The percentiles that reports show, in parts of a hundred.
pub(crate) const PERCENTILES: [(&str, f64); 4] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9)];

/// How long things took, each counted from when it was to begin.
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
    /// What began before is not counted.
    from_ns: u64,
    /// The latest latency and how often it came in a row: messages of one batch have the same.
    run: (u64, u64),
}

impl Latencies {
    /// For what was to begin at `from_ns` or later.
    pub(crate) fn new(from_ns: u64) -> Self {
        let histogram = Histogram::new_with_bounds(SHORTEST_NS, LONGEST_NS, DIGITS);
        Self { histogram: histogram.expect("the bounds are in order"), from_ns, run: (0, 0) }
    }

    /// Counts something that was to begin at `intended_ns` and came at `now_ns`.
    #[inline]
    pub(crate) fn take(&mut self, intended_ns: u64, now_ns: u64) {
        if intended_ns < self.from_ns {
            return;
        }
        let latency = now_ns.saturating_sub(intended_ns);
        if latency == self.run.0 {
            self.run.1 += 1;
        } else {
            self.end_run();
            self.run = (latency, 1);
        }
    }

    /// Counts what another one has.
    pub(crate) fn add(&mut self, mut other: Self) {
        other.end_run();
        self.end_run();
        self.histogram.add(&other.histogram).expect("both have the same bounds");
    }

    /// The latencies of reports, in nanoseconds: those of [`PERCENTILES`], then the longest. `None` without any.
    pub(crate) fn summary(&mut self) -> Option<Summary> {
        self.end_run();
        (!self.histogram.is_empty()).then(|| Summary {
            count: self.histogram.len(),
            percentiles_ns: PERCENTILES.map(|(_, percent)| self.histogram.value_at_percentile(percent)),
            max_ns: self.histogram.max(),
        })
    }

    fn end_run(&mut self) {
        let (latency, count) = std::mem::take(&mut self.run);
        if count > 0 {
            self.histogram.saturating_record_n(latency, count);
        }
    }
}

/// What reports show of latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// How many were counted.
    pub(crate) count: u64,
    /// Nanoseconds, in the order of [`PERCENTILES`].
    pub(crate) percentiles_ns: [u64; PERCENTILES.len()],
    /// The longest, in nanoseconds.
    pub(crate) max_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let mut latencies = Latencies::new(1000);
        latencies.take(999, 1 << 40);
        (1..=10_000).for_each(|number| latencies.take(1000, 1000 + number * 1000));
        let mut other = Latencies::new(0);
        other.take(0, 60_000_000_000);
        latencies.add(other);
        let summary = latencies.summary().unwrap();
        assert_eq!(summary.count, 10_001, "not what was to begin too early");
        for (seen, wanted) in
            summary.percentiles_ns.iter().zip([5_000_000u64, 9_000_000, 9_900_000, 9_990_000])
        {
            assert!(seen.abs_diff(wanted) < wanted / 500, "{seen} is not {wanted}");
        }
        assert!(summary.max_ns.abs_diff(60_000_000_000) < 100_000_000);
        assert_eq!(Latencies::new(0).summary(), None);
    }
}
