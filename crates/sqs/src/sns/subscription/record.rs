//! What is remembered of a subscription: a JSON object among the attributes of its topic's exchange, and a binding for
//! messages that come in over AMQP.

use crate::actions::{Context, queue_of_arn};
use crate::protocol::{ApiError, Code};
use crate::sns::topic::{Topic, invalid, named, topic_arn};
use leveret_core::broker::Access;
use leveret_core::catalog::{Caller, DestinationKind, NewBinding, subscriptions};
use leveret_core::wire::{ShortStr, Table, Value as Field};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The argument of a subscription's binding, by which it is told from those of AMQP: the subscription's id.
pub(in crate::sns) const SUBSCRIPTION: &str = "x-subscription";

/// What the attribute of a record begins with; its id follows.
const PREFIX: &str = "Subscription/";

/// A subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sns) struct Record {
    /// A UUID: the end of its ARN.
    pub(in crate::sns) id: String,
    /// The queue's name.
    pub(in crate::sns) queue: String,
    /// The queue's ARN, as it was given.
    pub(in crate::sns) endpoint: String,
    /// `RawMessageDelivery`, `FilterPolicy` and so on, as they were set.
    pub(in crate::sns) attributes: BTreeMap<String, String>,
}

/// The subscriptions of a topic.
pub(in crate::sns) fn records(topic: &Topic) -> impl Iterator<Item = Record> {
    topic.attributes.values.iter().filter_map(|(name, value)| {
        let id = name.strip_prefix(PREFIX)?;
        Record::read(id, value)
    })
}

/// The topic of a subscription's ARN, and the subscription.
pub(in crate::sns) fn find<A: Access>(
    context: &Context<'_, A>,
    arn: &str,
) -> Result<(Topic, Record), ApiError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "sns", _, _, topic, id] = parts[..] else {
        return Err(invalid("SubscriptionArn Reason: An ARN must have at least 6 elements"));
    };
    let record = named(context, topic).and_then(|topic| {
        let record = Record::read(id, topic.attributes.get(&format!("{PREFIX}{id}"))?)?;
        Some((topic, record))
    });
    record.ok_or_else(|| ApiError::new(Code::SNS_NOT_FOUND, "Subscription does not exist"))
}

impl Record {
    /// Messages are passed on as they are, without an envelope.
    pub(in crate::sns) fn is_raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|raw| raw == "true")
    }

    /// Its ARN.
    pub(in crate::sns) fn arn<A: Access>(&self, context: &Context<'_, A>, topic: &Topic) -> String {
        format!("{}:{}", topic_arn(context, &topic.name), self.id)
    }

    /// The queue that takes what cannot be delivered.
    pub(in crate::sns) fn dead_letter_queue(&self) -> Option<String> {
        let policy: Value = serde_json::from_str(self.attributes.get("RedrivePolicy")?).ok()?;
        let arn = policy.get("deadLetterTargetArn")?.as_str()?;
        queue_of_arn(arn).map(str::to_owned)
    }

    fn read(id: &str, text: &str) -> Option<Record> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let attributes = value.get("attributes").and_then(Value::as_object);
        let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Some(Record {
            id: id.to_owned(),
            queue: text("queue")?,
            endpoint: text("endpoint")?,
            attributes: attributes.into_iter().flatten().filter_map(pair).collect(),
        })
    }

    /// Writes the record into its topic, in the place of an older one, with the binding that belongs to it.
    pub(super) fn write<A: Access>(
        &self,
        context: &mut Context<'_, A>,
        topic: &Topic,
        old: Option<&Record>,
    ) -> Result<(), ApiError> {
        if let Some(old) = old {
            old.unbind(context, topic);
        }
        let attributes: Map<String, Value> =
            self.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let record = json!({ "queue": self.queue, "endpoint": self.endpoint, "attributes": attributes });
        let mut of_topic = topic.attributes.clone();
        of_topic.set(&format!("{PREFIX}{}", self.id), record.to_string());
        topic.set(context, of_topic)?;
        self.bind(context, topic);
        Ok(())
    }

    /// Takes the record and its binding away.
    pub(super) fn remove<A: Access>(
        &self,
        context: &mut Context<'_, A>,
        topic: &Topic,
    ) -> Result<(), ApiError> {
        self.unbind(context, topic);
        let mut of_topic = topic.attributes.clone();
        of_topic.values.remove(format!("{PREFIX}{}", self.id).as_str());
        topic.set(context, of_topic)
    }

    /// A queue that is gone has no bindings, and gets them back with the next change of the subscription.
    fn bind<A: Access>(&self, context: &mut Context<'_, A>, topic: &Topic) {
        let vhost = context.identity.vhost.clone();
        let binding = self.binding(topic);
        let (_bound, wait) = context.access.change(|catalog| catalog.bind(Caller::BROKER, &vhost, binding));
        context.wait_for_one(wait);
    }

    fn unbind<A: Access>(&self, context: &mut Context<'_, A>, topic: &Topic) {
        let vhost = context.identity.vhost.clone();
        let binding = self.binding(topic);
        let (_unbound, wait) =
            context.access.change(|catalog| catalog.unbind(Caller::BROKER, &vhost, binding));
        context.wait_for_one(wait);
    }

    fn binding<'a>(&'a self, topic: &'a Topic) -> NewBinding<'a> {
        let mut arguments = Table::new();
        let mut set = |name: &'static str, value: &str| {
            arguments.insert(ShortStr::literal(name), Field::LongStr(value.as_bytes().to_vec()));
        };
        set(SUBSCRIPTION, &self.id);
        if let Some(policy) = self.attributes.get("FilterPolicy") {
            set(subscriptions::FILTER, policy);
        }
        if let Some(scope) = self.attributes.get("FilterPolicyScope") {
            set(subscriptions::SCOPE, scope);
        }
        NewBinding {
            source: &topic.name,
            kind: DestinationKind::Queue,
            destination: &self.queue,
            routing_key: "",
            arguments,
        }
    }
}
