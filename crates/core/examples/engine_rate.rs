//! What a message costs in the engine alone: publish, dispatch, settle, without doors, threads or a disk.
//!
//! ```text
//! cargo run --release -p leveret-core --example engine_rate [messages]
//! ```
//! It prints nanoseconds a message for a queue whose consumer keeps up, for filling a backlog, and for
//! draining it. The log of the first is written nowhere, that of the others is kept in memory.
// A measurement needs a clock; the ban is for the engine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use leveret_core::message::{NewMessage, Traits};
use leveret_core::shard::{Effect, Settle, Shard, Subscription, SystemEffect};
use leveret_core::{ConnectionId, LeaseId, QueueId, QueueSettings, ShardIndex, Time};
use leveret_log::{
    Acquired, Batch, Committer, Driver, Geometry, LogError, LogId, MemoryDisk, MemoryDriver, Position,
    ReadCache, Reader, Recovery, SegmentNumber, Segments, Store, Tenure, Writer,
};
use std::sync::Arc;
use std::time::Instant;

const BATCH: usize = 200;
const ACKS: usize = 100;
const CONNECTION: ConnectionId = ConnectionId(1);

fn main() {
    let messages = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    for _ in 0..3 {
        keep_up(messages);
    }
    backlog(messages);
}

/// A consumer with a prefetch of 1,000 that acks by hundreds and keeps up.
fn keep_up(messages: usize) {
    let mut world = World::new(&mut Nowhere);
    world.subscribe();
    let began = Instant::now();
    for _ in 0..messages / BATCH {
        world.publish();
        world.consume();
    }
    report("publish, deliver, ack", began, messages);
    assert_eq!(world.done, messages / ACKS * ACKS);
}

/// Everything is published first, then consumed.
fn backlog(messages: usize) {
    let disk = MemoryDisk::new(Geometry::DEFAULT, LogId(1));
    let mut world = World::new(&mut MemoryDriver::new(disk));
    let began = Instant::now();
    for _ in 0..messages / BATCH {
        world.publish();
    }
    report("publish into a backlog", began, messages);
    world.subscribe();
    let began = Instant::now();
    while world.done < messages / ACKS * ACKS {
        world.consume();
    }
    report("drain the backlog", began, messages);
}

fn report(what: &str, began: Instant, messages: usize) {
    println!("{what:>24}: {:4} ns a message", began.elapsed().as_nanos() as usize / messages);
}

/// A shard with one queue, a door that does next to nothing, and a log.
struct World {
    shard: Shard,
    reader: Reader,
    committer: Committer,
    queue: QueueId,
    body: [u8; 100],
    /// Delivered and not acked yet.
    held: Vec<LeaseId>,
    now: u64,
    done: usize,
}

impl World {
    fn new(driver: &mut dyn Driver) -> World {
        let recovery = Recovery::begin(driver, 16 << 20).expect("a new log");
        let mut shard = Shard::new(ShardIndex(0), recovery.geometry());
        let log = recovery.replay(|_| Ok::<(), std::fmt::Error>(())).expect("an empty log replays");
        shard.open(log.tail);
        let queue = QueueId::new(ShardIndex(0), 1);
        shard.begin(Time(1));
        shard.open_queue(queue, QueueSettings::default());
        shard.end();
        let (reader, committer) = (log.reader, log.committer);
        World { shard, reader, committer, queue, body: [b'x'; 100], held: Vec::new(), now: 1, done: 0 }
    }

    fn subscribe(&mut self) {
        self.shard.begin(Time(self.now));
        let subscription = Subscription {
            queue: self.queue,
            connection: CONNECTION,
            no_ack: false,
            exclusive: false,
            priority: 0,
            prefetch: 1_000,
            pool: None,
            timeout_ms: None,
        };
        self.shard.subscribe(&subscription).expect("the queue is there");
        self.end();
    }

    /// One turn of a publisher.
    fn publish(&mut self) {
        self.now += 1;
        self.shard.begin(Time(self.now));
        let message = NewMessage {
            exchange: "",
            routing_key: "rate",
            properties: &[0x10, 0, 2],
            body: &self.body,
            traits: Traits { persistent: true, ..Traits::default() },
            deduplication: None,
        };
        for _ in 0..BATCH {
            self.shard.publish(&[self.queue], &message).expect("the log takes it");
        }
        self.end();
    }

    /// The turns of a consumer: acks by hundreds, deliveries written out.
    fn consume(&mut self) {
        let (mut messages, mut bytes) = (0, 0);
        let held = &mut self.held;
        self.shard.take_effects(&mut |_, effects| {
            for effect in effects.iter() {
                if let Effect::Deliver(delivery) = effect {
                    held.push(delivery.lease);
                    messages += 1;
                    bytes += u64::from(delivery.size);
                }
            }
        });
        self.shard.begin(Time(self.now));
        self.shard.written(CONNECTION, messages, bytes);
        let count = self.held.len() / ACKS * ACKS;
        for lease in self.held.drain(..count) {
            self.shard.settle(lease, Settle::Done);
        }
        self.done += count;
        self.end();
    }

    fn end(&mut self) {
        self.shard.end();
        for effect in self.shard.take_system_effects() {
            if let SystemEffect::LoadPage { queue, level, location } = effect {
                let record =
                    self.reader.owned_record(&mut ReadCache::new(), location).expect("it was written");
                self.shard.page_loaded(queue, level, location, &record.payload);
            }
        }
        if let Some(batch) = self.shard.tail().and_then(|tail| tail.take_batch()) {
            self.committer.commit(&batch).expect("memory does not fail");
        }
    }
}

/// A driver that writes nothing, so that the engine alone is measured.
struct Nowhere;

impl Driver for Nowhere {
    fn acquire(&mut self) -> Result<Acquired, LogError> {
        Ok(Acquired {
            geometry: Geometry::DEFAULT,
            tenure: Tenure { log: LogId(1), epoch: 1 },
            checkpoint: None,
            damaged_checkpoints: Vec::new(),
            store: Arc::new(Nowhere),
            writer: Box::new(Nowhere),
        })
    }
}

impl Segments for Nowhere {
    fn segments(&self) -> Result<Vec<SegmentNumber>, LogError> {
        Ok(Vec::new())
    }

    fn read(&self, _at: Position, _buffer: &mut [u8]) -> Result<usize, LogError> {
        Ok(0)
    }

    fn name_of(&self, segment: SegmentNumber) -> String {
        segment.to_string()
    }
}

impl Store for Nowhere {
    fn snapshot(&self, _position: Position, _payload: &[u8]) -> Result<(), LogError> {
        Ok(())
    }

    fn trim(&self, _dead: &[SegmentNumber]) -> Result<(), LogError> {
        Ok(())
    }
}

impl Writer for Nowhere {
    fn resume(&mut self, _end: Position) -> Result<(), LogError> {
        Ok(())
    }

    fn write(&mut self, _batch: &Batch) -> Result<(), LogError> {
        Ok(())
    }
}
