//! Sparse segments are rewritten: what is live in them moves, keeps its identity and its place, and the
//! segment dies.

use super::*;
use leveret_log::SegmentNumber;

impl Rig {
    /// Copies what is live in a segment to the end of the log, a few records a turn.
    pub(in crate::shard::tests) fn relocate(&mut self, segment: u64) -> usize {
        let records = self.records_of(segment);
        records.chunks(50).map(|batch| self.turn(|shard| shard.relocate(batch)).unwrap()).sum()
    }

    fn records_of(&self, segment: u64) -> Vec<Relocation> {
        let geometry = self.log.reader.geometry();
        let mut cache = ReadCache::new();
        let mut at = geometry.first_of(SegmentNumber(segment));
        let mut records = Vec::new();
        while geometry.segment_of(at) == SegmentNumber(segment) {
            let Ok(record) = self.log.reader.owned_record(&mut cache, at) else { break };
            at = record.next;
            let Tag { kind, .. } = record.tag;
            records.push(Relocation { location: record.position, kind, payload: record.payload });
        }
        records
    }

    fn last_segment(&self) -> u64 {
        self.shard.space.segment_of(self.shard.position())
    }

    /// Deletes every segment before the last that nothing points into, as the upkeep does: after two
    /// checkpoints.
    pub(in crate::shard::tests) fn delete_dead(&mut self) -> u64 {
        let dead: Vec<SegmentNumber> = (0..self.last_segment())
            .filter(|s| self.shard.segment_use(*s).holders == 0)
            .map(SegmentNumber)
            .collect();
        self.checkpoint();
        self.checkpoint();
        self.log.store.trim(&dead).unwrap();
        for segment in &dead {
            self.shard.segment_deleted(segment.0);
        }
        dead.len() as u64
    }
}

#[test]
fn what_is_live_moves_and_keeps_its_place() {
    let mut rig = Rig::with_segments(8 << 10);
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 800);
    rig.subscribe(queue, ALICE, 300);
    let held = rig.deliveries();
    let (kept, done): (Vec<Delivery>, Vec<Delivery>) =
        held.into_iter().partition(|delivery| delivery.position.0 % 5 == 0);
    rig.settle_all(&done, Settle::Done);
    let held = rig.deliveries();
    rig.settle_all(&held[..30], Settle::Again);
    let last = rig.last_segment();
    let before = rig.shard.durable_state();
    let live = rig.shard.live_bytes();
    for segment in 0..last {
        rig.relocate(segment);
        assert_eq!(rig.shard.segment_use(segment).holders, 0, "segment {segment}");
        rig.check();
    }
    assert!(rig.shard.durable_state() != before, "pages have moved");
    assert!(
        rig.shard.live_bytes() <= live + 8 * 200,
        "a moved page may be a little larger, a message is not"
    );
    rig.delete_dead();
    rig.crash();
    let deliveries = kept.len() + rig.stats(queue).ready as usize;
    rig.subscribe(queue, BOB, 0);
    let all = rig.deliveries();
    assert!(rig.serials(&all).is_sorted());
    assert!(all.len() <= deliveries);
    rig.settle_all(&all, Settle::Done);
    assert_eq!((rig.shard.live_bytes(), rig.shard.space.moved().len()), (0, 0));
    rig.check();
}

/// The facts of a turn go into the log before its copies: a replay must not count holders that had gone.
#[test]
fn what_is_settled_in_the_turn_of_a_copy_is_not_copied() {
    let mut rig = Rig::with_segments(8 << 10);
    let queues = [rig.queue(QueueSettings::default()), rig.queue(QueueSettings::default())];
    for _ in 0..50 {
        rig.publish_with(&queues, Traits::default());
    }
    for queue in queues {
        rig.subscribe(queue, ALICE, 0);
    }
    let held = rig.deliveries();
    let records = rig.records_of(0);
    let copied = rig.turn(|shard| {
        for delivery in held[..10].iter().chain(&held[55..65]) {
            shard.settle(delivery.lease, Settle::Done);
        }
        shard.relocate(&records).unwrap()
    });
    assert!(copied > 0);
    rig.check();
    assert_eq!(
        rig.shard.location_of(held[0].position) != held[0].position,
        held[50].position == held[0].position
    );
}

#[test]
fn every_list_moves() {
    let mut rig = Rig::with_segments(8 << 10);
    let settings =
        QueueSettings { dead_letter: dead_letters(), delivery_limit: Some(0), ..QueueSettings::default() };
    let queue = rig.queue(settings);
    let groups = rig.queue(QueueSettings { groups: true, ..QueueSettings::default() });
    rig.publish(queue, 60);
    for group in [1, 1, 2] {
        rig.publish_with(&[groups, queue], Traits { group: Some(group), ..Traits::default() });
    }
    rig.publish_with(&[queue, groups], Traits { delay_ms: Some(500), group: Some(1), ..Traits::default() });
    rig.subscribe(queue, ALICE, 20);
    rig.subscribe(groups, ALICE, 1);
    let held = rig.deliveries();
    rig.settle_all(&held[..5], Settle::Again);
    let dead = rig.dead.clone();
    rig.turn(|shard| shard.transferred(queue, dead[0].position, Transfer::NoTarget));
    rig.settle(&held[6], Settle::Untouched);
    while rig.last_segment() < 2 {
        rig.publish(queue, 10);
    }
    rig.relocate(0);
    rig.relocate(1);
    assert_eq!((rig.shard.segment_use(0), rig.shard.segment_use(1)), Default::default());
    rig.check();
    // What has moved moves again, and the transfers read from where the messages are.
    let last = rig.last_segment();
    while rig.last_segment() == last {
        rig.publish(queue, 10);
    }
    for segment in 2..=last {
        rig.relocate(segment);
    }
    rig.check();
    rig.delete_dead();
    rig.crash();
    for dead in &rig.dead {
        assert!(rig.serial_at(dead.location) < 60);
    }
    rig.pass(500);
    assert_eq!((rig.stats(queue).delayed, rig.stats(groups).delayed), (0, 0));
    rig.check();
}

#[test]
fn a_page_that_moved_while_it_was_read_is_asked_for_again() {
    let mut rig = Rig::with_segments(8 << 10);
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 600);
    rig.loads_pages = false;
    rig.subscribe(queue, ALICE, 0);
    let got = rig.delivered().len() as u64;
    assert_eq!(rig.pages.len(), 1);
    let (_, level, location) = rig.pages[0];
    let old = rig.log.reader.owned_record(&mut ReadCache::new(), location).unwrap();
    for segment in 0..rig.last_segment() {
        rig.relocate(segment);
    }
    assert_eq!(rig.pages.len(), 2, "asked for again at its new place");
    assert_ne!(rig.pages[1].2, location);
    rig.pages.remove(0);
    rig.turn(|shard| shard.page_loaded(queue, level, location, &old.payload));
    assert_eq!(rig.pages.len(), 1, "the old page is passed over");
    rig.loads_pages = true;
    rig.collect();
    assert_eq!(rig.delivered(), (got..600).collect::<Vec<_>>());
    rig.crash();
}

#[test]
fn what_is_gone_does_not_move() {
    let mut rig = Rig::with_segments(8 << 10);
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 100);
    rig.turn(|shard| shard.purge(queue));
    assert_eq!(rig.relocate(0), 0);
    rig.publish(queue, 100);
    rig.turn(|shard| shard.drop_queue(queue));
    assert_eq!(rig.relocate(0) + rig.relocate(1), 0);
    assert_eq!(rig.shard.live_bytes(), 0);
}

/// A queue with fair groups has pages and groups at once, and the positions of both mix.
#[test]
fn what_has_left_a_group_is_not_looked_for_in_a_page() {
    let mut rig = Rig::with_segments(8 << 10);
    rig.loads_pages = false;
    let queue = rig.queue(QueueSettings { fair: true, ..QueueSettings::default() });
    for number in 0..400 {
        let group = (number % 2 == 1).then_some(7);
        rig.publish_with(&[queue], Traits { group, ..Traits::default() });
    }
    rig.subscribe(queue, ALICE, 0);
    // The head goes out and, while the first page is on its way, all of the group.
    let held = rig.deliveries();
    assert!(held.len() > 200 && rig.stats(queue).ready > 0);
    rig.settle_all(&held, Settle::Done);
    for segment in 0..rig.last_segment() {
        rig.relocate(segment);
        rig.check();
    }
}
