//! Attributes and tags: what of a queue or an exchange may change after its declaration, by names that a door knows.
//!
//! AMQP's arguments never change; the attributes of SQS queues and SNS topics do. They are kept as that door writes
//! them, so that it reads back what was set; the few that decide how a queue behaves are read by
//! [`policy`](crate::catalog::policy).

use std::collections::BTreeMap;
use std::sync::Arc;

/// The attributes and tags of a queue or an exchange.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attributes {
    /// Values by name.
    pub values: BTreeMap<Arc<str>, Arc<str>>,
    /// What an operator sorts it by.
    pub tags: BTreeMap<Arc<str>, Arc<str>>,
}

impl Attributes {
    /// The name of an attribute that no client sets: the retention period that a queue began with.
    pub const FIRST_RETENTION: &'static str = "FirstMessageRetentionPeriod";
    /// The name of an attribute that no client sets: the delay that a queue began with.
    pub const FIRST_DELAY: &'static str = "FirstDelaySeconds";
    /// The name of an attribute that no client sets, and that never changes: `true` for a queue with fair groups.
    pub const FAIR: &'static str = "Fair";

    /// A value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| &**value)
    }

    /// A value that is a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Sets a value.
    pub fn set(&mut self, name: &str, value: impl Into<Arc<str>>) {
        self.values.insert(name.into(), value.into());
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.tags.is_empty()
    }
}
