use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::driver::file::testing::TestFolder;
use crate::{FileDriver, FileOptions, Log, Recovery, SegmentNumber};

const TAG: Tag = Tag { kind: 20, version: 2 };
const SEGMENT: u64 = 1 << 20;

/// A log in a folder that keeps almost nothing durable in memory.
fn log_of(folder: &TestFolder) -> Log {
    let options = FileOptions { geometry: Geometry::new(SEGMENT).unwrap(), spares: 0 };
    let recovery = Recovery::begin(&mut FileDriver::new(folder.path(), options), 1000).unwrap();
    recovery.replay::<Infallible>(|_| Ok(())).unwrap()
}

fn commit(log: &mut Log, payload: &[u8]) -> Position {
    let at = log.tail.append(TAG, &[payload]).unwrap();
    let batch = log.tail.take_batch().unwrap();
    log.committer.commit(&batch).unwrap();
    at
}

fn segment_file(folder: &TestFolder, segment: u64) -> PathBuf {
    folder.path().join(format!("{segment:016x}.seg"))
}

#[test]
fn records_are_read_from_memory_and_from_the_file_alike() {
    let folder = TestFolder::new("reader-both");
    let mut log = log_of(&folder);
    let written: Vec<_> = (0..200u32)
        .map(|i| {
            let payload = vec![i as u8; 5000 + i as usize];
            (commit(&mut log, &payload), payload)
        })
        .collect();
    let (mut cache, mut other) = (ReadCache::new(), ReadCache::new());
    for (i, (position, payload)) in written.iter().enumerate().rev().chain(written.iter().enumerate()) {
        assert_eq!(log.reader.payload(&mut other, *position).unwrap(), (TAG, &payload[..]));
        let record = log.reader.record(&mut cache, *position).unwrap();
        assert_eq!((record.position, record.tag, record.payload), (*position, TAG, &payload[..]));
        let next = record.next;
        if let Some((following, _)) = written.get(i + 1) {
            // There is a MARK in front of each batch, and an END at a segment's end.
            let own = log.reader.record(&mut cache, next).unwrap();
            let (kind, next) = (own.tag.kind, own.next);
            assert!(kind == 1 && next == *following || kind == 2 && next < *following);
        }
    }
}

#[test]
fn consecutive_records_cost_one_read() {
    let folder = TestFolder::new("reader-ahead");
    let mut log = log_of(&folder);
    let positions: Vec<_> = (0..20).map(|i| commit(&mut log, &[i; 1000])).collect();
    let mut cache = ReadCache::new();
    log.reader.record(&mut cache, positions[0]).unwrap();
    fs::write(segment_file(&folder, 0), b"").unwrap();
    for (i, position) in positions[..18].iter().enumerate() {
        assert_eq!(log.reader.record(&mut cache, *position).unwrap().payload, [i as u8; 1000]);
    }
    cache.clear();
    assert!(matches!(
        log.reader.record(&mut cache, positions[0]),
        Err(ReadError::Damaged { offset: 88, fault: Fault::Short, .. })
    ));
}

#[test]
fn a_record_larger_than_the_read_ahead_is_read_whole() {
    let folder = TestFolder::new("reader-large");
    let mut log = log_of(&folder);
    let payload: Vec<u8> = (0..700_000u32).map(|i| (i / 3) as u8).collect();
    let at = commit(&mut log, &payload);
    commit(&mut log, &payload);
    let mut cache = ReadCache::new();
    let owned = log.reader.owned_record(&mut cache, at).unwrap();
    assert_eq!(owned.payload, payload);
    cache.clear();
    assert_eq!(owned.payload.len(), payload.len());
    assert_eq!(log.reader.record(&mut cache, at).unwrap().payload, payload);
}

#[test]
fn what_is_not_in_the_log_is_no_record() {
    let folder = TestFolder::new("reader-none");
    let mut log = log_of(&folder);
    let at = commit(&mut log, b"x");
    let unsealed = log.tail.append(TAG, &[b"y"]).unwrap();
    let mut cache = ReadCache::new();
    for nothing in [Position::NONE, Position(at.0 + 4), unsealed, Position(1 << 40), Position(u64::MAX - 7)] {
        let result = log.reader.record(&mut cache, nothing);
        assert!(matches!(result, Err(ReadError::NoRecord { .. })), "{nothing}: {result:?}");
    }
    log.tail.seal();
    assert_eq!(log.reader.record(&mut cache, unsealed).unwrap().payload, b"y");
    assert!(log.reader.record(&mut cache, Position(at.0 + 8)).is_err(), "the middle of a record");
}

#[test]
fn a_damaged_record_is_named_and_the_others_are_read() {
    let folder = TestFolder::new("reader-damage");
    let mut log = log_of(&folder);
    let positions: Vec<_> = (0..5).map(|i| commit(&mut log, &[i; 1000])).collect();
    let path = segment_file(&folder, 0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[positions[2].0 as usize + 500] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut cache = ReadCache::new();
    for (i, &position) in positions.iter().enumerate() {
        match log.reader.record(&mut cache, position) {
            Err(ReadError::Damaged { file, offset, fault, .. }) => {
                assert_eq!((i, offset, fault), (2, position.0, Fault::Checksum));
                assert_eq!(file, path.display().to_string());
            }
            other => assert_eq!(other.unwrap().payload, [i as u8; 1000]),
        }
    }
}

#[test]
fn a_record_of_a_deleted_segment_is_gone() {
    let folder = TestFolder::new("reader-gone");
    let mut log = log_of(&folder);
    let at = commit(&mut log, &vec![1; 600_000]);
    commit(&mut log, &vec![2; 600_000]);
    log.store.snapshot(log.tail.next_position(), b"").unwrap();
    let mut cache = ReadCache::new();
    log.reader.record(&mut cache, at).unwrap();
    log.store.trim(&[SegmentNumber(0)]).unwrap();
    log.reader.record(&mut cache, at).expect("a cache may still hold it");
    cache.clear();
    assert!(matches!(log.reader.record(&mut cache, at), Err(ReadError::Gone { .. })));
}
