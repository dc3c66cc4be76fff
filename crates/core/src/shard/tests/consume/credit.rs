//! Credit: prefetch of a consumer, of a channel, and the window of a connection.

use super::*;
use crate::limits::{CONNECTION_WINDOW_BYTES, CONNECTION_WINDOW_MESSAGES};

#[test]
fn prefetch_bounds_what_is_unacked() {
    for (prefetch, expected) in [(1, 1), (10, 10), (0, 50)] {
        let mut rig = Rig::new();
        let queue = rig.queue(QueueSettings::default());
        rig.subscribe(queue, ALICE, prefetch);
        rig.publish(queue, 50);
        let held = rig.deliveries();
        assert_eq!(held.len(), expected);
        rig.settle(&held[0], Settle::Done);
        assert_eq!(rig.deliveries().len(), usize::from(prefetch != 0));
    }
}

#[test]
fn the_consumers_of_a_channel_share_a_pool() {
    let mut rig = Rig::new();
    let queues = [rig.queue(QueueSettings::default()), rig.queue(QueueSettings::default())];
    let pool = rig.turn(|shard| shard.open_pool(3));
    for queue in queues {
        rig.subscribe_with(&Subscription { pool: Some(pool), ..subscription(queue, ALICE) });
        rig.publish(queue, 10);
    }
    let held = rig.deliveries();
    assert_eq!(held.len(), 3);
    rig.settle(&held[0], Settle::Done);
    assert_eq!(rig.deliveries().len(), 1);
    rig.turn(|shard| shard.resize_pool(pool, 7));
    assert_eq!(rig.deliveries().len(), 4);
    rig.turn(|shard| shard.resize_pool(pool, 2));
    rig.settle_all(&held[1..], Settle::Done);
    assert!(rig.deliveries().is_empty(), "seven held, five left: still above the new limit");
    rig.turn(|shard| shard.resize_pool(pool, 0));
    assert_eq!(rig.deliveries().len(), 12);
    rig.turn(|shard| {
        shard.detach(ALICE);
        shard.close_pool(pool);
    });
    rig.check();
}

#[test]
fn consumers_join_a_pool_with_what_they_hold() {
    let mut rig = Rig::new();
    let queues = [rig.queue(QueueSettings::default()), rig.queue(QueueSettings::default())];
    let consumers = queues.map(|queue| rig.subscribe(queue, ALICE, 2));
    let outside = rig.subscribe(queues[0], BOB, 1);
    queues.iter().for_each(|queue| rig.publish(*queue, 20));
    let held: Vec<_> = rig.deliveries().into_iter().filter(|held| held.consumer != outside).collect();
    assert_eq!(held.len(), 4);
    let pool = rig.turn(|shard| {
        let pool = shard.open_pool(3);
        let gone = ConsumerId { slot: 99, generation: 0 };
        shard.join_pool(pool, &[consumers[0], consumers[1], gone]);
        // Once is enough.
        shard.join_pool(pool, &consumers);
        pool
    });
    rig.settle(&held[0], Settle::Done);
    assert!(rig.deliveries().is_empty(), "three are held, which is the limit");
    rig.settle_all(&held[1..], Settle::Done);
    assert_eq!(rig.deliveries().len(), 3, "two for one and one for the other, though each may have two");
    rig.turn(|shard| shard.resize_pool(pool, 4));
    assert_eq!(rig.deliveries().len(), 1);
    rig.check();
}

#[test]
fn both_the_pool_and_the_consumer_must_have_credit() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    let pool = rig.turn(|shard| shard.open_pool(5));
    let [first, second] = [(2, ALICE), (0, ALICE)].map(|(prefetch, connection)| {
        rig.subscribe_with(&Subscription { prefetch, pool: Some(pool), ..subscription(queue, connection) })
    });
    rig.publish(queue, 20);
    let held = rig.deliveries();
    let of = |held: &[Delivery], id| held.iter().filter(|d| d.consumer == id).copied().collect::<Vec<_>>();
    assert_eq!((of(&held, first).len(), of(&held, second).len()), (2, 3));
    rig.settle(&of(&held, second)[0], Settle::Done);
    let next = rig.deliveries();
    assert_eq!((of(&next, first).len(), of(&next, second).len()), (0, 1));
    rig.settle(&of(&held, first)[0], Settle::Done);
    assert_eq!(rig.deliveries().len(), 1);
}

#[test]
fn a_connection_that_does_not_write_gets_a_window_and_no_more() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.writes = false;
    rig.subscribe_with(&Subscription { no_ack: true, ..subscription(queue, ALICE) });
    rig.publish(queue, 2 * CONNECTION_WINDOW_MESSAGES as u64);
    assert_eq!(rig.delivered().len() as i64, CONNECTION_WINDOW_MESSAGES);
    rig.turn(|shard| shard.written(ALICE, 100, 4_000));
    assert_eq!(rig.delivered().len(), 100);
    rig.subscribe_with(&Subscription { no_ack: true, ..subscription(queue, BOB) });
    assert_eq!(rig.delivered().len() as i64, CONNECTION_WINDOW_MESSAGES - 100, "others get the rest");
    rig.check();
}

#[test]
fn the_window_counts_bytes_too() {
    let mut rig = Rig::with_segments(1 << 20);
    let queue = rig.queue(QueueSettings::default());
    let body = vec![0; 300_000];
    let message = NewMessage {
        exchange: "",
        routing_key: "",
        properties: &[0, 0],
        body: &body,
        traits: Traits::default(),
        deduplication: None,
    };
    rig.writes = false;
    rig.subscribe(queue, ALICE, 0);
    for _ in 0..10 {
        rig.turn(|shard| shard.publish(&[queue], &message)).unwrap();
    }
    let expected = CONNECTION_WINDOW_BYTES as usize / body.len() + 1;
    assert_eq!(rig.deliveries().len(), expected, "one more message may exceed the window");
    rig.turn(|shard| shard.written(ALICE, 2, 600_000));
    assert_eq!(rig.deliveries().len(), 2);
}
