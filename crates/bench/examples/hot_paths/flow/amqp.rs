//! Over AMQP: publishers send, consumers get and settle, bytes in and bytes out.

use super::World;
use super::end::{CHANNEL, End};
use leveret_amqp::codec::method::{Arguments, basic, confirm, queue};
use leveret_amqp::codec::write_content;
use leveret_core::limits::FRAME_BYTES;
use leveret_core::wire::{Properties, RawTable};

/// What flows, and how.
#[derive(Clone, Copy)]
pub(crate) struct AmqpKind {
    /// Queues, each with a publisher and a consumer of its own.
    pub(crate) queues: u64,
    /// Bytes of a body.
    pub(crate) body_bytes: usize,
    /// Queues and messages survive a restart.
    pub(crate) durable: bool,
    /// Publishers ask for confirms.
    pub(crate) confirms: bool,
    /// How consumers settle.
    pub(crate) acks: Acks,
    /// Messages that a publisher sends in one go, and the broker handles in one turn.
    pub(crate) turn: u64,
}

/// How consumers settle what they get.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acks {
    /// Not at all: the deliveries need none.
    None,
    /// Each message for itself.
    Each,
    /// So many at once, which must divide what flows through each queue in a turn.
    Every(u64),
}

/// The broker with its clients.
pub(crate) struct AmqpFlow {
    kind: AmqpKind,
    world: World,
    pairs: Vec<Pair>,
}

/// A queue with its publisher and its consumer.
struct Pair {
    publisher: End,
    consumer: End,
    /// What the publisher sends in a turn.
    publishes: Vec<u8>,
    /// What the consumer sends; kept for its memory.
    acks: Vec<u8>,
    acked: u64,
}

impl AmqpFlow {
    /// A broker whose clients are connected and have sent nothing yet.
    pub(crate) fn new(kind: AmqpKind) -> AmqpFlow {
        let mut world = World::new();
        let pairs = (0..kind.queues).map(|number| Pair::new(&mut world, &kind, &format!("q{number}")));
        let pairs = pairs.collect();
        AmqpFlow { kind, world, pairs }
    }

    /// Lets so many messages flow, a multiple of [`AmqpFlow::round`]: each is published, confirmed if that was asked
    /// for, delivered and settled.
    pub(crate) fn run(&mut self, messages: u64) {
        assert_eq!(messages % self.round(), 0, "whole rounds");
        for _ in 0..messages / self.round() {
            for pair in &mut self.pairs {
                pair.publisher.say(&mut self.world, &pair.publishes);
            }
            self.world.sync();
            for pair in &mut self.pairs {
                pair.publisher.hear(&mut self.world);
                pair.consume(&mut self.world, &self.kind);
            }
        }
        self.check();
    }

    /// How many messages there are in a round: a turn of each publisher.
    pub(crate) fn round(&self) -> u64 {
        self.kind.queues * self.kind.turn
    }

    /// What was published has arrived, and nothing is left.
    fn check(&mut self) {
        self.world.sync();
        assert_eq!(self.world.leases(), 0, "all is settled");
        for (number, pair) in self.pairs.iter().enumerate() {
            assert_eq!(self.world.ready(&format!("q{number}")), 0, "all is delivered");
            let consumer = &pair.consumer;
            assert!(consumer.heard_bytes > consumer.deliveries * self.kind.body_bytes as u64);
            assert_eq!(pair.acked, if self.kind.acks == Acks::None { 0 } else { consumer.deliveries });
        }
    }
}

impl Pair {
    fn new(world: &mut World, kind: &AmqpKind, name: &str) -> Pair {
        let (mut publisher, mut consumer) = (End::open(world), End::open(world));
        consumer.call(
            world,
            CHANNEL,
            &queue::Declare {
                ticket: 0,
                queue: name,
                passive: false,
                durable: kind.durable,
                exclusive: false,
                auto_delete: false,
                nowait: false,
                arguments: RawTable::default(),
            },
        );
        let qos = basic::Qos { prefetch_size: 0, prefetch_count: 1000, global: false };
        consumer.call(world, CHANNEL, &qos);
        consumer.call(
            world,
            CHANNEL,
            &basic::Consume {
                ticket: 0,
                queue: name,
                consumer_tag: "consumer",
                no_local: false,
                no_ack: kind.acks == Acks::None,
                exclusive: false,
                nowait: false,
                arguments: RawTable::default(),
            },
        );
        if kind.confirms {
            publisher.call(world, CHANNEL, &confirm::Select { nowait: false });
        }
        let publishes = publishes(kind.turn, name, kind.durable, kind.body_bytes);
        Pair { publisher, consumer, publishes, acks: Vec::new(), acked: 0 }
    }

    /// The consumer takes what there is for it, and settles it.
    fn consume(&mut self, world: &mut World, kind: &AmqpKind) {
        self.consumer.hear(world);
        let step = match kind.acks {
            Acks::None => return,
            Acks::Each => 1,
            Acks::Every(messages) => messages,
        };
        self.acks.clear();
        while self.acked + step <= self.consumer.deliveries {
            self.acked += step;
            let ack = basic::Ack { delivery_tag: self.acked, multiple: step > 1 };
            ack.write_frame(CHANNEL, &mut self.acks);
        }
        self.consumer.say(world, &self.acks);
    }
}

/// The bytes of so many publishes to a queue through the default exchange.
pub(crate) fn publishes(count: u64, queue: &str, persistent: bool, body_bytes: usize) -> Vec<u8> {
    let mut properties = Vec::new();
    let delivery_mode = Some(if persistent { 2 } else { 1 });
    Properties { delivery_mode, ..Properties::default() }
        .encode(&mut properties)
        .expect("one small property is within the bounds");
    let method =
        basic::Publish { ticket: 0, exchange: "", routing_key: queue, mandatory: false, immediate: false };
    let body = vec![b'x'; body_bytes];
    let mut bytes = Vec::new();
    for _ in 0..count {
        write_content(&mut bytes, CHANNEL, FRAME_BYTES as u32, &method, &properties, &body);
    }
    bytes
}
