//! Runs: many messages are stored, handed out and settled as each would be alone.

use super::*;
use crate::limits::{PAGE_ENTRIES, READY_HEAD_ENTRIES};
use crate::{Overflow, Period};

/// Messages of a run: more than what stays in memory of a queue.
const MANY: u64 = (READY_HEAD_ENTRIES + 5 * PAGE_ENTRIES) as u64;

fn kinds() -> Vec<QueueSettings> {
    let base = QueueSettings::default();
    vec![
        base.clone(),
        QueueSettings { max_priority: 3, ..base.clone() },
        QueueSettings { groups: true, ..base.clone() },
        QueueSettings { fair: true, ..base.clone() },
        QueueSettings { message_ttl_ms: Some(300), durable: false, ..base.clone() },
        QueueSettings { retention: Some(Period { ms: 3_000, first_ms: 2_000 }), ..base.clone() },
        QueueSettings { max_length: Some(20), overflow: Overflow::DropHead, ..base },
    ]
}

#[test]
fn a_run_is_stored_as_its_messages_would_be() {
    let plain = Traits { persistent: true, ..Traits::default() };
    let all = [
        plain,
        Traits { priority: Some(2), group: Some(7), ..plain },
        Traits { expiration_ms: Some(50), ..plain },
    ];
    for traits in all {
        let (mut alone, mut together) = (Rig::new(), Rig::new());
        for settings in kinds() {
            alone.queue(settings.clone());
            together.queue(settings);
        }
        let mut ids: Vec<_> = alone.queues.iter().map(|(id, _)| *id).collect();
        let mut ways: Vec<Vec<_>> = ids.iter().map(|id| vec![*id]).collect();
        ids.push(QueueId::new(ShardIndex(0), 99));
        ways.push(ids);
        for (index, queues) in ways.iter().enumerate() {
            let serials = index as u64 * MANY..(index as u64 + 1) * MANY;
            let last = alone
                .turn(|shard| serials.clone().map(|serial| put(shard, queues, serial, traits)).last())
                .unwrap();
            let stored = together.turn(|shard| put_run(shard, queues, serials, traits)).unwrap();
            assert_eq!((stored.count, stored.durable), (MANY, last.durable));
            for (id, _) in &alone.queues {
                assert_eq!(alone.stats(*id), together.stats(*id), "{queues:?} {traits:?}");
            }
            assert_eq!(alone.shard.live_bytes(), together.shard.live_bytes());
        }
        together.check();
        for (id, _) in alone.queues.clone() {
            alone.subscribe(id, ALICE, 0);
            together.subscribe(id, ALICE, 0);
            assert_eq!(alone.delivered(), together.delivered(), "{id:?} {traits:?}");
        }
        together.crash();
    }
}

#[test]
fn a_queue_that_looks_at_each_message_takes_no_run() {
    let mut rig = Rig::new();
    let plain = rig.queue(QueueSettings::default());
    let full = QueueSettings { max_length: Some(5), overflow: Overflow::RejectPublish, ..kinds()[0].clone() };
    let full = rig.queue(full);
    let late = rig.queue(QueueSettings { delay: Period { ms: 20, first_ms: 20 }, ..kinds()[0].clone() });
    let gone = QueueId::new(ShardIndex(0), 99);
    let at_once = Traits::default();
    let later = Traits { delay_ms: Some(10), ..at_once };
    for (queues, traits) in
        [(vec![full], at_once), (vec![plain, full], at_once), (vec![late], at_once), (vec![plain], later)]
    {
        assert_eq!(rig.turn(|shard| put_run(shard, &queues, 0..9, traits)), None, "{queues:?} {traits:?}");
    }
    assert_eq!(rig.turn(|shard| put_run(shard, &[gone], 0..9, at_once)), None);
    assert_eq!((rig.stats(plain).counters.published, rig.shard.live_bytes()), (0, 0));
    let spread = Traits { delay_ms: Some(0), ..at_once };
    assert!(rig.turn(|shard| put_run(shard, &[late, plain], 0..9, spread)).is_some());
    assert_eq!((rig.stats(plain).ready, rig.stats(late).ready), (9, 9));
}

#[test]
fn a_run_ends_before_a_message_that_the_log_refuses() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    let bodies = [vec![1; 100], vec![2; 3_000], vec![3; SEGMENT_BYTES as usize], vec![4; 100]];
    let alike = Alike { exchange: "e", routing_key: "q", traits: Traits::default() };
    let contents = bodies.iter().map(|body| Contents { properties: &[0, 0], body });
    let stored = rig.turn(|shard| shard.publish_run(&[queue], &alike, contents)).unwrap();
    assert_eq!(stored.count, 2);
    assert_eq!(stored.durable_at, rig.shard.position());
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).ready_bytes), (2, 3_100));
    rig.check();
}

#[test]
fn leases_of_several_holders_end_together() {
    let mut rig = Rig::new();
    let grouped = rig.queue(QueueSettings { groups: true, ..QueueSettings::default() });
    let plain = rig.queue(QueueSettings::default());
    let pool = rig.turn(|shard| shard.open_pool(4));
    rig.subscribe_with(&Subscription { pool: Some(pool), ..subscription(plain, ALICE) });
    rig.subscribe(plain, BOB, 3);
    rig.subscribe(grouped, BOB, 0);
    for _ in 0..3 {
        rig.publish_with(&[grouped], Traits { group: Some(1), ..Traits::default() });
    }
    rig.publish(plain, 20);
    let held = rig.deliveries();
    assert_eq!(held.len(), 1 + 4 + 3, "credit, the common credit, and one of the group");
    rig.settle(&held[2], Settle::Done);
    // It is settled already, and passed over; each of the others gives its credit back.
    rig.turn(|shard| shard.settle_done(held.iter().map(|delivery| delivery.lease)));
    assert_eq!(rig.deliveries().len(), held.len());
    assert_eq!(rig.stats(plain).counters.acked, 7);
    assert_eq!(rig.stats(grouped).counters.acked, 1);
    rig.crash();
    assert_eq!((rig.stats(plain).ready, rig.stats(grouped).ready), (13, 2));
}
