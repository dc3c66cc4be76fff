//! The end of a broker, wanted or not, and the start of the next.

use super::step::index_of;
use super::{Report, ShardUpkeep, World, start};
use crate::Violation;
use crate::client;
use crate::door;
use leveret_core::LogId;
use leveret_log::Position;

impl World {
    /// The broker is killed, or the power goes: what was not synced is lost, wholly or in part.
    pub(super) fn crash(&mut self) -> Result<(), Violation> {
        self.note("the broker crashes");
        self.tally.crashes += 1;
        for id in self.log_ids() {
            if self.broker.log(id).in_flight.is_none() && !self.broker.log(id).failed && self.dice.one_in(2) {
                self.take_batch(id);
            }
            if let Some(batch) = self.broker.log_mut(id).in_flight.take() {
                self.disks.of(id).tear(&batch, &mut self.dice);
            }
            let disk = self.disks.of(id);
            if self.dice.one_in(10) && disk.damage_newest_checkpoint() {
                self.note(&format!("the newest checkpoint of {id:?} is damaged"));
            }
        }
        self.start_again()
    }

    /// The broker is stopped: everybody is disconnected, everything is synced, and a last checkpoint is written.
    pub(super) fn restart(&mut self) -> Result<(), Violation> {
        self.note("the broker is stopped");
        for who in 0..self.clients.len() {
            client::disconnect(self, who)?;
        }
        self.with_doors(door::lose_all)?;
        self.sync()?;
        if self.has_failed() {
            return self.crash();
        }
        for index in 0..self.broker.shards.len() {
            let side = &self.broker.shards[index];
            let (position, payload) = side.shard.checkpoint();
            if let Err(error) = side.log.store.snapshot(position, &payload) {
                self.note(&format!("no last checkpoint: {error}"));
            }
        }
        self.start_again()
    }

    /// Writes everything that is due in every log.
    pub(super) fn sync(&mut self) -> Result<(), Violation> {
        for id in self.log_ids() {
            // What is being written, then what has come in meanwhile, which is taken and written.
            for _ in 0..4 {
                self.work_log(id)?;
            }
        }
        self.confirm();
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Violation> {
        let durable: Vec<(LogId, Position)> =
            self.log_ids().into_iter().map(|id| (id, self.broker.log(id).reader.durable())).collect();
        for id in self.log_ids() {
            self.disks.of(id).heal();
        }
        self.transfers.clear();
        for client in &mut self.sqs_clients {
            client.lose_replies();
        }
        self.upkeep = self.upkeep.iter().map(|_| ShardUpkeep::default()).collect();
        let started = start::start(&self.disks, self.now)?;
        self.broker = started.broker;
        for (found, (id, durable)) in started.found.iter().zip(&durable) {
            if found.end < *durable {
                return Err(Violation(format!(
                    "{id:?} was durable up to {durable} and ends at {}",
                    found.end
                )));
            }
            self.note(&format!("{id:?} ends at {}", found.end));
            let now = self.durable(&found.state);
            let before =
                self.states.get(&(index_of(*id), found.end)).filter(|before| before.queues == now.queues);
            self.tally.compared += u64::from(before.is_some());
            if before.is_some_and(|before| *before != now) {
                return Err(Violation(format!(
                    "the replay of {id:?} up to {} finds another state",
                    found.end
                )));
            }
        }
        self.states.clear();
        let ends = started.found.iter().map(|found| (found.log, found.end)).collect();
        if self.plan.through_door {
            self.doors_crashed();
            return Ok(());
        }
        self.tell_oracle(&ends)?;
        self.connect_all()
    }

    /// Tells the oracle what is left, and what the recovery of each shard has done.
    fn tell_oracle(&mut self, ends: &crate::oracle::Ends) -> Result<(), Violation> {
        self.oracle.crashed(ends)?;
        let queues = self.broker.catalog.all_queues();
        let found: Vec<_> =
            queues.iter().map(|queue| (queue.id, queue.name.to_string(), queue.settings.clone())).collect();
        self.names = found.iter().map(|(id, name, _)| (name.clone(), *id)).collect();
        let catalog_end = ends.first().map_or(Position::NONE, |(_, end)| *end);
        self.oracle.queues_found(&found, catalog_end)?;
        for (id, end) in ends {
            let LogId::Shard(shard) = *id else { continue };
            self.oracle.recovered(shard);
            let after = self.broker.shards[usize::from(shard.0)].shard.position();
            self.oracle.turn_ended(
                &Report { shard, before: *end, after, one_record: true, effects: Vec::new() },
                false,
            );
            self.check_counts(shard)?;
        }
        // What ended while nobody was there to see it.
        self.oracle.set_now(self.now);
        Ok(())
    }
}
