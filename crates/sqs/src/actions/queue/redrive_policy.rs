//! RedrivePolicy and RedriveAllowPolicy: what they may say, and whether a queue may send its dead letters to another.

use super::attributes::is_fifo;
use crate::actions::context::{Context, queue_of_arn};
use crate::protocol::{ApiError, Code};
use leveret_core::broker::Access;
use leveret_core::catalog::Queue;
use serde_json::{Map, Value};

/// Receives before a message is moved.
const MAX_RECEIVES: std::ops::RangeInclusive<u64> = 1..=1_000;
/// Sources that a queue may name.
const SOURCES: usize = 10;

/// Checks the policies among attributes that are to be set.
///
/// # Errors
/// [`Code::INVALID_PARAMETER`].
pub(super) fn check<A: Access>(
    context: &Context<'_, A>,
    wanted: &[(String, String)],
    name: &str,
    fifo: bool,
) -> Result<(), ApiError> {
    for (attribute, value) in wanted.iter().filter(|(_, value)| !value.is_empty()) {
        match attribute.as_str() {
            "RedrivePolicy" => redrive(context, value, name, fifo)?,
            "RedriveAllowPolicy" => redrive_allow(value)?,
            _ => {}
        }
    }
    Ok(())
}

fn redrive<A: Access>(context: &Context<'_, A>, value: &str, name: &str, fifo: bool) -> Result<(), ApiError> {
    let wrong = |reason: &str| {
        Err(ApiError::invalid(format!(
            "Value {value} for parameter RedrivePolicy is invalid. Reason: {reason}"
        )))
    };
    let Ok(policy) = serde_json::from_str::<Map<String, Value>>(value) else {
        return wrong("Redrive policy is not a valid JSON map.");
    };
    let Some(arn) = policy.get("deadLetterTargetArn").and_then(Value::as_str) else {
        return wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
    };
    let Some(count) = policy.get("maxReceiveCount") else {
        return wrong("Redrive policy does not contain mandatory attribute: maxReceiveCount.");
    };
    let number = count.as_u64().or_else(|| count.as_str()?.parse().ok());
    if !number.is_some_and(|number| MAX_RECEIVES.contains(&number)) {
        let text = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
        return wrong(&format!(
            "Invalid value for maxReceiveCount: {text}, valid values are from 1 to 1000 both inclusive."
        ));
    }
    let Some(target) = queue_of_arn(arn) else { return wrong("Invalid value for deadLetterTargetArn.") };
    let Some(target) = context.queue_named(target) else {
        return wrong("Dead letter target does not exist.");
    };
    if is_fifo(&target) != fifo {
        return wrong("Dead-letter queue must be same type of queue as the source.");
    }
    if !allows(&target, &context.arn(name)) {
        return wrong("Queue does not have permission to use the dead-letter queue.");
    }
    Ok(())
}

fn redrive_allow(value: &str) -> Result<(), ApiError> {
    let wrong = |reason: &str| {
        let text = format!("Value {value} for parameter RedriveAllowPolicy is invalid. Reason: {reason}");
        Err(ApiError::new(Code::INVALID_PARAMETER, text))
    };
    let Ok(policy) = serde_json::from_str::<Map<String, Value>>(value) else {
        return wrong("Amazon SQS can't create the redrive allow policy. Policy must be valid JSON.");
    };
    let sources = policy.get("sourceQueueArns");
    match policy.get("redrivePermission").and_then(Value::as_str) {
        Some("allowAll" | "denyAll") if sources.is_none() => Ok(()),
        Some("allowAll" | "denyAll") => {
            wrong("sourceQueueArns is allowed only when redrivePermission is byQueue.")
        }
        Some("byQueue") => match sources.and_then(Value::as_array) {
            Some(arns) if arns.is_empty() || arns.len() > SOURCES => {
                wrong("sourceQueueArns must have between 1 and 10 queues.")
            }
            Some(arns) if arns.iter().all(|arn| arn.as_str().and_then(queue_of_arn).is_some()) => Ok(()),
            _ => wrong("sourceQueueArns must be a list of ARNs of queues."),
        },
        _ => wrong("redrivePermission must be allowAll, denyAll or byQueue."),
    }
}

/// Whether a queue takes the dead letters of another: what its RedriveAllowPolicy says. The region in an ARN does not
/// tell queues apart here.
fn allows(target: &Queue, source_arn: &str) -> bool {
    let policy = target.attributes.get("RedriveAllowPolicy").and_then(|text| serde_json::from_str(text).ok());
    let policy: Value = policy.unwrap_or_default();
    let names_source = |arn: &Value| arn.as_str().and_then(queue_of_arn) == queue_of_arn(source_arn);
    match policy.get("redrivePermission").and_then(Value::as_str) {
        Some("denyAll") => false,
        Some("byQueue") => {
            policy.get("sourceQueueArns").and_then(Value::as_array).into_iter().flatten().any(names_source)
        }
        _ => true,
    }
}
