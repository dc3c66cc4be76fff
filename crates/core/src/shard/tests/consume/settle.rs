//! Leases, every way to end one, the delivery count and its limit.

use super::*;

#[test]
fn an_ack_ends_the_message() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 3);
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    assert_eq!((rig.stats(queue).leased, rig.stats(queue).leased_bytes), (3, 120));
    rig.settle_all(&held, Settle::Done);
    assert!(!rig.settle(&held[0], Settle::Again), "a lease ends once");
    assert_eq!(
        rig.stats(queue),
        QueueStats { consumers: 1, counters: rig.stats(queue).counters, ..QueueStats::default() }
    );
    assert_eq!(rig.stats(queue).counters.acked, 3);
    assert_eq!(rig.shard.live_bytes(), 0);
    rig.crash();
    assert_eq!(rig.stats(queue), QueueStats::default());
}

#[test]
fn a_no_ack_delivery_is_settled_as_it_is_made() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.subscribe_with(&Subscription { no_ack: true, ..subscription(queue, ALICE) });
    rig.publish(queue, 12);
    assert_eq!(rig.delivered(), (0..12).collect::<Vec<_>>());
    assert_eq!((rig.shard.lease_count(), rig.shard.live_bytes()), (0, 0));
    rig.check();
}

/// RabbitMQ's quorum queues let a message go once its count exceeds the limit: a limit of N allows N
/// redeliveries, so that the message goes out N + 1 times.
#[test]
fn a_poison_message_dies_of_exactly_its_limit() {
    let mut rig = Rig::new();
    let settings =
        QueueSettings { delivery_limit: Some(3), dead_letter: dead_letters(), ..QueueSettings::default() };
    let queue = rig.queue(settings);
    rig.publish(queue, 2);
    rig.subscribe(queue, ALICE, 1);
    for round in 0..4 {
        let held = rig.deliveries();
        assert_eq!(rig.serials(&held), [0], "round {round}");
        assert_eq!((held[0].failures, held[0].acquired), (round, round));
        rig.settle(&held[0], Settle::Again);
        rig.check();
    }
    assert_eq!(rig.delivered(), [1], "the queue behind it moves on");
    assert_eq!(rig.dead.len(), 1);
    assert_eq!((rig.dead[0].reason, rig.dead[0].failures), (DeadReason::DeliveryLimit, 4));
}

#[test]
fn a_delivery_that_reached_nobody_does_not_count() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { delivery_limit: Some(1), ..QueueSettings::default() });
    rig.publish(queue, 1);
    rig.subscribe(queue, ALICE, 1);
    for round in 0..10 {
        let held = rig.deliveries();
        assert_eq!((held[0].failures, held[0].acquired), (0, round));
        rig.settle(&held[0], Settle::Untouched);
    }
    rig.crash();
    rig.subscribe(queue, ALICE, 1);
    let held = rig.deliveries();
    assert_eq!((held[0].failures, held[0].acquired), (1, 11), "the crash counts, and the count survives it");
}

#[test]
fn without_a_limit_a_message_may_come_back_for_ever() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { delivery_limit: None, ..QueueSettings::default() });
    rig.publish(queue, 1);
    rig.subscribe(queue, ALICE, 1);
    for _ in 0..100 {
        let held = rig.deliveries();
        rig.settle(&held[0], Settle::Again);
    }
    assert_eq!(rig.deliveries()[0].failures, 100);
}

#[test]
fn never_drops_without_a_target_and_dead_letters_with_one() {
    let mut rig = Rig::new();
    let plain = rig.queue(QueueSettings::default());
    let lettered = rig.queue(QueueSettings { dead_letter: dead_letters(), ..QueueSettings::default() });
    for queue in [plain, lettered] {
        rig.publish(queue, 1);
        rig.subscribe(queue, ALICE, 0);
    }
    let held = rig.deliveries();
    rig.settle_all(&held, Settle::Never);
    assert_eq!((rig.stats(plain).counters.dropped, rig.stats(plain).dying), (1, 0));
    assert_eq!(rig.stats(lettered).dying, 1);
    assert_eq!(rig.dead[0].reason, DeadReason::Rejected);
    rig.crash();
    assert_eq!((rig.stats(lettered).dying, rig.dead.len()), (1, 1), "the transfer is asked for anew");
}

#[test]
fn a_crash_counts_as_a_failed_delivery_and_can_be_the_last() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { delivery_limit: Some(1), ..QueueSettings::default() });
    rig.publish(queue, 3);
    for (round, expected) in [(0, vec![0, 1, 2]), (1, vec![0, 1, 2]), (2, vec![])] {
        rig.subscribe(queue, ALICE, 0);
        let held = rig.deliveries();
        assert_eq!(rig.serials(&held), expected);
        assert!(held.iter().all(|delivery| u64::from(delivery.failures) == round));
        rig.crash();
    }
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).parked), (0, 3));
    rig.check();
}

#[test]
fn many_facts_in_one_turn_are_written_in_records_that_fit() {
    let mut rig = Rig::with_segments(8 << 10);
    let settings = QueueSettings { dead_letter: dead_letters(), ..QueueSettings::default() };
    let queues = [rig.queue(settings.clone()), rig.queue(settings)];
    for queue in queues {
        rig.publish(queue, 1_000);
        rig.subscribe(queue, ALICE, 0);
    }
    let held = rig.deliveries();
    assert_eq!(held.len(), 2_000);
    // Facts of two queues in turn cannot form runs.
    let in_turn = |how: Settle, from: usize| {
        let pairs = held[from..1_000].iter().zip(&held[from + 1_000..]).take(500);
        let leases: Vec<LeaseId> = pairs.flat_map(|(a, b)| [a.lease, b.lease]).collect();
        move |shard: &mut Shard| leases.iter().for_each(|lease| assert!(shard.settle(*lease, how)))
    };
    rig.turn(in_turn(Settle::Done, 0));
    rig.turn(in_turn(Settle::Never, 500));
    rig.check();
    assert_eq!(queues.map(|queue| (rig.stats(queue).leased, rig.stats(queue).dying)), [(0, 500); 2]);
}

/// Found by the simulator: the log said that the last delivery had failed, too.
#[test]
fn a_message_beyond_a_lowered_limit_dies_with_the_count_it_had() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { delivery_limit: Some(5), ..QueueSettings::default() });
    rig.publish(queue, 1);
    rig.subscribe(queue, ALICE, 1);
    for _ in 0..3 {
        let held = rig.deliveries();
        rig.settle(&held[0], Settle::Again);
    }
    let held = rig.deliveries();
    let lowered = QueueSettings { delivery_limit: Some(1), ..QueueSettings::default() };
    rig.turn(|shard| shard.open_queue(queue, lowered));
    rig.settle(&held[0], Settle::Untouched);
    assert_eq!(rig.stats(queue).parked, 1);
    rig.check();
}
