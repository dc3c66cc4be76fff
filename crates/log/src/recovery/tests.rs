//! Recovery on a disk in memory whose bytes the tests damage.

use std::convert::Infallible;

use super::*;
use crate::{LogId, MemoryDisk, MemoryDriver, ReadCache, Tag};

const TAG: Tag = Tag { kind: 16, version: 1 };
const SEGMENT: u64 = 4096;
const MARK: u64 = 24;
/// Records as (position, payload).
type Records = Vec<(Position, Vec<u8>)>;

fn disk() -> MemoryDisk {
    MemoryDisk::new(Geometry::new(SEGMENT).unwrap(), LogId(42))
}

fn open(disk: &MemoryDisk) -> Result<(Log, Records), LogError> {
    let mut seen = Vec::new();
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk.clone()), 1 << 20)?;
    let opened = recovery.replay::<Infallible>(|record| {
        seen.push((record.position, record.payload.to_vec()));
        Ok(())
    });
    match opened {
        Ok(log) => Ok((log, seen)),
        Err(ReplayError::Log(error)) => Err(error),
    }
}

/// Appends records with these payload sizes as one batch and commits it.
fn commit(log: &mut Log, fill: u8, sizes: &[usize]) -> Records {
    let mut records = Vec::new();
    for &size in sizes {
        let payload = vec![fill; size];
        records.push((log.tail.append(TAG, &[&payload]).unwrap(), payload));
    }
    let batch = log.tail.take_batch().unwrap();
    log.committer.commit(&batch).unwrap();
    records
}

fn flip(disk: &MemoryDisk, at: u64) {
    let byte = disk.segment(SegmentNumber(at / SEGMENT)).unwrap()[(at % SEGMENT) as usize];
    disk.overwrite(Position(at), &[byte ^ 0x10]);
}

#[test]
fn what_was_committed_is_replayed() {
    let disk = disk();
    let mut written = Vec::new();
    for round in 0..20u8 {
        let (mut log, seen) = open(&disk).unwrap();
        assert_eq!(seen, written);
        let sizes: Vec<usize> = (0..10).map(|i| usize::from(round) * 7 + i).collect();
        written.extend(commit(&mut log, round, &sizes));
        let mut cache = ReadCache::new();
        for (position, payload) in &written {
            assert_eq!(log.reader.record(&mut cache, *position).unwrap().payload, payload);
        }
    }
}

#[test]
fn a_tail_torn_anywhere_is_cut_at_its_last_whole_record() {
    let original = disk();
    let (mut log, _) = open(&original).unwrap();
    let first = commit(&mut log, 1, &[10, 20, 30]);
    let start = log.tail.next_position().0;
    let second = commit(&mut log, 2, &[1, 0, 50, 8]);
    let end = log.tail.next_position().0;
    for cut in start..end {
        let disk = original.fork();
        disk.overwrite(Position(cut), &vec![0; (end - cut) as usize]);
        let (mut log, seen) = open(&disk).unwrap();
        // The last bytes of a record may have been zeros anyway.
        let ends: Vec<u64> = second.iter().skip(1).map(|r| r.0.0).chain([end]).collect();
        let whole = ends.iter().filter(|&&e| e <= cut).count();
        let mut expected: Records = first.iter().chain(&second[..whole]).cloned().collect();
        if seen.len() > expected.len() {
            expected.push(second[whole].clone());
        }
        assert_eq!(seen, expected, "cut at {cut}");
        expected.extend(commit(&mut log, 3, &[5, 6]));
        assert_eq!(open(&disk).unwrap().1, expected, "cut at {cut}, then written on");
    }
}

#[test]
fn a_flipped_bit_before_the_last_mark_stops_recovery_and_is_named() {
    let original = disk();
    let (mut log, _) = open(&original).unwrap();
    for fill in 0..4 {
        commit(&mut log, fill, &[700, 3, 900]);
    }
    let last_mark = log.tail.next_position().0;
    commit(&mut log, 9, &[1]);
    let starts = record_starts(&log);
    assert!(last_mark > SEGMENT + 1000);
    for segment in [0, 1] {
        let start = segment * SEGMENT;
        let len = original.segment(SegmentNumber(segment)).unwrap().len() as u64;
        for at in (start..(start + len).min(last_mark)).filter(|at| at % 7 == 0 || at % SEGMENT < 200) {
            let disk = original.fork();
            flip(&disk, at);
            let error = open(&disk).err();
            let Some(LogError::Corrupt { file, offset, mark, .. }) = error else {
                panic!("a flip at {at} gave {error:?}");
            };
            let damaged = starts.iter().rfind(|&&start| start <= at && start / SEGMENT == segment);
            assert_eq!(offset, damaged.map_or(0, |start| start % SEGMENT), "flip at {at}");
            assert_eq!(file, format!("memory:{segment:016x}.seg"));
            assert!(mark.0 > at, "flip at {at}, mark at {mark}");
        }
    }
}

/// Where the records stand, those of the log itself too.
fn record_starts(log: &Log) -> Vec<u64> {
    let mut cache = ReadCache::new();
    let (mut at, mut starts) = (Position(64), Vec::new());
    while at < log.reader.durable() {
        starts.push(at.0);
        at = log.reader.record(&mut cache, at).unwrap().next;
    }
    starts
}

#[test]
fn left_overs_of_a_torn_batch_are_never_taken_for_records() {
    let disk = disk();
    let (mut log, _) = open(&disk).unwrap();
    let mut expected = commit(&mut log, 1, &[8, 8]);
    let torn = commit(&mut log, 2, &[8, 8, 8, 8, 8, 8]);
    // Only the first record of the batch did not reach the disk. All records are as long as a MARK.
    flip(&disk, torn[0].0.0 + 17);
    let (mut log, seen) = open(&disk).unwrap();
    assert_eq!(seen, expected);
    assert_eq!(log.end, torn[0].0);
    expected.extend(commit(&mut log, 3, &[8]));
    assert_eq!(log.tail.next_position(), torn[2].0, "a left-over record stands where the log ends now");
    let (log, seen) = open(&disk).unwrap();
    assert_eq!(seen, expected);
    assert_eq!(log.behind_end, Fault::Stale { epoch: 1 });
}

#[test]
fn a_checkpoint_where_the_log_ends_hides_left_overs_too() {
    let disk = disk();
    let (mut log, _) = open(&disk).unwrap();
    let torn = commit(&mut log, 2, &[8, 8, 8, 8]);
    flip(&disk, torn[0].0.0 + 17);
    let (mut log, _) = open(&disk).unwrap();
    commit(&mut log, 3, &[8]);
    log.store.snapshot(log.tail.next_position(), b"state").unwrap();
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk), 0).unwrap();
    assert_eq!(recovery.checkpoint().unwrap().payload, b"state");
    let log = recovery.replay::<Infallible>(|_| panic!("nothing follows the checkpoint")).unwrap();
    assert_eq!(log.end, torn[2].0);
}

#[test]
fn a_torn_first_batch_of_a_segment_leaves_the_segment_before_whole() {
    let original = disk();
    let (mut log, _) = open(&original).unwrap();
    let first = commit(&mut log, 1, &[3900]);
    let second = commit(&mut log, 2, &[500]);
    assert_eq!(second[0].0.0, SEGMENT + 64 + MARK);
    for damaged in [SEGMENT, SEGMENT + 64, SEGMENT + 64 + MARK] {
        let disk = original.fork();
        let len = disk.segment(SegmentNumber(1)).unwrap().len() as u64 - (damaged - SEGMENT);
        disk.overwrite(Position(damaged), &vec![0; len as usize]);
        let (mut log, seen) = open(&disk).unwrap();
        assert_eq!(seen, first);
        let third = commit(&mut log, 3, &[100]);
        let expected: Records = first.iter().chain(&third).cloned().collect();
        assert_eq!(open(&disk).unwrap().1, expected);
    }
}

#[test]
fn a_segment_may_be_missing_before_the_checkpoint_but_not_behind_it() {
    let disk = disk();
    let (mut log, _) = open(&disk).unwrap();
    for fill in 0..5 {
        commit(&mut log, fill, &[3000]);
    }
    let checkpoint = log.tail.next_position();
    log.store.snapshot(checkpoint, b"half").unwrap();
    let behind: Records = (5..8).flat_map(|fill| commit(&mut log, fill, &[3000])).collect();
    let refused = log.store.trim(&[SegmentNumber(1), SegmentNumber(4)]);
    assert!(matches!(refused, Err(LogError::TrimBeyondCheckpoint { segment: SegmentNumber(4), .. })));
    log.store.trim(&[SegmentNumber(1), SegmentNumber(3), SegmentNumber(1)]).unwrap();
    let (log, seen) = open(&disk).unwrap();
    assert_eq!(seen, behind);
    assert_eq!(log.store.segments().unwrap(), [0, 2, 4, 5, 6, 7].map(SegmentNumber));

    let later = disk.fork();
    later.remove_segment(SegmentNumber(6));
    assert!(matches!(open(&later), Err(LogError::MissingSegment { segment: SegmentNumber(6), .. })));
    let later = disk.fork();
    later.remove_segment(SegmentNumber(4));
    assert!(matches!(open(&later), Err(LogError::MissingSegment { segment: SegmentNumber(4), .. })));
}

#[test]
fn a_replay_can_read_what_lies_before_the_record_it_is_at() {
    let disk = disk();
    let (mut log, _) = open(&disk).unwrap();
    let written: Records = (0..6).flat_map(|fill| commit(&mut log, fill, &[900, 40])).collect();
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk), 1 << 20).unwrap();
    let (reader, mut cache, mut index) = (recovery.reader(), ReadCache::new(), 0);
    let visited = recovery.replay::<Infallible>(|record| {
        for (position, payload) in &written[..=index] {
            assert_eq!(reader.record(&mut cache, *position).unwrap().payload, payload);
        }
        assert!(reader.record(&mut cache, record.next).is_err(), "the next record is not there yet");
        index += 1;
        Ok(())
    });
    assert!(visited.is_ok());
    assert_eq!(index, written.len());
}

#[test]
fn a_visitor_that_refuses_ends_the_replay() {
    let disk = disk();
    let (mut log, _) = open(&disk).unwrap();
    commit(&mut log, 1, &[1, 2, 3]);
    let mut seen = 0;
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk), 0).unwrap();
    let result = recovery.replay(|_| {
        seen += 1;
        if seen == 2 { Err("enough") } else { Ok(()) }
    });
    assert!(matches!(result, Err(ReplayError::Visit("enough"))));
}

#[test]
fn an_older_owner_can_write_nothing() {
    let disk = disk();
    let (mut old, _) = open(&disk).unwrap();
    commit(&mut old, 1, &[1]);
    let (mut new, _) = open(&disk).unwrap();
    old.tail.append(TAG, &[b"late"]).unwrap();
    let batch = old.tail.take_batch().unwrap();
    assert!(matches!(old.committer.commit(&batch), Err(LogError::Fenced { epoch: 1, newer: 2 })));
    assert!(matches!(old.committer.commit(&batch), Err(LogError::Failed)));
    assert!(matches!(old.store.snapshot(new.end, b""), Err(LogError::Fenced { .. })));
    assert!(matches!(old.store.trim(&[]), Err(LogError::Fenced { .. })));
    commit(&mut new, 2, &[1]);
}

#[test]
fn after_a_full_disk_nothing_is_written_and_everything_is_read() {
    let disk = disk();
    let (mut log, _) = open(&disk).unwrap();
    let written = commit(&mut log, 1, &[100]);
    disk.refuse_writes(std::io::ErrorKind::StorageFull);
    let lost = log.tail.append(TAG, &[b"x"]).unwrap();
    let batch = log.tail.take_batch().unwrap();
    assert!(matches!(log.committer.commit(&batch), Err(LogError::NoSpace { .. })));
    assert!(matches!(log.committer.commit(&batch), Err(LogError::Failed)));
    let mut cache = ReadCache::new();
    assert_eq!(log.reader.record(&mut cache, written[0].0).unwrap().payload, &written[0].1);
    assert_eq!(log.reader.record(&mut cache, lost).unwrap().payload, b"x", "it is still in memory");
    assert_eq!(log.reader.durable(), batch.start());
}

#[test]
fn a_checkpoint_lies_within_what_this_owner_made_durable() {
    let disk = disk();
    let (mut log, _) = open(&disk).unwrap();
    commit(&mut log, 1, &[100]);
    let (mut log, _) = open(&disk).unwrap();
    log.tail.append(TAG, &[b"not durable"]).unwrap();
    for bad in [Position(log.end.0 - 8), log.tail.next_position()] {
        let refused = log.store.snapshot(bad, b"");
        assert!(matches!(refused, Err(LogError::CheckpointOutOfRange { .. })), "{bad}");
    }
    log.store.snapshot(log.end, b"").unwrap();
}
