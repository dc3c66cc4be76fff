//! From what an SQS client sends to AMQP's properties.

use super::{DEDUPLICATION, ESCAPED, GROUP, PROPERTY, TRACE, TYPES, is_internal};
use crate::protocol::{AttributeValue, MessageAttribute};
use leveret_core::MessageId;
use leveret_core::wire::{Properties, ShortStr, Table, Value, WireError};

/// What an SQS client sends beside the body.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The message's id.
    pub message_id: MessageId,
    /// The message attributes.
    pub attributes: &'a [(String, MessageAttribute)],
    /// MessageGroupId.
    pub group: Option<&'a str>,
    /// MessageDeduplicationId, given or made from the body.
    pub deduplication_id: Option<&'a str>,
    /// AWSTraceHeader.
    pub trace: Option<&'a str>,
    /// The user that sends it.
    pub sender: &'a str,
}

impl Outgoing<'_> {
    /// The AMQP property flags and list.
    ///
    /// # Errors
    /// [`WireError`] for a name that AMQP cannot carry, and for more than a table may have.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let mut properties = Properties {
            delivery_mode: Some(2),
            message_id: Some(ShortStr::new(self.message_id.to_string().as_bytes())?),
            user_id: Some(ShortStr::new(self.sender.as_bytes())?),
            ..Properties::default()
        };
        let mut headers = Table::new();
        let mut types = Table::new();
        for (name, attribute) in self.attributes {
            if set_property(&mut properties, name, attribute) {
                continue;
            }
            let header = if is_internal(name) { format!("{ESCAPED}{name}") } else { name.clone() };
            let (value, inferred) = header_of(attribute);
            headers.insert(ShortStr::new(header.as_bytes())?, value);
            if inferred != attribute.data_type {
                types.insert(ShortStr::new(name.as_bytes())?, text(&attribute.data_type));
            }
        }
        let fixed = [(GROUP, self.group), (DEDUPLICATION, self.deduplication_id), (TRACE, self.trace)];
        for (name, value) in fixed {
            if let Some(value) = value {
                headers.insert(ShortStr::literal(name), text(value));
            }
        }
        if !types.is_empty() {
            headers.insert(ShortStr::literal(TYPES), Value::Table(types));
        }
        properties.headers = (!headers.is_empty()).then_some(headers);
        let mut raw = Vec::new();
        properties.encode(&mut raw)?;
        Ok(raw)
    }
}

fn text(value: &str) -> Value {
    Value::LongStr(value.as_bytes().to_vec())
}

/// The header of an attribute, and the type that follows from it. A number is one in AMQP, too, if it is read back
/// as it was written.
fn header_of(attribute: &MessageAttribute) -> (Value, &'static str) {
    match &attribute.value {
        AttributeValue::Binary(bytes) => (Value::Binary(bytes.clone()), "Binary"),
        AttributeValue::Text(value) if attribute.data_type.starts_with("Number") => {
            if let Some(number) = value.parse::<i64>().ok().filter(|number| number.to_string() == *value) {
                return (Value::I64(number), "Number");
            }
            if let Some(number) = value.parse::<f64>().ok().filter(|number| number.to_string() == *value) {
                return (Value::F64(number), "Number");
            }
            (text(value), "String")
        }
        AttributeValue::Text(value) => (text(value), "String"),
    }
}

/// Sets the AMQP property that an attribute is named after; `false` if it is no property, or not of its type.
fn set_property(properties: &mut Properties, name: &str, attribute: &MessageAttribute) -> bool {
    let Some(name) = name.strip_prefix(PROPERTY) else { return false };
    let AttributeValue::Text(value) = &attribute.value else { return false };
    let Ok(short) = ShortStr::new(value.as_bytes()) else { return false };
    let field = match name {
        "content_type" => &mut properties.content_type,
        "content_encoding" => &mut properties.content_encoding,
        "correlation_id" => &mut properties.correlation_id,
        "reply_to" => &mut properties.reply_to,
        "type" => &mut properties.kind,
        "app_id" => &mut properties.app_id,
        "priority" => {
            properties.priority = value.parse().ok();
            return properties.priority.is_some();
        }
        "timestamp" => {
            properties.timestamp = value.parse().ok();
            return properties.timestamp.is_some();
        }
        _ => return false,
    };
    *field = Some(short);
    true
}
