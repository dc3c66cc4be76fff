use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::driver::file::testing::TestFolder;
use crate::{FileDriver, FileOptions, Log, Recovery, Tag};

const SEGMENT: u64 = 4096;

fn open(folder: &TestFolder) -> Log {
    let options = FileOptions { geometry: Geometry::new(SEGMENT).unwrap(), spares: 0 };
    let recovery = Recovery::begin(&mut FileDriver::new(folder.path(), options), 1 << 16).unwrap();
    recovery.replay::<Infallible>(|_| Ok(())).unwrap()
}

fn commit(log: &mut Log, kind: u8, size: usize) -> Position {
    let at = log.tail.append(Tag { kind, version: 1 }, &[&vec![7; size]]).unwrap();
    let batch = log.tail.take_batch().unwrap();
    log.committer.commit(&batch).unwrap();
    at
}

fn run(folder: &TestFolder) -> (CheckReport, String) {
    let mut text = Vec::new();
    let before = content(folder);
    let report = check(folder.path(), &mut text).unwrap();
    assert!(content(folder) == before, "the check has changed a file");
    (report, String::from_utf8(text).unwrap())
}

fn content(folder: &TestFolder) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder.path()) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect();
    files.sort();
    files
}

fn segment_file(folder: &TestFolder, segment: u64) -> PathBuf {
    folder.path().join(format!("{segment:016x}.seg"))
}

fn flip(folder: &TestFolder, at: Position) {
    let path = segment_file(folder, at.0 / SEGMENT);
    let mut bytes = fs::read(&path).unwrap();
    bytes[(at.0 % SEGMENT) as usize] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_sound_log_is_counted_beside_its_owner() {
    let folder = TestFolder::new("check-sound");
    let mut log = open(&folder);
    for _ in 0..6 {
        commit(&mut log, 16, 900);
        commit(&mut log, 17, 100);
    }
    log.store.snapshot(log.tail.next_position(), b"state").unwrap();
    let (report, text) = run(&folder);
    assert_eq!((report.segments, report.records, report.payload_bytes), (2, 12, 6000));
    assert_eq!(report.checkpoint, Some(log.tail.next_position()));
    assert_eq!(report.end, Some(log.tail.next_position()));
    assert!(report.problems.is_empty());
    assert!(text.contains("8 records (4 of kind 16, 4 of kind 17)") || text.contains("of kind 17"), "{text}");
    assert!(text.contains("no damage: 12 records, 6000 bytes"), "{text}");
}

#[test]
fn a_torn_tail_is_where_the_log_ends_and_no_problem() {
    let folder = TestFolder::new("check-torn");
    let mut log = open(&folder);
    commit(&mut log, 16, 100);
    let torn = commit(&mut log, 16, 100);
    flip(&folder, Position(torn.0 + 50));
    let (report, text) = run(&folder);
    assert!(report.problems.is_empty());
    assert_eq!((report.records, report.end), (1, Some(torn)));
    assert!(text.contains("a wrong checksum"), "{text}");
}

#[test]
fn damage_is_named_by_file_and_offset_and_the_walk_goes_on_behind_it() {
    let folder = TestFolder::new("check-damage");
    let mut log = open(&folder);
    let places: Vec<_> = (0..10).map(|_| commit(&mut log, 16, 700)).collect();
    flip(&folder, Position(places[1].0 + 50));
    flip(&folder, Position(places[8].0 + 3));
    flip(&folder, Position(SEGMENT + 20));
    let (report, text) = run(&folder);
    assert_eq!(report.records, 8);
    assert_eq!(report.end, Some(log.tail.next_position()));
    let expected = [
        format!("{} at offset {}", segment_file(&folder, 0).display(), places[1].0),
        format!("{} at offset 0: a wrong segment header", segment_file(&folder, 1).display()),
        format!("{} at offset {}", segment_file(&folder, 1).display(), places[8].0 % SEGMENT),
    ];
    assert_eq!(report.problems.len(), expected.len(), "{text}");
    for (problem, expected) in report.problems.iter().zip(expected) {
        assert!(problem.starts_with(&expected), "{problem}");
        assert!(text.contains(problem.as_str()));
    }
    assert!(text.contains("DAMAGED in 3 place(s)"));
}

#[test]
fn a_hole_is_a_problem_only_behind_the_checkpoint() {
    let folder = TestFolder::new("check-hole");
    let mut log = open(&folder);
    for _ in 0..4 {
        commit(&mut log, 16, 3000);
    }
    log.store.snapshot(log.tail.next_position(), b"").unwrap();
    log.store.trim(&[SegmentNumber(0), SegmentNumber(2)]).unwrap();
    for _ in 0..3 {
        commit(&mut log, 16, 3000);
    }
    let (report, text) = run(&folder);
    assert!(report.problems.is_empty(), "{text}");
    assert_eq!((report.segments, report.records), (5, 5));
    assert_eq!(text.matches(": deleted").count(), 2, "{text}");
    fs::remove_file(segment_file(&folder, 5)).unwrap();
    let (report, text) = run(&folder);
    assert_eq!(report.problems, [format!("{} is missing", segment_file(&folder, 5).display())], "{text}");
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let folder = TestFolder::new("check-checkpoint");
    let mut log = open(&folder);
    commit(&mut log, 16, 10);
    log.store.snapshot(log.tail.next_position(), b"older").unwrap();
    commit(&mut log, 16, 10);
    let newer = log.tail.next_position();
    log.store.snapshot(newer, b"newer").unwrap();
    let path = folder.path().join(format!("{:016x}.ckpt", newer.0));
    fs::write(&path, b"nothing").unwrap();
    let (report, _) = run(&folder);
    assert_eq!(report.problems.len(), 1);
    assert!(report.problems[0].starts_with(&path.display().to_string()));
    assert!(report.checkpoint.is_some_and(|position| position < newer));
}

#[test]
fn a_folder_without_a_log_is_said_to_have_none() {
    let folder = TestFolder::new("check-none");
    fs::create_dir(folder.path()).unwrap();
    let (report, text) = run(&folder);
    assert_eq!(report, CheckReport::default());
    assert!(text.contains("no log"));
    let missing = check(&folder.path().join("nowhere"), &mut Vec::new());
    assert!(matches!(missing, Err(CheckError::Log(LogError::Io { .. }))));
}
