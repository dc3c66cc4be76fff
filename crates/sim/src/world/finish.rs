//! The end of a run: faults end, the broker comes to rest, every queue is drained, and all is accounted for.

use super::World;
use crate::Violation;
use crate::client;
use leveret_core::ShardIndex;

/// Rounds after which a broker that nobody bothers must have come to rest.
const ROUNDS: usize = 200;
/// Rounds after which the queues must be empty: a group gives one message in each.
const DRAIN_ROUNDS: usize = 2_000;

impl World {
    /// Brings the world to rest, and asks the oracle whether every message is accounted for.
    ///
    /// # Errors
    /// The promise that was broken.
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        self.note("the run ends");
        if self.has_failed() {
            self.crash()?;
        }
        for id in self.log_ids() {
            self.disks.of(id).heal();
        }
        if self.plan.through_door {
            self.finish_through_door()?;
            self.check_empty()?;
            return self.give_back_space();
        }
        for who in 0..self.clients.len() {
            client::disconnect(self, who)?;
        }
        self.settle_down()?;
        self.drain_all()?;
        self.oracle.account()?;
        self.check_empty()?;
        self.give_back_space()?;
        self.restart()?;
        self.drain_all()?;
        self.oracle.account()
    }

    /// Lets logs and housekeepers work until nothing is left to do.
    pub(crate) fn settle_down(&mut self) -> Result<(), Violation> {
        for _ in 0..ROUNDS {
            self.sync()?;
            self.finish_transfers()?;
            let mut busy = false;
            for index in 0..self.broker.shards.len() {
                self.look_after(ShardIndex(index as u16), false)?;
                busy |= self.broker.shards[index].shard.tail().is_some_and(|tail| tail.pending_bytes() > 0);
            }
            if !busy && self.transfers.is_empty() {
                return Ok(());
            }
        }
        Err(Violation("the broker does not come to rest".into()))
    }

    /// Takes everything out of every queue, again and again until dead letters have come out as well.
    fn drain_all(&mut self) -> Result<(), Violation> {
        for name in self.names.keys().cloned().collect::<Vec<_>>() {
            client::drain(self, 0, &name)?;
        }
        for _ in 0..DRAIN_ROUNDS {
            for id in self.names.values().copied().collect::<Vec<_>>() {
                client::unpark_queue(self, id)?;
            }
            let taken = client::acknowledge_all(self, 0)?;
            self.settle_down()?;
            if taken == 0 && self.is_empty() {
                return client::disconnect(self, 0);
            }
            if taken == 0 {
                // What waits for a retry or is delayed comes in time.
                self.set_now(self.now.plus_ms(2_000));
            }
        }
        Err(Violation("the queues cannot be drained".into()))
    }

    /// Whether no queue holds anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.broker.shards.iter().all(|side| {
            let stats = side.shard.queue_ids().into_iter().filter_map(|id| side.shard.stats(id));
            stats.into_iter().all(|s| s.ready + s.leased + s.delayed + s.dying + s.parked == 0)
        })
    }

    fn check_empty(&self) -> Result<(), Violation> {
        for side in &self.broker.shards {
            for id in side.shard.queue_ids() {
                let stats = side.shard.stats(id).unwrap_or_default();
                if stats.ready + stats.leased + stats.delayed + stats.dying + stats.parked > 0 {
                    return Err(Violation(format!("queue {id} was drained and still holds {stats:?}")));
                }
            }
            if side.shard.live_bytes() > 0 || side.shard.lease_count() > 0 {
                let bytes = side.shard.live_bytes();
                return Err(Violation(format!(
                    "nothing is left in {:?} but {bytes} bytes",
                    side.shard.index()
                )));
            }
        }
        Ok(())
    }

    /// With nothing live, the upkeep must delete every segment but the last.
    fn give_back_space(&mut self) -> Result<(), Violation> {
        for index in 0..self.broker.shards.len() {
            let shard = ShardIndex(index as u16);
            for _ in 0..8 {
                self.sync()?;
                self.checkpoint(shard)?;
            }
            self.delete_dead(shard, 0)?;
            let left = self.disks.shards[index].segments();
            if left > 2 {
                return Err(Violation(format!("{shard:?} is empty and keeps {left} segments")));
            }
        }
        Ok(())
    }
}
