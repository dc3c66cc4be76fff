//! GetSubscriptionAttributes and SetSubscriptionAttributes.

use super::record::{self, Record};
use crate::actions::{Context, queue_of_arn};
use crate::protocol::{ApiError, Call, Output};
use crate::sns::topic::{Right, authorize, invalid, topic_arn};
use leveret_core::broker::Access;
use leveret_core::catalog::filter::{FilterPolicy, Scope};
use serde_json::Value;

pub(in crate::sns) fn get_subscription_attributes<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let (topic, record) = record::find(context, call.params.text("SubscriptionArn")?.unwrap_or_default())?;
    authorize(context, &topic.name, &call.action, Right::Read)?;
    let account = context.identity.account.to_string();
    let fixed = [
        ("SubscriptionArn", record.arn(context, &topic)),
        ("TopicArn", topic_arn(context, &topic.name)),
        ("Owner", account.clone()),
        ("Protocol", "sqs".to_owned()),
        ("Endpoint", record.endpoint.clone()),
        ("ConfirmationWasAuthenticated", "true".to_owned()),
        ("PendingConfirmation", "false".to_owned()),
        ("SubscriptionPrincipal", format!("arn:aws:iam::{account}:user/{}", context.identity.name())),
    ];
    let mut all: Vec<(String, String)> =
        fixed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if !record.attributes.contains_key("RawMessageDelivery") {
        all.push(("RawMessageDelivery".to_owned(), "false".to_owned()));
    }
    if record.attributes.contains_key("FilterPolicy") && !record.attributes.contains_key("FilterPolicyScope")
    {
        all.push(("FilterPolicyScope".to_owned(), "MessageAttributes".to_owned()));
    }
    all.extend(record.attributes);
    Ok(Output::new().entries("Attributes", all))
}

pub(in crate::sns) fn set_subscription_attributes<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let (topic, record) = record::find(context, call.params.text("SubscriptionArn")?.unwrap_or_default())?;
    authorize(context, &topic.name, &call.action, Right::Read)?;
    let name = call.params.text("AttributeName")?.unwrap_or_default();
    let value = call.params.text("AttributeValue")?.unwrap_or_default();
    let scope = match name {
        "FilterPolicyScope" => value,
        _ => record.attributes.get("FilterPolicyScope").map_or("MessageAttributes", String::as_str),
    };
    check(name, value, scope).map_err(invalid)?;
    let mut changed: Record = record.clone();
    // `{}` takes a filter policy away, an empty value anything.
    if value.is_empty() || (name == "FilterPolicy" && value.trim() == "{}") {
        changed.attributes.remove(name);
    } else {
        changed.attributes.insert(name.to_owned(), value.to_owned());
    }
    changed.write(context, &topic, Some(&record))?;
    Ok(Output::new())
}

/// Whether an attribute of a subscription may have a value; the reason if not.
pub(super) fn check(name: &str, value: &str, scope: &str) -> Result<(), String> {
    let word = |words: &[&str], text: &str| match words.contains(&value) {
        true => Ok(()),
        false => Err(text.to_owned()),
    };
    match name {
        "RawMessageDelivery" => word(
            &["true", "false"],
            &format!("RawMessageDelivery: Invalid value [{value}]. Must be true or false."),
        ),
        "FilterPolicyScope" => word(
            &["MessageAttributes", "MessageBody"],
            &format!(
                "FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
            ),
        ),
        "FilterPolicy" if value.is_empty() => Ok(()),
        "FilterPolicy" => {
            let scope = if scope == "MessageBody" { Scope::Body } else { Scope::Attributes };
            FilterPolicy::parse(value, scope).map(|_| ()).map_err(|error| error.to_string())
        }
        "RedrivePolicy" if value.is_empty() => Ok(()),
        "RedrivePolicy" => {
            let policy: Option<Value> = serde_json::from_str(value).ok();
            let arn =
                policy.as_ref().and_then(|policy| policy.get("deadLetterTargetArn")).and_then(Value::as_str);
            match arn.and_then(queue_of_arn) {
                Some(_) => Ok(()),
                None => Err("RedrivePolicy: deadLetterTargetArn is an invalid arn".into()),
            }
        }
        "DeliveryPolicy" | "ReplayPolicy" => Ok(()),
        "SubscriptionRoleArn" => {
            Err("SubscriptionRoleArn: only subscriptions of other protocols have one".into())
        }
        _ => Err("AttributeName".into()),
    }
}
