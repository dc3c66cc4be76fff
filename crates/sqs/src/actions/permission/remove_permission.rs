//! RemovePermission: takes the statement with a label out of the queue's policy.

use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;
use serde_json::Value;

pub(crate) fn remove_permission<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Configure)?;
    let label = call.params.required("Label")?;
    let policy = queue.attributes.get("Policy").and_then(|policy| serde_json::from_str(policy).ok());
    let mut policy: Value = policy.unwrap_or_default();
    let statements = policy.get_mut("Statement").and_then(Value::as_array_mut);
    let removed = statements.and_then(|statements| {
        let index = statements.iter().position(|statement| statement["Sid"] == label)?;
        statements.remove(index);
        Some(statements.is_empty())
    });
    let Some(none_left) = removed else {
        return Err(ApiError::invalid(format!(
            "Value {label} for parameter Label is invalid. Reason: can't find label."
        )));
    };
    let mut attributes = queue.attributes.clone();
    if none_left {
        attributes.values.remove("Policy");
    } else {
        attributes.set("Policy", policy.to_string());
    }
    context.set_attributes(&queue, attributes)?;
    Ok(Output::new())
}
