//! A log driven by dice, beside a model that remembers everything: random appends, turns, commits, reads,
//! checkpoints, deletions, clean ends and power cuts in the middle of a write, on both drivers.
//!
//! A power cut keeps any subset of the 512-byte sectors of the batch that was being written. What must hold after
//! it: every record of a commit that succeeded is there, nothing else is but a prefix of the torn batch.
#![allow(clippy::unwrap_used, reason = "a failure of the test's own world fails the test")]

use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use leveret_log::{
    Batch, Driver, FileDriver, FileOptions, Geometry, Log, LogId, MemoryDisk, MemoryDriver, Position,
    ReadCache, Recovery, SegmentNumber, Tag, segment_header,
};

const SEGMENT: u64 = 16 << 10;
const SECTOR: u64 = 512;

/// Marsaglia's xorshift: the same seed, the same run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// What a log is on, as a power cut sees it.
trait Disk {
    fn driver(&self) -> Box<dyn Driver>;
    /// The log's identity, once it has one.
    fn id(&self) -> LogId;
    /// Puts bytes where a write that did not return may have put them.
    fn overwrite(&self, at: Position, bytes: &[u8]);
}

impl Disk for MemoryDisk {
    fn driver(&self) -> Box<dyn Driver> {
        Box::new(MemoryDriver::new(self.clone()))
    }

    fn id(&self) -> LogId {
        self.log()
    }

    fn overwrite(&self, at: Position, bytes: &[u8]) {
        MemoryDisk::overwrite(self, at, bytes);
    }
}

struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("leveret-log-model-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder { path }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Disk for Folder {
    fn driver(&self) -> Box<dyn Driver> {
        let geometry = Geometry::new(SEGMENT).unwrap();
        Box::new(FileDriver::new(&self.path, FileOptions { geometry, spares: 2 }))
    }

    fn id(&self) -> LogId {
        let owner = fs::read(self.path.join("owner")).unwrap();
        LogId(u64::from_le_bytes(owner[16..24].try_into().unwrap()))
    }

    fn overwrite(&self, at: Position, bytes: &[u8]) {
        let path = self.path.join(format!("{:016x}.seg", at.0 / SEGMENT));
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(path).unwrap();
        file.write_all_at(bytes, at.0 % SEGMENT).unwrap();
    }
}

#[derive(Clone)]
struct Written {
    at: Position,
    tag: Tag,
    payload: Vec<u8>,
}

/// What the log must hold.
#[derive(Default)]
struct Model {
    /// All records ever, in order; those of deleted segments too.
    records: Vec<Written>,
    /// How many of them are durable.
    durable: usize,
    /// How many of them the newest checkpoint covers, if there is one.
    covered: Option<usize>,
    deleted: Vec<SegmentNumber>,
}

struct World<'d> {
    disk: &'d dyn Disk,
    id: LogId,
    dice: Dice,
    log: Log,
    cache: ReadCache,
    model: Model,
}

impl World<'_> {
    fn new(disk: &dyn Disk, seed: u64) -> World<'_> {
        let mut model = Model::default();
        let log = open(disk, &mut model);
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        World { disk, id: disk.id(), dice, log, cache: ReadCache::new(), model }
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..50 => self.append(),
            50..65 => self.log.tail.seal(),
            65..80 => self.commit(),
            80..92 => self.read(),
            92..95 => self.checkpoint(),
            95..97 => self.delete(),
            97 => self.reopen(),
            _ => self.power_cut(),
        }
    }

    fn append(&mut self) {
        let len = match self.dice.below(20) {
            0 => self.dice.below(self.log.tail.max_payload_bytes() as u64 + 1),
            1..4 => self.dice.below(3000),
            _ => self.dice.below(200),
        };
        let fill = self.dice.below(256) as u8;
        let payload: Vec<u8> = (0..len).map(|i| fill.wrapping_add(i as u8)).collect();
        let tag = Tag { kind: 16 + fill % 5, version: fill };
        let at = if self.dice.one_in(2) {
            let (head, rest) = payload.split_at(payload.len() / 3);
            self.log.tail.append(tag, &[head, b"", rest])
        } else {
            self.log.tail.append_with(tag, payload.len(), |space| space.copy_from_slice(&payload))
        };
        self.model.records.push(Written { at: at.unwrap(), tag, payload });
    }

    fn commit(&mut self) {
        let end = self.log.tail.next_position();
        let Some(batch) = self.log.tail.take_batch() else { return };
        assert_eq!(self.log.committer.commit(&batch).unwrap(), end);
        self.model.durable = self.model.records.len();
    }

    fn read(&mut self) {
        self.log.tail.seal();
        if self.model.records.is_empty() {
            return;
        }
        let from = self.dice.below(self.model.records.len() as u64) as usize;
        for written in self.model.records[from..].iter().take(10) {
            let segment = self.log.geometry.segment_of(written.at);
            match self.log.reader.record(&mut self.cache, written.at) {
                Ok(record) => {
                    assert_eq!((record.position, record.tag), (written.at, written.tag));
                    assert_eq!(record.payload, written.payload);
                }
                Err(error) => assert!(self.model.deleted.contains(&segment), "{error}"),
            }
        }
        if self.dice.one_in(3) {
            self.cache.clear();
        }
    }

    fn checkpoint(&mut self) {
        self.commit();
        let state = (self.model.records.len() as u64).to_le_bytes();
        self.log.store.snapshot(self.log.tail.next_position(), &state).unwrap();
        self.model.covered = Some(self.model.records.len());
    }

    /// Deletes a few segments that the checkpoint covers, in any order.
    fn delete(&mut self) {
        let Some(last) =
            self.model.covered.unwrap_or(0).checked_sub(1).map(|last| self.model.records[last].at)
        else {
            return;
        };
        let covered = self.log.geometry.segment_of(last);
        let dead: Vec<_> = (0..3)
            .map(|_| SegmentNumber(self.dice.below(covered.0 + 1)))
            .filter(|&segment| segment < covered)
            .collect();
        self.log.store.trim(&dead).unwrap();
        self.model.deleted.extend(dead);
    }

    /// The process ends without having written what was pending.
    fn reopen(&mut self) {
        self.model.records.truncate(self.model.durable);
        self.start_again();
    }

    /// The power goes while a batch is being written.
    fn power_cut(&mut self) {
        if let Some(batch) = self.log.tail.take_batch() {
            self.tear(&batch);
        }
        self.start_again();
    }

    fn tear(&mut self, batch: &Batch) {
        let geometry = self.log.geometry;
        for (segment, chunks) in batch.runs(geometry) {
            let (mut at, mut bytes) = (chunks[0].start, Vec::new());
            if at == geometry.first_of(segment) {
                at = geometry.start_of(segment);
                bytes.extend(segment_header(self.id, geometry, segment));
            }
            bytes.extend(chunks.iter().flat_map(|chunk| &chunk.bytes[..]));
            let loss = self.dice.below(4);
            let mut is_whole = true;
            while !bytes.is_empty() {
                let sector = (SECTOR - at.0 % SECTOR).min(bytes.len() as u64);
                let rest = bytes.split_off(sector as usize);
                if loss > 0 && self.dice.below(4) < loss {
                    is_whole = false;
                } else {
                    self.disk.overwrite(at, &bytes);
                }
                (at, bytes) = (Position(at.0 + sector), rest);
            }
            // The next segment is written only after this one is durable.
            if !is_whole {
                return;
            }
        }
    }

    fn start_again(&mut self) {
        self.cache.clear();
        // The old owner's lock must go before the new owner comes.
        let unused = MemoryDisk::new(Geometry::DEFAULT, LogId(0));
        self.log = open(&unused, &mut Model::default());
        self.log = open(self.disk, &mut self.model);
    }
}

/// Opens the log and compares what it holds with the model.
fn open(disk: &dyn Disk, model: &mut Model) -> Log {
    let recovery = Recovery::begin(&mut *disk.driver(), 20_000).unwrap();
    assert!(recovery.damaged_checkpoints().is_empty());
    let state = recovery.checkpoint().map(|checkpoint| checkpoint.payload.clone());
    assert_eq!(state, model.covered.map(|covered| (covered as u64).to_le_bytes().to_vec()));
    let mut next = model.covered.unwrap_or(0);
    let log = recovery
        .replay::<Infallible>(|record| {
            let expected = &model.records[next];
            assert_eq!((record.position, record.tag), (expected.at, expected.tag));
            assert_eq!(record.payload, expected.payload);
            next += 1;
            Ok(())
        })
        .unwrap();
    assert!(next >= model.durable, "{next} records were found, {} were durable", model.durable);
    model.records.truncate(next);
    model.durable = next;
    log
}

fn run(disk: &dyn Disk, seed: u64, steps: u32) {
    let mut world = World::new(disk, seed);
    for _ in 0..steps {
        world.step();
    }
}

#[test]
fn in_memory() {
    for seed in 1..=150 {
        println!("seed {seed}");
        let disk = MemoryDisk::new(Geometry::new(SEGMENT).unwrap(), LogId(seed));
        run(&disk, seed, 1500);
    }
}

#[test]
fn in_files() {
    for seed in 1..=6 {
        println!("seed {seed}");
        run(&Folder::new(&seed.to_string()), seed, 1000);
    }
}
