//! From a topic to the queues of its subscriptions: those that want the message raw share one copy of it in the log of
//! each shard, those that want an envelope get one each.

use super::envelope::{Frame, Signature, envelope};
use super::message::Message;
use crate::actions::{Context, MESSAGE_ATTRIBUTES, is_fifo, sequence_number};
use crate::digest::sha256_half;
use crate::mapping::Outgoing;
use crate::protocol::{ApiError, AttributeValue, Code, MessageAttribute, Output};
use crate::sns::subscription::{Record, SUBSCRIPTION, records};
use crate::sns::topic::{Topic, invalid, topic_arn};
use leveret_core::broker::{Access, FanOut, Send, Sent, fan_out, send};
use leveret_core::catalog::filter::{Attribute, Attributes, FilterPolicy, Scope};
use leveret_core::catalog::{DestinationKind, Queue};
use leveret_core::message::Deduplication;
use leveret_core::{MessageId, Position, QueueId};
use std::sync::Arc;

/// Delivers a message to every subscription that takes it.
///
/// # Errors
/// When a log refuses it: then the publisher tries again.
pub(super) fn deliver<A: Access>(
    context: &mut Context<'_, A>,
    topic: &Topic,
    message: &Message,
) -> Result<Output, ApiError> {
    let mut delivery = Delivery {
        id: context.access.new_id(),
        topic,
        message,
        raw: Vec::new(),
        first: None,
        duplicate: None,
        signature: None,
    };
    let taking: Vec<Record> = records(topic).filter(|record| takes(record, message)).collect();
    for record in taking.iter().filter(|record| record.is_raw()) {
        delivery.gather(context, record)?;
    }
    delivery.gather_bound(context);
    delivery.send_raw(context)?;
    if taking.iter().any(|record| !record.is_raw()) {
        delivery.sign(context);
    }
    for record in taking.iter().filter(|record| !record.is_raw()) {
        delivery.send_enveloped(context, record)?;
    }
    let id = delivery.duplicate.unwrap_or(delivery.id);
    let sequence =
        topic.is_fifo().then(|| sequence_number(delivery.first.map_or(context.now_ms(), |it| it.0)));
    Ok(Output::new().text("MessageId", id.to_string()).optional("SequenceNumber", sequence))
}

/// A message on its way from a topic.
struct Delivery<'a> {
    id: MessageId,
    topic: &'a Topic,
    message: &'a Message,
    /// The queues that get it raw.
    raw: Vec<QueueId>,
    /// Where it was stored first: its sequence number.
    first: Option<Position>,
    /// A queue has had it already.
    duplicate: Option<MessageId>,
    /// What envelopes are signed with.
    signature: Option<Signature>,
}

impl Delivery<'_> {
    /// Notes a queue that gets the message raw, or sends it to the subscription's dead-letter queue.
    fn gather<A: Access>(&mut self, context: &mut Context<'_, A>, record: &Record) -> Result<(), ApiError> {
        // SQS takes no more attributes than this, so a raw message with more cannot be delivered.
        let fits = self.message.attributes.len() <= MESSAGE_ATTRIBUTES;
        match context.queue_named(&record.queue).filter(|_| fits) {
            Some(queue) => {
                self.raw.push(queue.id);
                Ok(())
            }
            None => {
                let Some(queue) = dead_letter_queue(context, record) else { return Ok(()) };
                self.send(context, &queue, &self.message.text, &self.message.attributes)
            }
        }
    }

    /// Notes the queues that AMQP has bound to the topic's exchange: they get it raw, as they get what AMQP publishes.
    fn gather_bound<A: Access>(&mut self, context: &Context<'_, A>) {
        let catalog = context.access.catalog();
        let vhost = &*context.identity.vhost;
        for binding in catalog.bindings_from(vhost, &self.topic.name) {
            let to_queue = binding.destination.kind == DestinationKind::Queue;
            if to_queue && binding.arguments.get(SUBSCRIPTION).is_none() {
                self.raw.extend(catalog.queue(vhost, &binding.destination.name).map(|queue| queue.id));
            }
        }
        self.raw.sort_unstable();
        self.raw.dedup();
    }

    /// Signs the message for its envelopes. Those of a FIFO topic are not signed (AWS's way).
    fn sign<A: Access>(&mut self, context: &Context<'_, A>) {
        let Some(signer) = context.settings.signer.as_deref().filter(|_| !self.topic.is_fifo()) else {
            return;
        };
        let version = if self.topic.attributes.get("SignatureVersion") == Some("2") { 2 } else { 1 };
        let (id, arn) = (self.id.to_string(), topic_arn(context, &self.topic.name));
        self.signature = Signature::of(self.message, &id, &arn, context.now_ms(), (version, signer));
    }

    fn send_raw<A: Access>(&mut self, context: &mut Context<'_, A>) -> Result<(), ApiError> {
        if self.raw.is_empty() {
            return Ok(());
        }
        let properties = self.properties(context, &self.message.attributes)?;
        let message = FanOut {
            exchange: &self.topic.name,
            properties: &properties,
            body: self.message.text.as_bytes(),
            deduplication: self.deduplication(),
        };
        let sent =
            fan_out(context.access, &mut self.raw, &message).map_err(|refusal| internal(&refusal.text))?;
        self.note(context, &sent);
        Ok(())
    }

    fn send_enveloped<A: Access>(
        &mut self,
        context: &mut Context<'_, A>,
        record: &Record,
    ) -> Result<(), ApiError> {
        let queue = context.queue_named(&record.queue).or_else(|| dead_letter_queue(context, record));
        let Some(queue) = queue else { return Ok(()) };
        let sequence = self.topic.is_fifo().then(|| {
            sequence_number(self.first.map_or(context.access.shard(queue.id.shard()).position().0, |it| it.0))
        });
        let frame = Frame {
            message_id: &self.id.to_string(),
            topic_arn: &topic_arn(context, &self.topic.name),
            subscription_arn: &record.arn(context, self.topic),
            base: context.base(),
            now_ms: context.now_ms(),
            sequence: sequence.as_deref(),
            signature: self.signature.as_ref(),
        };
        let body = envelope(self.message, &frame);
        self.send(context, &queue, &body, &[])
    }

    fn send<A: Access>(
        &mut self,
        context: &mut Context<'_, A>,
        queue: &Queue,
        body: &str,
        attributes: &[(String, MessageAttribute)],
    ) -> Result<(), ApiError> {
        let properties = self.properties(context, attributes)?;
        let message = Send {
            queue: queue.id,
            name: &queue.name,
            properties: &properties,
            body: body.as_bytes(),
            delay_ms: None,
            deduplication: self.deduplication().filter(|_| is_fifo(queue)),
        };
        let sent = send(context.access, &message).map_err(|refusal| internal(&refusal.text))?;
        self.note(context, &sent);
        Ok(())
    }

    /// Notes where a copy went: the reply waits for it.
    fn note<A: Access>(&mut self, context: &mut Context<'_, A>, sent: &Sent) {
        context.wait_for(&sent.waits);
        self.first.get_or_insert(sent.position);
        self.duplicate = self.duplicate.or(sent.duplicate_of.map(|first| MessageId(first.message_id)));
    }

    fn properties<A: Access>(
        &self,
        context: &Context<'_, A>,
        attributes: &[(String, MessageAttribute)],
    ) -> Result<Vec<u8>, ApiError> {
        let outgoing = Outgoing {
            message_id: self.id,
            attributes,
            group: self.message.group.as_deref(),
            deduplication_id: self.message.deduplication_id.as_deref(),
            trace: context.trace.as_deref(),
            sender: context.identity.name(),
        };
        outgoing.encode().map_err(|error| invalid(format!("MessageAttributes Reason: {error}")))
    }

    fn deduplication(&self) -> Option<Deduplication> {
        let id = self.message.deduplication_id.as_deref()?;
        Some(Deduplication { key: sha256_half(id), message_id: self.id.0 })
    }
}

fn internal(text: &str) -> ApiError {
    ApiError::new(Code::INTERNAL, text.to_owned())
}

fn dead_letter_queue<A: Access>(context: &Context<'_, A>, record: &Record) -> Option<Arc<Queue>> {
    context.queue_named(&record.dead_letter_queue()?)
}

/// Whether a subscription takes a message: its filter policy, if it has one.
fn takes(record: &Record, message: &Message) -> bool {
    let Some(text) = record.attributes.get("FilterPolicy") else { return true };
    let body = record.attributes.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody");
    let scope = if body { Scope::Body } else { Scope::Attributes };
    // It was checked when it was set.
    let Ok(policy) = FilterPolicy::parse(text, scope) else { return true };
    match scope {
        Scope::Body => policy.matches_body(message.text.as_bytes()),
        Scope::Attributes => policy.matches_attributes(&Filtered(&message.attributes)),
    }
}

/// Message attributes as a filter policy sees them.
struct Filtered<'a>(&'a [(String, MessageAttribute)]);

impl Attributes for Filtered<'_> {
    fn get(&self, name: &str) -> Option<Attribute<'_>> {
        let (_, attribute) = self.0.iter().find(|(known, _)| known == name)?;
        Some(match (&attribute.value, attribute.data_type.as_str()) {
            (AttributeValue::Binary(_), _) => Attribute::Binary,
            (AttributeValue::Text(text), "String.Array") => Attribute::TextArray(text),
            (AttributeValue::Text(text), kind) if kind.starts_with("Number") => Attribute::Number(text),
            (AttributeValue::Text(text), _) => Attribute::Text(text),
        })
    }
}
