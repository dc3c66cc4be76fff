//! Ready messages go out in publish order; what comes back takes its old place; higher priorities go first.

use super::*;

#[test]
fn messages_go_out_in_publish_order() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 25);
    rig.subscribe(queue, ALICE, 0);
    rig.publish(queue, 5);
    assert_eq!(rig.delivered(), (0..30).collect::<Vec<_>>());
    rig.check();
}

#[test]
fn what_comes_back_takes_its_old_place() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 10);
    let consumer = rig.subscribe(queue, ALICE, 4);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [0, 1, 2, 3]);
    rig.turn(|shard| shard.unsubscribe(consumer));
    rig.settle(&held[3], Settle::Again);
    rig.settle(&held[1], Settle::Again);
    rig.settle(&held[2], Settle::Done);
    rig.check();
    rig.subscribe(queue, BOB, 0);
    let again = rig.deliveries();
    assert_eq!(rig.serials(&again), [1, 3, 4, 5, 6, 7, 8, 9]);
    let marks: Vec<bool> = again.iter().map(|delivery| delivery.redelivered).collect();
    assert_eq!(marks, [true, true, false, false, false, false, false, false]);
    rig.settle(&held[0], Settle::Untouched);
    assert_eq!(rig.delivered(), [0]);
    rig.check();
}

#[test]
fn higher_priorities_go_first_and_are_capped() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { max_priority: 5, default_priority: 2, ..QueueSettings::default() });
    for priority in [Some(0), None, Some(9), Some(5), Some(2), Some(3), None] {
        rig.publish_with(&[queue], Traits { priority, ..Traits::default() });
    }
    rig.check();
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [2, 3, 5, 1, 4, 6, 0]);
    rig.settle_all(&held, Settle::Untouched);
    assert_eq!(rig.delivered(), [2, 3, 5, 1, 4, 6, 0]);
    rig.crash();
    rig.subscribe(queue, ALICE, 0);
    assert_eq!(rig.delivered(), [2, 3, 5, 1, 4, 6, 0]);
}

#[test]
fn one_message_in_three_queues_is_three_messages() {
    let mut rig = Rig::new();
    let queues: Vec<QueueId> = (0..3).map(|_| rig.queue(QueueSettings::default())).collect();
    rig.publish_with(&queues, Traits::default());
    rig.check();
    for queue in &queues {
        rig.subscribe(*queue, ALICE, 0);
        assert_eq!(rig.stats(*queue).leased, 1);
    }
    let held = rig.deliveries();
    rig.settle(&held[0], Settle::Done);
    rig.settle(&held[1], Settle::Again);
    let stats: Vec<_> = queues.iter().map(|queue| rig.stats(*queue)).collect();
    assert_eq!(stats.iter().map(|stats| stats.leased).collect::<Vec<_>>(), [0, 1, 1]);
    rig.crash();
    let ready: Vec<u64> = queues.iter().map(|queue| rig.stats(*queue).ready).collect();
    assert_eq!(ready, [0, 1, 1]);
}

#[test]
fn get_takes_one_at_a_time_and_says_what_is_left() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 3);
    let (first, left) = rig.turn(|shard| shard.get(queue, false)).unwrap();
    assert_eq!((rig.serial_at(first.location), left), (0, 2));
    let (second, left) = rig.turn(|shard| shard.get(queue, true)).unwrap();
    assert_eq!((rig.serial_at(second.location), second.lease, left), (1, LeaseId::NONE, 1));
    rig.settle(&first, Settle::Again);
    let (again, left) = rig.turn(|shard| shard.get(queue, false)).unwrap();
    assert_eq!((again.position, again.redelivered, again.failures, left), (first.position, true, 1, 1));
    rig.check();
    assert_eq!(rig.stats(queue).counters.acked, 1);
    assert!(rig.turn(|shard| shard.get(QueueId(99), false)).is_none());
}
