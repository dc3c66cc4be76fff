//! What a policy may set. RabbitMQ's keys are all known; those of features that are not here (mirroring, streams,
//! federation) are taken and mean nothing, so that the definitions of an older broker can be imported.

use super::PolicyScope;
use crate::Refusal;
use crate::wire::{Table, Value};

/// A key: its name, what its value must be, and what RabbitMQ calls a wrong one.
struct Key {
    name: &'static str,
    check: Check,
    complaint: &'static str,
    /// Whether an operator policy may set it.
    operator: bool,
}

enum Check {
    AtLeast(i64),
    Integer,
    Text,
    OneOf(&'static [&'static str]),
    Anything,
}

const fn key(name: &'static str, check: Check, complaint: &'static str) -> Key {
    Key { name, check, complaint, operator: false }
}

const fn shared(name: &'static str, check: Check, complaint: &'static str) -> Key {
    Key { name, check, complaint, operator: true }
}

const fn ignored(name: &'static str) -> Key {
    Key { name, check: Check::Anything, complaint: "", operator: true }
}

const OVERFLOW: &[&str] = &["drop-head", "reject-publish", "reject-publish-dlx"];
const RETRY_TYPES: &[&str] = &["all", "failed", "returned", "disabled"];

static KEYS: [Key; 38] = [
    key("alternate-exchange", Check::Text, "is not a valid alternate exchange name"),
    key("consumer-timeout", Check::AtLeast(0), "is not a valid consumer timeout"),
    key("dead-letter-exchange", Check::Text, "is not a valid dead letter exchange name"),
    key("dead-letter-routing-key", Check::Text, "is not a valid dead letter routing key"),
    key(
        "dead-letter-strategy",
        Check::OneOf(&["at-most-once", "at-least-once"]),
        "is not a valid dead letter strategy",
    ),
    shared("message-ttl", Check::AtLeast(0), "is not a valid message TTL"),
    shared("expires", Check::AtLeast(1), "is not a valid queue expiry"),
    shared("max-length", Check::AtLeast(0), "is not a valid maximum length"),
    shared("max-length-bytes", Check::AtLeast(0), "is not a valid maximum length in bytes"),
    shared("overflow", Check::OneOf(OVERFLOW), "is not a valid overflow value"),
    shared("delivery-limit", Check::Integer, "is not a valid delivery limit"),
    shared(
        "delayed-retry-type",
        Check::OneOf(RETRY_TYPES),
        "is not a valid delayed retry type. Must be one of: all, failed, returned, disabled",
    ),
    shared(
        "delayed-retry-min",
        Check::AtLeast(1),
        "is not a valid delayed retry minimum delay. Must be a positive integer",
    ),
    shared(
        "delayed-retry-max",
        Check::AtLeast(1),
        "is not a valid delayed retry maximum delay. Must be a positive integer",
    ),
    key("queue-mode", Check::OneOf(&["default", "lazy"]), "is not a valid queue-mode value"),
    ignored("queue-version"),
    ignored("consumer-disconnected-timeout"),
    ignored("max-in-memory-length"),
    ignored("max-in-memory-bytes"),
    ignored("max-age"),
    ignored("stream-max-segment-size-bytes"),
    ignored("stream-filter-size-bytes"),
    ignored("queue-leader-locator"),
    ignored("queue-master-locator"),
    ignored("initial-cluster-size"),
    ignored("target-group-size"),
    ignored("member-placement-tag"),
    ignored("federation-upstream"),
    ignored("federation-upstream-set"),
    ignored("federation-upstream-pattern"),
    ignored("ha-mode"),
    ignored("ha-params"),
    ignored("ha-sync-mode"),
    ignored("ha-sync-batch-size"),
    ignored("ha-promote-on-shutdown"),
    ignored("ha-promote-on-failure"),
    ignored("selector-fields"),
    ignored("selector-field-max-bytes"),
];

/// Checks what a policy sets.
///
/// # Errors
/// [`crate::Cause::PreconditionFailed`] with RabbitMQ's text for an empty definition, an unknown key, or a value
/// that is none of its key's.
pub(super) fn check(definition: &Table, scope: PolicyScope) -> Result<(), Refusal> {
    if definition.is_empty() {
        return Err(Refusal::precondition("no policy provided"));
    }
    for (name, value) in definition.iter() {
        let known = KEYS.iter().find(|key| name.as_bytes() == key.name.as_bytes());
        let Some(key) = known.filter(|key| key.operator || scope == PolicyScope::User) else {
            return Err(Refusal::precondition(format!(
                "[{{<<\"{name}\">>,{}}}] are not recognised policy settings",
                value.term()
            )));
        };
        if !key.check.accepts(value) {
            return Err(Refusal::precondition(format!("{} {}", value.term(), key.complaint)));
        }
    }
    check_delayed_retry(definition)
}

fn check_delayed_retry(definition: &Table) -> Result<(), Refusal> {
    let number = |name| definition.get(name).and_then(Value::as_i64);
    let kind = definition.get("delayed-retry-type").and_then(Value::as_str);
    match (kind, number("delayed-retry-min"), number("delayed-retry-max")) {
        (Some(kind), None, _) if kind != "disabled" => Err(Refusal::precondition(format!(
            "delayed-retry-min is required when delayed-retry-type is {kind}"
        ))),
        (_, Some(min), Some(max)) if max < min => Err(Refusal::precondition(format!(
            "delayed-retry-max ({max}) must not be smaller than delayed-retry-min ({min})"
        ))),
        _ => Ok(()),
    }
}

impl Check {
    fn accepts(&self, value: &Value) -> bool {
        match self {
            Check::AtLeast(least) => value.as_i64().is_some_and(|number| number >= *least),
            Check::Integer => value.as_i64().is_some(),
            Check::Text => value.as_str().is_some(),
            Check::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Check::Anything => true,
        }
    }
}
