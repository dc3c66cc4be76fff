//! A turn: the access to the broker that one task has for one batch of commands.

use super::{Broker, Mailbox, ShardCell, ShardInner, dice, read, write};
use bytes::Bytes;
use leveret_core::broker::{Access, History, announce_event};
use leveret_core::catalog::Catalog;
use leveret_core::shard::Shard;
use leveret_core::{LogId, ShardIndex, Time, Wait};
use leveret_log::{Position, ReadCache, ReadError};
use std::sync::{Arc, MutexGuard, PoisonError, RwLockReadGuard};

/// Access for one batch of commands. Ends what it began when it is dropped.
pub struct Turn<'a> {
    broker: &'a Broker,
    now: Time,
    /// `None` only while the catalog is being changed.
    catalog: Option<RwLockReadGuard<'a, Catalog>>,
    shard: Option<(ShardIndex, MutexGuard<'a, ShardInner>)>,
    /// How much had come into the shard at hand when the turn took it.
    came_before: u64,
    /// The turn stored messages, more than consumers that could keep up have taken.
    ahead: bool,
    /// What was appended and the log's thread has not heard of.
    untold: Option<Untold<'a>>,
    /// What was last read, and of which shard's log: the next message most likely stands behind it.
    reading: Option<(ShardIndex, ReadCache)>,
}

/// Bytes up to which the log's thread may be told of them a moment later: a few messages of a client that waits.
const QUIET_BYTES: usize = 16 << 10;

/// What a turn appended to a shard's log. The log's thread is told of it when it is dropped.
pub struct Untold<'a> {
    cell: &'a ShardCell,
    pending: usize,
}

impl Untold<'_> {
    /// The log that it was appended to.
    pub fn log(&self) -> LogId {
        self.cell.log.id()
    }

    /// Commits it on this thread, if the connection of the mailbox is the only one that is concerned; otherwise, the
    /// log's thread does.
    pub fn commit(mut self, mailbox: &Arc<Mailbox>) {
        if self.cell.log.commit_alone(mailbox, self.cell) {
            self.pending = 0;
        }
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if self.pending > 0 {
            self.cell.log.appended(self.pending);
        }
    }
}

const HELD: &str = "the catalog's guard is given up inside `change` only, and taken again before it returns";

impl<'a> Turn<'a> {
    pub(super) fn new(broker: &'a Broker) -> Turn<'a> {
        Turn {
            broker,
            now: broker.clock.now(),
            catalog: Some(read(&broker.catalog)),
            shard: None,
            came_before: 0,
            ahead: false,
            untold: None,
            reading: None,
        }
    }

    /// Whether what it has done so far is that of a publisher that has to give way for a moment. To be asked behind the
    /// last command.
    pub fn is_ahead(&mut self) -> bool {
        self.leave_shard();
        self.ahead
    }

    /// Ends the turn. What it gives back is not on its way to the disk before it is dropped or committed; most turns
    /// give nothing back.
    pub fn end_quietly(mut self) -> Option<Untold<'a>> {
        self.leave_shard();
        self.untold.take()
    }

    /// Ends the turn in the shard at hand: its deliveries are decided, its effects put into mailboxes.
    fn leave_shard(&mut self) {
        let Some((index, mut inner)) = self.shard.take() else { return };
        let cell = &self.broker.shards[usize::from(index.0)];
        let ShardInner { shard, flow, mailboxes } = &mut *inner;
        let mut woken = false;
        shard.end();
        let traffic = shard.traffic();
        self.ahead |= flow.is_ahead(traffic.came - self.came_before, traffic);
        shard.take_effects(&mut |connection, effects| {
            if let Some(mailbox) = mailboxes.get(&connection) {
                mailbox.put(index, effects);
                woken = true;
            }
        });
        let pending = shard.tail().map_or(0, |tail| tail.pending_bytes());
        let wake = shard.next_wake();
        let system = shard.has_system_effects();
        drop(inner);
        // What was appended before in this turn, if it was not told, goes on its way now.
        self.untold = None;
        if pending > 0 {
            let untold = Untold { cell, pending };
            self.untold = (!woken && pending <= QUIET_BYTES).then_some(untold);
        }
        cell.plan(wake);
        if system {
            cell.housekeeper.notify_one();
        }
    }

    /// A cache for reading that shard's log, for the rest of the turn.
    fn cache_of(&mut self, shard: ShardIndex) -> &mut ReadCache {
        if self.reading.as_ref().is_none_or(|(of, _)| *of != shard) {
            self.give_cache_back();
        }
        let broker = self.broker;
        let (_, cache) =
            self.reading.get_or_insert_with(|| (shard, broker.log(LogId::Shard(shard)).take_cache()));
        cache
    }

    fn give_cache_back(&mut self) {
        if let Some((shard, cache)) = self.reading.take() {
            self.broker.log(LogId::Shard(shard)).give_cache_back(cache);
        }
    }
}

impl Access for Turn<'_> {
    fn now(&self) -> Time {
        self.now
    }

    fn random(&mut self) -> u64 {
        dice::random().unwrap_or_else(|| {
            // Without the system's randomness names still differ: they carry the time and an address.
            self.now.0.rotate_left(32) ^ std::ptr::from_ref(self).addr() as u64
        })
    }

    fn shards(&self) -> u16 {
        self.broker.shards.len() as u16
    }

    fn durable(&self, log: LogId) -> Position {
        self.broker.durable(log)
    }

    fn catalog(&self) -> &Catalog {
        self.catalog.as_ref().expect(HELD)
    }

    fn both(&mut self, index: ShardIndex) -> (&Catalog, &mut Shard) {
        if self.shard.as_ref().is_none_or(|(held, _)| *held != index) {
            self.leave_shard();
            let mut inner = self.broker.shards[usize::from(index.0)].lock();
            inner.shard.begin(self.now);
            self.came_before = inner.shard.traffic().came;
            self.shard = Some((index, inner));
        }
        let (_, inner) = self.shard.as_mut().expect("the shard was taken just above");
        (self.catalog.as_ref().expect(HELD), &mut inner.shard)
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut Catalog) -> R) -> (R, Wait) {
        // Whoever holds a shard must not wait for the catalog: the lock order is catalog, shard.
        self.leave_shard();
        self.catalog = None;
        let mut catalog = write(&self.broker.catalog);
        let answer = change(&mut catalog);
        catalog.tail().seal();
        let wait = Wait { log: LogId::Catalog, position: catalog.position() };
        let pending = catalog.tail().pending_bytes();
        let events = catalog.take_events();
        drop(catalog);
        self.catalog = Some(read(&self.broker.catalog));
        if pending > 0 {
            self.broker.catalog_log.appended(pending);
        }
        for event in events {
            announce_event(self, || event);
        }
        (answer, wait)
    }

    fn history<R>(&mut self, work: impl FnOnce(&mut History) -> R) -> R {
        // Nobody takes another lock with this one in hand.
        work(&mut self.broker.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn read(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, Bytes), ReadError> {
        // What this turn appended is readable once it is sealed; and nobody waits for a disk with a shard in hand.
        self.leave_shard();
        let reader = self.broker.reader(shard);
        match reader.owned_record(self.cache_of(shard), location) {
            Ok(record) => Ok((record.tag.kind, record.payload)),
            Err(error) => {
                tracing::error!(shard = shard.0, %error, "a message or page cannot be read back from the log");
                Err(error)
            }
        }
    }

    fn finish(&mut self) {
        self.leave_shard();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.leave_shard();
        self.give_cache_back();
    }
}
