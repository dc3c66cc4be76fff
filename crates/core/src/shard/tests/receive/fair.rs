//! Fair groups (SQS's fair queues): a group that holds much stands behind the others, and nothing is held back.

use super::*;

/// A queue whose group 1 holds `held` messages, and nothing is ready.
fn held_by_one(rig: &mut Rig, held: usize) -> QueueId {
    let queue = rig.queue(fair_groups());
    rig.publish_groups(queue, &vec![1; held]);
    assert_eq!(rig.receive(queue, held as u32).len(), held);
    queue
}

#[test]
fn a_noisy_group_stands_behind_the_quiet_ones() {
    let mut rig = Rig::new();
    let queue = held_by_one(&mut rig, 30);
    rig.publish_groups(queue, &[1, 2, 0, 1, 2]);
    assert_eq!(rig.receive_serials(queue, 10), [31, 32, 34, 30, 33]);
    rig.check();
}

#[test]
fn a_group_that_holds_few_is_not_noisy() {
    let mut rig = Rig::new();
    let queue = held_by_one(&mut rig, 29);
    rig.publish_groups(queue, &[1, 2]);
    assert_eq!(rig.receive_serials(queue, 10), [29, 30]);
}

#[test]
fn a_group_that_holds_a_small_part_is_not_noisy() {
    for (others, order) in [(269, [300, 299]), (270, [300, 301])] {
        let mut rig = Rig::new();
        let queue = held_by_one(&mut rig, 30);
        let mut left = others;
        while left > 0 {
            rig.publish(queue, left.min(50));
            left -= rig.receive(queue, 50).len() as u64;
        }
        rig.publish_groups(queue, &[1, 2]);
        assert_eq!(rig.receive_serials(queue, 10), order, "{others} others");
        rig.check();
    }
}

#[test]
fn of_the_noisy_ones_the_one_that_holds_fewest_is_first() {
    let mut rig = Rig::new();
    let queue = held_by_one(&mut rig, 40);
    rig.publish_groups(queue, &[2; 35]);
    assert_eq!(rig.receive(queue, 35).len(), 35);
    rig.publish_groups(queue, &[1, 2, 1, 3]);
    assert_eq!(rig.receive_serials(queue, 10), [78, 76, 75, 77]);
    rig.check();
}

#[test]
fn a_noisy_group_that_settles_is_quiet_again() {
    let mut rig = Rig::new();
    let queue = rig.queue(fair_groups());
    rig.publish_groups(queue, &[1; 30]);
    let received = rig.receive(queue, 30);
    rig.publish_groups(queue, &[1, 2]);
    rig.delete(queue, &received[0]).unwrap();
    assert_eq!(rig.receive_serials(queue, 10), [30, 31]);
    rig.check();
}

/// The queue of a tenant (1) that had a consumer at work for this long while others were done at once, and has more.
fn busy(rig: &mut Rig, ms: u64) -> QueueId {
    let queue = rig.queue(fair_groups());
    rig.publish_groups(queue, &[1, 1, 2, 3, 1]);
    let received = rig.receive(queue, 4);
    for received in &received[1..] {
        rig.delete(queue, received).unwrap();
    }
    rig.pass(ms);
    rig.delete(queue, &received[0]).unwrap();
    rig.publish_groups(queue, &[2, 0, 1]);
    queue
}

#[test]
fn a_group_that_takes_much_time_is_noisy() {
    for (ms, order) in [(9_999, [4, 5, 6, 7]), (10_000, [5, 6, 4, 7])] {
        let mut rig = Rig::new();
        let queue = busy(&mut rig, ms);
        assert_eq!(rig.receive_serials(queue, 10), order, "{ms} ms");
        rig.check();
    }
}

#[test]
fn a_group_that_takes_a_small_part_of_the_time_is_not_noisy() {
    for (others, order) in [(9, [10, 11]), (8, [10, 9])] {
        let mut rig = Rig::new();
        let queue = rig.queue(fair_groups());
        rig.publish(queue, others);
        rig.publish_groups(queue, &[1]);
        rig.receive(queue, 10);
        rig.pass(20_000);
        rig.publish_groups(queue, &[1, 0]);
        assert_eq!(rig.receive_serials(queue, 10), order, "{others} others");
        rig.check();
    }
}

#[test]
fn time_is_forgotten_in_the_end() {
    let mut rig = Rig::new();
    let queue = busy(&mut rig, 20_000);
    rig.pass(300_000);
    assert_eq!(rig.receive_serials(queue, 10), [4, 5, 6, 7]);
}

#[test]
fn a_group_that_has_nothing_left_is_quiet_again() {
    let mut rig = Rig::new();
    let queue = busy(&mut rig, 20_000);
    for received in rig.receive(queue, 10) {
        rig.delete(queue, &received).unwrap();
    }
    rig.publish_groups(queue, &[1, 2]);
    assert_eq!(rig.receive_serials(queue, 10), [8, 9]);
}

#[test]
fn a_restart_counts_time_anew_and_what_is_held_as_before() {
    let mut rig = Rig::new();
    let queue = busy(&mut rig, 20_000);
    rig.crash();
    assert_eq!(rig.receive_serials(queue, 10), [4, 5, 6, 7]);
    let queue = held_by_one(&mut rig, 30);
    rig.publish_groups(queue, &[1, 2]);
    rig.crash();
    assert_eq!(rig.receive_serials(queue, 10), [39, 38]);
    rig.check();
}

/// A queue of which group 1 holds 30 messages and others so many; those of the others.
fn held_by_all(rig: &mut Rig, others: u64) -> (QueueId, Vec<Received>) {
    let queue = held_by_one(rig, 30);
    let mut held = Vec::new();
    while (held.len() as u64) < others {
        rig.publish(queue, 10.min(others - held.len() as u64));
        held.extend(rig.receive(queue, 10));
    }
    (queue, held)
}

#[test]
fn a_group_is_noisy_as_soon_as_others_give_back() {
    let mut rig = Rig::new();
    let (queue, held) = held_by_all(&mut rig, 270);
    rig.publish_groups(queue, &[1, 2]);
    rig.delete(queue, &held[0]).unwrap();
    assert_eq!(rig.receive_serials(queue, 10), [301, 300]);
    rig.check();
}

#[test]
fn a_group_is_quiet_as_soon_as_others_take() {
    let mut rig = Rig::new();
    let (queue, _held) = held_by_all(&mut rig, 269);
    rig.publish_groups(queue, &[1, 2, 0]);
    assert_eq!(rig.receive_serials(queue, 1), [300], "the first that is quiet");
    assert_eq!(rig.receive_serials(queue, 10), [299, 301]);
    rig.check();
}

#[test]
fn nothing_of_a_noisy_group_is_held_back() {
    let mut rig = Rig::new();
    let queue = held_by_one(&mut rig, 50);
    rig.publish_groups(queue, &[1; 20]);
    rig.subscribe(queue, ALICE, 5);
    assert_eq!(rig.delivered(), (50..55).collect::<Vec<_>>());
    assert_eq!(rig.receive_serials(queue, 100), (55..70).collect::<Vec<_>>());
    rig.check();
}

#[test]
fn messages_without_a_group_are_paged_and_in_order() {
    let mut rig = Rig::new();
    let queue = rig.queue(fair_groups());
    for _ in 0..20 {
        rig.publish(queue, 20);
        rig.publish_groups(queue, &[7]);
    }
    rig.crash();
    let mut all = Vec::new();
    loop {
        let received = rig.receive(queue, 10);
        if received.is_empty() {
            break;
        }
        all.extend(rig.serials_of(&received));
        for received in &received {
            rig.delete(queue, received).unwrap();
        }
    }
    assert_eq!(all, (0..420).collect::<Vec<_>>());
    assert_eq!(rig.shard.live_bytes(), 0);
    rig.check();
}

#[test]
fn fair_groups_move_and_survive() {
    let mut rig = Rig::with_segments(8 << 10);
    let queue = rig.queue(fair_groups());
    for _ in 0..10 {
        rig.publish(queue, 20);
        rig.publish_groups(queue, &[1, 2, 1]);
    }
    let received = rig.receive(queue, 60);
    for received in received.iter().step_by(2) {
        rig.delete(queue, received).unwrap();
    }
    let last = rig.shard.space.segment_of(rig.shard.position());
    for segment in 0..last {
        rig.relocate(segment);
        assert_eq!(rig.shard.segment_use(segment).holders, 0, "segment {segment}");
    }
    rig.check();
    rig.delete_dead();
    rig.crash();
    rig.pass(VISIBILITY_MS);
    let mut all = Vec::new();
    while all.len() < 200 {
        let received = rig.receive(queue, 10);
        assert!(!received.is_empty());
        all.extend(rig.serials_of(&received));
    }
    assert!(all.is_sorted(), "no group holds so much that it were noisy");
    assert_eq!(all.len(), 200);
    rig.check();
}
