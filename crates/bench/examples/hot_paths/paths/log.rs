//! The log alone: records of 100 bytes, in memory.

use super::HotPath;
use leveret_log::{
    FIRST_CALLER_KIND, Geometry, Log, LogId, MemoryDisk, MemoryDriver, Position, ReadCache, Recovery, Tag,
};
use std::convert::Infallible;
use std::hint::black_box;

pub(super) const PATHS: &[HotPath] = &[
    HotPath { name: "log: a record is appended, 100 in a batch", operations: 20_000, walk: append },
    HotPath { name: "log: a record is read from memory", operations: 20_000, walk: read_recent },
    HotPath { name: "log: a record is read back", operations: 20_000, walk: read_back },
];

const TAG: Tag = Tag { kind: FIRST_CALLER_KIND, version: 1 };
/// Records of a turn and of a commit.
const BATCH: u64 = 100;
/// Records that are there to be read, over and over.
const RECORDS: u64 = 5_000;
/// Bytes of memory that hold all of them.
const ALL_BYTES: usize = 16 << 20;

fn append(count: u64) {
    let mut log = open(ALL_BYTES);
    fill(&mut log, count);
}

fn read_recent(count: u64) {
    read(count, ALL_BYTES);
}

/// Nothing is kept in memory, so that every record is checked.
fn read_back(count: u64) {
    read(count, 0);
}

fn read(count: u64, recent_bytes: usize) {
    let mut log = open(recent_bytes);
    let first = log.tail.next_position();
    let first = fill(&mut log, RECORDS).unwrap_or(first);
    let mut cache = ReadCache::new();
    for _ in 0..count / RECORDS {
        let mut at = first;
        for _ in 0..RECORDS {
            let record = log.reader.record(&mut cache, at).expect("it was appended");
            black_box(record.payload);
            at = record.next;
        }
    }
}

/// Appends and commits so many records. Answers where the first stands.
fn fill(log: &mut Log, count: u64) -> Option<Position> {
    let (head, body) = ([b'h'; 40], [b'b'; 60]);
    let mut first = None;
    for _ in 0..count / BATCH {
        for _ in 0..BATCH {
            let at = log.tail.append(TAG, &[&head, &body]).expect("memory takes it");
            first.get_or_insert(at);
        }
        log.tail.seal();
        let batch = log.tail.take_batch().expect("something was appended");
        log.committer.commit(&batch).expect("memory does not fail");
    }
    first
}

fn open(recent_bytes: usize) -> Log {
    let disk = MemoryDisk::new(Geometry::DEFAULT, LogId(1));
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk), recent_bytes).expect("a new log");
    recovery.replay::<Infallible>(|_| Ok(())).expect("an empty log replays")
}
