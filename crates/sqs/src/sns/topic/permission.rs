//! AddPermission and RemovePermission: statements in the topic's policy, which is kept and shown. What may be done to a
//! topic is decided by the broker's permissions on its exchange.

use super::find::{Right, find, invalid, topic_arn};
use crate::actions::Context;
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;
use serde_json::{Value, json};

pub(in crate::sns) fn add_permission<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = find(context, call, "TopicArn", Right::Configure)?;
    let label = call.params.text("Label")?.unwrap_or_default();
    let accounts = call.params.texts("AWSAccountId", "AWSAccountId")?;
    let actions = call.params.texts("ActionName", "ActionName")?;
    if label.is_empty() || accounts.is_empty() || actions.is_empty() {
        return Err(invalid("Label, AWSAccountId and ActionName must not be empty"));
    }
    let mut policy = policy_of(topic.attributes.get("Policy"));
    let statements = statements_of(&mut policy)?;
    if statements.iter().any(|statement| statement["Sid"] == label) {
        return Err(invalid("Statement already exists"));
    }
    let principals: Vec<String> =
        accounts.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions: Vec<String> = actions.iter().map(|action| format!("SNS:{action}")).collect();
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": principals },
        "Action": actions,
        "Resource": topic_arn(context, &topic.name),
    }));
    let mut attributes = topic.attributes.clone();
    attributes.set("Policy", policy.to_string());
    topic.set(context, attributes)?;
    Ok(Output::new())
}

pub(in crate::sns) fn remove_permission<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = find(context, call, "TopicArn", Right::Configure)?;
    let label = call.params.text("Label")?.unwrap_or_default();
    let mut policy = policy_of(topic.attributes.get("Policy"));
    statements_of(&mut policy)?.retain(|statement| statement["Sid"] != label);
    let mut attributes = topic.attributes.clone();
    attributes.set("Policy", policy.to_string());
    topic.set(context, attributes)?;
    Ok(Output::new())
}

fn policy_of(text: Option<&str>) -> Value {
    let empty = || json!({ "Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [] });
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(empty)
}

fn statements_of(policy: &mut Value) -> Result<&mut Vec<Value>, ApiError> {
    let statements = policy.get_mut("Statement").and_then(Value::as_array_mut);
    statements.ok_or_else(|| invalid("Policy: it has no list of statements"))
}
