//! What the broker does without being asked: it fetches pages, moves dead messages, deletes queues that end by
//! themselves, and tells the shards of changed settings.

use super::{Access, PendingTransfer, Waits, publish};
use crate::catalog::{Catalog, DeletedQueue};
use crate::shard::SystemEffect;
use crate::{QueueId, Refusal, ShardIndex};

/// Does what the turns of one shard have asked for. Call it after every turn that left system effects, until
/// there are none; the transfers in the answer end when what they wait for is durable.
pub fn housekeep<A: Access>(access: &mut A, shard: ShardIndex) -> Vec<PendingTransfer> {
    let mut pending = Vec::new();
    for effect in access.shard(shard).take_system_effects() {
        match effect {
            SystemEffect::LoadPage { queue, level, location } => {
                // A page that cannot be read stalls its level, and the log's fault is reported by the reader.
                if let Ok((_, payload)) = access.read(shard, location) {
                    access.shard(shard).page_loaded(queue, level, location, &payload);
                }
            }
            SystemEffect::DeadLetter(dead) => pending.extend(publish::transfer(access, &dead)),
            SystemEffect::QueueUnused { queue } => {
                // If the log refuses, the queue stays; its shard asks again after its next period.
                let _ = delete_queue(access, queue);
            }
        }
    }
    pending
}

/// Deletes a queue from the catalog and from its shard. Answers how many messages were ready in it, and what
/// must be durable before the deletion is.
///
/// # Errors
/// [`crate::Cause::Internal`] if the catalog's log refuses; the queue stays then.
pub fn delete_queue<A: Access>(access: &mut A, queue: QueueId) -> Result<(u64, Waits), Refusal> {
    delete_by(access, queue, |catalog| catalog.remove_queue(queue))
}

/// Deletes a queue as [`delete_queue`] does, and has its name remembered for a while: see [`Catalog::is_retired`].
///
/// # Errors
/// As those of [`delete_queue`].
pub fn retire_queue<A: Access>(access: &mut A, queue: QueueId) -> Result<(u64, Waits), Refusal> {
    let now = access.now();
    delete_by(access, queue, |catalog| catalog.retire_queue(queue, now))
}

/// Gives shards the settings of queues that a policy changed.
pub fn apply_settings<A: Access>(access: &mut A, queues: &[QueueId]) {
    for queue in queues {
        let settings = access.catalog().queue_by_id(*queue).map(|found| found.settings.clone());
        if let Some(settings) = settings {
            access.shard(queue.shard()).open_queue(*queue, settings);
        }
    }
}

/// Deletes a queue from the catalog in one way or another, and then from its shard.
fn delete_by<A: Access>(
    access: &mut A,
    queue: QueueId,
    remove: impl FnOnce(&mut Catalog) -> Result<Option<DeletedQueue>, Refusal>,
) -> Result<(u64, Waits), Refusal> {
    let (removed, wait) = access.change(remove);
    removed?;
    let ready = access.shard(queue.shard()).drop_queue(queue);
    Ok((ready, Waits::One(wait)))
}
