//! A broker in one hand, for the tests of the doors: the catalog and two shards over logs in memory, one turn at a time,
//! without locks or threads. Logs become durable when a test says so.
//!
//! Only tests and measurements depend on it. The core's own tests have another: to them the core of this crate is another one, too.

#![allow(clippy::unwrap_used, reason = "only tests depend on it, and a panic is a failed test")]

use bytes::Bytes;
use leveret_core::broker::{Access, History, announce_event, housekeep};
use leveret_core::catalog::{Catalog, CatalogReplay, HashAlgorithm, PasswordHash};
use leveret_core::shard::{Effect, Shard};
use leveret_core::{ConnectionId, LogId, Position, ShardIndex, Time, Wait};
use leveret_log::{
    Committer, Geometry, LogId as LogName, MemoryDisk, MemoryDriver, ReadCache, ReadError, Reader, Recovery,
    Tail,
};
use std::collections::BTreeMap;

const SHARDS: u16 = 2;

/// The broker.
pub struct World<T = ()> {
    /// The time of the turns to come.
    pub now: Time,
    catalog: Catalog,
    catalog_log: Log,
    shards: Vec<(Shard, Log)>,
    /// The shard with an open turn.
    open: Option<ShardIndex>,
    random: u64,
    connections: u64,
    mail: BTreeMap<ConnectionId, Vec<(ShardIndex, Vec<Effect>)>>,
    /// Lists of effects that were taken and given back.
    spare: Vec<Vec<Effect>>,
    /// What a door's tests keep beside it.
    pub beside: T,
    history: History,
}

struct Log {
    committer: Committer,
    reader: Reader,
    durable: Position,
    disk: MemoryDisk,
}

impl<T: Default> Default for World<T> {
    fn default() -> World<T> {
        World::new()
    }
}

impl<T: Default> World<T> {
    /// A broker with nothing in it but the user `guest`.
    pub fn new() -> World<T> {
        let (catalog_log, tail) = open_log(0);
        let mut catalog = CatalogReplay::default().open(SHARDS, tail);
        let password = PasswordHash { algorithm: HashAlgorithm::Sha256, bytes: b"unused".as_slice().into() };
        catalog.bootstrap(password).unwrap();
        let shards = (0..SHARDS).map(|index| {
            let (log, tail) = open_log(1 + u64::from(index));
            let mut shard = Shard::new(ShardIndex(index), log.reader.geometry());
            shard.open(tail);
            (shard, log)
        });
        World {
            now: Time(1_000_000),
            catalog,
            catalog_log,
            shards: shards.collect(),
            open: None,
            random: 0,
            connections: 0,
            mail: BTreeMap::new(),
            spare: Vec::new(),
            beside: T::default(),
            history: History::default(),
        }
    }
}

impl<T> World<T> {
    /// The number of a new connection.
    pub fn next_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }

    /// Takes the effects that were made for a connection, by the shard.
    pub fn mail(&mut self, id: ConnectionId) -> Vec<(ShardIndex, Vec<Effect>)> {
        let mut batches = Vec::new();
        self.take_mail(id, &mut batches);
        batches
    }

    /// The same into `batches`, which is overwritten: the lists in it are used again, so that whoever takes its mail
    /// into the same place every time allocates nothing.
    pub fn take_mail(&mut self, id: ConnectionId, batches: &mut Vec<(ShardIndex, Vec<Effect>)>) {
        self.spare.extend(batches.drain(..).map(|(_, mut effects)| {
            effects.clear();
            effects
        }));
        if let Some(mail) = self.mail.get_mut(&id) {
            std::mem::swap(mail, batches);
        }
    }

    /// Makes everything durable that was sealed.
    pub fn sync(&mut self) {
        self.finish();
        commit(&mut self.catalog_log, self.catalog.tail());
        for (shard, log) in &mut self.shards {
            commit(log, shard.tail().unwrap());
        }
    }

    /// Time passes, for the shards too.
    pub fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        for index in 0..SHARDS {
            self.shard(ShardIndex(index));
            self.finish();
        }
        self.housekeep();
    }

    /// Does what the shards have asked for.
    pub fn housekeep(&mut self) {
        for index in 0..SHARDS {
            while self.shards[usize::from(index)].0.has_system_effects() {
                housekeep(self, ShardIndex(index));
                self.finish();
            }
        }
    }

    /// From now on the shards' logs refuse what is appended.
    pub fn fail_logs(&mut self) {
        for (shard, log) in &mut self.shards {
            log.disk.refuse_writes(std::io::ErrorKind::Other);
            shard.tail().unwrap().fail();
        }
    }

    /// How many messages are held, in all queues.
    pub fn leases(&self) -> usize {
        self.shards.iter().map(|(shard, _)| shard.lease_count()).sum()
    }

    /// How many messages are ready in a queue of the vhost `/`.
    pub fn ready(&self, queue: &str) -> u64 {
        let queue = self.catalog.queue("/", queue).unwrap().id;
        self.shards[usize::from(queue.shard().0)].0.stats(queue).unwrap().ready
    }

    /// The readers of the shards' logs, in order.
    pub fn readers(&self) -> Vec<Reader> {
        self.shards.iter().map(|(_, log)| log.reader.clone()).collect()
    }

    /// All logs, the catalog's first.
    pub fn logs() -> impl Iterator<Item = LogId> {
        let shards = (0..SHARDS).map(|index| LogId::Shard(ShardIndex(index)));
        std::iter::once(LogId::Catalog).chain(shards)
    }
}

fn open_log(number: u64) -> (Log, Tail) {
    let geometry = Geometry::new(64 << 20).unwrap();
    let disk = MemoryDisk::new(geometry, LogName(number));
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk.clone()), 1 << 20).unwrap();
    let log = recovery.replay(|_| Ok::<(), ()>(())).unwrap();
    let durable = log.tail.next_position();
    (Log { committer: log.committer, reader: log.reader, durable, disk }, log.tail)
}

fn commit(log: &mut Log, tail: &mut Tail) {
    while let Some(batch) = tail.take_batch() {
        match log.committer.commit(&batch) {
            Ok(durable) => log.durable = durable,
            Err(_) => return tail.fail(),
        }
    }
}

impl<T> Access for World<T> {
    fn now(&self) -> Time {
        self.now
    }

    fn random(&mut self) -> u64 {
        self.random += 1;
        self.random.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn shards(&self) -> u16 {
        SHARDS
    }

    fn durable(&self, log: LogId) -> Position {
        match log {
            LogId::Catalog => self.catalog_log.durable,
            LogId::Shard(index) => self.shards[usize::from(index.0)].1.durable,
        }
    }

    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn both(&mut self, index: ShardIndex) -> (&Catalog, &mut Shard) {
        if self.open != Some(index) {
            self.finish();
            self.shards[usize::from(index.0)].0.begin(self.now);
            self.open = Some(index);
        }
        (&self.catalog, &mut self.shards[usize::from(index.0)].0)
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut Catalog) -> R) -> (R, Wait) {
        self.finish();
        let answer = change(&mut self.catalog);
        self.catalog.tail().seal();
        let wait = Wait { log: LogId::Catalog, position: self.catalog.position() };
        for event in self.catalog.take_events() {
            announce_event(self, || event);
        }
        (answer, wait)
    }

    fn history<R>(&mut self, work: impl FnOnce(&mut History) -> R) -> R {
        work(&mut self.history)
    }

    fn read(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, Bytes), ReadError> {
        self.finish();
        let reader = &self.shards[usize::from(shard.0)].1.reader;
        let record = reader.owned_record(&mut ReadCache::new(), location)?;
        Ok((record.tag.kind, record.payload))
    }

    fn finish(&mut self) {
        let Some(index) = self.open.take() else { return };
        let shard = &mut self.shards[usize::from(index.0)].0;
        shard.end();
        let (mail, spare) = (&mut self.mail, &mut self.spare);
        shard.take_effects(&mut |id, effects| {
            let taken = std::mem::replace(effects, spare.pop().unwrap_or_default());
            mail.entry(id).or_default().push((index, taken));
        });
    }
}
