//! The envelope in which a queue gets a message that its subscription does not want raw, signed as AWS signs it.

use super::message::Message;
use crate::moment::extended;
use crate::protocol::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Signs envelopes: the server holds the key.
pub trait Signer: Send + Sync + std::fmt::Debug {
    /// The signature of a text: PKCS#1 v1.5 with SHA-1 for version 1, with SHA-256 for version 2. `None` if there is
    /// no key: then envelopes are not signed.
    fn sign(&self, version: u8, text: &[u8]) -> Option<Vec<u8>>;

    /// The name of the certificate's file in URLs.
    fn certificate_name(&self) -> &str;
}

/// What of an envelope does not depend on the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) message_id: &'a str,
    pub(super) topic_arn: &'a str,
    pub(super) subscription_arn: &'a str,
    /// What URLs begin with.
    pub(super) base: &'a str,
    pub(super) now_ms: u64,
    /// Of a message in a FIFO topic, which is not signed.
    pub(super) sequence: Option<&'a str>,
    /// The same for every subscription, and dear: it is made once.
    pub(super) signature: Option<&'a Signature>,
}

/// The signature of a message in envelopes.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    /// 1 or 2.
    version: u8,
    /// In base64.
    text: String,
    /// The name of the certificate's file.
    certificate: String,
}

impl Signature {
    /// Signs a message for the envelopes of a topic; `None` if there is no key.
    pub(super) fn of(
        message: &Message,
        message_id: &str,
        topic_arn: &str,
        now_ms: u64,
        (version, signer): (u8, &dyn Signer),
    ) -> Option<Signature> {
        let signed = signer.sign(version, &signed_text(message, message_id, topic_arn, &extended(now_ms)))?;
        let certificate = signer.certificate_name().to_owned();
        Some(Signature { version, text: STANDARD.encode(signed), certificate })
    }
}

/// The envelope, JSON.
pub(super) fn envelope(message: &Message, frame: &Frame<'_>) -> String {
    let timestamp = extended(frame.now_ms);
    let mut json = String::with_capacity(message.text.len() + 512);
    let mut field = |name: &str, value: &str| {
        json.push(if json.is_empty() { '{' } else { ',' });
        json.push_str(&format!("{}:{}", quoted(name), quoted(value)));
    };
    field("Type", "Notification");
    field("MessageId", frame.message_id);
    if let Some(sequence) = frame.sequence {
        field("SequenceNumber", sequence);
    }
    field("TopicArn", frame.topic_arn);
    if let Some(subject) = &message.subject {
        field("Subject", subject);
    }
    field("Message", &message.text);
    field("Timestamp", &timestamp);
    if let Some(signature) = frame.signature {
        field("SignatureVersion", &signature.version.to_string());
        field("Signature", &signature.text);
        field("SigningCertURL", &format!("{}/{}", frame.base, signature.certificate));
    }
    let unsubscribe = format!(
        "{}/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn={}",
        frame.base, frame.subscription_arn
    );
    field("UnsubscribeURL", &unsubscribe);
    if !message.attributes.is_empty() {
        json.push_str(&format!(",\"MessageAttributes\":{}", attributes(message)));
    }
    json.push('}');
    json
}

/// What the signature is of: these fields, in this order, a line for the name and one for the value.
fn signed_text(message: &Message, message_id: &str, topic_arn: &str, timestamp: &str) -> Vec<u8> {
    let subject = message.subject.as_deref().map(|subject| ("Subject", subject));
    let fields = [("Message", message.text.as_str()), ("MessageId", message_id)];
    let rest = [("Timestamp", timestamp), ("TopicArn", topic_arn), ("Type", "Notification")];
    let mut text = Vec::new();
    for (name, value) in fields.into_iter().chain(subject).chain(rest) {
        text.extend_from_slice(format!("{name}\n{value}\n").as_bytes());
    }
    text
}

fn attributes(message: &Message) -> String {
    let one = |(name, attribute): &(String, crate::protocol::MessageAttribute)| {
        let value = match &attribute.value {
            AttributeValue::Text(text) => text.clone(),
            AttributeValue::Binary(bytes) => STANDARD.encode(bytes),
        };
        let (data_type, value) = (quoted(&attribute.data_type), quoted(&value));
        format!("{}:{{\"Type\":{data_type},\"Value\":{value}}}", quoted(name))
    };
    format!("{{{}}}", message.attributes.iter().map(one).collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
