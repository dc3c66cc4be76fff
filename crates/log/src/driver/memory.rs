//! A log in memory, for tests and for brokers that need not survive their process.
//!
//! The "disk" is a value of its own: a log that is opened again on the same [`MemoryDisk`] finds what the last
//! owner had made durable, and [`MemoryDisk::fork`] keeps a moment for later, as a power cut would.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::append::Batch;
use crate::driver::{Acquired, Checkpoint, Driver, Segments, Store, Writer};
use crate::error::LogError;
use crate::format::{LogId, Tenure, segment_header};
use crate::position::{Geometry, Position, SegmentNumber};

/// What a log in memory is kept on. Clones are the same disk.
#[derive(Clone)]
pub struct MemoryDisk {
    content: Arc<Mutex<Content>>,
}

#[derive(Clone)]
struct Content {
    geometry: Geometry,
    log: LogId,
    epoch: u32,
    segments: BTreeMap<SegmentNumber, Vec<u8>>,
    checkpoints: Vec<Checkpoint>,
    /// Where the owner of `epoch` began, and up to where it has written.
    from: Position,
    durable: Position,
    refuse_writes: Option<io::ErrorKind>,
}

impl MemoryDisk {
    /// An empty disk for the log `log`.
    pub fn new(geometry: Geometry, log: LogId) -> MemoryDisk {
        MemoryDisk::of(Content {
            geometry,
            log,
            epoch: 0,
            segments: BTreeMap::new(),
            checkpoints: Vec::new(),
            from: Position::NONE,
            durable: Position::NONE,
            refuse_writes: None,
        })
    }

    /// The log's identity.
    pub fn log(&self) -> LogId {
        self.lock().log
    }

    /// Another disk with the same content as of now.
    pub fn fork(&self) -> MemoryDisk {
        MemoryDisk::of(self.lock().clone())
    }

    /// Puts `bytes` over what stands at `at`, within one segment, as a fault of the disk would.
    pub fn overwrite(&self, at: Position, bytes: &[u8]) {
        let mut content = self.lock();
        let (segment, offset) = (content.geometry.segment_of(at), content.geometry.offset_of(at) as usize);
        put(content.segments.entry(segment).or_default(), offset, bytes);
    }

    /// The bytes of a segment, as far as they were written.
    pub fn segment(&self, segment: SegmentNumber) -> Option<Vec<u8>> {
        self.lock().segments.get(&segment).cloned()
    }

    /// Loses a segment, as a fault of the disk would.
    pub fn remove_segment(&self, segment: SegmentNumber) {
        self.lock().segments.remove(&segment);
    }

    /// From now on every write fails with an error of this kind.
    pub fn refuse_writes(&self, kind: io::ErrorKind) {
        self.lock().refuse_writes = Some(kind);
    }

    fn of(content: Content) -> MemoryDisk {
        MemoryDisk { content: Arc::new(Mutex::new(content)) }
    }

    // Nothing panics while it holds the lock half-way through a change.
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The driver of a [`MemoryDisk`].
pub struct MemoryDriver {
    disk: MemoryDisk,
}

impl MemoryDriver {
    /// A driver for the log on `disk`.
    pub fn new(disk: MemoryDisk) -> MemoryDriver {
        MemoryDriver { disk }
    }
}

impl Driver for MemoryDriver {
    fn acquire(&mut self) -> Result<Acquired, LogError> {
        let mut content = self.disk.lock();
        content.epoch += 1;
        Ok(Acquired {
            geometry: content.geometry,
            tenure: Tenure { log: content.log, epoch: content.epoch },
            checkpoint: content.checkpoints.last().cloned(),
            damaged_checkpoints: Vec::new(),
            store: Arc::new(MemoryStore { disk: self.disk.clone(), epoch: content.epoch }),
            writer: Box::new(MemoryWriter { disk: self.disk.clone(), epoch: content.epoch, failed: false }),
        })
    }
}

struct MemoryStore {
    disk: MemoryDisk,
    epoch: u32,
}

impl Segments for MemoryStore {
    fn segments(&self) -> Result<Vec<SegmentNumber>, LogError> {
        Ok(self.disk.lock().segments.keys().copied().collect())
    }

    fn read(&self, at: Position, buffer: &mut [u8]) -> Result<usize, LogError> {
        let content = self.disk.lock();
        let segment = content.geometry.segment_of(at);
        let Some(bytes) = content.segments.get(&segment) else {
            return Err(LogError::MissingSegment { file: self.name_of(segment), segment });
        };
        let there = bytes.get(content.geometry.offset_of(at) as usize..).unwrap_or_default();
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn name_of(&self, segment: SegmentNumber) -> String {
        format!("memory:{segment}.seg")
    }
}

impl Store for MemoryStore {
    fn snapshot(&self, position: Position, payload: &[u8]) -> Result<(), LogError> {
        let mut content = self.disk.lock();
        content.fence(self.epoch)?;
        let (from, durable) = (content.from, content.durable);
        if position < from || position > durable {
            return Err(LogError::CheckpointOutOfRange { position, from, durable });
        }
        content.checkpoints.push(Checkpoint { position, epoch: self.epoch, payload: payload.to_vec() });
        let superseded = content.checkpoints.len().saturating_sub(2);
        content.checkpoints.drain(..superseded);
        Ok(())
    }

    fn trim(&self, dead: &[SegmentNumber]) -> Result<(), LogError> {
        let mut content = self.disk.lock();
        content.fence(self.epoch)?;
        let checkpoint = content.checkpoints.last().map_or(Position::NONE, |c| c.position);
        let needed = content.geometry.segment_of(checkpoint);
        if let Some(&segment) = dead.iter().find(|&&segment| segment >= needed) {
            return Err(LogError::TrimBeyondCheckpoint { segment, checkpoint });
        }
        content.segments.retain(|segment, _| !dead.contains(segment));
        Ok(())
    }
}

struct MemoryWriter {
    disk: MemoryDisk,
    epoch: u32,
    failed: bool,
}

impl Writer for MemoryWriter {
    fn resume(&mut self, end: Position) -> Result<(), LogError> {
        let mut content = self.disk.lock();
        content.fence(self.epoch)?;
        let unused = content.geometry.unused_from(end);
        content.segments.retain(|&segment, _| segment < unused);
        (content.from, content.durable) = (end, end);
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<(), LogError> {
        if self.failed {
            return Err(LogError::Failed);
        }
        let result = self.disk.lock().write(self.epoch, batch);
        self.failed = result.is_err();
        result
    }
}

impl Content {
    fn fence(&self, epoch: u32) -> Result<(), LogError> {
        if self.epoch == epoch { Ok(()) } else { Err(LogError::Fenced { epoch, newer: self.epoch }) }
    }

    fn write(&mut self, epoch: u32, batch: &Batch) -> Result<(), LogError> {
        self.fence(epoch)?;
        if batch.start() != self.durable {
            return Err(LogError::OutOfOrder { start: batch.start(), end: self.durable });
        }
        if let Some(kind) = self.refuse_writes {
            return Err(LogError::io("write", "memory", kind.into()));
        }
        for (segment, chunks) in batch.runs(self.geometry) {
            let bytes = self
                .segments
                .entry(segment)
                .or_insert_with(|| segment_header(self.log, self.geometry, segment).to_vec());
            for chunk in chunks {
                put(bytes, self.geometry.offset_of(chunk.start) as usize, &chunk.bytes);
            }
        }
        self.durable = batch.end();
        Ok(())
    }
}

fn put(segment: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if segment.len() < end {
        segment.resize(end, 0);
    }
    segment[offset..end].copy_from_slice(bytes);
}
