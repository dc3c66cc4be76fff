//! What the arguments of a queue may be: RabbitMQ's rules and texts.
//!
//! Both types of queue are one here, so what RabbitMQ has for quorum queues alone (delivery limit, dead-letter
//! strategy, consumer timeout, delayed retry) classic ones have too; the rest of its rules about which argument
//! belongs to which type are kept. Arguments that it does not know mean nothing and are kept.

use super::queue::DeclareQueue;
use crate::Refusal;
use crate::catalog::state::QueueKind;
use crate::wire::{Table, Value};

/// An argument: its name, the types that have it, and what its value must be.
struct Argument {
    name: &'static str,
    of: Of,
    check: fn(&Value, &Table) -> Result<(), String>,
}

/// Which types of queue have an argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Both,
    Classic,
    Quorum,
    /// No type that is here: streams.
    Neither,
}

const fn argument(name: &'static str, of: Of, check: fn(&Value, &Table) -> Result<(), String>) -> Argument {
    Argument { name, of, check }
}

static ARGUMENTS: [Argument; 33] = [
    argument("x-expires", Of::Both, expires),
    argument("x-message-ttl", Of::Both, duration),
    argument("x-dead-letter-exchange", Of::Both, text),
    argument("x-dead-letter-routing-key", Of::Both, dead_letter_routing_key),
    argument("x-dead-letter-strategy", Of::Both, dead_letter_strategy),
    argument("x-max-length", Of::Both, not_negative),
    argument("x-max-length-bytes", Of::Both, not_negative),
    argument("x-max-in-memory-length", Of::Quorum, not_negative),
    argument("x-max-in-memory-bytes", Of::Quorum, not_negative),
    argument("x-max-priority", Of::Classic, priority),
    argument("x-overflow", Of::Both, overflow),
    argument("x-queue-mode", Of::Classic, anything),
    argument("x-queue-version", Of::Classic, not_negative),
    argument("x-single-active-consumer", Of::Both, flag),
    argument("x-consumer-timeout", Of::Both, not_negative),
    argument("x-consumer-disconnected-timeout", Of::Quorum, not_negative),
    argument("x-delivery-limit", Of::Both, integer),
    argument("x-delayed-retry-type", Of::Both, retry_type),
    argument("x-delayed-retry-min", Of::Both, not_negative),
    argument("x-delayed-retry-max", Of::Both, not_negative),
    argument("x-groups", Of::Both, flag),
    argument("x-queue-type", Of::Both, anything),
    argument("x-quorum-initial-group-size", Of::Quorum, positive),
    argument("x-quorum-target-group-size", Of::Quorum, positive),
    argument("x-queue-master-locator", Of::Classic, anything),
    argument("x-queue-leader-locator", Of::Both, leader_locator),
    argument("x-member-placement-tag", Of::Quorum, placement_tag),
    argument("x-max-age", Of::Neither, anything),
    argument("x-stream-max-segment-size-bytes", Of::Neither, anything),
    argument("x-stream-filter-size-bytes", Of::Neither, anything),
    argument("x-initial-cluster-size", Of::Neither, anything),
    argument("x-queue-selector-fields", Of::Neither, anything),
    argument("x-queue-selector-field-max-bytes", Of::Neither, anything),
];

/// The type of queue that is asked for. Where nothing is said it is the vhost's, if the queue can be of that type.
///
/// # Errors
/// [`Cause::PreconditionFailed`] for streams, which are not offered, and for a type that nobody knows.
pub(super) fn kind(thing: &str, declare: &DeclareQueue, default: QueueKind) -> Result<QueueKind, Refusal> {
    const NAME: &str = "x-queue-type";
    let Some(value) = declare.arguments.get(NAME) else { return Ok(default_kind(declare, default)) };
    let invalid = |error: String| Err(invalid(NAME, thing, &error));
    match value.as_str() {
        Some("classic") => Ok(QueueKind::Classic),
        Some("quorum") => Ok(QueueKind::Quorum),
        Some("" | "undefined") => Ok(default_kind(declare, default)),
        // RabbitMQ refuses a type that is switched off with 406, too: the connection goes on.
        Some("stream") => Err(Refusal::precondition(format!(
            "queue type 'stream' is not offered by this broker: cannot declare {thing}"
        ))),
        Some(other) => invalid(format!("\"unsupported queue type '{other}'\"")),
        None => invalid(format!("{{unacceptable_type,{}}}", value.type_name())),
    }
}

fn default_kind(declare: &DeclareQueue, default: QueueKind) -> QueueKind {
    let fits_quorum = declare.durable && !declare.exclusive && !declare.auto_delete && !declare.server_named;
    if fits_quorum { default } else { QueueKind::Classic }
}

/// Checks the arguments of a new queue.
///
/// # Errors
/// [`Cause::PreconditionFailed`] for a value that is none of its argument's, and for an argument that the type of
/// queue does not have.
pub(super) fn check(thing: &str, kind: QueueKind, arguments: &Table) -> Result<(), Refusal> {
    for argument in ARGUMENTS.iter().filter(|argument| argument.is_of(kind)) {
        if let Some(value) = arguments.get(argument.name) {
            (argument.check)(value, arguments).map_err(|error| invalid(argument.name, thing, &error))?;
        }
    }
    for (name, _) in arguments.iter() {
        let known = ARGUMENTS.iter().find(|argument| argument.name.as_bytes() == name.as_bytes());
        if known.is_some_and(|argument| !argument.is_of(kind)) {
            return Err(Refusal::precondition(format!(
                "invalid arg '{name}' for {thing} of queue type {}",
                kind.module()
            )));
        }
    }
    Ok(())
}

/// The arguments that two declarations of one queue must agree on, but for its type.
pub(super) fn compared(kind: QueueKind) -> impl Iterator<Item = &'static str> {
    let compared = ARGUMENTS.iter().filter(move |argument| argument.is_of(kind));
    compared.map(|argument| argument.name).filter(|name| *name != "x-queue-type")
}

impl Argument {
    fn is_of(&self, kind: QueueKind) -> bool {
        match self.of {
            Of::Both => true,
            Of::Classic => kind == QueueKind::Classic,
            Of::Quorum => kind == QueueKind::Quorum,
            Of::Neither => false,
        }
    }
}

fn invalid(name: &str, thing: &str, error: &str) -> Refusal {
    Refusal::precondition(format!("invalid arg '{name}' for {thing}: {error}"))
}

// The checks. Their errors are Erlang terms, as RabbitMQ prints them.

/// RabbitMQ's longest time to live: ten years, in milliseconds.
const MAX_DURATION_MS: i64 = 315_360_000_000;

fn anything(_: &Value, _: &Table) -> Result<(), String> {
    Ok(())
}

fn number(value: &Value) -> Result<i64, String> {
    value.as_i64().ok_or_else(|| format!("\"expected integer, got {}\"", value.type_name()))
}

fn integer(value: &Value, _: &Table) -> Result<(), String> {
    number(value).map(|_| ())
}

fn not_negative(value: &Value, _: &Table) -> Result<(), String> {
    match number(value)? {
        negative if negative < 0 => Err(format!("{{value_negative,{negative}}}")),
        _ => Ok(()),
    }
}

fn positive(value: &Value, arguments: &Table) -> Result<(), String> {
    not_negative(value, arguments)?;
    not_zero(value)
}

fn not_zero(value: &Value) -> Result<(), String> {
    match number(value)? {
        0 => Err("{value_zero,0}".into()),
        _ => Ok(()),
    }
}

fn duration(value: &Value, arguments: &Table) -> Result<(), String> {
    not_negative(value, arguments)?;
    match number(value)? {
        ms if ms > MAX_DURATION_MS => Err(format!("{{value_too_large,{ms}}}")),
        _ => Ok(()),
    }
}

fn expires(value: &Value, arguments: &Table) -> Result<(), String> {
    not_zero(value)?;
    duration(value, arguments)
}

fn priority(value: &Value, arguments: &Table) -> Result<(), String> {
    not_negative(value, arguments)?;
    match number(value)? {
        over if over > 255 => Err(format!("{{max_value_exceeded,{over}}}")),
        _ => Ok(()),
    }
}

fn flag(value: &Value, _: &Table) -> Result<(), String> {
    value.as_bool().map(|_| ()).ok_or_else(|| format!("{{unacceptable_type,{}}}", value.type_name()))
}

fn text(value: &Value, _: &Table) -> Result<(), String> {
    value.as_str().map(|_| ()).ok_or_else(|| format!("{{unacceptable_type,{}}}", value.type_name()))
}

fn dead_letter_routing_key(value: &Value, arguments: &Table) -> Result<(), String> {
    text(value, arguments)?;
    match arguments.get("x-dead-letter-exchange") {
        Some(_) => Ok(()),
        None => Err("routing_key_but_no_dlx_defined".into()),
    }
}

fn one_of(value: &Value, words: &[&str], error: &str) -> Result<(), String> {
    text(value, &Table::new())?;
    match value.as_str() {
        Some(word) if words.contains(&word) => Ok(()),
        _ => Err(error.into()),
    }
}

fn dead_letter_strategy(value: &Value, _: &Table) -> Result<(), String> {
    one_of(value, &["at-most-once", "at-least-once"], "invalid_dlx_strategy")
}

fn overflow(value: &Value, _: &Table) -> Result<(), String> {
    one_of(value, &["drop-head", "reject-publish", "reject-publish-dlx"], "invalid_overflow")
}

fn leader_locator(value: &Value, _: &Table) -> Result<(), String> {
    one_of(value, &["client-local", "balanced", "random", "least-leaders"], "invalid_queue_locator_arg")
}

fn placement_tag(value: &Value, arguments: &Table) -> Result<(), String> {
    text(value, arguments)?;
    match value.as_str() {
        Some("") => Err("invalid_member_placement_tag_arg".into()),
        _ => Ok(()),
    }
}

fn retry_type(value: &Value, _: &Table) -> Result<(), String> {
    one_of(value, &["all", "failed", "returned", "disabled"], "invalid_delayed_retry_type")
}
