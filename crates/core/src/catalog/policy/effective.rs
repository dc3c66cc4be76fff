//! From arguments, a policy and an operator policy to what is in effect.
//!
//! Between the two policies RabbitMQ takes the lower limit, and the operator's word for the rest. Between that and
//! an argument it takes the lower limit, and the argument for the rest, except that a quorum queue's overflow and
//! retry type follow the policy.

use super::Matched;
use crate::catalog::state::{Queue, QueueKind};
use crate::settings::{
    DEFAULT_DELIVERY_LIMIT, DeadLetterTarget, DelayedRetry, Overflow, QueueSettings, RetryOn,
};
use crate::wire::{Table, Value};
use std::sync::Arc;

/// A quorum queue's levels of priority and the level of a message that names none (RabbitMQ 4.3).
const QUORUM_MAX_PRIORITY: u8 = 31;
const QUORUM_DEFAULT_PRIORITY: u8 = 4;

/// How a queue behaves under the policies that apply to it.
pub(in crate::catalog) fn settings(queue: &Queue, policies: Matched<'_>) -> QueueSettings {
    let layers = Layers { arguments: &queue.arguments, policies };
    let quorum = queue.kind == QueueKind::Quorum;
    let max_priority = layers.argument("x-max-priority").and_then(Value::as_i64).unwrap_or(0);
    let overflow = overflow(&layers, quorum);
    let mut settings = QueueSettings {
        durable: queue.durable,
        message_ttl_ms: layers.least("message-ttl"),
        expires_ms: layers.least("expires"),
        max_length: layers.least("max-length"),
        max_length_bytes: layers.least("max-length-bytes"),
        overflow,
        dead_letter: dead_letter(&layers, overflow),
        delivery_limit: delivery_limit(&layers),
        max_priority: if quorum { QUORUM_MAX_PRIORITY } else { max_priority.clamp(0, 255) as u8 },
        default_priority: if quorum { QUORUM_DEFAULT_PRIORITY } else { 0 },
        single_active_consumer: layers.flag("x-single-active-consumer"),
        active_by_priority: quorum,
        consumer_timeout_ms: layers.least("consumer-timeout"),
        groups: layers.flag("x-groups"),
        delayed_retry: delayed_retry(&layers, quorum),
        auto_delete: queue.auto_delete,
        ..QueueSettings::default()
    };
    super::attributes::add(&queue.attributes, layers.says("delivery-limit"), &mut settings);
    settings
}

/// Where an exchange sends what it cannot route.
pub(in crate::catalog) fn alternate_exchange(arguments: &Table, policies: Matched<'_>) -> Option<Arc<str>> {
    let layers = Layers { arguments, policies };
    // The argument's name has no `x-`.
    let name = layers.argument("alternate-exchange").or(layers.policy("alternate-exchange"))?;
    name.as_str().map(Into::into)
}

/// The three places where a setting can stand.
struct Layers<'a> {
    arguments: &'a Table,
    policies: Matched<'a>,
}

impl<'a> Layers<'a> {
    fn argument(&self, name: &str) -> Option<&'a Value> {
        self.arguments.get(name)
    }

    fn argument_of(&self, key: &str) -> Option<&'a Value> {
        let is_of_key = |name: &[u8]| name.strip_prefix(b"x-").is_some_and(|rest| rest == key.as_bytes());
        self.arguments.iter().find(|(name, _)| is_of_key(name.as_bytes())).map(|(_, value)| value)
    }

    fn user_policy(&self, key: &str) -> Option<&'a Value> {
        self.policies.policy.and_then(|policy| policy.definition.get(key))
    }

    fn operator_policy(&self, key: &str) -> Option<&'a Value> {
        self.policies.operator.and_then(|policy| policy.definition.get(key))
    }

    /// What the policies say: the operator's word before the users'.
    fn policy(&self, key: &str) -> Option<&'a Value> {
        self.operator_policy(key).or(self.user_policy(key))
    }

    /// Whether any of them says something.
    fn says(&self, key: &str) -> bool {
        self.argument_of(key).or(self.policy(key)).is_some()
    }

    fn flag(&self, name: &str) -> bool {
        self.argument(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The lowest of all that is said.
    fn least(&self, key: &str) -> Option<u64> {
        let said = [self.argument_of(key), self.user_policy(key), self.operator_policy(key)];
        said.into_iter().filter_map(number).min()
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.argument_of(key).or(self.policy(key)).and_then(Value::as_str)
    }

    fn text_policy_first(&self, key: &str) -> Option<&'a str> {
        self.policy(key).or(self.argument_of(key)).and_then(Value::as_str)
    }
}

fn number(value: Option<&Value>) -> Option<u64> {
    u64::try_from(value?.as_i64()?).ok()
}

fn overflow(layers: &Layers<'_>, quorum: bool) -> Overflow {
    let word = if quorum { layers.text_policy_first("overflow") } else { layers.text("overflow") };
    match word {
        Some("reject-publish") => Overflow::RejectPublish,
        Some("reject-publish-dlx") => Overflow::RejectPublishDlx,
        _ => Overflow::DropHead,
    }
}

/// A routing key or a strategy without an exchange means nothing, and at-least-once needs a queue that refuses when
/// it is full: one that drops has nothing to keep. So it is in RabbitMQ.
fn dead_letter(layers: &Layers<'_>, overflow: Overflow) -> Option<DeadLetterTarget> {
    let exchange = layers.text("dead-letter-exchange")?.into();
    let routing_key = layers.text("dead-letter-routing-key").map(Into::into);
    let at_least_once =
        layers.text("dead-letter-strategy") == Some("at-least-once") && overflow == Overflow::RejectPublish;
    Some(DeadLetterTarget { exchange, routing_key, at_least_once })
}

/// A negative limit is none. Where several are said, the lowest that is one holds: "none" gives way.
fn delivery_limit(layers: &Layers<'_>) -> Option<u32> {
    const KEY: &str = "delivery-limit";
    let said = [layers.argument_of(KEY), layers.user_policy(KEY), layers.operator_policy(KEY)];
    let said = || said.into_iter().flatten().filter_map(Value::as_i64);
    if said().next().is_none() {
        return Some(DEFAULT_DELIVERY_LIMIT);
    }
    let lowest = said().filter(|limit| *limit >= 0).min()?;
    Some(u32::try_from(lowest).unwrap_or(u32::MAX))
}

fn delayed_retry(layers: &Layers<'_>, quorum: bool) -> Option<DelayedRetry> {
    const TYPE: &str = "delayed-retry-type";
    let word = if quorum { layers.text_policy_first(TYPE) } else { layers.text(TYPE) };
    let on = match word? {
        "all" => RetryOn::All,
        "failed" => RetryOn::Failed,
        "returned" => RetryOn::Returned,
        _ => return None,
    };
    // The one limit that an operator can only raise.
    const MIN: &str = "delayed-retry-min";
    let by_policy = number(layers.user_policy(MIN)).max(number(layers.operator_policy(MIN)));
    let min_ms = [number(layers.argument_of(MIN)), by_policy].into_iter().flatten().min();
    let min_ms = min_ms.filter(|min| *min > 0)?;
    let max_ms = layers.least("delayed-retry-max").filter(|max| *max > 0).unwrap_or(min_ms);
    Some(DelayedRetry { on, min_ms, max_ms })
}
