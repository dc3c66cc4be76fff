//! A running broker in one hand: the catalog, the shards and their logs, without locks or threads.

use crate::dice::Dice;
use bytes::Bytes;
use leveret_core::broker::{Access, History, announce_event};
use leveret_core::catalog::Catalog;
use leveret_core::shard::{Effect, PAGE, PAGE_COPY, Shard};
use leveret_core::{ConnectionId, LogId, ShardIndex, Time, Wait};
use leveret_log::{Batch, Committer, Position, ReadCache, ReadError, Reader, Store};
use std::sync::Arc;

/// The state that a crash wipes out.
pub(crate) struct Broker {
    pub(crate) catalog: Catalog,
    pub(crate) catalog_log: LogSide,
    pub(crate) shards: Vec<ShardSide>,
    pub(crate) history: History,
}

/// A log's thread: what it writes at the moment, if it writes.
pub(crate) struct LogSide {
    pub(crate) committer: Committer,
    pub(crate) reader: Reader,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) in_flight: Option<Batch>,
    pub(crate) failed: bool,
}

/// A shard and its log.
pub(crate) struct ShardSide {
    pub(crate) shard: Shard,
    pub(crate) log: LogSide,
}

impl Broker {
    /// A log of the broker.
    pub(crate) fn log(&self, id: LogId) -> &LogSide {
        match id {
            LogId::Catalog => &self.catalog_log,
            LogId::Shard(index) => &self.shards[usize::from(index.0)].log,
        }
    }

    /// A log of the broker, to change.
    pub(crate) fn log_mut(&mut self, id: LogId) -> &mut LogSide {
        match id {
            LogId::Catalog => &mut self.catalog_log,
            LogId::Shard(index) => &mut self.shards[usize::from(index.0)].log,
        }
    }

    /// What is due in a log, for one write.
    pub(crate) fn take_batch(&mut self, id: LogId) -> Option<Batch> {
        match id {
            LogId::Catalog => self.catalog.tail().take_batch(),
            LogId::Shard(index) => self.shards[usize::from(index.0)].shard.take_batch(),
        }
    }

    /// A log's write has failed: nothing more is appended to it.
    pub(crate) fn fail_tail(&mut self, id: LogId) {
        match id {
            LogId::Catalog => self.catalog.tail().fail(),
            LogId::Shard(index) => {
                if let Some(tail) = self.shards[usize::from(index.0)].shard.tail() {
                    tail.fail();
                }
            }
        }
    }

    /// The logs, the catalog's first.
    pub(crate) fn logs(&self) -> Vec<LogId> {
        let shards = (0..self.shards.len()).map(|index| LogId::Shard(ShardIndex(index as u16)));
        std::iter::once(LogId::Catalog).chain(shards).collect()
    }

    /// Whether a log of the broker takes nothing more.
    pub(crate) fn has_failed(&self) -> bool {
        self.catalog_log.failed || self.shards.iter().any(|side| side.log.failed)
    }

    /// Whether everything that these positions wait for is durable.
    pub(crate) fn is_durable(&self, waits: &[Wait]) -> bool {
        waits.iter().all(|wait| self.log(wait.log).reader.durable() >= wait.position)
    }

    /// The record at a location of a shard's log.
    pub(crate) fn read(&self, shard: ShardIndex, location: Position) -> Result<(u8, Bytes), ReadError> {
        let reader = &self.shards[usize::from(shard.0)].log.reader;
        let record = reader.owned_record(&mut ReadCache::new(), location)?;
        Ok((record.tag.kind, record.payload))
    }
}

/// What one command appended in one shard, in positions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) shard: ShardIndex,
    pub(crate) before: Position,
    pub(crate) after: Position,
}

/// A turn of a shard that is over.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) shard: ShardIndex,
    /// Where the shard's log ended before the turn and after it.
    pub(crate) before: Position,
    pub(crate) after: Position,
    /// Its facts are in one record, the last one.
    pub(crate) one_record: bool,
    pub(crate) effects: Vec<(ConnectionId, Effect)>,
}

/// The access of one batch of commands.
pub(crate) struct Turn<'a> {
    broker: &'a mut Broker,
    now: Time,
    dice: &'a mut Dice,
    open: Option<(ShardIndex, Position)>,
    spans: Vec<Span>,
    reports: Vec<Report>,
    /// Pages of deep queues that were read back.
    pub(crate) pages: u64,
}

impl<'a> Turn<'a> {
    /// Begins a batch of commands at `now`.
    pub(crate) fn new(broker: &'a mut Broker, now: Time, dice: &'a mut Dice) -> Turn<'a> {
        Turn { broker, now, dice, open: None, spans: Vec::new(), reports: Vec::new(), pages: 0 }
    }

    /// Runs one command and answers what it appended where, before any turn that it ended.
    pub(crate) fn command<R>(&mut self, command: impl FnOnce(&mut Turn<'a>) -> R) -> (R, Vec<Span>) {
        self.spans.clear();
        if let Some((shard, _)) = self.open {
            let at = self.position(shard);
            self.spans.push(Span { shard, before: at, after: at });
        }
        let answer = command(self);
        if let Some((shard, _)) = self.open {
            self.close_span(shard);
        }
        (answer, std::mem::take(&mut self.spans))
    }

    /// The turns that have ended since the last call.
    pub(crate) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    fn position(&self, shard: ShardIndex) -> Position {
        self.broker.shards[usize::from(shard.0)].shard.position()
    }

    fn close_span(&mut self, shard: ShardIndex) {
        let after = self.position(shard);
        if let Some(span) = self.spans.iter_mut().rev().find(|span| span.shard == shard) {
            span.after = after;
        }
    }

    fn leave_shard(&mut self) {
        let Some((index, before)) = self.open.take() else { return };
        self.close_span(index);
        let shard = &mut self.broker.shards[usize::from(index.0)].shard;
        shard.end();
        let mut effects = Vec::new();
        shard.take_effects(&mut |connection, batch| {
            effects.extend(batch.drain(..).map(|effect| (connection, effect)));
        });
        self.reports.push(Report {
            shard: index,
            before,
            after: shard.position(),
            one_record: true,
            effects,
        });
    }
}

impl Access for Turn<'_> {
    fn now(&self) -> Time {
        self.now
    }

    fn random(&mut self) -> u64 {
        self.dice.any()
    }

    fn shards(&self) -> u16 {
        self.broker.shards.len() as u16
    }

    fn durable(&self, log: LogId) -> Position {
        self.broker.log(log).reader.durable()
    }

    fn catalog(&self) -> &Catalog {
        &self.broker.catalog
    }

    fn both(&mut self, index: ShardIndex) -> (&Catalog, &mut Shard) {
        if self.open.is_none_or(|(held, _)| held != index) {
            self.leave_shard();
            self.broker.shards[usize::from(index.0)].shard.begin(self.now);
            let at = self.position(index);
            self.open = Some((index, at));
            self.spans.push(Span { shard: index, before: at, after: at });
        }
        (&self.broker.catalog, &mut self.broker.shards[usize::from(index.0)].shard)
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut Catalog) -> R) -> (R, Wait) {
        self.leave_shard();
        let catalog = &mut self.broker.catalog;
        let answer = change(catalog);
        catalog.tail().seal();
        let wait = Wait { log: LogId::Catalog, position: catalog.position() };
        for event in catalog.take_events() {
            announce_event(self, || event);
        }
        (answer, wait)
    }

    fn history<R>(&mut self, work: impl FnOnce(&mut History) -> R) -> R {
        work(&mut self.broker.history)
    }

    fn read(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, Bytes), ReadError> {
        self.leave_shard();
        let record = self.broker.read(shard, location)?;
        self.pages += u64::from(matches!(record.0, PAGE | PAGE_COPY));
        Ok(record)
    }

    fn finish(&mut self) {
        self.leave_shard();
    }
}
