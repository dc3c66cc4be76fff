//! The faulty disk as the log sees it. A write that succeeds is durable: the world decides when it happens.

use super::{Content, Disk};
use leveret_log::{
    Acquired, Batch, Checkpoint, Driver, LogError, Position, SegmentNumber, Segments, Store, Tenure, Writer,
};
use std::io;
use std::sync::Arc;

/// Spares that are kept.
const SPARES: usize = 2;

/// The driver of a [`Disk`].
pub(crate) struct FaultyDriver {
    disk: Disk,
}

impl FaultyDriver {
    /// A driver for the log on `disk`.
    pub(crate) fn new(disk: &Disk) -> FaultyDriver {
        FaultyDriver { disk: disk.clone() }
    }
}

impl Driver for FaultyDriver {
    fn acquire(&mut self) -> Result<Acquired, LogError> {
        let mut content = self.disk.lock();
        content.epoch += 1;
        let epoch = content.epoch;
        let checkpoint = content.checkpoint().cloned();
        let mut damaged_checkpoints = Vec::new();
        if content.damaged {
            // As a file of a damaged checkpoint is deleted once a newer one is there.
            content.damaged = false;
            content.checkpoints.pop();
            damaged_checkpoints.push("newest".to_owned());
        }
        Ok(Acquired {
            geometry: content.geometry,
            tenure: Tenure { log: content.log, epoch },
            checkpoint,
            damaged_checkpoints,
            store: Arc::new(FaultyStore { disk: self.disk.clone(), epoch }),
            writer: Box::new(FaultyWriter { disk: self.disk.clone(), epoch, failed: false }),
        })
    }
}

struct FaultyStore {
    disk: Disk,
    epoch: u32,
}

impl Segments for FaultyStore {
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
        format!("sim:{segment}.seg")
    }
}

impl Store for FaultyStore {
    fn snapshot(&self, position: Position, payload: &[u8]) -> Result<(), LogError> {
        let mut content = self.disk.lock();
        content.fence(self.epoch)?;
        if content.refuse_checkpoints || content.refuse_writes.is_some() {
            return Err(LogError::io("write", "sim:checkpoint", io::ErrorKind::StorageFull.into()));
        }
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
        let checkpoint = content.checkpoint().map_or(Position::NONE, |c| c.position);
        let needed = content.geometry.segment_of(checkpoint);
        if let Some(&segment) = dead.iter().find(|&&segment| segment >= needed) {
            return Err(LogError::TrimBeyondCheckpoint { segment, checkpoint });
        }
        for segment in dead {
            let Some(bytes) = content.segments.remove(segment) else { continue };
            if content.spares.len() < SPARES {
                content.spares.push(bytes);
            }
        }
        Ok(())
    }
}

struct FaultyWriter {
    disk: Disk,
    epoch: u32,
    failed: bool,
}

impl Writer for FaultyWriter {
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
    fn write(&mut self, epoch: u32, batch: &Batch) -> Result<(), LogError> {
        self.fence(epoch)?;
        if batch.start() != self.durable {
            return Err(LogError::OutOfOrder { start: batch.start(), end: self.durable });
        }
        if let Some(kind) = self.refuse_writes {
            return Err(LogError::io("write", "sim", kind.into()));
        }
        for (segment, pieces) in self.pieces(batch) {
            let bytes = self.segment(segment);
            for (offset, piece) in pieces {
                bytes[offset..offset + piece.len()].copy_from_slice(&piece);
            }
        }
        self.durable = batch.end();
        Ok(())
    }
}
