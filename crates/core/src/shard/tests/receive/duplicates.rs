//! Duplicates of the last five minutes are known and not stored again.

use super::*;
use crate::DeduplicationScope::{self, Group};
use crate::limits::{DEDUPLICATION_MS, TOPIC_DUPLICATES};

fn deduplicating(scope: DeduplicationScope) -> QueueSettings {
    QueueSettings { deduplicate: Some(scope), ..exclusive_groups() }
}

/// Sends in a turn of its own. The message's id is its serial number.
fn send(rig: &mut Rig, queues: &[QueueId], key: u128, group: u64) -> Published {
    let serial = rig.next_serial;
    rig.next_serial += 1;
    rig.turn(|shard| send_in(shard, queues, key, group, serial))
}

fn send_in(shard: &mut Shard, queues: &[QueueId], key: u128, group: u64, serial: u64) -> Published {
    put_once(shard, queues, serial, Traits { group: Some(group), ..Traits::default() }, Some(key))
}

#[test]
fn a_duplicate_is_answered_with_the_first_one() {
    let mut rig = Rig::new();
    let queue = rig.queue(deduplicating(DeduplicationScope::Queue));
    let first = send(&mut rig, &[queue], 9, 5);
    assert_eq!(first.duplicate_of, None);
    let known = Some(Duplicate { message_id: 0, position: first.position });
    let second = send(&mut rig, &[queue], 9, 5);
    assert_eq!((second.duplicate_of, second.durable, second.refused), (known, true, false));
    let received = rig.receive(queue, 10);
    assert_eq!(rig.serials_of(&received), [0]);
    rig.delete(queue, &received[0]).unwrap();
    assert_eq!(send(&mut rig, &[queue], 9, 5).duplicate_of, known, "also when the first one is gone");
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).counters.published), (0, 1));
    rig.check();
}

#[test]
fn a_message_is_known_for_five_minutes_from_the_first() {
    let mut rig = Rig::new();
    let queue = rig.queue(deduplicating(DeduplicationScope::Queue));
    send(&mut rig, &[queue], 9, 5);
    rig.pass(DEDUPLICATION_MS - 1);
    assert!(send(&mut rig, &[queue], 9, 5).duplicate_of.is_some());
    rig.pass(1);
    assert_eq!(send(&mut rig, &[queue], 9, 5).duplicate_of, None, "duplicates do not make it longer");
    assert!(send(&mut rig, &[queue], 9, 5).duplicate_of.is_some());
}

#[test]
fn the_scope_says_whether_groups_matter() {
    let mut rig = Rig::new();
    let whole = rig.queue(deduplicating(DeduplicationScope::Queue));
    let grouped = rig.queue(deduplicating(Group));
    for queue in [whole, grouped] {
        send(&mut rig, &[queue], 9, 5);
        let other_group = send(&mut rig, &[queue], 9, 6);
        assert_eq!(other_group.duplicate_of.is_some(), queue == whole);
        assert!(send(&mut rig, &[queue], 9, 5).duplicate_of.is_some());
        assert_eq!(send(&mut rig, &[queue], 8, 5).duplicate_of, None);
    }
}

#[test]
fn a_queue_that_does_not_deduplicate_takes_all() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    for _ in 0..2 {
        assert_eq!(send(&mut rig, &[queue], 9, 5).duplicate_of, None);
    }
    assert_eq!(rig.stats(queue).ready, 2);
}

#[test]
fn of_two_queues_the_one_that_lacks_it_takes_it() {
    let mut rig = Rig::new();
    let queues = [
        rig.queue(deduplicating(DeduplicationScope::Queue)),
        rig.queue(deduplicating(DeduplicationScope::Queue)),
    ];
    let first = send(&mut rig, &queues[..1], 9, 5);
    let known = Some(Duplicate { message_id: 0, position: first.position });
    let second = send(&mut rig, &queues, 9, 5);
    assert_eq!(second.duplicate_of, known);
    assert_eq!((rig.stats(queues[0]).ready, rig.stats(queues[1]).ready), (1, 1));
    rig.crash();
    let third = send(&mut rig, &queues[1..], 9, 5);
    assert_eq!(third.duplicate_of, Some(Duplicate { message_id: 1, position: second.position }));
}

#[test]
fn duplicates_are_known_after_a_crash() {
    for checkpoint_at in 0..3 {
        let mut rig = Rig::new();
        let queue = rig.queue(deduplicating(Group));
        let first = send(&mut rig, &[queue], 9, 5);
        if checkpoint_at == 0 {
            rig.checkpoint();
        }
        let received = rig.receive(queue, 1);
        rig.delete(queue, &received[0]).unwrap();
        rig.pass(DEDUPLICATION_MS - 1);
        if checkpoint_at == 1 {
            rig.checkpoint();
        }
        rig.crash();
        let known = Some(Duplicate { message_id: 0, position: first.position });
        assert_eq!(send(&mut rig, &[queue], 9, 5).duplicate_of, known);
        rig.pass(1);
        assert_eq!(send(&mut rig, &[queue], 9, 5).duplicate_of, None);
    }
}

/// A replay sees the same id twice. It must not forget the second one when the first one's time is over.
#[test]
fn an_id_that_was_taken_twice_is_known_after_a_crash() {
    for checkpoint in [false, true] {
        let mut rig = Rig::new();
        let queue = rig.queue(deduplicating(DeduplicationScope::Queue));
        send(&mut rig, &[queue], 9, 5);
        if checkpoint {
            rig.checkpoint();
        }
        rig.pass(DEDUPLICATION_MS);
        let second = send(&mut rig, &[queue], 9, 5);
        assert_eq!(second.duplicate_of, None);
        rig.crash();
        rig.crash();
        let known = Some(Duplicate { message_id: 1, position: second.position });
        assert_eq!(send(&mut rig, &[queue], 9, 5).duplicate_of, known);
    }
}

#[test]
fn a_purge_forgets_what_came_before_it() {
    for all in [false, true] {
        let mut rig = Rig::new();
        let queue = rig.queue(deduplicating(DeduplicationScope::Queue));
        send(&mut rig, &[queue], 9, 5);
        let after = rig.turn(|shard| {
            let purged = if all { shard.purge_all(queue) } else { shard.purge(queue) };
            assert_eq!(purged, 1);
            // Sent after the purge, in the same turn.
            send_in(shard, &[queue], 9, 5, 50)
        });
        assert_eq!(after.duplicate_of, None);
        rig.crash();
        let known = Some(Duplicate { message_id: 50, position: after.position });
        assert_eq!(send(&mut rig, &[queue], 9, 5).duplicate_of, known);
        rig.pass(DEDUPLICATION_MS - 1);
        assert_eq!(send(&mut rig, &[queue], 9, 5).duplicate_of, known);
    }
}

/// Remembers a message of this id by a key, behind all that was stored.
fn remember(rig: &mut Rig, key: u128, message_id: u128) -> Duplicate {
    rig.turn(|shard| {
        let first = Duplicate { message_id, position: shard.position() };
        shard.remember_duplicate(key, first);
        first
    })
}

fn find(rig: &mut Rig, key: u128) -> Option<Duplicate> {
    rig.turn(|shard| shard.find_duplicate(key))
}

#[test]
fn a_message_is_remembered_whatever_queue_it_went_to() {
    for checkpoint_at in 0..3 {
        let mut rig = Rig::new();
        let queue = rig.queue(standard());
        rig.publish(queue, 1);
        let first = remember(&mut rig, 9, 1);
        if checkpoint_at == 0 {
            rig.checkpoint();
        }
        rig.turn(|shard| shard.purge_all(queue));
        rig.pass(DEDUPLICATION_MS - 1);
        let later = remember(&mut rig, 8, 2);
        if checkpoint_at == 1 {
            rig.checkpoint();
        }
        rig.crash();
        assert_eq!(
            (find(&mut rig, 9), find(&mut rig, 8), find(&mut rig, 7)),
            (Some(first), Some(later), None)
        );
        rig.pass(1);
        assert_eq!((find(&mut rig, 9), find(&mut rig, 8)), (None, Some(later)));
    }
}

#[test]
fn so_many_are_remembered_and_no_more() {
    let mut rig = Rig::new();
    for key in 0..=TOPIC_DUPLICATES as u128 {
        remember(&mut rig, key, key);
    }
    for restarted in [false, true] {
        if restarted {
            rig.crash();
        }
        assert_eq!(find(&mut rig, 0), None, "the oldest made room");
        assert!((1..=TOPIC_DUPLICATES as u128).all(|key| find(&mut rig, key).is_some()));
    }
}
