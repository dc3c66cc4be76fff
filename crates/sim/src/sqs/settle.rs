//! Deleting and extending by receipts, in time, late or twice; purging.

use super::{Promise, any_queue, write_out};
use crate::Violation;
use crate::world::World;
use leveret_core::QueueId;
use leveret_core::broker::Access;
use leveret_core::shard::Receipt;

/// How long a message may be held in all, in milliseconds: SQS's twelve hours.
const LONGEST_LEASE_MS: u64 = 43_200_000;

/// Deletes some of what the client has received from one queue; some receipts are kept and used again.
pub(super) fn delete(world: &mut World, who: usize) -> Result<(), Violation> {
    let most = world.dice.between(1, 10) as usize;
    let Some((id, receipts)) = choose(world, who, most) else { return Ok(()) };
    let shard = id.shard();
    let flags = (!world.has_pages(shard), world.shard_has_failed(shard));
    let mut deleted = Vec::new();
    let at = world.in_turn(|turn, oracle| {
        for receipt in &receipts {
            let (answer, _) = turn.command(|turn| turn.shard(shard).delete(id, *receipt));
            if oracle.deleted_by(id, *receipt, &answer)? {
                deleted.push(*receipt);
            }
        }
        Ok(write_out(turn, oracle, shard, flags))
    })?;
    world.note(&format!("SQS client {who} deletes {receipts:?}, of which {} are gone", deleted.len()));
    if !world.dice.one_in(4) {
        world.sqs_clients[who].receipts.retain(|(of, known)| *of != id || !receipts.contains(known));
    }
    world.sqs_clients[who].expect(shard, at, Promise::Deleted(id, deleted));
    Ok(())
}

/// Lets some leases last longer, or end.
pub(super) fn extend(world: &mut World, who: usize) -> Result<(), Violation> {
    let most = world.dice.between(1, 4) as usize;
    let Some((id, receipts)) = choose(world, who, most) else { return Ok(()) };
    let visibility_ms = if world.dice.one_in(3) { 0 } else { world.dice.between(1, 15_000) };
    let shard = id.shard();
    let flags = (!world.has_pages(shard), world.shard_has_failed(shard));
    world.in_turn(|turn, oracle| {
        for receipt in &receipts {
            let extend = |turn: &mut crate::world::Turn<'_>| {
                turn.shard(shard).extend(id, *receipt, visibility_ms, LONGEST_LEASE_MS)
            };
            let (answer, _) = turn.command(extend);
            oracle.extended(id, *receipt, visibility_ms, &answer)?;
        }
        write_out(turn, oracle, shard, flags);
        Ok(())
    })?;
    world.note(&format!("SQS client {who} extends {receipts:?} by {visibility_ms} ms"));
    Ok(())
}

/// Purges a queue, but no dead-letter queue: what is on its way there is not known.
pub(super) fn purge(world: &mut World, who: usize) -> Result<(), Violation> {
    let Some((index, id)) = any_queue(world) else { return Ok(()) };
    if world.plan.queues[index].name.starts_with(crate::world::DEAD_LETTERS) {
        return Ok(());
    }
    let shard = id.shard();
    let flags = (!world.has_pages(shard), world.shard_has_failed(shard));
    let count = world.in_turn(|turn, oracle| {
        let (count, _) = turn.command(|turn| turn.shard(shard).purge_all(id));
        oracle.purged_all(id, count)?;
        write_out(turn, oracle, shard, flags);
        Ok(count)
    })?;
    world.note(&format!("SQS client {who} purges {id} of {count}"));
    Ok(())
}

/// Some receipts of one queue.
fn choose(world: &mut World, who: usize, most: usize) -> Option<(QueueId, Vec<Receipt>)> {
    let known = world.sqs_clients[who].receipts.clone();
    if known.is_empty() {
        return None;
    }
    let queue = known[world.dice.index(known.len())].0;
    // The newest are in time, mostly.
    let of_queue = known.into_iter().rev().filter(|(of, _)| *of == queue).map(|(_, receipt)| receipt);
    let mut chosen: Vec<Receipt> = of_queue.filter(|_| world.dice.one_in(2)).collect();
    chosen.truncate(most);
    (!chosen.is_empty()).then_some((queue, chosen))
}
