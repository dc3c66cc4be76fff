//! Groups: one holder at a time and in order within a group, many groups in parallel.

use super::*;
use crate::{DelayedRetry, RetryOn};

fn grouped(rig: &mut Rig, queue: QueueId, groups: &[u64]) {
    for group in groups {
        let group = (*group > 0).then_some(*group);
        rig.publish_with(&[queue], Traits { group, ..Traits::default() });
    }
}

fn with_groups() -> QueueSettings {
    QueueSettings { groups: true, ..QueueSettings::default() }
}

#[test]
fn a_group_has_one_holder_and_keeps_its_order() {
    let mut rig = Rig::new();
    let queue = rig.queue(with_groups());
    grouped(&mut rig, queue, &[5, 5, 6, 5, 6, 0, 0]);
    rig.subscribe(queue, ALICE, 0);
    rig.subscribe(queue, BOB, 0);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [0, 2, 5, 6], "the first of each group, and all that have none");
    rig.check();
    rig.settle(&held[0], Settle::Done);
    let next = rig.deliveries();
    assert_eq!(rig.serials(&next), [1]);
    rig.settle(&held[1], Settle::Done);
    assert_eq!(rig.delivered(), [4]);
    rig.check();
    assert_eq!(rig.stats(queue).ready, 1, "the last of group 5 waits for the one before it");
}

#[test]
fn what_comes_back_is_the_first_of_its_group_again() {
    let mut rig = Rig::new();
    let queue = rig.queue(with_groups());
    grouped(&mut rig, queue, &[5, 5, 6]);
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    rig.settle(&held[0], Settle::Again);
    let again = rig.deliveries();
    assert_eq!(rig.serials(&again), [0]);
    rig.settle(&again[0], Settle::Never);
    assert_eq!(rig.delivered(), [1]);
    rig.check();
}

#[test]
fn a_retry_in_a_group_does_not_wait_or_it_would_be_overtaken() {
    let mut rig = Rig::new();
    let delayed_retry = Some(DelayedRetry { on: RetryOn::All, min_ms: 10, max_ms: 20 });
    let queue = rig.queue(QueueSettings { delayed_retry, ..with_groups() });
    grouped(&mut rig, queue, &[5, 5, 0]);
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [0, 2]);
    rig.settle_all(&held, Settle::Again);
    assert_eq!(rig.delivered(), [0], "the first of the group is back at once, and still before the second");
    assert_eq!(rig.stats(queue).delayed, 1, "what has no group waits");
    rig.check();
}

#[test]
fn holders_are_lost_in_a_crash_and_the_order_is_not() {
    let mut rig = Rig::new();
    let queue = rig.queue(with_groups());
    grouped(&mut rig, queue, &[5, 5, 6, 6, 7]);
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    rig.settle(&held[0], Settle::Done);
    rig.checkpoint();
    grouped(&mut rig, queue, &[7, 5]);
    rig.settle(&held[1], Settle::Done);
    rig.crash();
    rig.subscribe(queue, ALICE, 0);
    let mut order = Vec::new();
    for _ in 0..3 {
        let held = rig.deliveries();
        order.push(rig.serials(&held));
        rig.settle_all(&held, Settle::Done);
    }
    assert_eq!(order, [vec![1, 3, 4], vec![5, 6], vec![]]);
    assert_eq!(rig.shard.live_bytes(), 0);
    rig.check();
}

#[test]
fn a_purge_leaves_holders_alone() {
    let mut rig = Rig::new();
    let queue = rig.queue(with_groups());
    grouped(&mut rig, queue, &[5, 5, 6, 6]);
    rig.subscribe(queue, ALICE, 1);
    let held = rig.deliveries();
    assert_eq!(rig.turn(|shard| shard.purge(queue)), 3);
    grouped(&mut rig, queue, &[5, 6]);
    rig.check();
    rig.settle(&held[0], Settle::Done);
    assert_eq!(rig.delivered(), [4]);
    rig.check();
}

#[test]
fn a_delayed_message_does_not_hold_its_group_until_it_is_delivered() {
    let mut rig = Rig::new();
    let queue = rig.queue(with_groups());
    rig.publish_with(&[queue], Traits { group: Some(5), delay_ms: Some(100), ..Traits::default() });
    grouped(&mut rig, queue, &[5, 5]);
    rig.subscribe(queue, ALICE, 1);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [1]);
    rig.pass(100);
    rig.settle(&held[0], Settle::Done);
    assert_eq!(rig.delivered(), [0], "older than the rest of its group");
    rig.crash();
    rig.subscribe(queue, ALICE, 0);
    assert_eq!(rig.delivered(), [0]);
}
