//! A broker in one hand, for the tests of what joins the catalog and the shards.

use super::{
    Access, DeclareQueue, History, PendingTransfer, Send, Sent, Session, apply_settings, housekeep, send,
};
use crate::catalog::{self, Attributes, Caller, Catalog, CatalogReplay, HashAlgorithm, PasswordHash};
use crate::message::Stored;
use crate::shard::{Delivery, QueueStats, Receive, Received, Shard, Transfer};
use crate::wire::{Properties, ShortStr, Table, Value};
use crate::{LogId, QueueId, ShardIndex, Time, Wait};
use bytes::Bytes;
use leveret_log::{
    Committer, Geometry, MemoryDisk, MemoryDriver, Position, ReadCache, ReadError, Reader, Recovery,
    ReplayError, Tail,
};
use std::convert::Infallible;

/// A broker of two shards in one hand. Nothing is durable until the test says so.
pub(super) struct Broker {
    pub(super) catalog: Catalog,
    catalog_log: (Committer, Reader),
    pub(super) shards: Vec<(Shard, Committer, Reader)>,
    open: Option<ShardIndex>,
    history: History,
    pub(super) now: Time,
    /// The last number that was drawn: each is one more.
    drawn: u64,
}

fn open_log(id: u64) -> (Tail, Committer, Reader) {
    let disk = MemoryDisk::new(Geometry::DEFAULT, leveret_log::LogId(id));
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk), 1 << 20).unwrap();
    let log: Result<_, ReplayError<Infallible>> = recovery.replay(|_| Ok(()));
    let log = log.unwrap();
    (log.tail, log.committer, log.reader)
}

impl Broker {
    pub(super) fn new() -> Broker {
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
            now: Time(1),
            drawn: 6,
        }
    }

    pub(super) fn sync_catalog(&mut self) {
        if let Some(batch) = self.catalog.tail().take_batch() {
            self.catalog_log.0.commit(&batch).unwrap();
        }
    }

    pub(super) fn stats(&self, queue: QueueId) -> QueueStats {
        self.shards[usize::from(queue.shard().0)].0.stats(queue).unwrap()
    }
}

impl Access for Broker {
    fn now(&self) -> Time {
        self.now
    }

    fn random(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
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
            self.shards[usize::from(index.0)].0.begin(self.now);
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

/// A durable queue.
pub(super) fn declare(broker: &mut Broker, session: &mut Session, name: &str, arguments: &Table) -> QueueId {
    let (passive, durable, exclusive, auto_delete) = (false, true, false, false);
    let declare = DeclareQueue { name, passive, durable, exclusive, auto_delete, arguments };
    session.declare_queue(broker, &declare).unwrap().queue
}

impl Broker {
    /// A durable queue with these attributes of SQS, in a shard of the test's choice; its name begins with `prefix`.
    /// One whose prefix says `fifo` has exclusive groups.
    pub(super) fn queue_in(
        &mut self,
        shard: u16,
        prefix: &str,
        attributes: &[(&str, &str)],
    ) -> (String, QueueId) {
        (0..)
            .map(|n| format!("{prefix}-{n}"))
            .map(|name| (name.clone(), self.queue_with(&name, attributes)))
            .find(|(_, queue)| queue.shard().0 == shard)
            .unwrap()
    }

    /// A durable queue with these attributes of SQS.
    pub(super) fn queue_with(&mut self, name: &str, attributes: &[(&str, &str)]) -> QueueId {
        let mut arguments = Table::new();
        if name.contains("fifo") {
            arguments.insert(ShortStr::literal("x-groups"), Value::Bool(true));
        }
        let mut wanted = Attributes::default();
        for (name, value) in attributes {
            wanted.set(name, *value);
        }
        let declare = catalog::DeclareQueue {
            durable: true,
            exclusive: false,
            auto_delete: false,
            server_named: false,
            arguments,
        };
        let create = |catalog: &mut Catalog| catalog.create_queue(Caller::BROKER, "/", name, declare, wanted);
        let queue = self.change(create).0.unwrap().queue;
        apply_settings(self, &[queue]);
        self.finish();
        queue
    }

    /// Sends a message with these properties.
    pub(super) fn send(&mut self, queue: QueueId, properties: &Properties, body: &[u8]) -> Sent {
        let name = self.catalog.queue_by_id(queue).unwrap().name.clone();
        let mut raw = Vec::new();
        properties.encode(&mut raw).unwrap();
        let message =
            Send { queue, name: &name, properties: &raw, body, delay_ms: None, deduplication: None };
        let sent = send(self, &message).unwrap();
        self.finish();
        sent
    }

    /// Receives what there is, for so long.
    pub(super) fn receive(&mut self, queue: QueueId, visibility_ms: u64) -> Vec<Received> {
        let receive = Receive { queue, max: 10, visibility_ms: Some(visibility_ms), attempt: None };
        let mut received = Vec::new();
        self.shard(queue.shard()).receive(&receive, &mut received).unwrap();
        self.finish();
        received
    }

    /// A received message as it is stored: its properties and its body.
    pub(super) fn stored(&mut self, received: &Received) -> (Properties, Vec<u8>) {
        let Delivery { queue, location, .. } = received.delivery;
        let (kind, payload) = self.read(queue.shard(), location).unwrap();
        let stored = Stored::parse(kind, &payload).unwrap();
        (Properties::decode(stored.properties).unwrap(), stored.body.to_vec())
    }

    /// Does what the shards have asked for, and takes everything for durable that a transfer waits for.
    pub(super) fn keep_house(&mut self) {
        for index in 0..2 {
            self.shard(ShardIndex(index));
            self.finish();
            for transfer in housekeep(self, ShardIndex(index)) {
                let PendingTransfer { queue, position, .. } = transfer;
                self.shard(queue.shard()).transferred(queue, position, Transfer::Arrived);
            }
            self.finish();
        }
    }
}
