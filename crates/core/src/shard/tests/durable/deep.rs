//! Deep queues: the middle goes to the log as pages and comes back in order; memory stays flat.

use super::*;
use crate::limits::{PAGE_AHEAD_ENTRIES, PAGE_ENTRIES, READY_HEAD_ENTRIES};

const DEEP: u64 = 100_000;

/// Ready messages that are in memory.
fn in_memory(rig: &Rig, queue: QueueId) -> usize {
    let slot = rig.shard.queue_index[&queue];
    rig.shard.queues.at(slot).unwrap().ready.in_memory().count()
}

/// The most that a level may keep in memory.
const BOUND: usize = READY_HEAD_ENTRIES + PAGE_AHEAD_ENTRIES + 3 * PAGE_ENTRIES;

fn level_of(rig: &Rig, queue: QueueId) -> &crate::shard::ready::level::Level {
    let slot = rig.shard.queue_index[&queue];
    &rig.shard.queues.at(slot).unwrap().ready.levels[0]
}

#[test]
fn a_hundred_thousand_messages_come_back_in_order() {
    let mut rig = Rig::with_segments(1 << 20);
    let queue = rig.queue(QueueSettings::default());
    for _ in 0..DEEP / 500 {
        rig.publish_batch(queue, 500);
        assert!(in_memory(&rig, queue) <= BOUND + 500);
    }
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).ready_bytes), (DEEP, DEEP * 40));
    rig.crash();
    assert!(in_memory(&rig, queue) <= BOUND + 500);
    let mut expected = 0..DEEP;
    let mut nacked = 0;
    rig.subscribe(queue, ALICE, 50);
    while expected.start < DEEP {
        let held = rig.deliveries();
        for delivery in &held {
            let serial = rig.serial_at(delivery.location);
            if serial.is_multiple_of(97) && delivery.failures == 0 {
                // It comes back before everything that is younger and still here.
                rig.settle(delivery, Settle::Again);
                nacked += 1;
                continue;
            }
            rig.settle(delivery, Settle::Done);
            if !serial.is_multiple_of(97) {
                assert_eq!(Some(serial), expected.find(|serial| !serial.is_multiple_of(97)));
            }
        }
        if expected.start == DEEP / 2 {
            rig.crash();
            rig.subscribe(queue, ALICE, 50);
        }
        assert!(in_memory(&rig, queue) <= BOUND + 500);
        if held.is_empty() {
            break;
        }
    }
    assert_eq!(expected.find(|serial| !serial.is_multiple_of(97)), None);
    assert_eq!(nacked, DEEP / 97 + 1);
    let held = rig.deliveries();
    rig.settle_all(&held, Settle::Done);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased), (0, 0));
    assert_eq!(rig.shard.live_bytes(), 0);
    rig.check();
}

#[test]
fn a_crash_half_way_keeps_order_and_counts() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 1_000);
    rig.subscribe(queue, ALICE, 70);
    for _ in 0..5 {
        let held = rig.deliveries();
        rig.settle_all(&held[..35], Settle::Done);
        rig.settle_all(&held[35..], Settle::Untouched);
    }
    rig.crash();
    rig.subscribe(queue, BOB, 0);
    let held = rig.deliveries();
    let serials = rig.serials(&held);
    assert!(serials.is_sorted());
    assert_eq!(serials.len(), 1_000 - 5 * 35);
    assert_eq!(held.iter().filter(|delivery| delivery.failures == 1).count(), 70, "held at the crash");
}

#[test]
fn publishing_and_draining_at_once_keeps_order() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.subscribe(queue, ALICE, 40);
    let mut next = 0;
    for round in 0..300u64 {
        rig.publish_batch(queue, if round < 150 { 90 } else { 3 });
        let held = rig.deliveries();
        for delivery in &held {
            assert_eq!(rig.serial_at(delivery.location), next);
            next += 1;
        }
        rig.settle_all(&held, Settle::Done);
        if round % 60 == 0 {
            rig.check();
        }
        if round == 170 {
            rig.checkpoint();
        }
    }
    rig.check();
    assert!(next > 10_000);
}

/// A head that grew beyond its usual length must not flow into the tail when a checkpoint is restored: the
/// pages stand between the two.
#[test]
fn a_long_head_is_restored_before_the_pages() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 3_000);
    rig.subscribe(queue, ALICE, 1);
    let mut next = 0;
    while next < 2_900 {
        let held = rig.deliveries();
        assert_eq!(rig.serials(&held), [next], "after {next}");
        next += 1;
        rig.settle(&held[0], Settle::Done);
        if next % 13 == 0 {
            // Written while a message is held; nothing is lost or twice.
            rig.checkpoint();
            rig.check();
        }
        let head = level_of(&rig, queue).head.len();
        if head > READY_HEAD_ENTRIES {
            rig.checkpoint();
            rig.check();
        }
    }
}

#[test]
fn what_comes_back_waits_for_an_older_page() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    let waiting = Traits { delay_ms: Some(1_000), ..Traits::default() };
    rig.publish(queue, 200);
    rig.publish_with(&[queue], waiting);
    rig.publish(queue, 10);
    rig.loads_pages = false;
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    assert!(held.len() < 200, "the pages have not come yet");
    rig.pass(1_000);
    assert_eq!(rig.delivered(), [0; 0], "the delayed message is younger than the page");
    rig.settle(&held[5], Settle::Again);
    assert_eq!(rig.delivered(), [5], "what is older goes out");
    rig.loads_pages = true;
    rig.collect();
    let rest = rig.delivered();
    assert_eq!(rest, (held.len() as u64..211).collect::<Vec<_>>());
    rig.check();
}

/// Consumers that make room in the middle of a turn are ahead of their facts in the log: at the cut of a page the
/// replay has more in front of it than the live engine had.
#[test]
fn pages_cut_between_the_deliveries_of_a_turn_replay() {
    let mut rig = Rig::new();
    let settings = QueueSettings {
        max_length: Some(150),
        overflow: crate::Overflow::RejectPublish,
        ..QueueSettings::default()
    };
    let queue = rig.queue(settings);
    rig.subscribe(queue, ALICE, 100);
    for count in [1_000, 37, 200, 151, 400] {
        rig.publish_batch(queue, count);
        rig.check();
        let held = rig.deliveries();
        rig.settle_all(&held, Settle::Done);
        rig.check();
    }
    rig.crash();
    rig.subscribe(queue, ALICE, 0);
    rig.publish_batch(queue, 2_000);
    rig.check();
    let serials = rig.delivered();
    assert!(serials.is_sorted() && serials.len() > 150, "{serials:?}");
}

#[test]
fn a_page_that_comes_too_late_is_passed_over() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 500);
    rig.loads_pages = false;
    rig.subscribe(queue, ALICE, 0);
    let before = rig.delivered().len();
    let asked = std::mem::take(&mut rig.pages);
    assert_eq!(asked.len(), 1, "one page at a time");
    rig.turn(|shard| shard.purge(queue));
    rig.publish(queue, 500);
    let (_, level, location) = asked[0];
    let record = rig.log.reader.owned_record(&mut ReadCache::new(), location).unwrap();
    rig.turn(|shard| shard.page_loaded(queue, level, location, &record.payload));
    rig.turn(|shard| shard.page_loaded(QueueId(99), level, location, &record.payload));
    rig.loads_pages = true;
    rig.collect();
    assert_eq!(rig.delivered(), (500..1_000).collect::<Vec<_>>());
    assert!(before < 500);
    rig.check();
}

#[test]
fn every_priority_pages_for_itself() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { max_priority: 2, ..QueueSettings::default() });
    for index in 0..1_500u64 {
        rig.publish_with(&[queue], Traits { priority: Some((index % 3) as u8), ..Traits::default() });
        if index % 400 == 0 {
            rig.checkpoint();
        }
    }
    rig.crash();
    rig.subscribe(queue, ALICE, 0);
    let expected: Vec<u64> =
        (0..3).rev().flat_map(|level| (0..1_500).filter(move |s| s % 3 == level)).collect();
    assert_eq!(rig.delivered(), expected);
    rig.crash();
}

#[test]
fn expired_pages_go_too() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { message_ttl_ms: Some(100), ..QueueSettings::default() });
    rig.publish(queue, 700);
    rig.crash();
    rig.pass(101);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).counters.dropped), (0, 700));
    assert_eq!(rig.shard.live_bytes(), 0);
    rig.check();
}
