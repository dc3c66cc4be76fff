//! Whether a second declaration asks for what is there, and what RabbitMQ says if not.

use super::arguments;
use super::exchange::DeclareExchange;
use super::queue::DeclareQueue;
use crate::Refusal;
use crate::catalog::state::{Exchange, Queue, QueueKind, described};
use crate::catalog::{Caller, DestinationKind};
use crate::wire::{Table, Value};

/// Compares an exchange with a new declaration. Of the arguments only the alternate exchange counts.
///
/// # Errors
/// [`crate::Cause::PreconditionFailed`] for the first difference.
pub(super) fn check_exchange(
    vhost: &str,
    exchange: &Exchange,
    declare: &DeclareExchange<'_>,
) -> Result<(), Refusal> {
    let thing = described(DestinationKind::Exchange.name(), &exchange.name, vhost);
    check_property(&thing, "type", exchange.kind, declare.kind)?;
    check_property(&thing, "durable", exchange.durable, declare.durable)?;
    check_property(&thing, "auto_delete", exchange.auto_delete, declare.auto_delete)?;
    check_property(&thing, "internal", exchange.internal, declare.internal)?;
    check_argument(&thing, "alternate-exchange", &exchange.arguments, &declare.arguments)
}

/// Compares a queue with a new declaration, of whose arguments those count that its type knows. Policies do not:
/// what was declared is compared, not what is in effect.
///
/// # Errors
/// [`crate::Cause::ResourceLocked`] if it is another connection's, or exclusive for one and not for the other;
/// [`crate::Cause::PreconditionFailed`] for the first difference.
pub(super) fn check_queue(
    caller: Caller<'_>,
    queue: &Queue,
    kind: QueueKind,
    declare: &DeclareQueue,
) -> Result<(), Refusal> {
    let owner = caller.connection.filter(|_| declare.exclusive);
    if queue.exclusive_owner != owner {
        return Err(queue.locked());
    }
    let thing = described(DestinationKind::Queue.name(), &queue.name, &queue.vhost);
    check_property(&thing, "durable", queue.durable, declare.durable && !declare.exclusive)?;
    check_property(&thing, "auto_delete", queue.auto_delete, declare.auto_delete)?;
    for name in arguments::compared(queue.kind) {
        check_argument(&thing, name, &queue.arguments, &declare.arguments)?;
    }
    check_property(&thing, "x-queue-type", queue.kind.name(), kind.name())
}

/// The refusal of an argument that had to be a name.
pub(super) fn invalid_type(value: &Value, argument: &str, thing: &str) -> Refusal {
    Refusal::precondition(format!("invalid type '{}' for arg '{argument}' in {thing}", value.type_name()))
}

fn check_property<T: PartialEq + std::fmt::Display>(
    thing: &str,
    name: &str,
    current: T,
    received: T,
) -> Result<(), Refusal> {
    if current == received {
        return Ok(());
    }
    Err(inequivalent(thing, name, &format!("'{received}'"), &format!("'{current}'")))
}

/// Two numbers are equal whatever the width in which a client sent them.
fn check_argument(thing: &str, name: &str, current: &Table, received: &Table) -> Result<(), Refusal> {
    let typed = |value: Option<&Value>| match value {
        Some(value) => format!("the value '{}' of type '{}'", shown(value), value.type_name()),
        None => "none".into(),
    };
    match (current.get(name), received.get(name)) {
        (Some(current), Some(received)) if same(current, received) => Ok(()),
        (Some(current), Some(received)) => {
            let [received, current] = [received, current].map(|value| format!("'{}'", shown(value)));
            Err(inequivalent(thing, name, &received, &current))
        }
        (None, None) => Ok(()),
        (current, received) => Err(inequivalent(thing, name, &typed(received), &typed(current))),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn inequivalent(thing: &str, name: &str, received: &str, current: &str) -> Refusal {
    Refusal::precondition(format!(
        "inequivalent arg '{name}' for {thing}: received {received} but current is {current}"
    ))
}

/// A text stands as it is, anything else as a term.
fn shown(value: &Value) -> String {
    match value {
        Value::LongStr(bytes) | Value::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.term(),
    }
}
