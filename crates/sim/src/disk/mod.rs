//! A disk that fails as real ones do: it loses what was not synced, tears the write that a power cut meets at any
//! byte or sector, refuses writes, runs full, and gives new segments the bytes of old ones.
//!
//! It never loses or changes what was synced, but for a checkpoint's file that it is told to damage.

mod driver;
mod torn;

pub(crate) use driver::FaultyDriver;

use crate::dice::Dice;
use leveret_log::{Batch, Checkpoint, Geometry, LogError, LogId, Position, SegmentNumber, segment_header};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The disk of one log. Clones are the same disk. It outlives every broker that writes to it.
#[derive(Clone)]
pub(crate) struct Disk {
    content: Arc<Mutex<Content>>,
}

#[derive(Clone)]
struct Content {
    geometry: Geometry,
    log: LogId,
    epoch: u32,
    segments: BTreeMap<SegmentNumber, Vec<u8>>,
    /// Files of deleted segments, to be used again with all that is in them.
    spares: Vec<Vec<u8>>,
    checkpoints: Vec<Checkpoint>,
    /// The newest checkpoint is unreadable: the one before it counts.
    damaged: bool,
    /// Where the owner of `epoch` began, and up to where it has written.
    from: Position,
    durable: Position,
    refuse_writes: Option<io::ErrorKind>,
    refuse_checkpoints: bool,
}

/// Bytes, and the offset in a segment at which they are to stand.
type Piece = (usize, Vec<u8>);

impl Disk {
    /// An empty disk for the log `log`.
    pub(crate) fn new(geometry: Geometry, log: LogId) -> Disk {
        Disk::of(Content {
            geometry,
            log,
            epoch: 0,
            segments: BTreeMap::new(),
            spares: Vec::new(),
            checkpoints: Vec::new(),
            damaged: false,
            from: Position::NONE,
            durable: Position::NONE,
            refuse_writes: None,
            refuse_checkpoints: false,
        })
    }

    /// Another disk with the same content as of now.
    pub(crate) fn fork(&self) -> Disk {
        Disk::of(self.lock().clone())
    }

    /// The power goes, or the process is killed, while this batch is being written: some of it is there.
    pub(crate) fn tear(&self, batch: &Batch, dice: &mut Dice) {
        torn::tear(&mut self.lock(), batch, dice);
    }

    /// From now on every write fails with an error of this kind, until [`Disk::heal`].
    pub(crate) fn refuse_writes(&self, kind: io::ErrorKind) {
        self.lock().refuse_writes = Some(kind);
    }

    /// From now on checkpoints fail, until [`Disk::heal`].
    pub(crate) fn refuse_checkpoints(&self) {
        self.lock().refuse_checkpoints = true;
    }

    /// The disk works again.
    pub(crate) fn heal(&self) {
        let mut content = self.lock();
        content.refuse_writes = None;
        content.refuse_checkpoints = false;
    }

    /// Makes the newest checkpoint unreadable, if there is an older one. Answers whether.
    pub(crate) fn damage_newest_checkpoint(&self) -> bool {
        let mut content = self.lock();
        let possible = content.checkpoints.len() > 1;
        content.damaged |= possible;
        possible
    }

    /// How many segments there are.
    pub(crate) fn segments(&self) -> usize {
        self.lock().segments.len()
    }

    fn of(content: Content) -> Disk {
        Disk { content: Arc::new(Mutex::new(content)) }
    }

    // Nothing panics while it holds the lock half-way through a change.
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn fence(&self, epoch: u32) -> Result<(), LogError> {
        if self.epoch == epoch { Ok(()) } else { Err(LogError::Fenced { epoch, newer: self.epoch }) }
    }

    /// The newest checkpoint that can be read.
    fn checkpoint(&self) -> Option<&Checkpoint> {
        let readable = self.checkpoints.len() - usize::from(self.damaged);
        self.checkpoints[..readable].last()
    }

    /// The bytes of a segment, which is made of a spare if it is not there yet.
    fn segment(&mut self, number: SegmentNumber) -> &mut Vec<u8> {
        let Content { segments, spares, geometry, .. } = self;
        segments.entry(number).or_insert_with(|| {
            let fresh = || vec![0; geometry.segment_bytes() as usize];
            spares.pop().unwrap_or_else(fresh)
        })
    }

    /// What a batch puts where: for each segment the places and bytes, its header first if it is a new one.
    fn pieces(&self, batch: &Batch) -> Vec<(SegmentNumber, Vec<Piece>)> {
        let piece = |(segment, chunks): (SegmentNumber, &[leveret_log::Chunk])| {
            let mut pieces = Vec::new();
            if !self.segments.contains_key(&segment) {
                pieces.push((0, segment_header(self.log, self.geometry, segment).to_vec()));
            }
            for chunk in chunks {
                pieces.push((self.geometry.offset_of(chunk.start) as usize, chunk.bytes.to_vec()));
            }
            (segment, pieces)
        };
        batch.runs(self.geometry).map(piece).collect()
    }
}
