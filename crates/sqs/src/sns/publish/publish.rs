//! Publish and PublishBatch.

use super::deliver::deliver;
use super::message::Message;
use crate::actions::{Context, is_entry_id};
use crate::protocol::{ApiError, Call, Code, Output, Params};
use crate::sns::topic::{Right, Topic, find, invalid};
use leveret_core::broker::Access;

/// Entries of one batch, at most.
const ENTRIES: usize = 10;
/// All messages of a batch together.
const BATCH_BYTES: usize = 256 << 10;

pub(in crate::sns) fn publish<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = target(context, call)?;
    context.check_room()?;
    let message = Message::read(&call.params, &topic)?;
    deliver(context, &topic, &message)
}

pub(in crate::sns) fn publish_batch<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = find(context, call, "TopicArn", Right::Write)?;
    context.check_room()?;
    let entries = entries(call)?;
    let messages: Vec<_> = entries.iter().map(|(_, entry)| Message::read(entry, &topic)).collect();
    let bytes: usize = messages.iter().flatten().map(Message::size).sum();
    let most = topic.attributes.number("MaximumMessageSize").map_or(BATCH_BYTES, |size| size as usize);
    if bytes > most {
        return Err(ApiError::new(
            Code::SNS_BATCH_TOO_LONG,
            "The length of all the messages put together is more than the limit.",
        ));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for ((id, _), message) in entries.iter().zip(messages) {
        match message.and_then(|message| deliver(context, &topic, &message)) {
            Ok(output) => successful.push(Output::new().text("Id", id.as_str()).and(output)),
            Err(error) => failed.push(
                Output::new()
                    .text("Id", id.as_str())
                    .text("Code", error.code.query)
                    .text("Message", error.message)
                    .flag("SenderFault", error.code.status < 500),
            ),
        }
    }
    Ok(Output::new().members("Successful", successful).members("Failed", failed))
}

fn entries(call: &Call) -> Result<Vec<(String, Params)>, ApiError> {
    let listed = call.params.list("PublishBatchRequestEntries", "PublishBatchRequestEntries")?;
    if listed.is_empty() {
        return Err(ApiError::new(Code::SNS_EMPTY_BATCH, "The batch request doesn't contain any entries."));
    }
    if listed.len() > ENTRIES {
        return Err(ApiError::new(
            Code::SNS_TOO_MANY_ENTRIES,
            "The batch request contains more entries than permissible.",
        ));
    }
    let mut entries: Vec<(String, Params)> = Vec::with_capacity(listed.len());
    for entry in listed {
        let id = entry.text("Id")?.unwrap_or_default().to_owned();
        if id.is_empty() || !is_entry_id(&id) {
            return Err(ApiError::new(
                Code::SNS_INVALID_ENTRY_ID,
                "The Id of a batch entry in a batch request doesn't abide by the specification.",
            ));
        }
        if entries.iter().any(|(known, _)| *known == id) {
            return Err(ApiError::new(
                Code::SNS_IDS_NOT_DISTINCT,
                "Two or more batch entries in the request have the same Id.",
            ));
        }
        entries.push((id, entry));
    }
    Ok(entries)
}

/// The topic that a message is for.
fn target<A: Access>(context: &Context<'_, A>, call: &Call) -> Result<Topic, ApiError> {
    if call.params.has("PhoneNumber") {
        return Err(invalid("PhoneNumber Reason: this broker delivers to topics only"));
    }
    let parameter = if call.params.has("TargetArn") { "TargetArn" } else { "TopicArn" };
    find(context, call, parameter, Right::Write)
}
