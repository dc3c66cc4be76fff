//! Seeded random commands against every kind of queue, with crashes, checkpoints and relocations in between.
//! A seed that fails stays here as a test of its own.

use super::*;
use crate::limits::DEDUPLICATION_MS;
use crate::shard::{Receipt, Receive};
use crate::{DeduplicationScope, DelayedRetry, Overflow, Period, Redrive, RetryOn};
use std::collections::BTreeMap;

/// A generator that is the same everywhere (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// One run: the rig, what is held, and what is known of every message of the queues that lose none.
struct Run {
    rig: Rig,
    random: Random,
    ids: Vec<QueueId>,
    held: Vec<Delivery>,
    consumers: Vec<(ConnectionId, ConsumerId)>,
    /// Receipts, good or stale.
    receipts: Vec<(QueueId, Receipt)>,
    pool: PoolId,
    /// Messages of the first queue (which drops nothing by itself): stored and not yet settled for good.
    owed: BTreeMap<u64, ()>,
}

fn queue_kinds() -> Vec<QueueSettings> {
    let base = QueueSettings { delivery_limit: None, ..QueueSettings::default() };
    let limited = QueueSettings { delivery_limit: Some(2), ..base.clone() };
    vec![
        base.clone(),
        QueueSettings { max_priority: 3, dead_letter: dead_letters(), ..limited.clone() },
        QueueSettings { groups: true, ..limited.clone() },
        QueueSettings { message_ttl_ms: Some(300), dead_letter: dead_letters(), ..base.clone() },
        QueueSettings { max_length: Some(200), ..base.clone() },
        QueueSettings {
            max_length_bytes: Some(6_000),
            overflow: Overflow::RejectPublishDlx,
            dead_letter: dead_letters(),
            ..base.clone()
        },
        QueueSettings {
            delayed_retry: Some(DelayedRetry { on: RetryOn::All, min_ms: 20, max_ms: 90 }),
            consumer_timeout_ms: Some(400),
            ..limited
        },
        QueueSettings { single_active_consumer: true, active_by_priority: true, ..base.clone() },
        QueueSettings {
            fair: true,
            redrive: Some(Redrive { queue: "dead".into(), max_receives: 3 }),
            ..base.clone()
        },
        QueueSettings {
            groups: true,
            delay: Period { ms: 20, first_ms: 50 },
            retention: Some(Period { ms: 3_000, first_ms: 2_000 }),
            redrive: Some(Redrive { queue: "dead".into(), max_receives: 2 }),
            deduplicate: Some(DeduplicationScope::Group),
            ..base
        },
    ]
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut rig = Rig::with_segments(16 << 10);
        let ids = queue_kinds().into_iter().map(|settings| rig.queue(settings)).collect();
        let pool = rig.turn(|shard| shard.open_pool(30));
        let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Run {
            rig,
            random,
            ids,
            held: Vec::new(),
            consumers: Vec::new(),
            receipts: Vec::new(),
            pool,
            owed: BTreeMap::new(),
        }
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..20 => self.publish(),
            20..26 => self.publish_run(),
            26..30 => self.receive(),
            30..60 => self.settle(),
            60..68 => self.subscribe(),
            68..72 => self.unsubscribe(),
            72..74 => self.get(),
            74..76 => self.use_receipts(),
            76..84 => {
                // Now and then so long that duplicates are forgotten.
                let long = self.random.one_in(40);
                let ms = if long { DEDUPLICATION_MS } else { self.random.below(120) };
                self.rig.pass(ms);
            }
            84..90 => self.transfer(),
            90..92 => self.rig.checkpoint(),
            92..94 => self.relocate(),
            94..95 => self.purge(),
            95..96 => self.unpark(),
            96..97 => {
                let limit = self.random.below(50) as u16;
                self.rig.turn(|shard| shard.resize_pool(self.pool, limit));
            }
            97..98 => self.rig.loads_pages = !self.rig.loads_pages,
            98..99 => {
                self.rig.delete_dead();
            }
            _ => self.crash(),
        }
        self.take_deliveries();
    }

    fn publish(&mut self) {
        let count = if self.random.one_in(5) { self.random.below(300) } else { self.random.below(12) };
        let mut batch = Vec::new();
        for _ in 0..count {
            let serial = self.rig.next_serial;
            self.rig.next_serial += 1;
            let first = self.random.pick(&self.ids);
            let mut queues = vec![first];
            if self.random.one_in(4) {
                queues.push(self.random.pick(&self.ids));
                queues.sort_unstable();
                queues.dedup();
            }
            let delayed = self.random.one_in(10);
            let traits = Traits {
                persistent: true,
                priority: self.random.one_in(2).then(|| self.random.below(6) as u8),
                expiration_ms: (self.random.one_in(10) && !queues.contains(&self.ids[0]))
                    .then(|| self.random.below(200)),
                delay_ms: delayed.then(|| self.random.below(300)),
                group: (!self.random.one_in(4)).then(|| 1 + self.random.below(5)),
                sent_at: None,
            };
            if queues.contains(&self.ids[0]) {
                self.owed.insert(serial, ());
            }
            let key = self.random.one_in(2).then(|| u128::from(self.random.below(500)));
            batch.push((queues, serial, traits, key));
        }
        self.rig.turn(|shard| {
            batch.iter().for_each(|(queues, serial, traits, key)| {
                put_once(shard, queues, *serial, *traits, *key);
            })
        });
    }

    /// A run, or, where a queue has to look at each message, the same messages one by one.
    fn publish_run(&mut self) {
        let first = self.rig.next_serial;
        self.rig.next_serial += self.random.below(100);
        let serials = first..self.rig.next_serial;
        let mut queues = vec![self.random.pick(&self.ids), self.random.pick(&self.ids)];
        queues.sort_unstable();
        queues.dedup();
        let traits = Traits {
            persistent: true,
            priority: self.random.one_in(2).then(|| self.random.below(6) as u8),
            group: self.random.one_in(2).then(|| 1 + self.random.below(5)),
            ..Traits::default()
        };
        if queues.contains(&self.ids[0]) {
            self.owed.extend(serials.clone().map(|serial| (serial, ())));
        }
        self.rig.turn(|shard| match put_run(shard, &queues, serials.clone(), traits) {
            Some(stored) => assert_eq!(stored.count, serials.end - serials.start),
            None => serials.for_each(|serial| {
                put(shard, &queues, serial, traits);
            }),
        });
    }

    fn settle(&mut self) {
        let mut turn = Vec::new();
        for _ in 0..self.random.below(40) {
            if self.held.is_empty() {
                break;
            }
            let index = if self.random.one_in(3) { self.random.below(self.held.len() as u64) } else { 0 };
            let delivery = self.held.remove(index as usize);
            let how = match self.random.below(10) {
                0 => Settle::Again,
                1 => Settle::Untouched,
                2 if delivery.queue != self.ids[0] => Settle::Never,
                _ => Settle::Done,
            };
            turn.push((delivery, how));
        }
        for (delivery, how) in &turn {
            if delivery.queue == self.ids[0] && *how == Settle::Done {
                let serial = self.rig.serial_at(self.rig.shard.space.location(delivery.position));
                assert!(self.owed.remove(&serial).is_some(), "message {serial} was done twice");
            }
        }
        // A lease with a deadline may have ended.
        self.rig.turn(|shard| {
            for alike in turn.chunk_by(|(_, a), (_, b)| a == b) {
                match alike[0].1 {
                    Settle::Done => shard.settle_done(alike.iter().map(|(delivery, _)| delivery.lease)),
                    how => alike.iter().for_each(|(delivery, _)| {
                        shard.settle(delivery.lease, how);
                    }),
                }
            }
        });
    }

    fn subscribe(&mut self) {
        let queue = self.random.pick(&self.ids);
        let connection = self.random.pick(&[ALICE, BOB]);
        let subscription = Subscription {
            priority: self.random.below(3) as i32,
            prefetch: self.random.below(60) as u16,
            // What is settled as it is delivered cannot be owed.
            no_ack: queue != self.ids[0] && self.random.one_in(6),
            pool: self.random.one_in(3).then_some(self.pool),
            ..subscription(queue, connection)
        };
        if self.consumers.len() < 12 {
            let id = self.rig.subscribe_with(&subscription);
            self.consumers.push((connection, id));
        }
    }

    fn unsubscribe(&mut self) {
        if self.consumers.is_empty() {
            return;
        }
        let index = self.random.below(self.consumers.len() as u64) as usize;
        let (connection, id) = self.consumers.remove(index);
        if self.random.one_in(3) {
            self.rig.turn(|shard| shard.detach(connection));
            self.consumers.retain(|(of, _)| *of != connection);
        } else {
            self.rig.turn(|shard| shard.unsubscribe(id));
        }
    }

    fn get(&mut self) {
        let queue = self.random.pick(&self.ids);
        if let Some((delivery, _)) = self.rig.turn(|shard| shard.get(queue, false)) {
            self.held.push(delivery);
        }
    }

    /// The first queue owes every message until it is settled through its lease, so nothing is received from it.
    fn receive(&mut self) {
        let queue = self.random.pick(&self.ids[1..]);
        let visibility_ms = Some(self.random.below(300));
        let attempt = self.random.one_in(4).then(|| u128::from(self.random.below(3)));
        let receive = Receive { queue, max: 1 + self.random.below(10) as u32, visibility_ms, attempt };
        let mut received = Vec::new();
        self.rig.turn(|shard| shard.receive(&receive, &mut received)).unwrap();
        self.receipts.extend(received.iter().map(|received| (queue, received.receipt)));
    }

    fn use_receipts(&mut self) {
        for _ in 0..self.random.below(30) {
            if self.receipts.is_empty() {
                return;
            }
            let index = self.random.below(self.receipts.len() as u64) as usize;
            let (queue, receipt) = self.receipts.swap_remove(index);
            // Both may find that the lease has ended, which must harm nothing.
            if self.random.one_in(3) {
                let ms = self.random.below(200);
                let _late = self.rig.turn(|shard| shard.extend(queue, receipt, ms, 400));
                self.receipts.push((queue, receipt));
            } else {
                let _late = self.rig.turn(|shard| shard.delete(queue, receipt));
            }
        }
    }

    fn transfer(&mut self) {
        let dead = std::mem::take(&mut self.rig.dead);
        for dead in dead {
            // It may have moved since it died, and its old place is gone.
            self.rig.serial_at(self.rig.shard.space.location(dead.position));
            let how = self.random.pick(&[
                Transfer::Arrived,
                Transfer::Arrived,
                Transfer::NoTarget,
                Transfer::Refused,
            ]);
            self.rig.turn(|shard| shard.transferred(dead.queue, dead.position, how));
        }
        if self.random.one_in(3) {
            self.rig.turn(Shard::retry_transfers);
        }
    }

    fn relocate(&mut self) {
        let last = self.rig.shard.space.segment_of(self.rig.shard.position());
        let segment = self.random.below(last + 1);
        self.rig.relocate(segment);
        if self.random.one_in(3) {
            self.rig.check();
        }
    }

    fn purge(&mut self) {
        let queue = self.random.pick(&self.ids[1..]);
        let held_too = self.random.one_in(2);
        self.rig.turn(|shard| if held_too { shard.purge_all(queue) } else { shard.purge(queue) });
    }

    fn unpark(&mut self) {
        let queue = self.random.pick(&self.ids);
        self.rig.turn(|shard| shard.unpark(queue));
    }

    fn crash(&mut self) {
        self.rig.crash();
        self.held.clear();
        self.consumers.clear();
        self.pool = self.rig.turn(|shard| shard.open_pool(30));
    }

    fn take_deliveries(&mut self) {
        let deliveries = self.rig.deliveries();
        for delivery in &deliveries {
            if delivery.lease != LeaseId::NONE {
                self.held.push(*delivery);
            }
        }
        self.rig.effects.clear();
    }

    /// Takes everything that is left: nothing that is owed may be missing.
    fn drain(&mut self) {
        self.rig.loads_pages = true;
        self.crash();
        self.rig.pass(1_000);
        let first = self.ids[0];
        self.rig.subscribe(first, ALICE, 0);
        loop {
            let held = self.rig.deliveries();
            if held.is_empty() {
                break;
            }
            for serial in self.rig.serials(&held) {
                assert!(self.owed.remove(&serial).is_some());
            }
            self.rig.settle_all(&held, Settle::Done);
        }
        assert!(self.owed.is_empty(), "lost: {:?}", self.owed.keys().take(10).collect::<Vec<_>>());
        for queue in self.ids.clone() {
            self.rig.turn(|shard| shard.drop_queue(queue));
        }
        assert_eq!(self.rig.shard.live_bytes(), 0);
        self.rig.queues.clear();
        self.rig.check();
    }
}

fn run(seed: u64, steps: u64) {
    let mut run = Run::new(seed);
    for step in 0..steps {
        run.step();
        if step % 25 == 0 {
            run.rig.check();
        }
    }
    run.drain();
}

#[test]
fn random_commands_lose_nothing_and_replay_to_the_same_state() {
    let seeds: u64 = std::env::var("SHARD_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(20);
    for seed in 0..seeds {
        println!("seed {seed}");
        run(seed, 400);
    }
}
