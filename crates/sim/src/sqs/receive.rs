//! Receiving under receipts.

use super::{Promise, any_queue};
use crate::Violation;
use crate::oracle::Seen;
use crate::world::World;
use leveret_core::broker::Access;
use leveret_core::shard::{Receipt, Receive, Received};
use leveret_core::{Cause, QueueId};

/// Receives that a client repeats, at most.
const KEPT_ATTEMPTS: usize = 4;

/// Receives up to ten messages, or repeats a receive.
pub(super) fn receive(world: &mut World, who: usize) -> Result<(), Violation> {
    let Some((_, id)) = any_queue(world) else { return Ok(()) };
    let receive = Receive {
        queue: id,
        max: world.dice.between(1, 10) as u32,
        visibility_ms: match world.dice.below(8) {
            0 => Some(0),
            1 => Some(20_000),
            2..=4 => Some(world.dice.between(1, 3_000)),
            _ => None,
        },
        attempt: attempt(world, who, id),
    };
    let shard = id.shard();
    let flags = (!world.has_pages(shard), world.shard_has_failed(shard));
    let has_all = world.has_all_in_memory(shard);
    let mut received = Vec::new();
    let ((answer, at), reports) = world.turn_alone(|turn| {
        let answer = turn.shard(shard).receive(&receive, &mut received);
        (answer, turn.shard(shard).write_out())
    });
    match answer {
        Err(refusal) if refusal.cause != Cause::NotFound => {
            return Err(Violation(format!("{receive:?}: {refusal}")));
        }
        _ => {}
    }
    let positions: Vec<_> = received.iter().map(|received| received.delivery.position).collect();
    world.note(&format!("SQS client {who} receives {positions:?} by {receive:?}"));
    let seen = see(world, &receive, &received)?;
    world.tally.delivered += seen.len() as u64;
    world.oracle.received(&receive, seen, has_all)?;
    world.oracle.written(shard, at, flags.0, flags.1);
    if !received.is_empty() {
        let receipts = received.iter().map(|received| received.receipt).collect();
        world.sqs_clients[who].expect(shard, at, Promise::Received(id, receipts));
    }
    world.absorb(reports)
}

/// The records of what was received, which must be there.
fn see(world: &World, receive: &Receive, received: &[Received]) -> Result<Vec<Seen>, Violation> {
    let mut seen = Vec::new();
    for Received { delivery, receipt, .. } in received {
        let Receipt { position, receive: number } = *receipt;
        if position != delivery.position {
            return Err(Violation(format!("{receipt:?} is not for {delivery:?}")));
        }
        let visibility_ms = match (receive.visibility_ms, world.settings(receive.queue)) {
            (Some(ms), _) => ms,
            (None, Some(settings)) => settings.visibility_timeout_ms,
            (None, None) => return Err(Violation(format!("{delivery:?} is of no queue"))),
        };
        let until = world.now.plus_ms(visibility_ms);
        seen.push(Seen { receipt: Some((number, until)), ..world.see(None, *delivery)? });
    }
    Ok(seen)
}

/// By what the receive is known: one that was made before, a new one, or nothing.
fn attempt(world: &mut World, who: usize, id: QueueId) -> Option<u128> {
    let known = &world.sqs_clients[who].attempts;
    let known: Vec<u128> = known.iter().filter(|(of, _)| *of == id).map(|(_, attempt)| *attempt).collect();
    match world.dice.below(4) {
        0 if !known.is_empty() => Some(*world.dice.pick(&known)),
        1 => {
            let attempt = u128::from(world.dice.any());
            let attempts = &mut world.sqs_clients[who].attempts;
            attempts.push((id, attempt));
            let surplus = attempts.len().saturating_sub(KEPT_ATTEMPTS);
            attempts.drain(..surplus);
            Some(attempt)
        }
        _ => None,
    }
}
