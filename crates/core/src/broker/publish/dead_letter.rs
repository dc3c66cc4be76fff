//! Dead-lettering: a dead message goes to its queue's dead-letter exchange with its history in `x-death`,
//! as RabbitMQ writes it. The source forgets it once every target has it: at-least-once, across shards too.

use super::history::remember;
use super::{Outcome, Publish, delay_of, store, traits_of, wait_for_declarations};
use crate::broker::{Access, Waits};
use crate::catalog::RoutedMessage;
use crate::message::{DEDUPLICATION_HEADER, Stored};
use crate::shard::{DeadLetter, DeadReason, Transfer};
use crate::wire::{Properties, RawProperties, ShortStr, Table, Value};
use crate::{Cause, DeadLetterTarget, LogId, MessageId, QueueId};
use leveret_log::Position;
use std::sync::Arc;

/// A dead message that other shards hold from certain positions on. Once those are durable, report
/// [`Transfer::Arrived`] to the source's shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingTransfer {
    /// The queue in which it died.
    pub queue: QueueId,
    /// Its identity there.
    pub position: Position,
    /// What must be durable first.
    pub waits: Waits,
}

/// The queue a message died in, as far as its history needs it.
struct Source {
    vhost: Arc<str>,
    name: Arc<str>,
    target: DeadLetterTarget,
    /// The message's age goes with it: SQS keeps what was dead-lettered from a standard queue until its retention in
    /// the dead-letter queue has passed since it was first sent.
    keeps_age: bool,
    /// The message keeps its id, too, if that was only its place.
    keeps_id: bool,
}

/// Sends one dead message on its way.
pub(in crate::broker) fn transfer<A: Access>(access: &mut A, dead: &DeadLetter) -> Option<PendingTransfer> {
    let shard = dead.queue.shard();
    let source = source_of(access, dead);
    // What could not be sent stays dead at its source, and is sent after the next start: a log has failed.
    let moved = source.as_ref().map_or(Ok(None), |source| send(access, source, dead)).ok()?;
    let keeps = source.is_some_and(|source| source.target.at_least_once);
    let report = match moved {
        None if keeps => Transfer::Refused,
        None => Transfer::NoTarget,
        Some(sent) if sent.refused && keeps => Transfer::Refused,
        Some(sent) => {
            // The source's own log orders itself: what was appended before the fact of its end is durable before it.
            let elsewhere = sent.waits.as_slice().iter().any(|wait| wait.log != LogId::Shard(shard));
            if elsewhere {
                return Some(PendingTransfer {
                    queue: dead.queue,
                    position: dead.position,
                    waits: sent.waits,
                });
            }
            Transfer::Arrived
        }
    };
    access.shard(shard).transferred(dead.queue, dead.position, report);
    None
}

/// What was delivered too often goes to the dead-letter queue of the redrive, if there is one.
fn source_of<A: Access>(access: &A, dead: &DeadLetter) -> Option<Source> {
    let found = access.catalog().queue_by_id(dead.queue)?;
    let settings = &found.settings;
    let redrive = settings.redrive.as_ref().filter(|_| dead.reason == DeadReason::DeliveryLimit);
    let target = match redrive {
        Some(redrive) => DeadLetterTarget {
            exchange: "".into(),
            routing_key: Some(redrive.queue.clone()),
            at_least_once: false,
        },
        None => settings.dead_letter.clone()?,
    };
    let keeps_id = redrive.is_some();
    let keeps_age = keeps_id && !settings.groups;
    Some(Source { vhost: found.vhost.clone(), name: found.name.clone(), target, keeps_age, keeps_id })
}

/// A dead message could be neither sent nor found to have no target: it cannot be read, or the target's log refuses it.
struct NotSent;

/// Publishes the message to its dead-letter exchange; `None` when no queue is there to take it.
fn send<A: Access>(access: &mut A, source: &Source, dead: &DeadLetter) -> Result<Option<Outcome>, NotSent> {
    let (kind, payload) = access.read(dead.queue.shard(), dead.location).map_err(|_| NotSent)?;
    let stored = Stored::parse(kind, &payload).map_err(|_| NotSent)?;
    let mut properties = Properties::decode(stored.properties).map_err(|_| NotSent)?;
    let keys = match &source.target.routing_key {
        Some(key) => vec![key.to_string()],
        None => original_keys(&stored, &properties),
    };
    let deaths = record_death(&mut properties, source, &stored, dead);
    if source.keeps_id {
        keep_identity(&mut properties, dead);
    }
    if let (Some(_), Some(headers)) = (&source.target.routing_key, &mut properties.headers) {
        headers.remove("CC");
    }
    let mut raw = Vec::new();
    properties.encode(&mut raw).map_err(|_| NotSent)?;
    let parsed = RawProperties::parse(&raw).map_err(|_| NotSent)?;
    let mut traits = traits_of(&parsed).map_err(|_| NotSent)?;
    traits.sent_at = source.keeps_age.then(|| stored.published_at());
    let catalog = access.catalog();
    let mut queues = Vec::new();
    let routing_keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let exchange = &source.target.exchange;
    // Its place draws for it: should it be sent again after a crash, it goes the same way.
    let draw = RoutedMessage::draw(dead.queue.0, dead.position.0);
    let message = RoutedMessage { routing_keys: &routing_keys, properties: &parsed, body: stored.body, draw };
    let routed = catalog.route_internally(&source.vhost, exchange, &message, &mut queues);
    let routed = match routed {
        Ok(routed) => routed,
        Err(refusal) if refusal.cause == Cause::NotFound => return Ok(None),
        Err(_) => return Err(NotSent),
    };
    if routed.delayed {
        traits.delay_ms = delay_of(&parsed);
    }
    queues.sort_unstable();
    queues.retain(|queue| {
        !catalog.queue_by_id(*queue).is_some_and(|target| in_cycle(&deaths, &target.name, dead))
    });
    if queues.is_empty() {
        return Ok(None);
    }
    let publish = Publish { exchange, routing_key: routing_keys[0], properties: &raw, body: stored.body };
    let mut sent = store(access, &queues, &publish, &raw, traits).map_err(|_| NotSent)?;
    if routed.remembered {
        remember(access, &source.vhost, &publish, &message);
    }
    wait_for_declarations(access, &mut sent);
    Ok(Some(sent))
}

/// A message that SQS redrives keeps its id, and a deduplication id gives way to that (SQS's rule for FIFO queues).
fn keep_identity(properties: &mut Properties, dead: &DeadLetter) {
    // Without an id its place was its identity, and that changes now.
    let by_place = || MessageId::of_position(dead.queue.shard(), dead.position).to_string();
    let id = properties
        .message_id
        .get_or_insert_with(|| ShortStr::try_from(by_place().as_str()).unwrap_or_default());
    let id = Value::LongStr(id.as_bytes().to_vec());
    if let Some(headers) = &mut properties.headers
        && headers.get(DEDUPLICATION_HEADER).is_some()
    {
        set(headers, DEDUPLICATION_HEADER, id);
    }
}

/// The routing keys a message was published with: its own, then those of CC.
fn original_keys(stored: &Stored<'_>, properties: &Properties) -> Vec<String> {
    let mut keys = vec![stored.routing_key.to_owned()];
    let cc = properties.headers.as_ref().and_then(|headers| headers.get("CC")).and_then(Value::as_array);
    keys.extend(cc.unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned));
    keys
}

/// Writes the death into the headers, and answers all deaths, newest first.
fn record_death(
    properties: &mut Properties,
    source: &Source,
    stored: &Stored<'_>,
    dead: &DeadLetter,
) -> Vec<Table> {
    let routing_keys = original_keys(stored, properties);
    let expiration = properties.expiration.take();
    let headers = properties.headers.get_or_insert_default();
    let mut deaths: Vec<Table> = match headers.remove("x-death") {
        Some(Value::Array(deaths)) => deaths.into_iter().filter_map(into_table).collect(),
        _ => Vec::new(),
    };
    let reason = dead.reason.name();
    let known = deaths.iter().position(|death| {
        text(death, "queue") == Some(&*source.name) && text(death, "reason") == Some(reason)
    });
    let death = match known {
        Some(index) => {
            let mut death = deaths.remove(index);
            let count = death.get("count").and_then(Value::as_i64).unwrap_or(0) + 1;
            set(&mut death, "count", Value::I64(count));
            death
        }
        None => {
            let mut death = Table::new();
            set(&mut death, "count", Value::I64(1));
            set(&mut death, "reason", string(reason));
            set(&mut death, "queue", string(&source.name));
            set(&mut death, "time", Value::Timestamp(dead.at.0 / 1000));
            set(&mut death, "exchange", string(stored.exchange));
            let keys = routing_keys.iter().map(|key| string(key)).collect();
            set(&mut death, "routing-keys", Value::Array(keys));
            if let Some(expiration) = expiration {
                set(&mut death, "original-expiration", Value::LongStr(expiration.as_bytes().to_vec()));
            }
            death
        }
    };
    deaths.insert(0, death);
    let all = deaths.iter().cloned().map(Value::Table).collect();
    set(headers, "x-death", Value::Array(all));
    let first = headers.get("x-first-death-queue").is_none();
    for (names, wanted) in [(FIRST_DEATH, first), (LAST_DEATH, true)] {
        if wanted {
            set(headers, names[0], string(reason));
            set(headers, names[1], string(&source.name));
            set(headers, names[2], string(stored.exchange));
        }
    }
    deaths
}

const FIRST_DEATH: [&str; 3] = ["x-first-death-reason", "x-first-death-queue", "x-first-death-exchange"];
const LAST_DEATH: [&str; 3] = ["x-last-death-reason", "x-last-death-queue", "x-last-death-exchange"];

/// Whether a target would see the message again in a cycle that nobody rejected in: RabbitMQ drops such a
/// message there, since nothing but time would turn the cycle for ever.
fn in_cycle(deaths: &[Table], target: &str, dead: &DeadLetter) -> bool {
    if dead.reason == DeadReason::Rejected {
        return false;
    }
    let seen = deaths.iter().position(|death| text(death, "queue") == Some(target));
    let rejected = |death: &Table| text(death, "reason") == Some(DeadReason::Rejected.name());
    seen.is_some_and(|seen| !deaths[..=seen].iter().any(rejected))
}

fn into_table(value: Value) -> Option<Table> {
    match value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

fn text<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.get(name).and_then(Value::as_str)
}

fn string(text: &str) -> Value {
    Value::LongStr(text.as_bytes().to_vec())
}

fn set(table: &mut Table, name: &'static str, value: Value) {
    table.insert(ShortStr::literal(name), value);
}

#[cfg(test)]
#[path = "tests/dead_letter.rs"]
mod tests;
