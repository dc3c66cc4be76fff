//! What is the file driver's own: names, ownership, checkpoints, and files that are used again.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::testing::TestFolder;
use super::*;
use crate::{Log, ReadCache, Recovery, Tag};

const TAG: Tag = Tag { kind: 16, version: 1 };
const SEGMENT: u64 = 4096;

fn options(spares: usize) -> FileOptions {
    FileOptions { geometry: Geometry::new(SEGMENT).unwrap(), spares }
}

fn begin(folder: &TestFolder, spares: usize) -> Result<Recovery, LogError> {
    Recovery::begin(&mut FileDriver::new(folder.path(), options(spares)), 1 << 16)
}

fn open(folder: &TestFolder, spares: usize) -> (Log, Vec<Vec<u8>>) {
    let mut seen = Vec::new();
    let log = begin(folder, spares).unwrap().replay::<Infallible>(|record| {
        seen.push(record.payload.to_vec());
        Ok(())
    });
    (log.unwrap(), seen)
}

fn commit(log: &mut Log, fill: u8, size: usize) -> Vec<u8> {
    let payload = vec![fill; size];
    log.tail.append(TAG, &[&payload]).unwrap();
    let batch = log.tail.take_batch().unwrap();
    log.committer.commit(&batch).unwrap();
    payload
}

fn names(folder: &TestFolder) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn checkpoint_file(folder: &TestFolder, position: Position) -> PathBuf {
    folder.path().join(format!("{:016x}.ckpt", position.0))
}

#[test]
fn a_log_is_found_again_as_it_was_left() {
    let folder = TestFolder::new("file-reopen");
    let mut written = Vec::new();
    for round in 0..12 {
        let (mut log, seen) = open(&folder, 0);
        assert_eq!(seen, written);
        written.push(commit(&mut log, round, 900));
        written.push(commit(&mut log, round, 10));
    }
    assert_eq!(
        names(&folder),
        ["0000000000000000.seg", "0000000000000001.seg", "0000000000000002.seg", "lock", "owner"]
    );
}

#[test]
fn a_second_owner_is_refused_by_name_while_the_first_lives() {
    let folder = TestFolder::new("file-lock");
    let (log, _) = open(&folder, 1);
    let error = begin(&folder, 1).err().unwrap();
    let expected =
        format!("data folder {} is in use by process {}", folder.path().display(), std::process::id());
    assert_eq!(error.to_string(), expected);
    drop(log);
    open(&folder, 1);
}

#[test]
fn each_owner_has_a_higher_epoch_and_the_log_keeps_its_geometry() {
    let folder = TestFolder::new("file-epoch");
    let mut last = None;
    for epoch in 1..4 {
        let geometry = Geometry::new(SEGMENT * u64::from(epoch).next_power_of_two()).unwrap();
        let mut driver = FileDriver::new(folder.path(), FileOptions { geometry, spares: 0 });
        let acquired = driver.acquire().unwrap();
        assert_eq!(acquired.tenure.epoch, epoch);
        assert_eq!(acquired.geometry.segment_bytes(), SEGMENT);
        assert!(last.is_none_or(|log| log == acquired.tenure.log));
        last = Some(acquired.tenure.log);
    }
}

#[test]
fn a_damaged_or_missing_owner_file_is_an_error_that_names_it() {
    let folder = TestFolder::new("file-owner");
    let (mut log, _) = open(&folder, 0);
    commit(&mut log, 1, 10);
    drop(log);
    let path = folder.path().join("owner");
    let good = fs::read(&path).unwrap();
    for (offset, expected) in [(0, "does not begin"), (8, "format version"), (13, "checksum")] {
        let mut bad = good.clone();
        bad[offset] ^= 0x40;
        fs::write(&path, bad).unwrap();
        let error = begin(&folder, 0).err().unwrap().to_string();
        assert!(error.contains(expected) && error.contains("owner"), "{error}");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(begin(&folder, 0), Err(LogError::Damaged { .. })));
    fs::write(&path, good).unwrap();
    assert_eq!(open(&folder, 0).1.len(), 1);
}

#[test]
fn the_newest_two_checkpoints_are_kept_and_a_damaged_one_is_passed_over() {
    let folder = TestFolder::new("file-checkpoint");
    let (mut log, _) = open(&folder, 0);
    let mut positions = Vec::new();
    for i in 0..4u8 {
        commit(&mut log, i, 100);
        positions.push(log.tail.next_position());
        log.store.snapshot(positions[usize::from(i)], &[i; 50]).unwrap();
    }
    assert_eq!(names(&folder).iter().filter(|name| name.ends_with(".ckpt")).count(), 2);
    drop(log);
    let newest = checkpoint_file(&folder, positions[3]);
    let good = fs::read(&newest).unwrap();
    for damage in 0..good.len() + 1 {
        let mut bad = good.clone();
        match bad.get_mut(damage) {
            // The version: not damage, but somebody else's format.
            Some(_) if (8..12).contains(&damage) => continue,
            Some(byte) => *byte ^= 1,
            None => bad.truncate(20),
        }
        fs::write(&newest, bad).unwrap();
        let recovery = begin(&folder, 0).unwrap();
        let checkpoint = recovery.checkpoint().unwrap();
        assert_eq!((checkpoint.position, &checkpoint.payload[..]), (positions[2], &[2; 50][..]));
        assert_eq!(recovery.damaged_checkpoints().len(), 1);
        assert!(recovery.damaged_checkpoints()[0].contains(".ckpt"));
    }
    assert_eq!(open(&folder, 0).1, [vec![3; 100]]);
    fs::write(&newest, good).unwrap();
    let recovery = begin(&folder, 0).unwrap();
    assert_eq!(recovery.checkpoint().unwrap().position, positions[3]);
}

#[test]
fn a_checkpoint_of_a_newer_leveret_is_not_passed_over() {
    let folder = TestFolder::new("file-newer");
    let (mut log, _) = open(&folder, 0);
    commit(&mut log, 1, 100);
    let position = log.tail.next_position();
    log.store.snapshot(position, b"").unwrap();
    drop(log);
    let path = checkpoint_file(&folder, position);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(begin(&folder, 0), Err(LogError::UnknownFormat { version: 9, .. })));
}

#[test]
fn files_of_dead_segments_are_used_again_and_what_is_in_them_is_not_seen() {
    let folder = TestFolder::new("file-recycle");
    let mut dead = 0;
    let mut alive = Vec::new();
    for round in 0..8 {
        let (mut log, seen) = open(&folder, 2);
        assert_eq!(seen, alive, "round {round}");
        for fill in 0..5 {
            commit(&mut log, fill, 3000);
        }
        let checkpoint = log.tail.next_position();
        log.store.snapshot(checkpoint, b"").unwrap();
        let last = log.geometry.segment_of(checkpoint).0;
        let segments: Vec<_> = (dead..last).map(SegmentNumber).collect();
        log.store.trim(&segments).unwrap();
        dead = last;
        alive = vec![commit(&mut log, 77, 50), commit(&mut log, 78, 500)];
    }
    let spares = names(&folder).iter().filter(|name| name.starts_with("spare-")).count();
    // As many as were used a moment ago, in the last round.
    assert!((1..=6).contains(&spares), "{:?}", names(&folder));
}

#[test]
fn a_spare_is_prepared_while_nothing_happens_and_taken_over_by_the_next_owner() {
    let folder = TestFolder::new("file-spare");
    let (log, _) = open(&folder, 2);
    let spare = wait_for_spare(&folder);
    drop(log);
    fs::write(folder.path().join("spare-00000000000000ff.seg"), b"too short").unwrap();
    fs::write(folder.path().join("0000000000000040.ckpt.tmp"), b"half").unwrap();
    let (mut log, _) = open(&folder, 2);
    assert!(names(&folder).contains(&spare));
    assert!(!names(&folder).iter().any(|name| name.contains("ff.seg") || name.contains("ckpt")));
    commit(&mut log, 1, 100);
    assert!(!names(&folder).contains(&spare), "it has become the first segment");
    let mut cache = ReadCache::new();
    assert_eq!(log.reader.record(&mut cache, Position(88)).unwrap().payload, [1; 100]);
}

fn wait_for_spare(folder: &TestFolder) -> String {
    let began = Instant::now();
    loop {
        if let Some(spare) = names(folder).into_iter().find(|name| name.ends_with(".seg")) {
            return spare;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "no spare");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_failed_write_is_final_and_reading_goes_on() {
    let folder = TestFolder::new("file-fail");
    let (mut log, _) = open(&folder, 0);
    commit(&mut log, 1, 3000);
    // The next segment cannot be made: something else has its name.
    let obstacle = folder.path().join("0000000000000001.seg");
    fs::create_dir(&obstacle).unwrap();
    log.tail.append(TAG, &[&[2; 3000]]).unwrap();
    let batch = log.tail.take_batch().unwrap();
    assert!(matches!(log.committer.commit(&batch), Err(LogError::Io { doing: "begin", .. })));
    fs::remove_dir(&obstacle).unwrap();
    assert!(matches!(log.committer.commit(&batch), Err(LogError::Failed)));
    let mut cache = ReadCache::new();
    assert_eq!(log.reader.record(&mut cache, Position(88)).unwrap().payload, [1; 3000]);
}

#[test]
fn a_batch_of_thousands_of_turns_is_written_whole() {
    let folder = TestFolder::new("file-turns");
    let geometry = Geometry::new(1 << 20).unwrap();
    let mut driver = FileDriver::new(folder.path(), FileOptions { geometry, spares: 0 });
    let recovery = Recovery::begin(&mut driver, 0).unwrap();
    let mut log = recovery.replay::<Infallible>(|_| Ok(())).unwrap();
    let written: Vec<u32> = (0..30_000).collect();
    for i in &written {
        log.tail.append(TAG, &[&i.to_le_bytes()]).unwrap();
        log.tail.seal();
    }
    let batch = log.tail.take_batch().unwrap();
    assert!(batch.chunks().len() >= 30_000);
    log.committer.commit(&batch).unwrap();
    drop(log);
    let mut seen = Vec::new();
    let recovery = Recovery::begin(&mut driver, 0).unwrap();
    let replayed = recovery.replay::<std::array::TryFromSliceError>(|record| {
        seen.push(u32::from_le_bytes(record.payload.try_into()?));
        Ok(())
    });
    assert!(replayed.is_ok());
    assert_eq!(seen, written);
}
