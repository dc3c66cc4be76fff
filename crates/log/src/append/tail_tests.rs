use super::*;
use crate::format::{LogId, Parse, parse};

const TAG: Tag = Tag { kind: 16, version: 1 };
const LOG: LogId = LogId(0x1234_5678_9abc_def0);
const SEGMENT: u64 = 4096;

fn geometry() -> Geometry {
    Geometry::new(SEGMENT).unwrap()
}

fn tail_at(start: u64) -> Tail {
    let recent = Arc::new(Recent::new(Position(start), 1 << 20));
    Tail::new(geometry(), Tenure { log: LOG, epoch: 1 }, Position(start), recent)
}

/// All records of a batch: position, kind, payload.
fn records(batch: &Batch) -> Vec<(u64, u8, Vec<u8>)> {
    let mut found = Vec::new();
    for chunk in batch.chunks() {
        let mut offset = 0;
        while offset < chunk.bytes.len() {
            let at = Position(chunk.start.0 + offset as u64);
            let Parse::Whole(record) = parse(&chunk.bytes[offset..], at, geometry(), LOG.salt(), true) else {
                panic!("no record at {at}");
            };
            let payload = &chunk.bytes[offset + RECORD_HEADER_BYTES..][..record.payload_bytes];
            found.push((at.0, record.tag.kind, payload.to_vec()));
            offset += record.record_bytes();
        }
    }
    found
}

fn kinds(batch: &Batch) -> Vec<u8> {
    records(batch).into_iter().map(|(_, kind, _)| kind).collect()
}

#[test]
fn a_batch_starts_with_a_mark_and_follows_the_one_before() {
    let mut tail = tail_at(64);
    assert!(tail.take_batch().is_none());
    let a = tail.append(TAG, &[b"one", b"", b" two"]).unwrap();
    tail.seal();
    let b = tail.append(TAG, &[]).unwrap();
    let end = tail.next_position();
    tail.seal();
    assert_eq!(tail.pending_bytes(), 24 + 24 + 16);
    let batch = tail.take_batch().unwrap();
    assert_eq!(tail.pending_bytes(), 0);
    assert_eq!((batch.start(), batch.end(), batch.chunks().len()), (Position(64), end, 2));
    let found = records(&batch);
    assert_eq!(found[0].1, 1);
    assert_eq!(found[1], (a.0, 16, b"one two".to_vec()));
    assert_eq!(found[2], (b.0, 16, Vec::new()));

    assert!(tail.take_batch().is_none());
    tail.append(TAG, &[b"three"]).unwrap();
    let following = tail.take_batch().unwrap();
    assert_eq!(following.start(), batch.end());
    assert_eq!(kinds(&following), [1, 16]);
}

#[test]
fn a_batch_is_backlog_when_more_is_live_than_readers_find_in_memory() {
    let mut tail = tail_at(64);
    for (live, expected) in [(1 << 20, false), ((1 << 20) + 1, true), (0, false)] {
        tail.append(TAG, &[b"x"]).unwrap();
        tail.note_live(live);
        assert_eq!(tail.take_batch().unwrap().is_backlog(), expected);
    }
}

#[test]
fn a_record_that_does_not_fit_goes_to_the_next_segment_behind_a_mark() {
    let mut tail = tail_at(64);
    tail.append(TAG, &[&[1; 3000]]).unwrap();
    let second = tail.append(TAG, &[&[2; 2000]]).unwrap();
    assert_eq!(second, Position(SEGMENT + 64 + 24));
    let batch = tail.take_batch().unwrap();
    assert_eq!(kinds(&batch), [1, 16, 2, 1, 16]);
    let runs: Vec<_> = batch.runs(geometry()).map(|(segment, chunks)| (segment.0, chunks.len())).collect();
    assert_eq!(runs, [(0, 1), (1, 1)]);
}

#[test]
fn every_gap_at_the_end_of_a_segment_is_closed() {
    // The first record leaves 0, 8, 16, 24 ... bytes; with and without a MARK due for the second.
    for gap in (0..80).step_by(8) {
        for new_batch in [false, true] {
            let mut tail = tail_at(64);
            let first = SEGMENT as usize - 64 - 24 - 16 - gap;
            tail.append(TAG, &[&vec![1; first]]).unwrap();
            let mut all = Vec::new();
            if new_batch {
                let batch = tail.take_batch().unwrap();
                all.extend(kinds(&batch));
                assert_eq!(batch.end().0, if gap < 16 { SEGMENT + 64 } else { SEGMENT - gap as u64 });
            }
            tail.append(TAG, &[&[2; 100]]).unwrap();
            all.extend(kinds(&tail.take_batch().unwrap()));
            let expected: &[u8] = if gap < 16 { &[1, 16, 1, 16] } else { &[1, 16, 2, 1, 16] };
            assert_eq!(all, expected, "gap {gap}, new batch {new_batch}");
        }
    }
}

#[test]
fn a_tail_that_starts_at_the_end_of_a_segment_goes_on_in_the_next() {
    assert_eq!(tail_at(SEGMENT - 8).next_position(), Position(SEGMENT + 64));
    assert_eq!(tail_at(SEGMENT).next_position(), Position(SEGMENT + 64));
    assert_eq!(tail_at(0).next_position(), Position(64));
}

#[test]
fn the_largest_record_fits_and_a_larger_one_is_refused() {
    let mut tail = tail_at(64);
    let limit = tail.max_payload_bytes();
    assert_eq!(tail.append(TAG, &[&vec![1; limit]]), Ok(Position(64 + 24)));
    assert_eq!(tail.append(TAG, &[&vec![1; limit]]), Ok(Position(SEGMENT + 64 + 24)));
    let refused = AppendError::TooLarge { payload_bytes: limit + 1, limit };
    assert_eq!(tail.append(TAG, &[&vec![1; limit + 1]]), Err(refused));
    assert_eq!(kinds(&tail.take_batch().unwrap()), [1, 16, 1, 16]);
}

#[test]
fn a_failed_tail_refuses_and_gives_nothing_out() {
    let mut tail = tail_at(64);
    tail.append(TAG, &[b"lost"]).unwrap();
    tail.fail();
    assert!(tail.has_failed());
    assert_eq!(tail.append(TAG, &[b"x"]), Err(AppendError::Failed));
    assert!(tail.take_batch().is_none());
}

#[test]
fn the_kinds_of_the_log_are_refused() {
    let tag = Tag { kind: 15, version: 1 };
    assert_eq!(tail_at(64).append(tag, &[]), Err(AppendError::ReservedKind { kind: 15 }));
}

#[test]
fn a_turn_larger_than_a_block_is_split_into_chunks_without_gaps() {
    let recent = Arc::new(Recent::new(Position(64), 8 << 20));
    let mut tail = Tail::new(Geometry::DEFAULT, Tenure { log: LOG, epoch: 1 }, Position(64), recent.clone());
    for _ in 0..30 {
        tail.append(TAG, &[&[7; 100_000]]).unwrap();
    }
    tail.append(TAG, &[&vec![8; 3 << 20]]).unwrap();
    let batch = tail.take_batch().unwrap();
    assert!(batch.chunks().len() > 3);
    assert!(batch.chunks().windows(2).all(|pair| pair[0].end() == pair[1].start));
    assert_eq!(batch.chunks().last().unwrap().end(), batch.end());
    assert_eq!(recent.find(Position(64)).unwrap().start, Position(64));
    assert!(recent.bytes() as u64 > batch.end().0 - 64);
}
