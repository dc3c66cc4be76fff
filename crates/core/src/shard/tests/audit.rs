//! What must be true of a shard between any two turns.

use super::*;
use crate::shard::queue::Entry;
use crate::shard::ready::page::{self, PageRef};
use std::collections::{BTreeMap, BTreeSet};

/// Counts everything anew and compares it with the books.
pub(super) fn audit(shard: &Shard, reader: &Reader) {
    let mut ledger = Ledger { shard, reader, segments: BTreeMap::new() };
    let mut leases = BTreeMap::<u32, Vec<Entry>>::new();
    for (_, lease) in shard.leases.iter() {
        leases.entry(lease.queue).or_default().push(lease.entry);
    }
    for (slot, queue) in shard.queues.iter() {
        ledger.audit_queue(queue, &leases.remove(&slot).unwrap_or_default());
    }
    assert!(leases.is_empty(), "a lease of a queue that is gone");
    audit_deadlines(shard);
    for (slot, pool) in shard.pools.iter() {
        let generation = shard.pools.generation(slot).unwrap();
        let uses = |lease: &Lease| lease.pool == Some(PoolId { slot, generation });
        let used = shard.leases.iter().filter(|(_, lease)| uses(lease)).count();
        assert_eq!(pool.used, used as i64, "the common credit {slot} in use");
    }
    let last = ledger.segments.keys().copied().chain([shard.space.segment_of(shard.position())]).max();
    for segment in 0..=last.unwrap() {
        let counted = ledger.segments.get(&segment).copied().unwrap_or_default();
        assert_eq!(shard.space.of(segment), counted, "the account of segment {segment}");
    }
    let all: u64 = ledger.segments.values().map(|held| held.bytes).sum();
    assert_eq!(shard.live_bytes(), all);
}

/// Receipts and deadlines name the leases that have them, and no others. A replay makes both at its end.
fn audit_deadlines(shard: &Shard) {
    if !shard.replayed.leases.is_empty() {
        return;
    }
    let mut receipts = BTreeMap::new();
    let mut deadlines = BTreeSet::new();
    for (slot, lease) in shard.leases.iter() {
        let generation = shard.leases.generation(slot).unwrap();
        deadlines.extend(lease.deadline.map(|deadline| (deadline, slot, generation)));
        if let Some(received_at) = lease.received_at {
            assert!(lease.deadline.is_some_and(|deadline| deadline >= received_at));
            assert!(lease.entry.first_received <= received_at);
            assert_ne!(lease.entry.first_received, Entry::NOT_RECEIVED);
            receipts.insert((lease.queue, lease.entry.position), LeaseId { slot, generation });
        }
    }
    assert_eq!(shard.deadlines, deadlines, "the deadlines of the leases");
    let known: BTreeMap<_, _> = shard.receipts.iter().map(|(key, id)| (*key, *id)).collect();
    assert_eq!(known, receipts, "the leases under receipts");
}

struct Ledger<'a> {
    shard: &'a Shard,
    reader: &'a Reader,
    segments: BTreeMap<u64, Use>,
}

impl Ledger<'_> {
    fn audit_queue(&mut self, queue: &Queue, leased: &[Entry]) {
        let mut ready: Vec<Entry> = queue.ready.in_memory().collect();
        for (index, level) in queue.ready.levels.iter().enumerate() {
            let mut order: Vec<Position> = level.head.iter().map(|entry| entry.position).collect();
            for page in &level.pages {
                let entries = self.audit_page(queue, index, page);
                order.extend(entries.iter().map(|entry| entry.position));
                ready.extend(entries);
            }
            order.extend(level.tail.iter().map(|entry| entry.position));
            assert!(order.is_sorted(), "level {index} of queue {} is out of order", queue.id);
        }
        assert_eq!(queue.ready.len(), ready.len() as u64, "ready messages of queue {}", queue.id);
        assert_eq!(queue.ready.bytes(), bytes(&ready), "ready bytes of queue {}", queue.id);
        assert_eq!(queue.leased, leased.len() as u64);
        assert_eq!(queue.leased_bytes, bytes(leased));
        let dying = queue.dying.values().map(|dying| dying.entry);
        let others = queue.delayed.values().copied().chain(dying).chain(queue.parked.values().copied());
        let all: Vec<Entry> = ready.into_iter().chain(others).chain(leased.iter().copied()).collect();
        let distinct: BTreeSet<Position> = all.iter().map(|entry| entry.position).collect();
        assert_eq!(distinct.len(), all.len(), "a message of queue {} is in two lists", queue.id);
        for entry in &all {
            self.hold_message(queue, entry);
        }
    }

    fn audit_page(&mut self, queue: &Queue, level: usize, page: &PageRef) -> Vec<Entry> {
        self.hold(page.location, page.record_bytes);
        let record = self.reader.owned_record(&mut ReadCache::new(), page.location).unwrap();
        let read = page::decode(&record.payload).unwrap();
        assert_eq!((read.queue, usize::from(read.level)), (queue.id, level));
        assert_eq!(page.count as usize, read.entries.len());
        assert_eq!(page.body_bytes, bytes(&read.entries));
        let mut holds = BTreeMap::<u64, (u32, u64)>::new();
        for entry in &read.entries {
            let held = holds.entry(self.shard.space.segment_of(self.location(entry))).or_default();
            *held = (held.0 + 1, held.1 + u64::from(entry.charge));
        }
        let noted = page.holds.iter().map(|(segment, count, bytes)| (*segment, (*count, *bytes)));
        assert_eq!(noted.collect::<BTreeMap<_, _>>(), holds, "what a page holds in which segment");
        read.entries
    }

    /// Books a message, and reads it from where it is said to be.
    fn hold_message(&mut self, queue: &Queue, entry: &Entry) {
        let location = self.location(entry);
        self.hold(location, entry.charge);
        let record = self.reader.owned_record(&mut ReadCache::new(), location).unwrap();
        let stored = Stored::parse(record.tag.kind, &record.payload).unwrap();
        assert!(stored.targets().any(|target| target.queue == queue.id));
        assert_eq!(stored.body.len(), entry.size as usize);
    }

    fn location(&self, entry: &Entry) -> Position {
        self.shard.space.location(entry.position)
    }

    fn hold(&mut self, location: Position, bytes: u32) {
        let account = self.segments.entry(self.shard.space.segment_of(location)).or_default();
        account.holders += 1;
        account.bytes += u64::from(bytes);
    }
}

fn bytes(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| u64::from(entry.size)).sum()
}
