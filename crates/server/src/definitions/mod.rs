//! Import of RabbitMQ's definitions: users, vhosts, permissions, policies, exchanges, queues and bindings from the
//! JSON that `rabbitmqctl export_definitions` and the management API write.
//!
//! An import may be repeated: what is there stays. It reads JSON and calls the catalog; it decides nothing about what
//! the entries mean.

mod accounts;
mod entry;
mod import;
mod outcome;
mod parameter;
mod route;
#[cfg(test)]
mod tests;
mod vhost;

pub use import::import;

use leveret_core::Refusal;
use std::fmt;

/// What an import has done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Entries that are in force now.
    pub entries: usize,
    /// Entries that were passed over, as a whole or in part, each with the reason.
    pub warnings: Vec<String>,
}

/// Why definitions were not imported. What stood before the entry at fault is in force.
#[derive(Debug)]
pub enum DefinitionsError {
    /// The text is not JSON.
    Syntax(serde_json::Error),
    /// The text is JSON, but not an object of lists of objects.
    Shape {
        /// Where, such as `queues[3]`.
        place: String,
        /// What was expected there.
        expected: &'static str,
    },
    /// An entry that the broker refuses.
    Refused {
        /// Which one, such as `queues[3] 'orders' in vhost '/'`.
        entry: String,
        /// Why.
        refusal: Refusal,
    },
}

impl fmt::Display for DefinitionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DefinitionsError::Syntax(error) => write!(f, "the definitions are not JSON: {error}"),
            DefinitionsError::Shape { place, expected } => write!(f, "{place}: expected {expected}"),
            DefinitionsError::Refused { entry, refusal } => write!(f, "{entry}: {refusal}"),
        }
    }
}

impl std::error::Error for DefinitionsError {}
