//! Send: a message for one queue, named by a door that has no exchanges (SQS).

use super::{Outcome, traits_of, wait_for_declarations};
use crate::broker::{Access, Waits};
use crate::message::{Deduplication, NewMessage};
use crate::shard::Duplicate;
use crate::wire::RawProperties;
use crate::{Cause, LogId, QueueId, Refusal, Wait};
use leveret_log::Position;

/// A message for one queue.
#[derive(Clone, Copy, Debug)]
pub struct Send<'a> {
    /// The queue.
    pub queue: QueueId,
    /// Its name, at most 255 bytes: what an AMQP consumer sees as the routing key.
    pub name: &'a str,
    /// AMQP property flags and list. The header `x-group-key` is its group.
    pub properties: &'a [u8],
    /// The body.
    pub body: &'a [u8],
    /// How long it waits before it is ready, in milliseconds; `None` leaves it to the queue.
    pub delay_ms: Option<u64>,
    /// What its duplicates are known by.
    pub deduplication: Option<Deduplication>,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Its identity in the shard of the queue; that of the first one for a duplicate.
    pub position: Position,
    /// The queue was full and refused it.
    pub refused: bool,
    /// The message it is a duplicate of.
    pub duplicate_of: Option<Duplicate>,
    /// What the reply waits for.
    pub waits: Waits,
}

/// A message for many queues, stored once in each of their shards.
#[derive(Clone, Copy, Debug)]
pub struct FanOut<'a> {
    /// What an AMQP consumer sees as the exchange: the topic's name.
    pub exchange: &'a str,
    /// AMQP property flags and list.
    pub properties: &'a [u8],
    /// The body.
    pub body: &'a [u8],
    /// What its duplicates are known by.
    pub deduplication: Option<Deduplication>,
}

/// Stores a message in many queues. Whether the sender may is the door's to check.
///
/// # Errors
/// As [`send`].
pub fn fan_out<A: Access>(
    access: &mut A,
    queues: &mut [QueueId],
    message: &FanOut<'_>,
) -> Result<Sent, Refusal> {
    let properties = RawProperties::parse(message.properties)
        .map_err(|error| Refusal::precondition(format!("malformed message properties: {error}")))?;
    let new = NewMessage {
        exchange: message.exchange,
        routing_key: "",
        properties: message.properties,
        body: message.body,
        traits: traits_of(&properties)?,
        deduplication: message.deduplication,
    };
    queues.sort_unstable();
    let mut sent = Sent { position: Position::NONE, refused: false, duplicate_of: None, waits: Waits::None };
    for targets in queues.chunk_by(|a, b| a.shard() == b.shard()) {
        let shard = targets[0].shard();
        let published = access.shard(shard).publish(targets, &new).map_err(|error| {
            Refusal::new(Cause::Internal, format!("the log refused the message: {error}"))
        })?;
        sent.position = published.duplicate_of.map_or(published.position, |first| first.position);
        sent.refused |= published.refused;
        sent.duplicate_of = sent.duplicate_of.or(published.duplicate_of);
        if published.durable {
            sent.waits.add(Wait { log: LogId::Shard(shard), position: published.durable_at });
        }
    }
    let mut outcome = Outcome { routed: true, refused: sent.refused, waits: sent.waits };
    wait_for_declarations(access, &mut outcome);
    Ok(Sent { waits: outcome.waits, ..sent })
}

/// Stores a message in a queue. Whether the sender may is the door's to check.
///
/// # Errors
/// [`Cause::PreconditionFailed`] for malformed properties, [`Cause::Internal`] when the log refuses it.
pub fn send<A: Access>(access: &mut A, send: &Send<'_>) -> Result<Sent, Refusal> {
    let properties = RawProperties::parse(send.properties)
        .map_err(|error| Refusal::precondition(format!("malformed message properties: {error}")))?;
    let mut traits = traits_of(&properties)?;
    traits.delay_ms = send.delay_ms;
    let message = NewMessage {
        exchange: "",
        routing_key: send.name,
        properties: send.properties,
        body: send.body,
        traits,
        deduplication: send.deduplication,
    };
    let shard = send.queue.shard();
    let published = access
        .shard(shard)
        .publish(&[send.queue], &message)
        .map_err(|error| Refusal::new(Cause::Internal, format!("the log refused the message: {error}")))?;
    let wait = Wait { log: LogId::Shard(shard), position: published.durable_at };
    let waits = if published.durable { Waits::One(wait) } else { Waits::None };
    let mut outcome = Outcome { routed: true, refused: published.refused, waits };
    wait_for_declarations(access, &mut outcome);
    let position = published.duplicate_of.map_or(published.position, |first| first.position);
    let Outcome { refused, waits, .. } = outcome;
    Ok(Sent { position, refused, duplicate_of: published.duplicate_of, waits })
}

#[cfg(test)]
#[path = "tests/send.rs"]
mod tests;
