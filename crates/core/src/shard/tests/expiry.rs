//! Time to live, delays and delayed retries.

use super::*;
use crate::{DelayedRetry, RetryOn};

fn expiring(ms: u64) -> Traits {
    Traits { expiration_ms: Some(ms), ..Traits::default() }
}

fn delayed(ms: u64) -> Traits {
    Traits { delay_ms: Some(ms), ..Traits::default() }
}

#[test]
fn the_shorter_time_to_live_counts() {
    let mut rig = Rig::new();
    let settings =
        QueueSettings { message_ttl_ms: Some(100), dead_letter: dead_letters(), ..QueueSettings::default() };
    let queue = rig.queue(settings);
    rig.publish_with(&[queue], expiring(50));
    rig.publish_with(&[queue], expiring(500));
    assert_eq!(rig.shard.next_wake(), Some(rig.now.plus_ms(51)));
    rig.pass(51);
    assert_eq!(rig.stats(queue).ready, 1);
    rig.pass(50);
    assert_eq!((rig.stats(queue).ready, rig.dead.len()), (0, 2));
    assert!(rig.dead.iter().all(|dead| dead.reason == DeadReason::Expired));
    rig.check();
}

/// RabbitMQ's rule: messages expire when they reach the head.
#[test]
fn only_the_head_expires() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish_with(&[queue], expiring(1_000));
    rig.publish_with(&[queue], expiring(10));
    rig.pass(500);
    assert_eq!(rig.stats(queue).ready, 2);
    rig.subscribe(queue, ALICE, 1);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [0]);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).counters.dropped), (0, 1));
}

#[test]
fn a_time_to_live_of_zero_is_now_or_never() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish_with(&[queue], expiring(0));
    assert_eq!(rig.stats(queue).ready, 0);
    rig.subscribe(queue, ALICE, 1);
    rig.publish_with(&[queue], expiring(0));
    rig.publish_with(&[queue], expiring(0));
    assert_eq!(rig.delivered(), [1]);
    assert_eq!(rig.stats(queue).ready, 0);
    rig.check();
}

#[test]
fn what_comes_back_keeps_its_expiry() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { message_ttl_ms: Some(100), ..QueueSettings::default() });
    rig.publish(queue, 1);
    let consumer = rig.subscribe(queue, ALICE, 1);
    let held = rig.deliveries();
    rig.turn(|shard| shard.unsubscribe(consumer));
    rig.pass(90);
    rig.settle(&held[0], Settle::Again);
    rig.crash();
    assert_eq!(rig.stats(queue).ready, 1);
    rig.pass(20);
    assert_eq!(rig.stats(queue).ready, 0);
}

#[test]
fn a_delayed_message_waits_and_then_takes_its_place() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish_with(&[queue], delayed(100));
    rig.publish_with(&[queue], delayed(50));
    rig.publish(queue, 1);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).delayed), (1, 2));
    assert_eq!(rig.shard.next_wake(), Some(rig.now.plus_ms(50)));
    rig.check();
    rig.pass(50);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).delayed), (2, 1));
    rig.check();
    rig.pass(50);
    rig.check();
    rig.subscribe(queue, ALICE, 2);
    assert_eq!(rig.delivered(), [0, 1], "publish order, not the order of their times");
    rig.crash();
    assert_eq!(rig.stats(queue).ready, 3);
}

#[test]
fn a_get_finds_what_is_ready_since_this_turn() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish_with(&[queue], delayed(100));
    rig.now = rig.now.plus_ms(100);
    assert!(rig.turn(|shard| shard.get(queue, true)).is_some());
    rig.publish_with(&[queue], expiring(100));
    rig.now = rig.now.plus_ms(101);
    assert!(rig.turn(|shard| shard.get(queue, true)).is_none());
    rig.check();
}

#[test]
fn a_delay_goes_on_after_a_crash() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish_with(&[queue], delayed(100));
    rig.checkpoint();
    rig.publish_with(&[queue], delayed(200));
    rig.now = rig.now.plus_ms(90);
    rig.crash();
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).delayed), (0, 2));
    rig.pass(10);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).delayed), (1, 1));
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    rig.settle_all(&held, Settle::Done);
    rig.check();
    rig.pass(100);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [1]);
    rig.settle_all(&held, Settle::Done);
    rig.check();
}

#[test]
fn retries_wait_longer_with_every_failure() {
    let mut rig = Rig::new();
    let delayed_retry = Some(DelayedRetry { on: RetryOn::Failed, min_ms: 10, max_ms: 25 });
    let queue = rig.queue(QueueSettings { delayed_retry, ..QueueSettings::default() });
    rig.publish(queue, 1);
    rig.subscribe(queue, ALICE, 1);
    for wait in [10, 20, 25, 25] {
        let held = rig.deliveries();
        rig.settle(&held[0], Settle::Again);
        rig.check();
        rig.pass(wait - 1);
        assert_eq!(rig.stats(queue).delayed, 1);
        rig.pass(1);
        assert_eq!(rig.stats(queue).delayed, 0);
    }
    let held = rig.deliveries();
    rig.settle(&held[0], Settle::Untouched);
    let held = rig.deliveries();
    assert_eq!((held.len(), held[0].failures), (1, 4), "what did not fail does not wait");
    rig.crash();
    assert_eq!(rig.stats(queue).delayed, 1);
}

#[test]
fn returns_can_be_the_ones_that_wait() {
    let mut rig = Rig::new();
    let delayed_retry = Some(DelayedRetry { on: RetryOn::Returned, min_ms: 10, max_ms: 20 });
    let queue = rig.queue(QueueSettings { delayed_retry, ..QueueSettings::default() });
    rig.publish(queue, 1);
    rig.subscribe(queue, ALICE, 1);
    let held = rig.deliveries();
    rig.settle(&held[0], Settle::Again);
    let held = rig.deliveries();
    rig.settle(&held[0], Settle::Untouched);
    assert_eq!(rig.stats(queue).delayed, 1);
    rig.check();
}

#[test]
fn a_queue_that_nobody_uses_asks_to_be_deleted() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { expires_ms: Some(1_000), ..QueueSettings::default() });
    rig.pass(900);
    rig.turn(|shard| shard.touch_queue(queue));
    rig.pass(900);
    rig.turn(|shard| shard.get(queue, false));
    rig.pass(900);
    let consumer = rig.subscribe(queue, ALICE, 0);
    rig.pass(5_000);
    rig.turn(|shard| shard.unsubscribe(consumer));
    rig.pass(999);
    assert!(rig.unused.is_empty());
    rig.pass(1);
    assert_eq!(rig.unused, [queue]);
}
