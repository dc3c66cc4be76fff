//! Send: a message for one queue, named by a door that has no exchanges (SQS).

use super::publish::{traits_of, wait_for_declarations};
use super::{Access, Outcome, Waits};
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
