//! SendMessage and SendMessageBatch.

use super::{attributes, batch};
use crate::actions::context::{Context, Right, refused};
use crate::actions::queue::{is_fifo, shown};
use crate::digest::{md5_hex, md5_of_attributes, sha256_half, sha256_hex};
use crate::mapping::Outgoing;
use crate::protocol::{
    ApiError, AttributeValue, Call, Code, MessageAttribute, Output, Params, is_valid_text,
};
use leveret_core::MessageId;
use leveret_core::broker::{Access, Send, send};
use leveret_core::catalog::Queue;
use leveret_core::message::Deduplication;

/// All messages of a batch together.
const BATCH_BYTES: usize = 1 << 20;
const DELAY_SECONDS: std::ops::RangeInclusive<i64> = 0..=900;
const ID_CHARACTERS: usize = 128;

/// A message as a request has it.
struct Wanted<'a> {
    body: &'a str,
    attributes: Vec<(String, MessageAttribute)>,
    system: Vec<(String, MessageAttribute)>,
    delay_seconds: Option<i64>,
    group: Option<&'a str>,
    deduplication_id: Option<&'a str>,
}

pub(crate) fn send_message<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Write)?;
    context.check_room()?;
    let wanted = wanted(&call.params)?;
    if is_fifo(&queue) && wanted.group.is_none() {
        return Err(ApiError::missing("MessageGroupId"));
    }
    send_one(context, &queue, &wanted)
}

pub(crate) fn send_message_batch<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Write)?;
    context.check_room()?;
    let entries = batch::entries(call, "SendMessageBatchRequestEntry")?;
    let mut messages = Vec::with_capacity(entries.len());
    let mut bytes = 0;
    for (_, entry) in &entries {
        let wanted = wanted(entry);
        if let Ok(wanted) = &wanted {
            bytes += wanted.size();
            // The whole batch fails, and with another code than a single message does (AWS's way).
            if is_fifo(&queue) && wanted.group.is_none() {
                return Err(ApiError::invalid("The request must contain the parameter MessageGroupId."));
            }
        }
        messages.push(wanted);
    }
    if bytes > BATCH_BYTES {
        let text =
            format!("Batch requests cannot be longer than {BATCH_BYTES} bytes. You have sent {bytes} bytes.");
        return Err(ApiError::new(Code::BATCH_TOO_LONG, text));
    }
    let mut results = Vec::with_capacity(entries.len());
    for ((id, _), wanted) in entries.iter().zip(messages) {
        let sent = wanted.and_then(|wanted| send_one(context, &queue, &wanted));
        results.push((id.clone(), sent));
    }
    Ok(batch::outcome("SendMessageBatchResultEntry", results))
}

fn wanted(params: &Params) -> Result<Wanted<'_>, ApiError> {
    Ok(Wanted {
        body: params.required("MessageBody")?,
        attributes: params.attributes("MessageAttributes", "MessageAttribute")?,
        system: params.attributes("MessageSystemAttributes", "MessageSystemAttribute")?,
        delay_seconds: params.int("DelaySeconds")?,
        group: params.text("MessageGroupId")?,
        deduplication_id: params.text("MessageDeduplicationId")?,
    })
}

impl Wanted<'_> {
    fn size(&self) -> usize {
        self.body.len() + attributes::size(&self.attributes)
    }

    fn trace(&self) -> Result<Option<&str>, ApiError> {
        match self.system.as_slice() {
            [] => Ok(None),
            [(name, MessageAttribute { value: AttributeValue::Text(text), data_type })]
                if name == "AWSTraceHeader" && data_type == "String" =>
            {
                Ok(Some(text))
            }
            [(name, _), ..] => {
                Err(ApiError::invalid(format!("Message system attribute name '{name}' is invalid.")))
            }
        }
    }

    /// What the queue has to say to the message.
    fn check(&self, queue: &Queue) -> Result<(), ApiError> {
        let most =
            shown(queue, "MaximumMessageSize").and_then(|size| size.parse().ok()).unwrap_or(BATCH_BYTES);
        if self.size() > most {
            return Err(ApiError::invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
            )));
        }
        if !is_valid_text(self.body) {
            return Err(ApiError::new(
                Code::INVALID_CONTENTS,
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
                 #xE000 to #xFFFD | #x10000 to #x10FFFF.",
            ));
        }
        attributes::check(&self.attributes)?;
        self.check_delay(is_fifo(queue))?;
        check_id("MessageGroupId", self.group)?;
        check_id("MessageDeduplicationId", self.deduplication_id)?;
        if self.deduplication_id.is_some() && !is_fifo(queue) {
            return Err(ApiError::invalid(
                "The request includes a parameter that is not valid for this queue type. Reason: MessageDeduplicationId.",
            ));
        }
        Ok(())
    }

    fn check_delay(&self, fifo: bool) -> Result<(), ApiError> {
        let Some(delay) = self.delay_seconds else { return Ok(()) };
        let reason = match (fifo, delay) {
            (true, 0) => return Ok(()),
            (true, _) => "The request include parameter that is not valid for this queue type.",
            (false, delay) if DELAY_SECONDS.contains(&delay) => return Ok(()),
            (false, _) => "DelaySeconds must be >= 0 and <= 900.",
        };
        Err(ApiError::invalid(format!(
            "Value {delay} for parameter DelaySeconds is invalid. Reason: {reason}"
        )))
    }
}

/// Ids of groups and for deduplication: up to 128 characters of ASCII that print.
fn check_id(parameter: &str, id: Option<&str>) -> Result<(), ApiError> {
    let Some(id) = id else { return Ok(()) };
    if (1..=ID_CHARACTERS).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "Value {id} for parameter {parameter} is invalid. Reason: {parameter} can only include alphanumeric and \
         punctuation characters. 1 to 128 in length."
    )))
}

fn send_one<A: Access>(
    context: &mut Context<'_, A>,
    queue: &Queue,
    wanted: &Wanted<'_>,
) -> Result<Output, ApiError> {
    wanted.check(queue)?;
    let trace = wanted.trace()?;
    let fifo = is_fifo(queue);
    let message_id = context.access.new_id();
    let made;
    let deduplication_id = match (wanted.deduplication_id, fifo) {
        (Some(id), _) => Some(id),
        (None, false) => None,
        (None, true) if shown(queue, "ContentBasedDeduplication") == Some("true") => {
            made = sha256_hex(wanted.body.as_bytes());
            Some(made.as_str())
        }
        (None, true) => {
            return Err(ApiError::invalid(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided \
                 explicitly",
            ));
        }
    };
    let outgoing = Outgoing {
        message_id,
        attributes: &wanted.attributes,
        group: wanted.group,
        deduplication_id,
        trace,
        sender: context.identity.name(),
    };
    let properties =
        outgoing.encode().map_err(|error| ApiError::invalid(format!("Message attributes: {error}.")))?;
    let message = Send {
        queue: queue.id,
        name: &queue.name,
        properties: &properties,
        body: wanted.body.as_bytes(),
        // On a FIFO queue the delay is the queue's, whatever a message says.
        delay_ms: wanted.delay_seconds.filter(|_| !fifo).map(|seconds| seconds as u64 * 1_000),
        deduplication: deduplication_id
            .map(|id| Deduplication { key: sha256_half(id), message_id: message_id.0 }),
    };
    let sent = send(context.access, &message).map_err(|refusal| refused(&refusal))?;
    if sent.refused {
        return Err(ApiError::new(Code::OVER_LIMIT, "The queue is full."));
    }
    context.wait_for(&sent.waits);
    let id = sent.duplicate_of.map_or(message_id, |first| MessageId(first.message_id));
    Ok(answer(wanted, id, fifo.then_some(sent.position.0)))
}

fn answer(wanted: &Wanted<'_>, id: MessageId, sequence: Option<u64>) -> Output {
    let digest = |attributes: &[(String, MessageAttribute)]| {
        let pairs = attributes.iter().map(|(name, attribute)| (name.as_str(), attribute));
        (!attributes.is_empty()).then(|| md5_of_attributes(pairs))
    };
    Output::new()
        .text("MessageId", id.to_string())
        .text("MD5OfMessageBody", md5_hex(wanted.body.as_bytes()))
        .optional("MD5OfMessageAttributes", digest(&wanted.attributes))
        .optional("MD5OfMessageSystemAttributes", digest(&wanted.system))
        .optional("SequenceNumber", sequence.map(sequence_number))
}

/// Twenty digits that rise: where the message was stored.
pub(crate) fn sequence_number(position: u64) -> String {
    format!("{position:020}")
}
