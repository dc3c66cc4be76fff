//! From a topic to the queues of its subscriptions: those that want the message raw share one copy of it in the log of
//! each shard, those that want an envelope get one each. A FIFO topic passes a message on once in five minutes.

use super::envelope::{Frame, Signature, envelope};
use super::message::Message;
use crate::actions::{Context, MESSAGE_ATTRIBUTES, is_fifo, sequence_number};
use crate::digest::sha256_half;
use crate::mapping::Outgoing;
use crate::protocol::{ApiError, AttributeValue, Code, MessageAttribute, Output};
use crate::sns::subscription::{Record, SUBSCRIPTION, records};
use crate::sns::topic::{CREATED, Topic, invalid, topic_arn};
use leveret_core::broker::{Access, FanOut, Send, Sent, fan_out, send};
use leveret_core::catalog::filter::{Attribute, Attributes, FilterPolicy, Scope};
use leveret_core::catalog::{DestinationKind, Queue};
use leveret_core::message::Deduplication;
use leveret_core::shard::Duplicate;
use leveret_core::{LogId, MessageId, Position, QueueId, ShardIndex, Wait};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Delivers a message to every subscription that takes it, unless the topic knows it already.
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
        known_by: known_by(context, topic, message),
        first: None,
        duplicate_of: None,
        signature: None,
    };
    let recipients = delivery.recipients(context);
    if recipients.iter().any(|recipient| matches!(recipient.form, Form::Enveloped(_))) {
        delivery.sign(context);
    }
    // One shard knows the message even if no queue takes it.
    let home = delivery.known_by.map(|key| (key % u128::from(context.access.shards())) as u16);
    let mut shards: Vec<ShardIndex> = recipients.iter().map(|recipient| recipient.queue.id.shard()).collect();
    shards.extend(home.map(ShardIndex));
    shards.sort_unstable();
    shards.dedup();
    for shard in shards {
        delivery.deliver_in(context, shard, &recipients)?;
    }
    let id = delivery.duplicate_of.unwrap_or(delivery.id);
    let sequence = delivery.first.filter(|_| topic.is_fifo()).map(|first| sequence_number(first.0));
    Ok(Output::new().text("MessageId", id.to_string()).optional("SequenceNumber", sequence))
}

/// What the topic knows the message by: its deduplication id, in this topic and, if the topic says so, in its group
/// (`FifoThroughputScope`). A topic that is made again is another one.
fn known_by<A: Access>(context: &Context<'_, A>, topic: &Topic, message: &Message) -> Option<u128> {
    let id = message.deduplication_id.as_deref()?;
    let by_group = topic.attributes.get("FifoThroughputScope") == Some("MessageGroup");
    let group = message.group.as_deref().filter(|_| by_group);
    let of = (&*context.identity.vhost, &*topic.name, topic.attributes.get(CREATED), group, id);
    Some(sha256_half(&json!(of).to_string()))
}

/// A message on its way from a topic.
struct Delivery<'a> {
    id: MessageId,
    topic: &'a Topic,
    message: &'a Message,
    /// What the topic knows it by; `None` for a topic that does not deduplicate.
    known_by: Option<u128>,
    /// Where it was stored first: its sequence number.
    first: Option<Position>,
    /// The topic has had it already.
    duplicate_of: Option<MessageId>,
    /// What envelopes are signed with.
    signature: Option<Signature>,
}

/// A queue that gets the message.
struct Recipient {
    queue: Arc<Queue>,
    form: Form,
}

/// How a queue gets a message.
enum Form {
    /// As it is, with all others of the shard that get it so.
    Raw,
    /// As it is, in the place of a queue that cannot have it.
    DeadLetter,
    /// In the envelope of a subscription.
    Enveloped(Record),
}

impl Delivery<'_> {
    /// The queues of the subscriptions, and those that AMQP has bound to the topic's exchange.
    fn recipients<A: Access>(&self, context: &Context<'_, A>) -> Vec<Recipient> {
        let taking = records(self.topic).filter(|record| takes(record, self.message));
        let mut recipients: Vec<Recipient> =
            taking.filter_map(|record| self.recipient(context, record)).collect();
        recipients.extend(self.bound(context).into_iter().map(|queue| Recipient { queue, form: Form::Raw }));
        recipients
    }

    /// The queue of a subscription, or its dead-letter queue; `None` if there is neither.
    fn recipient<A: Access>(&self, context: &Context<'_, A>, record: Record) -> Option<Recipient> {
        // SQS takes no more attributes than this, so a raw message with more cannot be delivered.
        let fits = !record.is_raw() || self.message.attributes.len() <= MESSAGE_ATTRIBUTES;
        let found = context.queue_named(&record.queue).filter(|_| fits);
        let form = match (record.is_raw(), found.is_some()) {
            (true, true) => Form::Raw,
            (true, false) => Form::DeadLetter,
            (false, _) => Form::Enveloped(record.clone()),
        };
        let queue = found.or_else(|| dead_letter_queue(context, &record))?;
        Some(Recipient { queue, form })
    }

    /// The queues that AMQP has bound to the topic's exchange: they get the message raw, as they get what AMQP publishes.
    fn bound<A: Access>(&self, context: &Context<'_, A>) -> Vec<Arc<Queue>> {
        let catalog = context.access.catalog();
        let vhost = &*context.identity.vhost;
        let bindings = catalog.bindings_from(vhost, &self.topic.name).filter(|binding| {
            let to_queue = binding.destination.kind == DestinationKind::Queue;
            to_queue && binding.arguments.get(SUBSCRIPTION).is_none()
        });
        bindings.filter_map(|binding| catalog.queue(vhost, &binding.destination.name).cloned()).collect()
    }

    /// Stores the copies for the queues of one shard. A FIFO topic asks the shard before whether it has had them, and has
    /// it remember them behind them: with that in each shard, a crash between two logs loses nothing.
    fn deliver_in<A: Access>(
        &mut self,
        context: &mut Context<'_, A>,
        shard: ShardIndex,
        recipients: &[Recipient],
    ) -> Result<(), ApiError> {
        if let Some(first) = self.known_by.and_then(|key| context.access.shard(shard).find_duplicate(key)) {
            self.duplicate_of = Some(MessageId(first.message_id));
            self.first.get_or_insert(first.position);
            // The reply promises that the first one is safe.
            wait_for_shard(context, shard);
            return Ok(());
        }
        let here = || recipients.iter().filter(|recipient| recipient.queue.id.shard() == shard);
        let raw = here()
            .filter(|recipient| matches!(recipient.form, Form::Raw))
            .map(|recipient| recipient.queue.id);
        // A queue that is subscribed and bound gets one.
        let raw: BTreeSet<QueueId> = raw.collect();
        self.send_raw(context, raw.into_iter().collect())?;
        for recipient in here() {
            match &recipient.form {
                Form::Raw => {}
                Form::DeadLetter => {
                    self.send(context, &recipient.queue, &self.message.text, &self.message.attributes)?;
                }
                Form::Enveloped(record) => self.send_enveloped(context, record, &recipient.queue)?,
            }
        }
        if let Some(key) = self.known_by {
            let found = context.access.shard(shard);
            let position = *self.first.get_or_insert(found.position());
            found.remember_duplicate(key, Duplicate { message_id: self.id.0, position });
            wait_for_shard(context, shard);
        }
        Ok(())
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

    fn send_raw<A: Access>(
        &mut self,
        context: &mut Context<'_, A>,
        mut queues: Vec<QueueId>,
    ) -> Result<(), ApiError> {
        if queues.is_empty() {
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
            fan_out(context.access, &mut queues, &message).map_err(|refusal| internal(&refusal.text))?;
        self.note(context, &sent);
        Ok(())
    }

    fn send_enveloped<A: Access>(
        &mut self,
        context: &mut Context<'_, A>,
        record: &Record,
        queue: &Queue,
    ) -> Result<(), ApiError> {
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
        self.send(context, queue, &body, &[])
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
        // One that a queue knew, from a client that sent it there, has an older place.
        if sent.duplicate_of.is_none() {
            self.first.get_or_insert(sent.position);
        }
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

/// Lets the answer wait for all that was appended to a shard.
fn wait_for_shard<A: Access>(context: &mut Context<'_, A>, shard: ShardIndex) {
    let position = context.access.shard(shard).write_out();
    context.wait_for_one(Wait { log: LogId::Shard(shard), position });
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
