//! What was seen, for people and for programs.

mod json;
mod table;

pub(crate) use json::json;
pub(crate) use table::print;

use super::row::Row;
use super::run::Seen;

/// Everything that one call of the command has to tell.
pub(crate) struct Report {
    /// Where the broker is, without the password.
    pub(crate) url: String,
    /// What it calls itself.
    pub(crate) broker: String,
    /// The share of the CPUs' time that the machine was busy for before, from 0 to 1.
    pub(crate) busy_before: f64,
    /// The rows in order.
    pub(crate) rows: Vec<(Row, Seen)>,
}
