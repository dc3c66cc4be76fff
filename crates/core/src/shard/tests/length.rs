//! Length limits and what a full queue does.

use super::*;
use crate::Overflow;

fn limited(overflow: Overflow) -> QueueSettings {
    QueueSettings { max_length: Some(3), overflow, ..QueueSettings::default() }
}

#[test]
fn drop_head_drops_the_oldest() {
    let mut rig = Rig::new();
    let queue = rig.queue(limited(Overflow::DropHead));
    rig.publish_batch(queue, 5);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).counters.dropped), (3, 2));
    rig.subscribe(queue, ALICE, 0);
    assert_eq!(rig.delivered(), [2, 3, 4]);
    rig.publish(queue, 3);
    assert_eq!(rig.stats(queue).leased, 6, "what is held does not count");
    rig.check();
}

#[test]
fn drop_head_dead_letters_where_there_is_a_target() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { dead_letter: dead_letters(), ..limited(Overflow::DropHead) });
    rig.publish(queue, 5);
    assert_eq!(rig.dead.iter().map(|dead| dead.reason).collect::<Vec<_>>(), [DeadReason::MaxLength; 2]);
    rig.check();
}

#[test]
fn the_limit_of_bytes_counts_bodies() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { max_length_bytes: Some(100), ..QueueSettings::default() });
    rig.publish(queue, 5);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).ready_bytes), (2, 80));
    rig.check();
}

#[test]
fn reject_publish_refuses_the_newest() {
    let mut rig = Rig::new();
    let queue = rig.queue(limited(Overflow::RejectPublish));
    let other = rig.queue(QueueSettings::default());
    rig.publish(queue, 3);
    let published = rig.publish_with(&[queue, other], Traits::default());
    assert!(published.refused && published.durable);
    assert_eq!((rig.stats(queue).ready, rig.stats(other).ready), (3, 1), "the other queue takes it");
    let published = rig.publish_with(&[queue], Traits::default());
    assert!(published.refused && !published.durable);
    assert_eq!(rig.stats(queue).counters.refused, 2);
    rig.check();
}

#[test]
fn consumers_make_room_within_a_turn() {
    let mut rig = Rig::new();
    let queue = rig.queue(limited(Overflow::RejectPublish));
    rig.subscribe(queue, ALICE, 0);
    rig.publish_batch(queue, 50);
    assert_eq!((rig.delivered().len(), rig.stats(queue).counters.refused), (50, 0));
    rig.check();
}

#[test]
fn reject_publish_dlx_dead_letters_the_newest() {
    let mut rig = Rig::new();
    let queue =
        rig.queue(QueueSettings { dead_letter: dead_letters(), ..limited(Overflow::RejectPublishDlx) });
    rig.publish(queue, 3);
    let published = rig.publish_with(&[queue], Traits::default());
    assert!(published.refused && published.durable);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).dying), (3, 1));
    assert_eq!(rig.serial_at(rig.dead[0].location), 3);
    rig.crash();
    assert_eq!((rig.dead.len(), rig.dead[0].reason), (1, DeadReason::MaxLength));
}

#[test]
fn a_new_limit_shortens_a_deep_queue() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 1_000);
    rig.turn(|shard| {
        shard.open_queue(queue, QueueSettings { max_length: Some(7), ..QueueSettings::default() })
    });
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).counters.dropped), (7, 993));
    rig.crash();
    rig.subscribe(queue, ALICE, 0);
    assert_eq!(rig.delivered(), (993..1_000).collect::<Vec<_>>());
}

/// RabbitMQ drops from the head, which is the message of the highest priority.
#[test]
fn drop_head_of_a_priority_queue_drops_the_highest() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { max_priority: 9, ..limited(Overflow::DropHead) });
    for priority in [1, 9, 1, 1] {
        rig.publish_with(&[queue], Traits { priority: Some(priority), ..Traits::default() });
    }
    rig.subscribe(queue, ALICE, 0);
    assert_eq!(rig.delivered(), [0, 2, 3]);
}
