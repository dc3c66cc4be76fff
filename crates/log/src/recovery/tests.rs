use std::convert::Infallible;

use super::*;
use crate::{Geometry, LogId, MemoryDisk, MemoryDriver, ReadCache, Tag};

const TAG: Tag = Tag { kind: 16, version: 1 };
const SEGMENT: u64 = 4096;

fn disk() -> MemoryDisk {
    MemoryDisk::new(Geometry::new(SEGMENT).unwrap(), LogId(42))
}

/// Records as (position, payload).
type Records = Vec<(Position, Vec<u8>)>;

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

#[test]
fn what_was_committed_is_replayed() {
    let disk = disk();
    let mut written = Vec::new();
    for round in 0..20u8 {
        let (mut log, seen) = open(&disk).unwrap();
        assert_eq!(seen, written);
        for i in 0..10 {
            let payload = vec![round; usize::from(round) * 7 + i];
            written.push((log.tail.append(TAG, &[&payload]).unwrap(), payload));
        }
        let batch = log.tail.take_batch().unwrap();
        log.committer.commit(&batch).unwrap();
        let mut cache = ReadCache::new();
        for (position, payload) in &written {
            assert_eq!(log.reader.record(&mut cache, *position).unwrap().payload, payload);
        }
    }
}
