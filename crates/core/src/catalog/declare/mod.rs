//! Exchanges, queues and bindings, as clients ask for them: `exchange.*`, `queue.declare`, `delete`, `bind` and
//! `unbind` of AMQP 0-9-1 with RabbitMQ's rules, in RabbitMQ's order of checks and with its texts.

mod arguments;
mod attributes;
mod binding;
mod equivalence;
mod exchange;
mod queue;
#[cfg(test)]
mod tests;

pub use binding::NewBinding;
pub use exchange::DeclareExchange;
pub use queue::{DeclareQueue, Declared, DeletedQueue};

use super::Caller;
use super::state::check_length;
use crate::Refusal;
use std::borrow::Cow;

/// A name without line breaks, which RabbitMQ takes out of the names that clients give.
fn clean(name: &str) -> Cow<'_, str> {
    if name.contains(['\r', '\n']) {
        return name.replace(['\r', '\n'], "").into();
    }
    name.into()
}

/// Whether a new thing may have this name.
///
/// # Errors
/// [`crate::Cause::AccessRefused`] for `amq.*`, which clients may not use; [`crate::Cause::PreconditionFailed`] for
/// one that AMQP could not carry.
fn check_name(caller: Caller<'_>, kind: &str, name: &str) -> Result<(), Refusal> {
    if caller != Caller::BROKER && name.starts_with("amq.") {
        return Err(Refusal::access(format!("{kind} name '{name}' contains reserved prefix 'amq.*'")));
    }
    check_length(kind, name)
}
