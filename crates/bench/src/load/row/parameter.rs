//! The parameters of a row. Each is declared once, here: its name is a flag's and a scenario file's.

use std::collections::BTreeMap;
use std::time::Duration;

use super::value::{Wrong, acking, number, rate, sizes, time, truth};
use super::{Extent, Row, RowError};
use crate::client::{Acking, MAX_PUBLISHERS};

/// A parameter of rows.
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is unless given.
    pub(crate) default: &'static str,
    /// One line of help.
    pub(crate) help: &'static str,
    set: fn(&mut Row, &str) -> Result<(), Wrong>,
}

/// All parameters.
pub(crate) const PARAMETERS: [Parameter; 20] = [
    Parameter {
        name: "publishers",
        default: "1",
        help: "Connections that publish",
        set: |row, text| into(&mut row.publishers, number(text, 0..=u64::from(MAX_PUBLISHERS))?),
    },
    Parameter {
        name: "consumers",
        default: "1",
        help: "Connections that consume; with fewer than queues, each has several",
        set: |row, text| into(&mut row.consumers, number(text, 0..=100_000)?),
    },
    Parameter {
        name: "idle-connections",
        default: "0",
        help: "Connections that are opened and do nothing",
        set: |row, text| into(&mut row.idle_connections, number(text, 0..=1_000_000)?),
    },
    Parameter {
        name: "queues",
        default: "1",
        help: "Queues over which the messages are spread",
        set: |row, text| into(&mut row.queues, number(text, 1..=1_000_000)?),
    },
    Parameter {
        name: "fan-out",
        default: "false",
        help: "Whether every queue gets every message, by a fanout exchange",
        set: |row, text| put(&mut row.fan_out, truth(text)?),
    },
    Parameter {
        name: "prefix",
        default: "leveret-bench",
        help: "What the names of the queues begin with; queues of these names are deleted first",
        set: |row, text| put(&mut row.prefix, text.to_owned()),
    },
    Parameter {
        name: "queue-type",
        default: "",
        help: "x-queue-type of the queues, such as classic or quorum; empty for none",
        set: |row, text| put(&mut row.queue_type, (!text.is_empty()).then(|| text.to_owned())),
    },
    Parameter {
        name: "groups",
        default: "0",
        help: "Message groups of each queue, 0 for none",
        set: |row, text| into(&mut row.groups, number(text, 0..=10_000_000)?),
    },
    Parameter {
        name: "durable",
        default: "true",
        help: "Whether queues are durable and messages persistent",
        set: |row, text| put(&mut row.durable, truth(text)?),
    },
    Parameter {
        name: "size",
        default: "100",
        help: "Bytes of a body, or a range such as 100-2000; KiB and MiB are known",
        set: |row, text| put(&mut row.sizes, sizes(text)?),
    },
    Parameter {
        name: "confirm-window",
        default: "2000",
        help: "Messages of a publisher that may wait for their confirm, 0 for no confirms",
        set: |row, text| into(&mut row.confirm_window, number(text, 0..=10_000_000)?),
    },
    Parameter {
        name: "rate",
        default: "0",
        help: "Open loop: messages a second of all publishers, each due at its time; 0 for as fast as it goes",
        set: |row, text| put(&mut row.rate, rate(text)?),
    },
    Parameter {
        name: "prefetch",
        default: "1000",
        help: "Deliveries of a queue that a consumer may hold, 0 for no bound",
        set: |row, text| into(&mut row.prefetch, number(text, 0..=u64::from(u16::MAX))?),
    },
    Parameter {
        name: "ack",
        default: "100",
        help: "How many deliveries an ack is for, or each, none (no-ack consumers), never",
        set: |row, text| put(&mut row.acking, acking(text)?),
    },
    Parameter {
        name: "batch",
        default: "10",
        help: "SQS: messages of a request; 1 for SendMessage and DeleteMessage",
        set: |row, text| into(&mut row.batch, number(text, 1..=10)?),
    },
    Parameter {
        name: "backlog",
        default: "0",
        help: "Messages that are published before consumers come and the measurement begins",
        set: |row, text| put(&mut row.backlog, number(text, 0..=u64::MAX >> 16)?),
    },
    Parameter {
        name: "count",
        default: "0",
        help: "Messages after which the publishers stop, in place of a duration",
        set: |row, text| {
            if let count @ 1.. = number(text, 0..=u64::MAX >> 16)? {
                row.extent = Extent::Count(count);
            }
            Ok(())
        },
    },
    Parameter {
        name: "duration",
        default: "5s",
        help: "How long the measurement takes, such as 5s or 250ms",
        set: |row, text| {
            let duration = time(text)?;
            if !matches!(row.extent, Extent::Count(_)) {
                row.extent = Extent::For(duration);
            }
            Ok(())
        },
    },
    Parameter {
        name: "warm-up",
        default: "1s",
        help: "How long it runs before that; with a count, the default is none",
        set: |row, text| put(&mut row.warm_up, time(text)?),
    },
    Parameter {
        name: "bare-sync",
        default: "false",
        help: "After each confirm (window 1), time a write and fdatasync of as many bytes in --dir",
        set: |row, text| put(&mut row.bare_sync, truth(text)?),
    },
];

fn put<T>(field: &mut T, value: T) -> Result<(), Wrong> {
    *field = value;
    Ok(())
}

/// Puts a number into a field that is no narrower than its bounds.
fn into<T: TryFrom<u64>>(field: &mut T, number: u64) -> Result<(), Wrong> {
    *field = T::try_from(number).map_err(|_| Wrong::Form("a smaller number"))?;
    Ok(())
}

/// The parameters as they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Draft {
    given: BTreeMap<&'static str, String>,
}

impl Draft {
    /// Takes a parameter's text; it is read by [`Self::row`].
    ///
    /// # Errors
    /// [`RowError::Unknown`].
    pub(crate) fn set(&mut self, name: &str, text: &str) -> Result<(), RowError> {
        let known = PARAMETERS.iter().find(|parameter| parameter.name == name);
        let name = known.ok_or_else(|| RowError::Unknown(name.to_owned()))?.name;
        // Of the two ways to say when it ends, the later holds.
        match name {
            "count" => drop(self.given.remove("duration")),
            "duration" => drop(self.given.remove("count")),
            _ => {}
        }
        self.given.insert(name, text.to_owned());
        Ok(())
    }

    /// Takes what another one has.
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, text) in &other.given {
            self.set(name, text).expect("the other one knows the same names");
        }
    }

    /// The names of all parameters with their texts, given or not.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        PARAMETERS.iter().map(|parameter| {
            let text = self.given.get(parameter.name).map_or(parameter.default, String::as_str);
            (parameter.name, text)
        })
    }

    /// What the parameters mean.
    ///
    /// # Errors
    /// [`RowError::Value`] and [`RowError::Together`].
    pub(crate) fn row(&self, name: &str) -> Result<Row, RowError> {
        let mut row = empty(name, self.clone());
        for parameter in &PARAMETERS {
            let given = self.given.get(parameter.name);
            let text = given.map_or(parameter.default, String::as_str);
            (parameter.set)(&mut row, text).map_err(|wrong| RowError::Value {
                name: parameter.name,
                text: text.to_owned(),
                wrong,
            })?;
        }
        if matches!(row.extent, Extent::Count(_)) && !self.given.contains_key("warm-up") {
            row.warm_up = Duration::ZERO;
        }
        row.check()
    }
}

/// A row that no parameter has filled yet.
fn empty(name: &str, draft: Draft) -> Row {
    Row {
        name: name.to_owned(),
        draft,
        publishers: 0,
        consumers: 0,
        idle_connections: 0,
        queues: 0,
        fan_out: false,
        prefix: String::new(),
        queue_type: None,
        groups: 0,
        durable: false,
        sizes: 0..=0,
        confirm_window: 0,
        rate: None,
        prefetch: 0,
        acking: Acking::NoAck,
        batch: 0,
        backlog: 0,
        extent: Extent::For(Duration::ZERO),
        warm_up: Duration::ZERO,
        bare_sync: false,
    }
}
