//! One step of the world.

use super::World;
use crate::Violation;
use crate::client;
use crate::door;
use crate::sqs;
use leveret_core::broker::{Access, housekeep};
use leveret_core::shard::Transfer;
use leveret_core::{LogId, ShardIndex, Time};
use leveret_log::LogError;
use std::io::ErrorKind;

impl World {
    /// One thing happens.
    ///
    /// # Errors
    /// The promise that was broken.
    pub(crate) fn step(&mut self) -> Result<(), Violation> {
        self.tally.steps += 1;
        self.pass_time()?;
        match self.dice.below(100) {
            0..=54 if self.plan.through_door => self.with_doors(door::act)?,
            0..=20 if !self.sqs_clients.is_empty() => {
                let who = self.dice.index(self.sqs_clients.len());
                sqs::act(self, who)?;
            }
            0..=54 => {
                let who = self.dice.index(self.clients.len());
                client::act(self, who)?;
            }
            55..=79 => {
                let logs = self.log_ids();
                let log = *self.dice.pick(&logs);
                self.work_log(log)?;
            }
            80..=91 => {
                let shard = self.any_shard();
                self.look_after(shard, false)?;
            }
            92..=96 => {
                let shard = self.any_shard();
                self.keep_up(shard)?;
            }
            97 => {
                let shard = self.any_shard();
                self.look_after(shard, true)?;
            }
            _ => self.keep_catalog()?,
        }
        self.finish_transfers()?;
        self.confirm();
        self.fail()
    }

    /// Time passes; clients read what is due, and shards wake up at their times or somewhat later.
    fn pass_time(&mut self) -> Result<(), Violation> {
        let ms = match self.dice.below(20) {
            0 => self.dice.below(2_000),
            1..=4 => self.dice.below(200),
            _ => self.dice.below(4),
        };
        self.set_now(self.now.plus_ms(ms));
        for who in 0..self.clients.len() {
            client::read_mail(self, who)?;
        }
        for index in 0..self.broker.shards.len() {
            let wake = self.broker.shards[index].shard.next_wake();
            if wake.is_some_and(|at| at <= self.now) && !self.dice.one_in(4) {
                self.look_after(ShardIndex(index as u16), false)?;
            }
        }
        Ok(())
    }

    pub(crate) fn set_now(&mut self, now: Time) {
        self.now = now;
        self.oracle.set_now(now);
    }

    fn any_shard(&mut self) -> ShardIndex {
        ShardIndex(self.dice.index(self.broker.shards.len()) as u16)
    }

    /// A log thread does the next thing: it takes a batch, or ends the write of the one it took.
    pub(super) fn work_log(&mut self, id: LogId) -> Result<(), Violation> {
        if self.broker.log(id).failed {
            return Ok(());
        }
        if self.broker.log(id).in_flight.is_none() {
            self.take_batch(id);
            return Ok(());
        }
        let side = self.broker.log_mut(id);
        let Some(batch) = side.in_flight.take() else { return Ok(()) };
        match side.committer.commit(&batch) {
            Ok(durable) => {
                self.note(&format!("{id:?} is durable up to {durable}"));
                if let LogId::Shard(shard) = id {
                    self.oracle.durable(shard, durable);
                }
                Ok(())
            }
            Err(error @ (LogError::Io { .. } | LogError::NoSpace { .. })) => {
                self.note(&format!("{id:?} fails: {error}"));
                self.broker.log_mut(id).failed = true;
                self.broker.fail_tail(id);
                self.disks.of(id).tear(&batch, &mut self.dice);
                Ok(())
            }
            Err(error) => Err(Violation(format!("{id:?} cannot be written: {error}"))),
        }
    }

    /// The log thread takes what is due; the state at its end is remembered.
    pub(super) fn take_batch(&mut self, id: LogId) {
        let Some(batch) = self.broker.take_batch(id) else { return };
        let state = match id {
            LogId::Catalog => self.broker.catalog.checkpoint(),
            LogId::Shard(shard) => self.broker.shards[usize::from(shard.0)].shard.durable_state(),
        };
        let durable = self.durable(&state);
        self.states.insert((index_of(id), batch.end()), durable);
        self.note(&format!("{id:?} writes {} to {}", batch.start(), batch.end()));
        self.broker.log_mut(id).in_flight = Some(batch);
    }

    /// The housekeeper looks at a shard: its timers, then all that its turns asked for.
    pub(super) fn look_after(&mut self, shard: ShardIndex, retrying: bool) -> Result<(), Violation> {
        self.note(&format!("the housekeeper looks at {shard:?}, retrying {retrying}"));
        if retrying {
            self.oracle.transfers_retried(shard);
            self.in_turn(|turn, _| {
                turn.shard(shard).retry_transfers();
                Ok(())
            })?;
        }
        loop {
            self.in_turn(|turn, _| {
                turn.shard(shard);
                Ok(())
            })?;
            if !self.broker.shards[usize::from(shard.0)].shard.has_system_effects() {
                return Ok(());
            }
            let (pending, reports) = self.turn_alone(|turn| housekeep(turn, shard));
            self.tally.transfers += pending.len() as u64;
            self.transfers.extend(pending.into_iter().map(|transfer| (shard, transfer)));
            self.absorb(reports)?;
        }
    }

    /// Dead messages that are durable at their target are forgotten at their source.
    pub(super) fn finish_transfers(&mut self) -> Result<(), Violation> {
        let mut index = 0;
        while index < self.transfers.len() {
            if !self.broker.is_durable(self.transfers[index].1.waits.as_slice()) {
                index += 1;
                continue;
            }
            let (shard, transfer) = self.transfers.remove(index);
            self.note(&format!("{} of {} has arrived", transfer.position, transfer.queue));
            self.in_turn(|turn, _| {
                turn.shard(shard).transferred(transfer.queue, transfer.position, Transfer::Arrived);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Publishers get the confirms that are due.
    pub(super) fn confirm(&mut self) {
        for client in self.clients.iter_mut().flatten() {
            client.unconfirmed.retain(|publish| {
                let durable = self.broker.is_durable(publish.waits.as_slice());
                if durable {
                    self.oracle.confirmed(publish.uid);
                    self.tally.confirmed += 1;
                }
                !durable
            });
        }
        for client in &mut self.sqs_clients {
            let (oracle, tally) = (&mut self.oracle, &mut self.tally);
            client.hear(oracle, tally, |waits| self.broker.is_durable(waits));
        }
    }

    /// Now and then something fails.
    fn fail(&mut self) -> Result<(), Violation> {
        if let Some(every) = self.plan.fault_every
            && self.dice.one_in(every)
        {
            self.tally.faults += 1;
            let logs = self.log_ids();
            let log = *self.dice.pick(&logs);
            let disk = self.disks.of(log);
            match self.dice.below(3) {
                0 => disk.refuse_writes(ErrorKind::Other),
                1 => disk.refuse_writes(ErrorKind::StorageFull),
                _ => disk.refuse_checkpoints(),
            }
            self.note(&format!("the disk of {log:?} begins to fail"));
        }
        let every = if self.has_failed() { 20 } else { self.plan.crash_every };
        if self.dice.one_in(every) {
            return if self.dice.one_in(4) && !self.has_failed() { self.restart() } else { self.crash() };
        }
        Ok(())
    }
}

/// A log's place in the order of all logs.
pub(super) fn index_of(id: LogId) -> usize {
    match id {
        LogId::Catalog => 0,
        LogId::Shard(shard) => usize::from(shard.0) + 1,
    }
}
