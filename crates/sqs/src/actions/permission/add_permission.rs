//! AddPermission: a statement with a label in the queue's policy.

use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;
use serde_json::{Value, json};

/// The actions that can be permitted (AWS's list).
const ACTIONS: [&str; 8] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
];
const MORE_ACTIONS: [&str; 1] = ["PurgeQueue"];
/// Actions in one statement, at most (AWS's limit).
const MAX_ACTIONS: usize = 7;

pub(crate) fn add_permission<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Configure)?;
    let label = call.params.required("Label")?.to_owned();
    let accounts = call.params.texts("AWSAccountIds", "AWSAccountId")?;
    let actions = call.params.texts("Actions", "ActionName")?;
    if accounts.is_empty() {
        return Err(ApiError::missing("AWSAccountIds"));
    }
    if actions.is_empty() {
        return Err(ApiError::missing("Actions"));
    }
    if actions.len() > MAX_ACTIONS {
        let text = format!("{} Actions were found, maximum allowed is {MAX_ACTIONS}.", actions.len());
        return Err(ApiError::new(Code::OVER_LIMIT, text));
    }
    let known = |action: &&String| !ACTIONS.iter().chain(&MORE_ACTIONS).any(|known| known == action);
    if let Some(unknown) = actions.iter().find(known) {
        let reason = "Reason: Only the queue owner is allowed to invoke this action.";
        return Err(ApiError::invalid(format!(
            "Value SQS:{unknown} for parameter ActionName is invalid. {reason}"
        )));
    }
    let arn = context.arn(&queue.name);
    let mut policy = match queue.attributes.get("Policy") {
        Some(policy) => serde_json::from_str(policy).unwrap_or(Value::Null),
        None => json!({ "Version": "2008-10-17", "Id": format!("{arn}/SQSDefaultPolicy"), "Statement": [] }),
    };
    let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) else {
        return Err(ApiError::invalid("The queue's policy is not one that statements can be added to."));
    };
    if statements.iter().any(|statement| statement["Sid"] == label) {
        return Err(ApiError::invalid(format!(
            "Value {label} for parameter Label is invalid. Reason: Already exists."
        )));
    }
    let principals: Vec<String> = accounts.iter().map(|account| principal(account)).collect();
    let actions: Vec<String> = actions.iter().map(|action| format!("SQS:{action}")).collect();
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_all(principals) },
        "Action": one_or_all(actions),
        "Resource": arn,
    }));
    let mut attributes = queue.attributes.clone();
    attributes.set("Policy", policy.to_string());
    context.set_attributes(&queue, attributes)?;
    Ok(Output::new())
}

/// An account is AWS's; anything else names one of our users.
fn principal(account: &str) -> String {
    match account.bytes().all(|digit| digit.is_ascii_digit()) {
        true => format!("arn:aws:iam::{account}:root"),
        false => account.to_owned(),
    }
}

fn one_or_all(mut texts: Vec<String>) -> Value {
    match texts.len() {
        1 => texts.remove(0).into(),
        _ => texts.into(),
    }
}
