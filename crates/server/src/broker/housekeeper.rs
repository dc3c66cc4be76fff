//! A shard's housekeeper: a task that acts when nobody else does. It wakes the shard for its timers, reads pages,
//! moves dead messages and deletes queues that end by themselves.

use super::Broker;
use leveret_core::broker::{Access, PendingTransfer, housekeep};
use leveret_core::shard::Transfer;
use leveret_core::{ShardIndex, Time};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often dead messages whose target refused them are tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Runs until the broker stops.
pub(super) async fn run(broker: Arc<Broker>, shard: ShardIndex) {
    let cell = &broker.shards[usize::from(shard.0)];
    let mut retry = tokio::time::interval(RETRY);
    loop {
        let planned = Time(cell.planned.load(Ordering::Relaxed));
        let due = broker.clock.instant(planned);
        let retrying = tokio::select! {
            () = cell.housekeeper.notified() => false,
            () = tokio::time::sleep_until(due) => false,
            _ = retry.tick() => true,
        };
        // Nobody has to wake it while it looks, least of all its own turns: it plans anew when it is done.
        cell.planned.store(0, Ordering::Relaxed);
        let pending = look(&broker, shard, retrying);
        cell.plan_anew();
        for transfer in pending {
            tokio::spawn(finish_transfer(broker.clone(), shard, transfer));
        }
    }
}

/// One look at the shard: its timers, then all that its turns asked for.
fn look(broker: &Broker, shard: ShardIndex, retrying: bool) -> Vec<PendingTransfer> {
    let mut pending = Vec::new();
    let mut turn = broker.turn();
    if retrying {
        turn.shard(shard).retry_transfers();
    }
    loop {
        // Taking the shard begins a turn, which looks at what is due.
        turn.shard(shard);
        turn.finish();
        if !turn.shard(shard).has_system_effects() {
            return pending;
        }
        pending.extend(housekeep(&mut turn, shard));
    }
}

/// Waits until a dead message is durable at its target, then lets its source forget it.
async fn finish_transfer(broker: Arc<Broker>, shard: ShardIndex, transfer: PendingTransfer) {
    if !broker.wait_for(&transfer.waits).await {
        return;
    }
    let mut turn = broker.turn();
    turn.shard(shard).transferred(transfer.queue, transfer.position, Transfer::Arrived);
}
