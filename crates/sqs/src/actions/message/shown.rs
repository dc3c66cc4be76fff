//! A received message as the client sees it: only what it has asked for.

use super::attributes::is_asked_for;
use super::receipt_handle;
use super::send_message::sequence_number;
use crate::actions::queue::is_fifo;
use crate::digest::{md5_hex, md5_of_attributes};
use crate::mapping::Incoming;
use crate::protocol::{ApiError, AttributeValue, Call, Code, MessageAttribute, Output};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_core::MessageId;
use leveret_core::broker::Access;
use leveret_core::catalog::Queue;
use leveret_core::message::Stored;
use leveret_core::shard::Received;

/// The system attributes of a message.
const SYSTEM: [&str; 9] = [
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

/// What a receive has asked for.
#[derive(Debug)]
pub(super) struct Asked {
    system: Vec<String>,
    attributes: Vec<String>,
}

impl Asked {
    /// What a call asks for. System attributes have an old name and a new one; both count.
    pub(super) fn of(call: &Call) -> Result<Asked, ApiError> {
        let mut system = call.params.texts("AttributeNames", "AttributeName")?;
        system.extend(call.params.texts("MessageSystemAttributeNames", "MessageSystemAttributeName")?);
        if let Some(unknown) = system.iter().find(|name| *name != "All" && !SYSTEM.contains(&name.as_str())) {
            return Err(ApiError::new(Code::INVALID_ATTRIBUTE_NAME, format!("Unknown Attribute {unknown}.")));
        }
        let attributes = call.params.texts("MessageAttributeNames", "MessageAttributeName")?;
        Ok(Asked { system, attributes })
    }
}

/// The messages of a receive. One that cannot be read stays held until its time is over: its fault is in the log.
pub(super) fn messages<A: Access>(
    access: &mut A,
    queue: &Queue,
    received: &[Received],
    asked: &Asked,
    place: (&str, &str),
) -> Vec<Output> {
    let mut shown = Vec::with_capacity(received.len());
    for message in received {
        let Ok((kind, payload)) = access.read(queue.id.shard(), message.delivery.location) else { continue };
        let Ok(stored) = Stored::parse(kind, &payload) else { continue };
        shown.extend(one(queue, message, &stored, asked, place));
    }
    shown
}

fn one(
    queue: &Queue,
    received: &Received,
    stored: &Stored<'_>,
    asked: &Asked,
    place: (&str, &str),
) -> Option<Output> {
    let message = Incoming::new(stored).ok()?;
    let by_place = || MessageId::of_position(queue.id.shard(), received.delivery.position).to_string();
    let id = message.message_id().filter(|id| !id.is_empty()).map_or_else(by_place, str::to_owned);
    let body = message.body();
    let output = Output::new()
        .text("MessageId", id)
        .text("ReceiptHandle", receipt_handle::write(queue.id, received.receipt))
        .text("MD5OfBody", md5_hex(body.as_bytes()))
        .text("Body", body)
        .map(
            "Attributes",
            ("Attribute", "Name", "Value"),
            system(queue, received, stored, &message, asked, place),
        );
    if asked.attributes.is_empty() || !message.has_attributes() {
        return Some(output);
    }
    let mut attributes = message.attributes();
    attributes.retain(|(name, _)| is_asked_for(&asked.attributes, name));
    if attributes.is_empty() {
        return Some(output);
    }
    let pairs = attributes.iter().map(|(name, attribute)| (name.as_str(), attribute));
    let digest = md5_of_attributes(pairs);
    let shown = attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect();
    Some(output.text("MD5OfMessageAttributes", digest).map_of_structures(
        "MessageAttributes",
        ("MessageAttribute", "Name", "Value"),
        shown,
    ))
}

fn value(attribute: &MessageAttribute) -> Output {
    let output = Output::new();
    let output = match &attribute.value {
        AttributeValue::Text(text) => output.text("StringValue", text.as_str()),
        AttributeValue::Binary(bytes) => output.text("BinaryValue", STANDARD.encode(bytes)),
    };
    output.text("DataType", attribute.data_type.as_str())
}

fn system(
    queue: &Queue,
    received: &Received,
    stored: &Stored<'_>,
    message: &Incoming<'_>,
    asked: &Asked,
    (account, region): (&str, &str),
) -> Vec<(String, String)> {
    let all = asked.system.iter().any(|name| name == "All");
    let wanted = |name: &str| all || asked.system.iter().any(|asked| asked == name);
    let value = |name: &str| match name {
        "SenderId" => Some(message.sender().unwrap_or("anonymous").to_owned()),
        "SentTimestamp" => Some(stored.published_at().0.to_string()),
        "ApproximateReceiveCount" => Some(received.receipt.receive.to_string()),
        "ApproximateFirstReceiveTimestamp" => Some(received.first_received.0.to_string()),
        "SequenceNumber" => is_fifo(queue).then(|| sequence_number(received.delivery.position.0)),
        "MessageDeduplicationId" => message.deduplication_id().map(str::to_owned),
        "MessageGroupId" => message.group().map(std::borrow::Cow::into_owned),
        "AWSTraceHeader" => message.trace().map(str::to_owned),
        "DeadLetterQueueSourceArn" => {
            message.died_in().map(|name| format!("arn:aws:sqs:{region}:{account}:{name}"))
        }
        _ => None,
    };
    let pair = |name: &&str| Some(((*name).to_owned(), value(name)?));
    SYSTEM.iter().filter(|name| wanted(name)).filter_map(pair).collect()
}
