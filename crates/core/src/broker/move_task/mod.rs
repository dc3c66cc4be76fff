//! Message move tasks: what an operator lets go back from a dead-letter queue, a little in each step (SQS's
//! StartMessageMoveTask). What arrives is a new message with an id of its own; its history stays behind.

use super::{Access, Send, Waits, send};
use crate::catalog::MoveTask;
use crate::message::Stored;
use crate::shard::{Receipt, Receive};
use crate::wire::{Properties, ShortStr, Value};
use crate::{LogId, QueueId};
use std::sync::Arc;

/// How long a message is held that is on its way: a step that a crash cut short is repeated then.
const HELD_MS: u64 = 30_000;

/// The header that says in which queue a message died last.
const DIED_IN: &str = "x-last-death-queue";

/// What a step of a task has done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MoveStep {
    /// Messages that went to their destination.
    pub moved: u64,
    /// There are no more: the task is done.
    pub exhausted: bool,
    /// Why the task cannot go on.
    pub failure: Option<&'static str>,
    /// Messages to delete at their source once this is durable: they went to other logs than their source's.
    pub pending: Vec<(Receipt, Waits)>,
    /// The source.
    pub source: Option<QueueId>,
}

/// Moves up to `most` messages of a task.
pub fn move_messages<A: Access>(access: &mut A, task: &MoveTask, most: u32) -> MoveStep {
    let mut step = MoveStep::default();
    let Some(source) = access.catalog().queue(&task.vhost, &task.source).map(|queue| queue.id) else {
        step.failure = Some("AWS.SimpleQueueService.NonExistentQueue");
        return step;
    };
    step.source = Some(source);
    let mut received = Vec::new();
    let receive = Receive { queue: source, max: most, visibility_ms: Some(HELD_MS), attempt: None };
    if access.shard(source.shard()).receive(&receive, &mut received).is_err() {
        // As many are held as may be: the next step finds room.
        return step;
    }
    // What is on its way from disk, or behind a held message of its group, is still to come.
    let left = access.shard(source.shard()).stats(source).map_or(0, |stats| stats.ready);
    step.exhausted = received.is_empty() && left == 0;
    for (index, message) in received.iter().enumerate() {
        match move_one(access, task, source, message.delivery.location) {
            Ok(waits) => {
                step.moved += 1;
                let elsewhere = |wait: &crate::Wait| wait.log != LogId::Shard(source.shard());
                if waits.as_slice().iter().any(elsewhere) {
                    step.pending.push((message.receipt, waits));
                } else {
                    // The source's own log orders both: the copy comes before the end of the original.
                    let _gone = access.shard(source.shard()).delete(source, message.receipt);
                }
            }
            Err(failure) => {
                for left in &received[index..] {
                    let _back = access.shard(source.shard()).extend(source, left.receipt, 0, HELD_MS);
                }
                step.failure = Some(failure);
                return step;
            }
        }
    }
    step
}

/// Sends a copy of a message to its destination.
fn move_one<A: Access>(
    access: &mut A,
    task: &MoveTask,
    source: QueueId,
    location: leveret_log::Position,
) -> Result<Waits, &'static str> {
    const UNREADABLE: &str = "InternalError";
    let (kind, payload) = access.read(source.shard(), location).map_err(|_| UNREADABLE)?;
    let stored = Stored::parse(kind, &payload).map_err(|_| UNREADABLE)?;
    let mut properties = Properties::decode(stored.properties).map_err(|_| UNREADABLE)?;
    let died_in =
        properties.headers.as_ref().and_then(|headers| headers.get(DIED_IN)).and_then(Value::as_str);
    let destination: Arc<str> = match (&task.destination, died_in) {
        (Some(destination), _) => destination.clone(),
        (None, Some(queue)) => queue.into(),
        (None, None) => return Err("CouldNotDetermineMessageSource"),
    };
    let found = access.catalog().queue(&task.vhost, &destination).map(|queue| queue.id);
    let queue = found.ok_or("AWS.SimpleQueueService.NonExistentQueue")?;
    forget_deaths(&mut properties);
    properties.message_id = ShortStr::try_from(access.new_id().to_string().as_str()).ok();
    let mut raw = Vec::new();
    properties.encode(&mut raw).map_err(|_| UNREADABLE)?;
    let copy = Send {
        queue,
        name: &destination,
        properties: &raw,
        body: stored.body,
        delay_ms: Some(0),
        deduplication: None,
    };
    match send(access, &copy) {
        Ok(sent) if !sent.refused => Ok(sent.waits),
        Ok(_) => Err("OverLimit"),
        Err(_) => Err(UNREADABLE),
    }
}

/// A message that is moved begins anew.
fn forget_deaths(properties: &mut Properties) {
    let Some(headers) = &mut properties.headers else { return };
    headers.remove("x-death");
    for which in ["first", "last"] {
        for what in ["queue", "reason", "exchange"] {
            headers.remove(&format!("x-{which}-death-{what}"));
        }
    }
}

#[cfg(test)]
mod tests;
