//! One row of a measurement: what is published, what is consumed, and for how long.
//!
//! [`parameter`] declares every parameter once; [`value`] reads what people write. A [`Draft`] is the texts as they
//! were given, a [`Row`] what they mean together.

mod parameter;
mod value;

pub(crate) use parameter::{Draft, PARAMETERS};
pub(crate) use value::Wrong;

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::client::Acking;

/// What a row does.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What it is called in the report.
    pub(crate) name: String,
    /// Every parameter as it was written, for the report.
    pub(crate) draft: Draft,
    /// Connections that publish.
    pub(crate) publishers: u32,
    /// Connections that consume.
    pub(crate) consumers: u32,
    /// Connections that do nothing.
    pub(crate) idle_connections: u32,
    /// Queues over which the messages are spread.
    pub(crate) queues: u32,
    /// Every queue gets every message, by a fanout exchange.
    pub(crate) fan_out: bool,
    /// What the names of queues begin with.
    pub(crate) prefix: String,
    /// The type of the queues, `None` for the broker's default.
    pub(crate) queue_type: Option<String>,
    /// Groups of each queue, 0 for messages without a group.
    pub(crate) groups: u32,
    /// Whether queues and messages survive a restart.
    pub(crate) durable: bool,
    /// The bytes of a body.
    pub(crate) sizes: RangeInclusive<usize>,
    /// How many publishes of a publisher may wait for their confirm, 0 for no confirms.
    pub(crate) confirm_window: u32,
    /// Messages a second of all publishers together, `None` for as many as go.
    pub(crate) rate: Option<f64>,
    /// How many deliveries of a queue a consumer may hold, 0 for no bound.
    pub(crate) prefetch: u16,
    /// When consumers ack.
    pub(crate) acking: Acking,
    /// Messages of a request, at SQS.
    pub(crate) batch: u32,
    /// Messages that wait before anything is measured.
    pub(crate) backlog: u64,
    /// When the publishers stop.
    pub(crate) extent: Extent,
    /// How long it runs before it is measured.
    pub(crate) warm_up: Duration,
    /// Time a bare write and fdatasync after each confirm.
    pub(crate) bare_sync: bool,
}

/// When publishers stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Extent {
    /// After so many messages, of all publishers together.
    Count(u64),
    /// After so long, the warm-up not counted.
    For(Duration),
}

impl Row {
    /// The names of the queues.
    pub(crate) fn queue_names(&self) -> Vec<String> {
        (0..self.queues).map(|queue| format!("{}-{queue}", self.prefix)).collect()
    }

    /// The name of the exchange of a fan-out.
    pub(crate) fn exchange_name(&self) -> String {
        format!("{}-fan-out", self.prefix)
    }

    /// How many deliveries a publish leads to.
    pub(crate) fn copies(&self) -> u64 {
        if self.fan_out { u64::from(self.queues) } else { 1 }
    }

    /// Checks what no parameter can say alone.
    fn check(self) -> Result<Self, RowError> {
        let wrong = |what: &'static str| Err(RowError::Together { row: self.name.clone(), what });
        if self.publishers == 0 && self.backlog == 0 {
            return wrong("without publishers and without a backlog there is nothing to do");
        }
        if self.publishers == 0 && self.consumers == 0 {
            return wrong("a backlog without consumers, and without publishers beside them, takes no time");
        }
        if let Acking::Every(count) = self.acking
            && self.prefetch > 0
            && count > u64::from(self.prefetch)
        {
            return wrong("a consumer that may hold `prefetch` messages never comes to ack more than those");
        }
        if self.bare_sync && (self.confirm_window != 1 || self.publishers != 1) {
            return wrong(
                "bare-sync is beside confirms that are waited for one at a time: \
                          publishers = 1, confirm-window = 1",
            );
        }
        if self.fan_out && self.groups > 0 {
            return wrong("fan-out and groups are not measured together");
        }
        Ok(self)
    }
}

/// A row that makes no sense.
#[derive(Debug, PartialEq)]
pub(crate) enum RowError {
    /// There is no such parameter.
    Unknown(String),
    /// A parameter cannot be what was written.
    Value {
        /// The parameter.
        name: &'static str,
        /// What was written.
        text: String,
        /// Why not.
        wrong: Wrong,
    },
    /// Parameters contradict each other.
    Together {
        /// The row.
        row: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no parameter {name:?}"),
            Self::Value { name, text, wrong } => write!(f, "{name} cannot be {text:?}: {wrong}"),
            Self::Together { row, what } => write!(f, "row {row:?}: {what}"),
        }
    }
}

impl std::error::Error for RowError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(given: &[(&str, &str)]) -> Result<Row, RowError> {
        let mut draft = Draft::default();
        given.iter().try_for_each(|(name, text)| draft.set(name, text))?;
        draft.row("a row")
    }

    #[test]
    fn parameters_are_what_they_are_unless_given() {
        let row = row(&[]).unwrap();
        assert_eq!((row.publishers, row.consumers, row.queues), (1, 1, 1));
        assert_eq!(row.extent, Extent::For(Duration::from_secs(5)));
        assert_eq!((row.sizes, row.rate, row.durable), (100..=100, None, true));
        assert_eq!(row.acking, Acking::Every(100));
    }

    #[test]
    fn parameters_are_read() {
        let row = row(&[
            ("size", "1KiB-16MiB"),
            ("ack", "never"),
            ("rate", "1500.5"),
            ("duration", "250ms"),
            ("durable", "false"),
            ("queue-type", "quorum"),
            ("backlog", "1_000_000"),
        ]);
        let row = row.unwrap();
        assert_eq!(row.sizes, 1024..=16 << 20);
        assert_eq!((row.acking, row.rate), (Acking::Never, Some(1500.5)));
        assert_eq!(row.extent, Extent::For(Duration::from_millis(250)));
        assert_eq!((row.durable, row.queue_type.as_deref()), (false, Some("quorum")));
        assert_eq!(row.backlog, 1_000_000);
    }

    #[test]
    fn the_later_of_count_and_duration_holds() {
        let extent = |given: &[(&str, &str)]| row(given).unwrap().extent;
        assert_eq!(extent(&[("duration", "1s"), ("count", "7")]), Extent::Count(7));
        assert_eq!(extent(&[("count", "7"), ("duration", "1s")]), Extent::For(Duration::from_secs(1)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(row(&[("sizes", "1")]).unwrap_err(), RowError::Unknown("sizes".to_owned()));
        for (name, text) in
            [("size", "7"), ("size", "20-10"), ("publishers", "70000"), ("ack", "0"), ("rate", "-1")]
        {
            assert!(matches!(row(&[(name, text)]), Err(RowError::Value { .. })), "{name} = {text}");
        }
        for given in [
            &[("publishers", "0")][..],
            &[("publishers", "0"), ("consumers", "0"), ("backlog", "1")],
            &[("prefetch", "10"), ("ack", "11")],
            &[("bare-sync", "true")],
        ] {
            assert!(matches!(row(given), Err(RowError::Together { .. })), "{given:?}");
        }
    }
}
