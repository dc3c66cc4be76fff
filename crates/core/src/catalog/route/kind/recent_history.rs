//! Recent-history exchanges: they send as a fanout exchange does, and what they have sent of late goes to whatever is
//! bound to them later. Here is who remembers and how much; the messages are with [`crate::broker::History`].
//!
//! As with RabbitMQ's plugin on one node, the memory ends with the broker, or with its exchange.

use super::{Kind, Router};
use crate::Refusal;
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::{Found, Targets};
use crate::catalog::state::{Binding, Target};
use crate::limits::RECENT_HISTORY_MESSAGES;
use crate::wire::{Table, Value};
use std::sync::Arc;

/// How many messages are remembered where nothing is said: RabbitMQ's default.
const DEFAULT_LENGTH: usize = 20;
const LENGTH: &str = "x-recent-history-length";

/// The kind `x-recent-history`.
pub(super) struct RecentHistory;

impl Kind for RecentHistory {
    fn name(&self) -> &'static str {
        "x-recent-history"
    }

    fn router(&self, arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        let length = arguments.get(LENGTH).map_or(Ok(DEFAULT_LENGTH), length_of)?;
        let memory = Memory { length, identity: Arc::new(()) };
        Ok(Box::new(RecentHistoryRouter { targets: Targets::default(), memory }))
    }
}

/// The memory of an exchange.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// Messages at most.
    pub(crate) length: usize,
    /// The exchange that it is the memory of, as long as there is one: another one of the same name has another.
    pub(crate) identity: Arc<()>,
}

#[derive(Debug)]
struct RecentHistoryRouter {
    targets: Targets,
    memory: Memory,
}

impl Router for RecentHistoryRouter {
    fn add(&mut self, _binding: &Arc<Binding>, target: Target) {
        self.targets.add(target);
    }

    fn remove(&mut self, _binding: &Arc<Binding>, target: &Target) {
        self.targets.remove(target);
    }

    fn find<'a>(&'a self, _message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        self.targets.find(found);
    }

    /// Each message is to be seen: a route that is kept would pass the memory by.
    fn varies(&self) -> bool {
        true
    }

    fn memory(&self) -> Option<&Memory> {
        Some(&self.memory)
    }
}

/// RabbitMQ takes any positive integer.
fn length_of(value: &Value) -> Result<usize, Refusal> {
    let length = value.as_i64().and_then(|length| usize::try_from(length).ok()).filter(|length| *length > 0);
    match length {
        Some(length) if length <= RECENT_HISTORY_MESSAGES => Ok(length),
        Some(_) => {
            Err(Refusal::precondition(format!("'{LENGTH}' must not exceed {RECENT_HISTORY_MESSAGES}")))
        }
        None => Err(Refusal::precondition(format!(
            "Invalid argument {}, '{LENGTH}' must be a positive integer",
            value.term()
        ))),
    }
}
