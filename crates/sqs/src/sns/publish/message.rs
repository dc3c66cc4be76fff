//! A message for a topic, as a request has it, and what the topic has to say to it.

use crate::actions::{attributes_size, check_attribute_name};
use crate::digest::sha256_hex;
use crate::protocol::{ApiError, AttributeValue, MessageAttribute, Params};
use crate::sns::topic::{Topic, invalid};
use serde_json::{Map, Value};

/// Bytes of a message where the topic says nothing (AWS's default).
const MESSAGE_BYTES: usize = 256 << 10;
const SUBJECT_CHARACTERS: usize = 100;

/// A message for a topic.
#[derive(Debug)]
pub(super) struct Message {
    /// What the queues get.
    pub(super) text: String,
    pub(super) subject: Option<String>,
    pub(super) attributes: Vec<(String, MessageAttribute)>,
    pub(super) group: Option<String>,
    pub(super) deduplication_id: Option<String>,
}

impl Message {
    /// Reads a message.
    pub(super) fn read(params: &Params, topic: &Topic) -> Result<Message, ApiError> {
        let text = params.text("Message")?.unwrap_or_default();
        if text.is_empty() {
            return Err(invalid("Empty message"));
        }
        let structured = match params.text("MessageStructure")? {
            Some("json") => true,
            None | Some("") => false,
            Some(_) => return Err(invalid("MessageStructure Reason: it may be json or absent")),
        };
        let attributes = params.attributes("MessageAttributes", "MessageAttributes")?;
        let message = Message {
            text: if structured { text_for_queues(text)? } else { text.to_owned() },
            subject: params.text("Subject")?.filter(|subject| !subject.is_empty()).map(str::to_owned),
            attributes,
            group: params.text("MessageGroupId")?.map(str::to_owned),
            deduplication_id: params.text("MessageDeduplicationId")?.map(str::to_owned),
        };
        message.check(topic, text.len())
    }

    /// Bytes that count against the limit: the message and its attributes.
    pub(super) fn size(&self) -> usize {
        self.text.len() + attributes_size(&self.attributes)
    }

    fn check(mut self, topic: &Topic, sent: usize) -> Result<Message, ApiError> {
        let most = topic.attributes.number("MaximumMessageSize").map_or(MESSAGE_BYTES, |size| size as usize);
        if self.size().max(sent) > most {
            return Err(invalid("Message too long"));
        }
        let bad_subject = |subject: &String| {
            subject.chars().count() > SUBJECT_CHARACTERS || subject.contains(char::is_control)
        };
        if self.subject.as_ref().is_some_and(bad_subject) {
            return Err(invalid("Subject"));
        }
        for (name, attribute) in &self.attributes {
            check_attribute(name, attribute)?;
        }
        if !topic.is_fifo() {
            if self.deduplication_id.is_some() {
                return Err(invalid(
                    "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
                ));
            }
            return Ok(self);
        }
        if self.group.as_ref().is_none_or(String::is_empty) {
            return Err(invalid("The MessageGroupId parameter is required for FIFO topics"));
        }
        if self.deduplication_id.is_none() {
            if topic.attributes.get("ContentBasedDeduplication") != Some("true") {
                return Err(invalid(
                    "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
                ));
            }
            self.deduplication_id = Some(sha256_hex(self.text.as_bytes()));
        }
        Ok(self)
    }
}

/// `MessageStructure: json`: an object with a text for each protocol, and one for all others.
fn text_for_queues(text: &str) -> Result<String, ApiError> {
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(text) else {
        return Err(invalid("Message Structure - JSON message body failed to parse"));
    };
    let Some(default) = object.get("default").and_then(Value::as_str) else {
        return Err(invalid("Message Structure - No default entry in JSON message body"));
    };
    Ok(object.get("sqs").and_then(Value::as_str).unwrap_or(default).to_owned())
}

fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), ApiError> {
    let base = attribute.data_type.split('.').next().unwrap_or_default();
    let (empty, right) = match &attribute.value {
        AttributeValue::Text(text) => (text.is_empty(), base != "Binary"),
        AttributeValue::Binary(bytes) => (bytes.is_empty(), base == "Binary"),
    };
    check_attribute_name(name).map_err(invalid)?;
    if !matches!(base, "String" | "Number" | "Binary") {
        return Err(invalid(format!(
            "Message attribute '{name}' must have a type of String, Number or Binary"
        )));
    }
    if empty || !right {
        return Err(invalid(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{base}'."
        )));
    }
    Ok(())
}
