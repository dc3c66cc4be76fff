//! The rig: a shard over a log in memory, with a broker and consumers that do what they are told.

mod audit;
mod consume;
mod dead;
mod durable;
mod expiry;
mod length;
mod order;
mod random;
mod receive;
mod runs;

use super::*;
use crate::message::{Deduplication, NewMessage, Stored, Traits};
use crate::{ConsumerId, LeaseId, QueueSettings};
use leveret_log::{Committer, LogId, MemoryDisk, MemoryDriver, ReadCache, Reader, Recovery, Store};
use std::sync::Arc;

const SEGMENT_BYTES: u64 = 64 << 10;
const ALICE: ConnectionId = ConnectionId(1);
const BOB: ConnectionId = ConnectionId(2);

struct Rig {
    shard: Shard,
    now: Time,
    disk: MemoryDisk,
    log: Parts,
    /// What the catalog knows.
    queues: Vec<(QueueId, QueueSettings)>,
    /// The effects of past turns that no test has taken yet.
    effects: Vec<(ConnectionId, Effect)>,
    dead: Vec<DeadLetter>,
    unused: Vec<QueueId>,
    /// Pages are read as soon as they are asked for; otherwise they wait in `pages`.
    loads_pages: bool,
    pages: Vec<(QueueId, u8, Position)>,
    /// Connections write out what they get, at once.
    writes: bool,
    next_serial: u64,
}

/// The parts of a log that are not the shard's.
struct Parts {
    committer: Committer,
    reader: Reader,
    store: Arc<dyn Store>,
}

impl Rig {
    fn new() -> Rig {
        Rig::with_segments(SEGMENT_BYTES)
    }

    fn with_segments(bytes: u64) -> Rig {
        let disk = MemoryDisk::new(Geometry::new(bytes).unwrap(), LogId(7));
        let now = Time(1_000_000);
        let (mut shard, log) = open(&disk, &[], now);
        shard.begin(now);
        shard.recovered();
        shard.end();
        Rig {
            shard,
            now,
            disk,
            log,
            queues: Vec::new(),
            effects: Vec::new(),
            dead: Vec::new(),
            unused: Vec::new(),
            loads_pages: true,
            pages: Vec::new(),
            writes: true,
            next_serial: 0,
        }
    }

    /// A queue of these settings.
    fn queue(&mut self, settings: QueueSettings) -> QueueId {
        let id = QueueId::new(ShardIndex(0), 1 + self.queues.len() as u64);
        self.queues.push((id, settings.clone()));
        self.turn(|shard| shard.open_queue(id, settings));
        id
    }

    /// One turn, and whatever turns follow from what it asks of the broker.
    fn turn<R>(&mut self, commands: impl FnOnce(&mut Shard) -> R) -> R {
        self.shard.begin(self.now);
        let answer = commands(&mut self.shard);
        self.shard.end();
        self.collect();
        answer
    }

    fn collect(&mut self) {
        loop {
            let effects = &mut self.effects;
            self.shard.take_effects(&mut |connection, batch| {
                effects.extend(batch.drain(..).map(|effect| (connection, effect)));
            });
            for effect in self.shard.take_system_effects() {
                match effect {
                    SystemEffect::LoadPage { queue, level, location } => {
                        self.pages.push((queue, level, location))
                    }
                    SystemEffect::DeadLetter(dead) => self.dead.push(dead),
                    SystemEffect::QueueUnused { queue } => self.unused.push(queue),
                }
            }
            if !self.loads_pages || self.pages.is_empty() {
                return;
            }
            self.load_pages();
        }
    }

    /// Reads the pages that were asked for. The turn's effects are collected later.
    fn load_pages(&mut self) {
        self.shard.begin(self.now);
        for (queue, level, location) in std::mem::take(&mut self.pages) {
            // A page that moved since it was asked for may be gone from its old place.
            if let Ok(record) = self.log.reader.owned_record(&mut ReadCache::new(), location) {
                self.shard.page_loaded(queue, level, location, &record.payload);
            }
        }
        self.shard.end();
    }

    /// Lets time pass, and the shard notice.
    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.turn(|_| ());
    }

    /// Publishes `count` messages, each in a turn of its own batch of ten.
    fn publish(&mut self, queue: QueueId, count: u64) {
        let mut left = count;
        while left > 0 {
            let batch = left.min(10);
            self.publish_batch(queue, batch);
            left -= batch;
        }
    }

    /// Publishes `count` messages in one turn.
    fn publish_batch(&mut self, queue: QueueId, count: u64) {
        let first = self.next_serial;
        self.next_serial += count;
        self.turn(|shard| {
            for serial in first..first + count {
                put(shard, &[queue], serial, Traits::default());
            }
        });
    }

    /// Publishes one message with these traits.
    fn publish_with(&mut self, queues: &[QueueId], traits: Traits) -> Published {
        let serial = self.next_serial;
        self.next_serial += 1;
        self.turn(|shard| put(shard, queues, serial, traits))
    }

    fn subscribe(&mut self, queue: QueueId, connection: ConnectionId, prefetch: u16) -> ConsumerId {
        self.subscribe_with(&Subscription { prefetch, ..subscription(queue, connection) })
    }

    fn subscribe_with(&mut self, subscription: &Subscription) -> ConsumerId {
        self.turn(|shard| shard.subscribe(subscription)).unwrap()
    }

    /// Takes the deliveries so far, in order, and writes them out.
    fn deliveries(&mut self) -> Vec<Delivery> {
        let mut taken = Vec::new();
        while let Some(batch) = self.take_deliveries() {
            taken.extend(batch);
        }
        taken
    }

    fn take_deliveries(&mut self) -> Option<Vec<Delivery>> {
        let mut taken = Vec::new();
        let mut written = Vec::new();
        self.effects.retain(|(connection, effect)| match effect {
            Effect::Deliver(delivery) => {
                taken.push(*delivery);
                written.push((*connection, u64::from(delivery.size)));
                false
            }
            _ => true,
        });
        if taken.is_empty() {
            return None;
        }
        if self.writes {
            self.turn(|shard| written.iter().for_each(|(to, bytes)| shard.written(*to, 1, *bytes)));
        }
        Some(taken)
    }

    /// The serial numbers of the deliveries so far.
    fn delivered(&mut self) -> Vec<u64> {
        let deliveries = self.deliveries();
        self.serials(&deliveries)
    }

    /// The serial numbers of messages, read from where they are.
    fn serials(&self, deliveries: &[Delivery]) -> Vec<u64> {
        deliveries.iter().map(|delivery| self.serial_at(delivery.location)).collect()
    }

    fn serial_at(&self, location: Position) -> u64 {
        let record = self.log.reader.owned_record(&mut ReadCache::new(), location).unwrap();
        let stored = Stored::parse(record.tag.kind, &record.payload).unwrap();
        u64::from_le_bytes(*stored.body.first_chunk().unwrap())
    }

    fn settle(&mut self, delivery: &Delivery, how: Settle) -> bool {
        self.turn(|shard| shard.settle(delivery.lease, how))
    }

    fn settle_all(&mut self, deliveries: &[Delivery], how: Settle) {
        self.turn(|shard| {
            for delivery in deliveries {
                assert!(shard.settle(delivery.lease, how));
            }
        });
    }

    fn stats(&self, queue: QueueId) -> QueueStats {
        self.shard.stats(queue).unwrap()
    }

    /// Makes everything durable that was appended.
    fn commit(&mut self) {
        if let Some(batch) = self.shard.tail().unwrap().take_batch() {
            self.log.committer.commit(&batch).unwrap();
        }
    }

    fn checkpoint(&mut self) {
        self.commit();
        let (position, payload) = self.shard.checkpoint();
        self.log.store.snapshot(position, &payload).unwrap();
    }

    /// The shard after a crash of a broker that had made everything durable.
    fn replayed(&mut self) -> Shard {
        self.commit();
        open(&self.disk.fork(), &self.queues, self.now).0
    }

    /// Holds the state to what must always be true, and a replay to the state.
    fn check(&mut self) {
        audit::audit(&self.shard, &self.log.reader);
        let replayed = self.replayed();
        assert!(self.shard.durable_state() == replayed.durable_state(), "a replay gives another state");
        let (known, after) = (self.duplicates_of(&self.shard), self.duplicates_of(&replayed));
        assert_eq!(known, after, "a replay knows other duplicates");
    }

    /// What the durable queues know of duplicates. Those whose time is over are forgotten at the next look.
    fn duplicates_of(&self, shard: &Shard) -> Vec<(QueueId, Time, u128, Duplicate)> {
        let mut known = Vec::new();
        for (_, queue) in shard.queues.iter().filter(|(_, queue)| queue.settings.durable) {
            let in_time = queue.duplicates.iter().filter(|(until, ..)| *until > self.now);
            known.extend(in_time.map(|(until, key, duplicate)| (queue.id, until, key, duplicate)));
        }
        known.sort_by_key(|(queue, ..)| *queue);
        known
    }

    /// Kills the broker, once everything is durable, and starts it again. The consumers are gone.
    fn crash(&mut self) {
        self.check();
        self.kill();
    }

    /// Kills the broker, whatever is durable by now, and starts it again.
    fn kill(&mut self) {
        let (shard, log) = open(&self.disk, &self.queues, self.now);
        self.shard = shard;
        self.log = log;
        self.effects.clear();
        self.dead.clear();
        self.pages.clear();
        audit::audit(&self.shard, &self.log.reader);
        self.turn(Shard::recovered);
    }
}

/// A shard as it is after the replay of its log, before it takes commands.
fn open(disk: &MemoryDisk, queues: &[(QueueId, QueueSettings)], now: Time) -> (Shard, Parts) {
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk.clone()), 1 << 30).unwrap();
    let reader = recovery.reader();
    let mut shard = Shard::new(ShardIndex(0), recovery.geometry());
    shard.begin(now);
    for (id, settings) in queues.iter().filter(|(_, settings)| settings.durable) {
        shard.open_queue(*id, settings.clone());
    }
    if let Some(checkpoint) = recovery.checkpoint() {
        shard.restore(&checkpoint.payload).unwrap();
    }
    let mut read_page = |at| Some(reader.owned_record(&mut ReadCache::new(), at).unwrap().payload);
    let log = recovery.replay(|record| shard.replay(record, &mut read_page)).unwrap_or_else(|error| {
        panic!("replay: {error}");
    });
    shard.open(log.tail);
    (shard, Parts { committer: log.committer, reader: log.reader, store: log.store })
}

/// Publishes a message whose body begins with its serial number.
fn put(shard: &mut Shard, queues: &[QueueId], serial: u64, traits: Traits) -> Published {
    put_once(shard, queues, serial, traits, None)
}

/// Publishes a message that queues which deduplicate know by this key. Its id is its serial number.
fn put_once(
    shard: &mut Shard,
    queues: &[QueueId],
    serial: u64,
    traits: Traits,
    key: Option<u128>,
) -> Published {
    let body = body_of(serial);
    let message = NewMessage {
        exchange: "",
        routing_key: "q",
        properties: &[0, 0],
        body: &body,
        traits,
        deduplication: key.map(|key| Deduplication { key, message_id: u128::from(serial) }),
    };
    shard.publish(queues, &message).unwrap()
}

/// Publishes a run of messages with these serial numbers, as [`put`] would each.
fn put_run(
    shard: &mut Shard,
    queues: &[QueueId],
    serials: std::ops::Range<u64>,
    traits: Traits,
) -> Option<RunPublished> {
    let bodies: Vec<[u8; 40]> = serials.map(body_of).collect();
    let contents = bodies.iter().map(|body| Contents { properties: &[0, 0], body });
    shard.publish_run(queues, &Alike { exchange: "", routing_key: "q", traits }, contents)
}

fn body_of(serial: u64) -> [u8; 40] {
    let mut body = [0; 40];
    body[..8].copy_from_slice(&serial.to_le_bytes());
    body
}

fn subscription(queue: QueueId, connection: ConnectionId) -> Subscription {
    Subscription {
        queue,
        connection,
        no_ack: false,
        exclusive: false,
        priority: 0,
        prefetch: 0,
        pool: None,
        timeout_ms: None,
    }
}

fn dead_letters() -> Option<crate::DeadLetterTarget> {
    Some(crate::DeadLetterTarget { exchange: "dlx".into(), routing_key: None, at_least_once: true })
}

fn positions(dead: &[DeadLetter]) -> Vec<Position> {
    dead.iter().map(|dead| dead.position).collect()
}
