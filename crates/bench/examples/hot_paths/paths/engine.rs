//! Turns of a shard, without a door: 100 messages of 100 bytes are published, then delivered, then settled. Their
//! records go to a log in memory.

use super::HotPath;
use leveret_core::broker::Access;
use leveret_core::message::{NewMessage, Traits};
use leveret_core::shard::{Effect, Settle, Subscription};
use leveret_core::{ConnectionId, LeaseId, QueueId, QueueSettings, ShardIndex};
use leveret_rig::World;

pub(super) const PATHS: &[HotPath] = &[
    HotPath { name: "engine: publish, ack", operations: 10_000, walk: acked },
    HotPath { name: "engine: publish, no ack", operations: 10_000, walk: without_ack },
    HotPath { name: "engine: publish, nack once, ack", operations: 10_000, walk: nacked },
    HotPath {
        name: "engine: publish, nack once, ack, 10 priorities",
        operations: 10_000,
        walk: with_priorities,
    },
    HotPath { name: "engine: publish, ack, 50 groups", operations: 10_000, walk: in_groups },
    HotPath { name: "engine: publish, ack, with a TTL", operations: 10_000, walk: with_ttl },
    HotPath { name: "engine: publish, expire", operations: 10_000, walk: expired },
    HotPath { name: "engine: publish delayed, ack", operations: 10_000, walk: delayed },
    HotPath { name: "engine: publish into a backlog, drain it", operations: 20_000, walk: backlog },
    HotPath { name: "engine: publish to 3 queues, ack", operations: 5_000, walk: fanned_out },
];

const SHARD: ShardIndex = ShardIndex(0);
/// Messages of a turn.
const BATCH: u64 = 100;

fn acked(count: u64) {
    let mut engine = Engine::new(1, QueueSettings::default());
    engine.subscribe(false);
    for _ in 0..count / BATCH {
        engine.publish(|_| Traits::default());
        engine.deliver(BATCH);
        engine.settle(Settle::Done);
    }
}

fn without_ack(count: u64) {
    let mut engine = Engine::new(1, QueueSettings::default());
    engine.subscribe(true);
    for _ in 0..count / BATCH {
        engine.publish(|_| Traits::default());
        engine.deliver(BATCH);
        engine.held.clear();
    }
}

fn nacked(count: u64) {
    let mut engine = Engine::new(1, QueueSettings::default());
    engine.subscribe(false);
    for _ in 0..count / BATCH {
        engine.publish(|_| Traits::default());
        engine.deliver(BATCH);
        engine.settle(Settle::Again);
        engine.deliver(BATCH);
        engine.settle(Settle::Done);
    }
}

fn with_priorities(count: u64) {
    let mut engine = Engine::new(1, QueueSettings { max_priority: 9, ..QueueSettings::default() });
    engine.subscribe(false);
    for _ in 0..count / BATCH {
        engine.publish(|number| Traits { priority: Some((number % 10) as u8), ..Traits::default() });
        engine.deliver(BATCH);
        engine.settle(Settle::Again);
        engine.deliver(BATCH);
        engine.settle(Settle::Done);
    }
}

/// Two messages of each group: the second waits for the ack of the first.
fn in_groups(count: u64) {
    let mut engine = Engine::new(1, QueueSettings { groups: true, ..QueueSettings::default() });
    engine.subscribe(false);
    for _ in 0..count / BATCH {
        engine.publish(|number| Traits { group: Some(1 + number % 50), ..Traits::default() });
        engine.deliver(BATCH / 2);
        engine.settle(Settle::Done);
        engine.deliver(BATCH / 2);
        engine.settle(Settle::Done);
    }
}

fn with_ttl(count: u64) {
    let mut engine =
        Engine::new(1, QueueSettings { message_ttl_ms: Some(60_000), ..QueueSettings::default() });
    engine.subscribe(false);
    for _ in 0..count / BATCH {
        engine.world.now = engine.world.now.plus_ms(1);
        engine.publish(|_| Traits::default());
        engine.deliver(BATCH);
        engine.settle(Settle::Done);
    }
}

fn expired(count: u64) {
    let mut engine = Engine::new(1, QueueSettings { message_ttl_ms: Some(5), ..QueueSettings::default() });
    for _ in 0..count / BATCH {
        engine.publish(|_| Traits::default());
        engine.world.pass(10);
        engine.world.sync();
    }
}

fn delayed(count: u64) {
    let mut engine = Engine::new(1, QueueSettings::default());
    engine.subscribe(false);
    for _ in 0..count / BATCH {
        engine.publish(|_| Traits { delay_ms: Some(5), ..Traits::default() });
        engine.world.pass(10);
        engine.deliver(BATCH);
        engine.settle(Settle::Done);
    }
}

/// Most of it leaves memory as pages, and is read back.
fn backlog(count: u64) {
    let mut engine = Engine::new(1, QueueSettings::default());
    for _ in 0..count / BATCH {
        engine.publish(|_| Traits::default());
        engine.world.housekeep();
    }
    engine.subscribe(false);
    let mut drained = 0;
    while drained < count {
        drained += engine.take_deliveries();
        engine.settle(Settle::Done);
        engine.world.housekeep();
    }
}

fn fanned_out(count: u64) {
    let mut engine = Engine::new(3, QueueSettings::default());
    engine.subscribe(false);
    for _ in 0..count / BATCH {
        engine.publish(|_| Traits::default());
        engine.deliver(3 * BATCH);
        engine.settle(Settle::Done);
    }
}

/// A shard with queues that all get what is published, and one connection that consumes from them.
struct Engine {
    world: World,
    connection: ConnectionId,
    queues: Vec<QueueId>,
    /// Delivered and not settled.
    held: Vec<LeaseId>,
    /// Kept for its memory.
    batches: Vec<(ShardIndex, Vec<Effect>)>,
}

impl Engine {
    fn new(queues: u64, settings: QueueSettings) -> Engine {
        let mut world = World::new();
        let connection = world.next_connection();
        let queues: Vec<_> = (1..=queues).map(|number| QueueId::new(SHARD, number)).collect();
        for queue in &queues {
            world.shard(SHARD).open_queue(*queue, settings.clone());
        }
        world.finish();
        Engine { world, connection, queues, held: Vec::new(), batches: Vec::new() }
    }

    fn subscribe(&mut self, no_ack: bool) {
        for queue in &self.queues {
            let subscription = Subscription {
                queue: *queue,
                connection: self.connection,
                no_ack,
                exclusive: false,
                priority: 0,
                prefetch: 1_000,
                pool: None,
                timeout_ms: None,
            };
            self.world.shard(SHARD).subscribe(&subscription).expect("the queue is there");
        }
        self.world.finish();
    }

    /// One turn of a publisher, which is durable then.
    fn publish(&mut self, traits: impl Fn(u64) -> Traits) {
        let body = [b'x'; 100];
        let shard = self.world.shard(SHARD);
        for number in 0..BATCH {
            let message = NewMessage {
                exchange: "",
                routing_key: "queue",
                // Only a delivery mode, 2.
                properties: &[0x10, 0, 2],
                body: &body,
                traits: Traits { persistent: true, ..traits(number) },
                deduplication: None,
            };
            shard.publish(&self.queues, &message).expect("memory takes it");
        }
        self.world.sync();
    }

    /// Takes so many deliveries, which must be all that there are.
    fn deliver(&mut self, count: u64) {
        assert_eq!(self.take_deliveries(), count);
    }

    /// Takes the deliveries that there are, and says that they are written.
    fn take_deliveries(&mut self) -> u64 {
        self.world.take_mail(self.connection, &mut self.batches);
        let (mut messages, mut bytes) = (0, 0);
        for effect in self.batches.iter().flat_map(|(_, effects)| effects) {
            let Effect::Deliver(delivery) = effect else { continue };
            self.held.push(delivery.lease);
            messages += 1;
            bytes += u64::from(delivery.size);
        }
        self.world.shard(SHARD).written(self.connection, messages, bytes);
        messages
    }

    /// Settles all that was delivered, in one turn.
    fn settle(&mut self, how: Settle) {
        let shard = self.world.shard(SHARD);
        for lease in self.held.drain(..) {
            shard.settle(lease, how);
        }
        self.world.sync();
    }
}
