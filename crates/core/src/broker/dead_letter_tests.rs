//! Dead letters when something is wrong with their target. The simulator found what these tests keep.

use super::*;
use crate::broker::{DeclareQueue, History, Publish, Session, housekeep};
use crate::catalog::{Catalog, CatalogReplay, HashAlgorithm, PasswordHash};
use crate::shard::{QueueStats, Settle, Shard};
use crate::{ConnectionId, ShardIndex, Time, Wait};
use bytes::Bytes;
use leveret_log::{
    Committer, Geometry, MemoryDisk, MemoryDriver, ReadCache, ReadError, Reader, Recovery, ReplayError, Tail,
};
use std::convert::Infallible;

/// A broker of two shards in one hand. Nothing is durable until the test says so.
struct Broker {
    catalog: Catalog,
    catalog_log: (Committer, Reader),
    shards: Vec<(Shard, Committer, Reader)>,
    open: Option<ShardIndex>,
    history: History,
}

fn open_log(id: u64) -> (Tail, Committer, Reader) {
    let disk = MemoryDisk::new(Geometry::DEFAULT, leveret_log::LogId(id));
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk), 1 << 20).unwrap();
    let log: Result<_, ReplayError<Infallible>> = recovery.replay(|_| Ok(()));
    let log = log.unwrap();
    (log.tail, log.committer, log.reader)
}

impl Broker {
    fn new() -> Broker {
        let (tail, committer, reader) = open_log(1);
        let mut catalog = CatalogReplay::default().open(2, tail);
        let password = PasswordHash { algorithm: HashAlgorithm::Sha256, bytes: b"unused".as_slice().into() };
        catalog.bootstrap(password).unwrap();
        let shards = (0..2).map(|index| {
            let (tail, committer, reader) = open_log(2 + u64::from(index));
            let mut shard = Shard::new(ShardIndex(index), reader.geometry());
            shard.open(tail);
            (shard, committer, reader)
        });
        Broker {
            catalog,
            catalog_log: (committer, reader),
            shards: shards.collect(),
            open: None,
            history: History::default(),
        }
    }

    fn sync_catalog(&mut self) {
        if let Some(batch) = self.catalog.tail().take_batch() {
            self.catalog_log.0.commit(&batch).unwrap();
        }
    }

    fn stats(&self, queue: QueueId) -> QueueStats {
        self.shards[usize::from(queue.shard().0)].0.stats(queue).unwrap()
    }
}

impl Access for Broker {
    fn now(&self) -> Time {
        Time(1)
    }

    fn random(&mut self) -> u64 {
        7
    }

    fn shards(&self) -> u16 {
        2
    }

    fn durable(&self, log: LogId) -> Position {
        match log {
            LogId::Catalog => self.catalog_log.1.durable(),
            LogId::Shard(index) => self.shards[usize::from(index.0)].2.durable(),
        }
    }

    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn both(&mut self, index: ShardIndex) -> (&Catalog, &mut Shard) {
        if self.open != Some(index) {
            self.finish();
            self.shards[usize::from(index.0)].0.begin(Time(1));
            self.open = Some(index);
        }
        (&self.catalog, &mut self.shards[usize::from(index.0)].0)
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut Catalog) -> R) -> (R, Wait) {
        self.finish();
        let answer = change(&mut self.catalog);
        self.catalog.tail().seal();
        (answer, Wait { log: LogId::Catalog, position: self.catalog.position() })
    }

    fn history<R>(&mut self, work: impl FnOnce(&mut History) -> R) -> R {
        work(&mut self.history)
    }

    fn read(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, Bytes), ReadError> {
        self.finish();
        let record = self.shards[usize::from(shard.0)].2.owned_record(&mut ReadCache::new(), location)?;
        Ok((record.tag.kind, record.payload))
    }

    fn finish(&mut self) {
        if let Some(index) = self.open.take() {
            self.shards[usize::from(index.0)].0.end();
        }
    }
}

/// A source with a dead letter of a persistent message, and its target, in two shards.
struct Scene {
    broker: Broker,
    source: QueueId,
    target: QueueId,
}

fn declare(broker: &mut Broker, session: &mut Session, name: &str, arguments: &Table) -> QueueId {
    let (passive, durable, exclusive, auto_delete) = (false, true, false, false);
    let declare = DeclareQueue { name, passive, durable, exclusive, auto_delete, arguments };
    session.declare_queue(broker, &declare).unwrap().queue
}

/// Rejects a message; `damage` is done before the housekeeper looks.
fn scene(damage: impl FnOnce(&mut Broker, QueueId)) -> (Scene, Vec<PendingTransfer>) {
    let mut broker = Broker::new();
    let mut session = Session::new(ConnectionId(1), "/".into(), "guest".into());
    // The catalog chooses the shards by the names: this one is tried until it lies elsewhere.
    let source_shard = declare(&mut broker, &mut session, "probe-source", &Table::new()).shard();
    let name = (0..)
        .map(|n| format!("target-{n}"))
        .find(|name| declare(&mut broker, &mut session, name, &Table::new()).shard() != source_shard);
    let name = name.unwrap();
    let mut arguments = Table::new();
    set(&mut arguments, "x-dead-letter-exchange", string(""));
    set(&mut arguments, "x-dead-letter-routing-key", string(&name));
    let source = (0..)
        .map(|n| declare(&mut broker, &mut session, &format!("source-{n}"), &arguments))
        .find(|queue| queue.shard() == source_shard)
        .unwrap();
    let found = broker.catalog.queue_by_id(source).unwrap().name.clone();
    let target = broker.catalog.queue("/", &name).unwrap().id;
    let properties = Properties { delivery_mode: Some(2), ..Properties::default() };
    let mut raw = Vec::new();
    properties.encode(&mut raw).unwrap();
    let publish = Publish { exchange: "", routing_key: &found, properties: &raw, body: b"body" };
    session.publish(&mut broker, &publish).unwrap();
    let (delivery, _) = session.get(&mut broker, &found, false).unwrap().unwrap();
    session.settle(&mut broker, source, delivery.lease, Settle::Never);
    broker.finish();
    damage(&mut broker, target);
    let pending = housekeep(&mut broker, source.shard());
    broker.finish();
    (Scene { broker, source, target }, pending)
}

#[test]
fn a_dead_letter_stays_at_its_source_when_the_log_of_its_target_has_failed() {
    let (scene, pending) = scene(|broker, target| {
        broker.shards[usize::from(target.shard().0)].0.tail().unwrap().fail();
    });
    assert!(pending.is_empty());
    assert_eq!(scene.broker.stats(scene.source).dying, 1);
    assert_eq!(scene.broker.stats(scene.target).ready, 0);
}

#[test]
fn a_dead_letter_waits_for_the_declaration_of_its_target() {
    let (mut scene, pending) = scene(|_, _| {});
    assert_eq!(scene.broker.stats(scene.target).ready, 1);
    let logs: Vec<LogId> = pending[0].waits.as_slice().iter().map(|wait| wait.log).collect();
    assert!(logs.contains(&LogId::Shard(scene.target.shard())));
    assert!(logs.contains(&LogId::Catalog));
    assert_eq!(scene.broker.stats(scene.source).dying, 1);
    scene.broker.sync_catalog();
    assert!(wait_for_declarations(&scene.broker, &mut Outcome::default()));
}

#[test]
fn a_dead_letter_whose_target_is_gone_is_dropped() {
    let (scene, pending) = scene(|broker, target| {
        super::super::delete_queue(broker, target).unwrap();
    });
    assert!(pending.is_empty());
    assert_eq!(scene.broker.stats(scene.source).dying, 0);
    assert_eq!(scene.broker.stats(scene.source).counters.dropped, 1);
}
