//! Subscribe: a queue gets the messages of a topic. It is confirmed at once, since both are here.

use super::attributes::check;
use super::record::{Record, records};
use crate::actions::{Context, Right as QueueRight, is_fifo, queue_of_arn};
use crate::protocol::{ApiError, Call, Output};
use crate::sns::topic::{Right, find, invalid};
use leveret_core::broker::Access;

pub(in crate::sns) fn subscribe<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = find(context, call, "TopicArn", Right::Read)?;
    match call.params.text("Protocol")?.unwrap_or_default() {
        "sqs" => {}
        "http" | "https" | "email" | "email-json" | "sms" | "application" | "lambda" | "firehose" => {
            return Err(invalid("Protocol Reason: this broker delivers to queues only (sqs)"));
        }
        other => return Err(invalid(format!("Amazon SNS does not support this protocol string: {other}"))),
    }
    let endpoint = call.params.text("Endpoint")?.unwrap_or_default().to_owned();
    let name = queue_of_arn(&endpoint).ok_or_else(|| invalid("SQS endpoint ARN"))?.to_owned();
    if let Some(queue) = context.queue_named(&name) {
        context.authorize(&queue, "SendMessage", QueueRight::Write)?;
        if is_fifo(&queue) && !topic.is_fifo() {
            return Err(invalid(
                "Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
            ));
        }
    }
    let wanted = call.params.map("Attributes", "Attributes", "key", "value")?;
    for (attribute, value) in &wanted {
        let scope = wanted.iter().find(|(name, _)| name == "FilterPolicyScope");
        let scope = scope.map_or("MessageAttributes", |(_, scope)| scope);
        check(attribute, value, scope).map_err(|error| invalid(format!("Attributes Reason: {error}")))?;
    }
    let attributes = wanted.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    if let Some(known) = records(&topic).find(|record| record.endpoint == endpoint) {
        if known.attributes != attributes {
            return Err(invalid("Attributes Reason: Subscription already exists with different attributes"));
        }
        return Ok(Output::new().text("SubscriptionArn", known.arn(context, &topic)));
    }
    let id = context.access.new_id().to_string();
    let record = Record { id, queue: name, endpoint, attributes };
    record.write(context, &topic, None)?;
    Ok(Output::new().text("SubscriptionArn", record.arn(context, &topic)))
}

/// ConfirmSubscription: there is never one to confirm.
pub(in crate::sns) fn confirm_subscription<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let _topic = find(context, call, "TopicArn", Right::Read)?;
    Err(invalid("Token"))
}
