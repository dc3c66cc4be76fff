//! A broker in one hand: the catalog and two shards over logs in memory. Logs become durable when a test says so.

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

pub(super) struct World {
    pub(super) now: Time,
    catalog: Catalog,
    catalog_log: Log,
    shards: Vec<(Shard, Log)>,
    /// The shard with an open turn.
    open: Option<ShardIndex>,
    random: u64,
    connections: u64,
    mail: BTreeMap<ConnectionId, Vec<(ShardIndex, Vec<Effect>)>>,
    history: History,
}

struct Log {
    committer: Committer,
    reader: Reader,
    durable: Position,
}

impl World {
    pub(super) fn new() -> World {
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
            history: History::default(),
        }
    }

    pub(super) fn next_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }

    pub(super) fn mail(&mut self, id: ConnectionId) -> Vec<(ShardIndex, Vec<Effect>)> {
        self.mail.remove(&id).unwrap_or_default()
    }

    /// Makes everything durable that was sealed.
    pub(super) fn sync(&mut self) {
        self.finish();
        commit(&mut self.catalog_log, self.catalog.tail());
        for (shard, log) in &mut self.shards {
            commit(log, shard.tail().unwrap());
        }
    }

    /// Time passes, for the shards too.
    pub(super) fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        for index in 0..SHARDS {
            self.shard(ShardIndex(index));
            self.finish();
        }
        self.housekeep();
    }

    pub(super) fn housekeep(&mut self) {
        for index in 0..SHARDS {
            while self.shards[usize::from(index)].0.has_system_effects() {
                housekeep(self, ShardIndex(index));
                self.finish();
            }
        }
    }

    pub(super) fn ready(&self, queue: &str) -> u64 {
        let queue = self.catalog.queue("/", queue).unwrap().id;
        self.shards[usize::from(queue.shard().0)].0.stats(queue).unwrap().ready
    }
}

fn open_log(number: u64) -> (Log, Tail) {
    let geometry = Geometry::new(64 << 20).unwrap();
    let disk = MemoryDisk::new(geometry, LogName(number));
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk), 1 << 20).unwrap();
    let log = recovery.replay(|_| Ok::<(), ()>(())).unwrap();
    let durable = log.tail.next_position();
    (Log { committer: log.committer, reader: log.reader, durable }, log.tail)
}

fn commit(log: &mut Log, tail: &mut Tail) {
    while let Some(batch) = tail.take_batch() {
        match log.committer.commit(&batch) {
            Ok(durable) => log.durable = durable,
            Err(_) => return tail.fail(),
        }
    }
}

impl Access for World {
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
        let mail = &mut self.mail;
        shard.take_effects(&mut |id, effects| {
            mail.entry(id).or_default().push((index, std::mem::take(effects)));
        });
    }
}
