//! The attributes that decide how a queue behaves: those of SQS, by SQS's names.

use crate::catalog::state::Attributes;
use crate::settings::{DEFAULT_VISIBILITY_TIMEOUT_MS, DeduplicationScope, Period, QueueSettings, Redrive};
use std::sync::Arc;

/// The last part of an ARN is the queue's name.
fn queue_of_arn(arn: &str) -> Option<Arc<str>> {
    arn.rsplit_once(':').map(|(_, name)| name.into())
}

/// `{"deadLetterTargetArn": ARN, "maxReceiveCount": N}`, where N may be a text.
fn redrive(text: &str) -> Option<Redrive> {
    let policy: serde_json::Value = serde_json::from_str(text).ok()?;
    let queue = queue_of_arn(policy.get("deadLetterTargetArn")?.as_str()?)?;
    let count = policy.get("maxReceiveCount")?;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    Some(Redrive { queue, max_receives: u32::try_from(count).unwrap_or(u32::MAX) })
}

/// Adds what the attributes say to the settings that follow from arguments and policies.
pub(super) fn add(attributes: &Attributes, limited: bool, settings: &mut QueueSettings) {
    if attributes.values.is_empty() {
        return;
    }
    let ms = |name| attributes.number(name).map(|seconds: u64| seconds.saturating_mul(1_000));
    settings.visibility_timeout_ms = ms("VisibilityTimeout").unwrap_or(DEFAULT_VISIBILITY_TIMEOUT_MS);
    let period = |now, first| Period { ms: now, first_ms: ms(first).unwrap_or(now) };
    let delay = ms("DelaySeconds").unwrap_or(0);
    // SQS: a new delay is for messages to come, but of a FIFO queue, which would lose its order.
    settings.delay =
        if settings.groups { period(delay, Attributes::FIRST_DELAY) } else { Period::constant(delay) };
    settings.retention = ms("MessageRetentionPeriod").map(|now| period(now, Attributes::FIRST_RETENTION));
    settings.redrive = attributes.get("RedrivePolicy").and_then(redrive);
    settings.fair = !settings.groups && attributes.get(Attributes::FAIR) == Some("true");
    settings.deduplicate = settings.groups.then(|| match attributes.get("DeduplicationScope") {
        Some("messageGroup") => DeduplicationScope::Group,
        _ => DeduplicationScope::Queue,
    });
    // A message that ages out cannot go round for ever: SQS has no limit unless a redrive policy gives one.
    if settings.retention.is_some() && !limited {
        settings.delivery_limit = None;
    }
}
