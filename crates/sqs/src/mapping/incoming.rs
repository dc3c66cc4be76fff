//! From a stored message to what an SQS client receives.

use super::{DEDUPLICATION, ESCAPED, GROUP, PROPERTY, TRACE, TYPES, is_internal};
use crate::protocol::{AttributeValue, MessageAttribute, is_valid_text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_core::message::Stored;
use leveret_core::wire::{RawProperties, RawTable, RawValue, WireError};
use std::borrow::Cow;

/// The attribute that says how a body is encoded that is not text.
const BODY_ENCODING: &str = "amqp.body_encoding";

/// A stored message as SQS shows it.
#[derive(Clone, Debug)]
pub struct Incoming<'a> {
    pub(super) properties: RawProperties<'a>,
    pub(super) body: &'a [u8],
}

impl<'a> Incoming<'a> {
    /// Reads a stored message.
    ///
    /// # Errors
    /// [`WireError`] if its properties are malformed, which a door does not let in.
    pub fn new(stored: &Stored<'a>) -> Result<Incoming<'a>, WireError> {
        Ok(Incoming { properties: RawProperties::parse(stored.properties)?, body: stored.body })
    }

    /// The body: as it is if it is text that SQS may carry, otherwise in base64, and an attribute says so.
    pub fn body(&self) -> Cow<'a, str> {
        match self.text() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(STANDARD.encode(self.body)),
        }
    }

    /// The publisher's id of the message, if it has one.
    pub fn message_id(&self) -> Option<&'a str> {
        self.properties.message_id.and_then(utf8)
    }

    /// MessageGroupId.
    pub fn group(&self) -> Option<Cow<'a, str>> {
        let value = self.properties.header(GROUP)?;
        value.as_str().map(Cow::Borrowed).or_else(|| Some(value.as_i64()?.to_string().into()))
    }

    /// MessageDeduplicationId.
    pub fn deduplication_id(&self) -> Option<&'a str> {
        self.properties.header(DEDUPLICATION)?.as_str()
    }

    /// AWSTraceHeader.
    pub fn trace(&self) -> Option<&'a str> {
        self.properties.header(TRACE)?.as_str()
    }

    /// The user that sent it.
    pub fn sender(&self) -> Option<&'a str> {
        self.properties.user_id.and_then(utf8)
    }

    /// The queue in which it died last.
    pub fn died_in(&self) -> Option<&'a str> {
        self.properties.header("x-last-death-queue")?.as_str()
    }

    /// Whether there is any attribute at all: most messages have none.
    pub fn has_attributes(&self) -> bool {
        let p = &self.properties;
        p.headers.is_some()
            || [p.content_type, p.content_encoding, p.correlation_id, p.reply_to, p.kind, p.app_id]
                .iter()
                .any(Option::is_some)
            || p.priority.is_some()
            || p.timestamp.is_some()
            || self.text().is_none()
    }

    /// All message attributes, in the order of their names.
    pub fn attributes(&self) -> Vec<(String, MessageAttribute)> {
        let mut attributes = Vec::new();
        if let Some(headers) = self.properties.headers {
            let types = match headers.get(TYPES) {
                Some(RawValue::Table(types)) => Some(types),
                _ => None,
            };
            for (name, value) in headers.iter() {
                let Some(name) = utf8(name).filter(|name| !is_internal(name)) else { continue };
                let name = name.strip_prefix(ESCAPED).unwrap_or(name);
                if let Some(attribute) = attribute_of(value, types.and_then(|types| types.get(name))) {
                    attributes.push((name.to_owned(), attribute));
                }
            }
        }
        self.add_properties(&mut attributes);
        attributes.sort_by(|a, b| a.0.cmp(&b.0));
        attributes.dedup_by(|a, b| a.0 == b.0);
        attributes
    }

    fn add_properties(&self, attributes: &mut Vec<(String, MessageAttribute)>) {
        let p = &self.properties;
        let texts = [
            ("content_type", p.content_type),
            ("content_encoding", p.content_encoding),
            ("correlation_id", p.correlation_id),
            ("reply_to", p.reply_to),
            ("type", p.kind),
            ("app_id", p.app_id),
        ];
        for (name, value) in texts {
            if let Some(value) = value.and_then(utf8).filter(|value| !value.is_empty()) {
                attributes.push((format!("{PROPERTY}{name}"), plain("String", value.to_owned())));
            }
        }
        if let Some(priority) = p.priority {
            attributes.push((format!("{PROPERTY}priority"), plain("Number", priority.to_string())));
        }
        if let Some(timestamp) = p.timestamp {
            attributes.push((format!("{PROPERTY}timestamp"), plain("Number", timestamp.to_string())));
        }
        if self.text().is_none() {
            attributes.push((BODY_ENCODING.to_owned(), plain("String", "base64".to_owned())));
        }
    }

    fn text(&self) -> Option<&'a str> {
        utf8(self.body).filter(|text| is_valid_text(text))
    }
}

fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn plain(data_type: &str, value: String) -> MessageAttribute {
    MessageAttribute { data_type: data_type.to_owned(), value: AttributeValue::Text(value) }
}

/// The attribute of a header; `None` for a header without a value, and for text that SQS could not carry.
fn attribute_of(value: RawValue<'_>, named: Option<RawValue<'_>>) -> Option<MessageAttribute> {
    let (inferred, value) = match value {
        RawValue::LongStr(bytes) => match utf8(bytes).filter(|text| is_valid_text(text)) {
            Some(text) => ("String", AttributeValue::Text(text.to_owned())),
            None => ("Binary", AttributeValue::Binary(bytes.to_vec())),
        },
        RawValue::Binary(bytes) => ("Binary", AttributeValue::Binary(bytes.to_vec())),
        RawValue::Void => return None,
        RawValue::Bool(truth) => ("String", AttributeValue::Text(truth.to_string())),
        RawValue::Table(_) | RawValue::Array(_) => ("String", AttributeValue::Text(json(value).to_string())),
        number => ("Number", AttributeValue::Text(number_text(number)?)),
    };
    let data_type = named.and_then(|named| named.as_str()).unwrap_or(inferred).to_owned();
    Some(MessageAttribute { data_type, value })
}

fn number_text(value: RawValue<'_>) -> Option<String> {
    Some(match value {
        RawValue::F32(number) => number.to_string(),
        RawValue::F64(number) => number.to_string(),
        RawValue::Timestamp(seconds) => seconds.to_string(),
        RawValue::Decimal { scale, value } => (f64::from(value) / 10f64.powi(i32::from(scale))).to_string(),
        whole => whole.as_i64()?.to_string(),
    })
}

/// A nested header as JSON, for clients that have no tables.
fn json(value: RawValue<'_>) -> serde_json::Value {
    use serde_json::Value;
    match value {
        RawValue::Void => Value::Null,
        RawValue::Bool(truth) => Value::Bool(truth),
        RawValue::LongStr(bytes) | RawValue::Binary(bytes) => {
            Value::String(String::from_utf8_lossy(bytes).into_owned())
        }
        RawValue::Array(array) => array.iter().map(json).collect(),
        RawValue::Table(table) => entries(table),
        RawValue::Timestamp(seconds) => seconds.into(),
        RawValue::F32(number) => f64::from(number).into(),
        RawValue::F64(number) => number.into(),
        RawValue::Decimal { scale, value } => (f64::from(value) / 10f64.powi(i32::from(scale))).into(),
        whole => whole.as_i64().into(),
    }
}

fn entries(table: RawTable<'_>) -> serde_json::Value {
    let entry =
        |(name, value): (&[u8], RawValue<'_>)| (String::from_utf8_lossy(name).into_owned(), json(value));
    serde_json::Value::Object(table.iter().map(entry).collect())
}
