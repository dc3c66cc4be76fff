//! Who gets the next message: fairness, priorities, single active consumers, and how consumers end.

use super::*;
use crate::Cause;

/// How many of the deliveries went to each of these consumers.
fn shares(deliveries: &[Delivery], consumers: &[ConsumerId]) -> Vec<usize> {
    consumers.iter().map(|id| deliveries.iter().filter(|delivery| delivery.consumer == *id).count()).collect()
}

#[test]
fn equals_take_turns() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    let ids = [ALICE, ALICE, BOB].map(|connection| rig.subscribe(queue, connection, 0));
    rig.publish(queue, 30);
    let mut held = rig.deliveries();
    assert_eq!(shares(&held, &ids), [10, 10, 10]);
    // The effects of a turn come connection by connection.
    held.sort_unstable_by_key(|delivery| delivery.position);
    let order: Vec<ConsumerId> = held.iter().map(|delivery| delivery.consumer).collect();
    assert!(order.chunks(3).all(|round| round == ids), "{order:?}");
}

#[test]
fn a_slow_consumer_gets_what_its_credit_allows() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    let ids =
        [(ALICE, 1), (BOB, 10)].map(|(connection, prefetch)| rig.subscribe(queue, connection, prefetch));
    rig.publish(queue, 40);
    let held = rig.deliveries();
    assert_eq!(shares(&held, &ids), [1, 10]);
    let slow = held.iter().find(|delivery| delivery.consumer == ids[0]).copied().unwrap();
    rig.settle(&slow, Settle::Done);
    assert_eq!(shares(&rig.deliveries(), &ids), [1, 0]);
    rig.check();
}

#[test]
fn higher_priorities_are_served_while_they_have_credit() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    let ids = [(-1, 0), (7, 2), (7, 3), (0, 1)].map(|(priority, prefetch)| {
        rig.subscribe_with(&Subscription { priority, prefetch, ..subscription(queue, ALICE) })
    });
    rig.publish(queue, 4);
    assert_eq!(shares(&rig.deliveries(), &ids), [0, 2, 2, 0]);
    rig.publish(queue, 6);
    let held = rig.deliveries();
    assert_eq!(shares(&held, &ids), [4, 0, 1, 1]);
    let first = held.iter().find(|delivery| delivery.consumer == ids[2]).copied().unwrap();
    rig.settle(&first, Settle::Done);
    rig.publish(queue, 1);
    assert_eq!(shares(&rig.deliveries(), &ids), [0, 0, 1, 0]);
    rig.turn(|shard| shard.unsubscribe(ids[2]));
    rig.publish(queue, 1);
    assert_eq!(shares(&rig.deliveries(), &ids), [1, 0, 0, 0]);
}

#[test]
fn the_first_of_single_active_consumers_stays() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { single_active_consumer: true, ..QueueSettings::default() });
    let ids = [0, 9, 5].map(|priority| {
        rig.subscribe_with(&Subscription { priority, prefetch: 2, ..subscription(queue, ALICE) })
    });
    rig.publish(queue, 10);
    let held = rig.deliveries();
    assert_eq!(shares(&held, &ids), [2, 0, 0]);
    let active: Vec<bool> = rig.shard.consumers_of(queue).iter().map(|info| info.active).collect();
    assert_eq!(active, [true, false, false]);
    rig.settle_all(&held, Settle::Done);
    assert_eq!(shares(&rig.deliveries(), &ids), [2, 0, 0]);
    rig.turn(|shard| shard.unsubscribe(ids[0]));
    assert_eq!(shares(&rig.deliveries(), &ids), [0, 2, 0]);
    rig.turn(|shard| shard.unsubscribe(ids[2]));
    rig.check();
}

/// RabbitMQ's quorum queues: the new one waits until the old one holds nothing, and the old one gets nothing more.
#[test]
fn a_higher_priority_takes_over_when_the_active_one_is_idle() {
    let mut rig = Rig::new();
    let settings =
        QueueSettings { single_active_consumer: true, active_by_priority: true, ..QueueSettings::default() };
    let queue = rig.queue(settings);
    let low = rig.subscribe(queue, ALICE, 0);
    rig.publish(queue, 2);
    let held = rig.deliveries();
    let high = rig.subscribe_with(&Subscription { priority: 1, prefetch: 3, ..subscription(queue, BOB) });
    rig.publish(queue, 8);
    assert!(rig.deliveries().is_empty());
    rig.settle(&held[0], Settle::Done);
    assert!(rig.deliveries().is_empty());
    rig.settle(&held[1], Settle::Done);
    let taken = rig.deliveries();
    assert_eq!(shares(&taken, &[low, high]), [0, 3]);
    rig.turn(|shard| shard.unsubscribe(high));
    assert_eq!(shares(&rig.deliveries(), &[low, high]), [5, 0], "the old one has all of its credit back");
    rig.check();
}

#[test]
fn a_better_one_that_leaves_again_does_not_hold_up_the_active_one() {
    let mut rig = Rig::new();
    let settings =
        QueueSettings { single_active_consumer: true, active_by_priority: true, ..QueueSettings::default() };
    let queue = rig.queue(settings);
    let low = rig.subscribe(queue, ALICE, 2);
    rig.publish(queue, 5);
    let held = rig.deliveries();
    let high = rig.subscribe_with(&Subscription { priority: 1, ..subscription(queue, BOB) });
    rig.settle(&held[0], Settle::Done);
    assert!(rig.deliveries().is_empty());
    rig.turn(|shard| shard.unsubscribe(high));
    assert_eq!(shares(&rig.deliveries(), &[low]), [1]);
    rig.settle(&held[1], Settle::Done);
    assert_eq!(shares(&rig.deliveries(), &[low]), [1]);
}

#[test]
fn an_exclusive_consumer_is_alone() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    let exclusive = Subscription { exclusive: true, ..subscription(queue, ALICE) };
    let first = rig.subscribe(queue, BOB, 0);
    let refused = rig.turn(|shard| shard.subscribe(&exclusive)).unwrap_err();
    assert_eq!(refused.cause, Cause::AccessRefused);
    rig.turn(|shard| shard.unsubscribe(first));
    let id = rig.subscribe_with(&exclusive);
    let refused = rig.turn(|shard| shard.subscribe(&subscription(queue, BOB))).unwrap_err();
    assert_eq!(refused.cause, Cause::AccessRefused);
    rig.turn(|shard| shard.unsubscribe(id));
    rig.subscribe(queue, BOB, 0);
    let unknown = rig.turn(|shard| shard.subscribe(&subscription(QueueId(77), BOB))).unwrap_err();
    assert_eq!(unknown.cause, Cause::NotFound);
}

#[test]
fn a_cancelled_consumer_keeps_its_leases() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    let id = rig.subscribe(queue, ALICE, 0);
    rig.publish(queue, 3);
    let held = rig.deliveries();
    rig.turn(|shard| shard.unsubscribe(id));
    rig.publish(queue, 1);
    assert!(rig.deliveries().is_empty());
    assert_eq!(rig.stats(queue).leased, 3);
    rig.settle_all(&held, Settle::Done);
    rig.check();
}

#[test]
fn a_consumer_that_holds_too_long_is_cancelled() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { consumer_timeout_ms: Some(100), ..QueueSettings::default() });
    let slow = rig.subscribe(queue, ALICE, 1);
    rig.publish(queue, 2);
    let held = rig.deliveries();
    assert_eq!(rig.shard.next_wake(), Some(rig.now.plus_ms(100)));
    rig.pass(99);
    assert!(rig.effects.is_empty());
    rig.pass(1);
    let reason = CancelReason::Timeout;
    let expected = [
        (ALICE, Effect::LeaseExpired { lease: held[0].lease, consumer: slow }),
        (ALICE, Effect::ConsumerCancelled { consumer: slow, reason }),
    ];
    assert_eq!(rig.effects, expected);
    assert!(!rig.settle(&held[0], Settle::Done), "too late");
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).counters.leases_expired), (2, 1));
    let patient = Subscription { timeout_ms: Some(1_000), ..subscription(queue, BOB) };
    rig.subscribe_with(&patient);
    let held = rig.deliveries();
    assert_eq!((held[0].failures, held[0].position), (1, held[0].position));
    rig.pass(999);
    rig.settle_all(&held, Settle::Done);
    assert_eq!(rig.shard.next_wake(), None);
    rig.check();
}

#[test]
fn the_last_consumer_of_an_auto_delete_queue_takes_it_along() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { auto_delete: true, ..QueueSettings::default() });
    let ids = [ALICE, BOB].map(|connection| rig.subscribe(queue, connection, 0));
    rig.turn(|shard| shard.unsubscribe(ids[0]));
    assert!(rig.unused.is_empty());
    rig.turn(|shard| shard.unsubscribe(ids[1]));
    assert_eq!(rig.unused, [queue]);
}

#[test]
fn a_connection_that_goes_takes_its_consumers_along() {
    let mut rig = Rig::new();
    let queues = [rig.queue(QueueSettings::default()), rig.queue(QueueSettings::default())];
    for queue in queues {
        rig.subscribe(queue, ALICE, 2);
        rig.subscribe(queue, BOB, 2);
        rig.publish(queue, 10);
    }
    let held = rig.deliveries();
    rig.turn(|shard| {
        for delivery in held.iter().filter(|delivery| delivery.consumer.slot % 2 == 0) {
            shard.settle(delivery.lease, Settle::Again);
        }
        shard.detach(ALICE);
    });
    rig.turn(|shard| shard.detach(ConnectionId(99)));
    for queue in queues {
        assert_eq!((rig.stats(queue).consumers, rig.stats(queue).leased), (1, 2));
    }
    assert!(rig.deliveries().is_empty());
    rig.check();
}
