//! A log in a folder of files.
//!
//! ```text
//! lock                   held with flock by the owner; holds its process id
//! owner                  the log's identity, its geometry, the newest epoch
//! {number}.seg           a segment
//! spare-{n}.seg          a file of a segment's size whose blocks are already written, to become a segment
//! {position}.ckpt        a checkpoint
//! *.tmp                  a file that is being made; deleted when the log is opened
//! ```

mod checkpoints;
mod folder;
mod owner;
mod pages;
mod segments;
mod spares;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::driver::{Acquired, Driver, Segments, Store};
use crate::error::LogError;
use crate::format::Tenure;
use crate::position::{Geometry, Position, SegmentNumber};

use checkpoints::Checkpoints;
pub(crate) use checkpoints::positions as checkpoint_positions;
pub(crate) use folder::{Folder, text};
use owner::Lock;
pub(crate) use owner::read_owner;
pub(crate) use segments::SegmentFiles;
use spares::Spares;
use writer::FileWriter;

/// How a log in a folder is made.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// The geometry of a new log. An existing log keeps its own.
    pub geometry: Geometry,
    /// How many files of dead segments are kept to be used again. With 0 no file is prepared in advance either:
    /// writes then go into files without written blocks, which is slower.
    pub spares: usize,
}

impl Default for FileOptions {
    fn default() -> Self {
        FileOptions { geometry: Geometry::DEFAULT, spares: 2 }
    }
}

/// The driver of a log in a folder.
pub struct FileDriver {
    folder: Folder,
    options: FileOptions,
}

impl FileDriver {
    /// A driver for the log in `folder`, which is made when the log is acquired.
    pub fn new(folder: impl Into<PathBuf>, options: FileOptions) -> FileDriver {
        FileDriver { folder: Folder::new(folder.into()), options }
    }
}

impl Driver for FileDriver {
    fn acquire(&mut self) -> Result<Acquired, LogError> {
        let folder = self.folder.clone();
        folder.create()?;
        let lock = Lock::take(&folder)?;
        folder.remove_unfinished()?;
        let (tenure, geometry) = owner::begin_tenure(&folder, self.options.geometry)?;
        let (checkpoints, newest, damaged_checkpoints) = Checkpoints::load(folder.clone(), tenure)?;
        let shared = Arc::new(Shared {
            files: SegmentFiles::new(folder.clone(), geometry),
            spares: Spares::start(folder, geometry, self.options.spares)?,
            checkpoints,
            tenure,
            from: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            _lock: lock,
        });
        Ok(Acquired {
            geometry,
            tenure,
            checkpoint: newest,
            damaged_checkpoints,
            store: shared.clone(),
            writer: Box::new(FileWriter::new(shared)),
        })
    }
}

/// What the store and the writer have in common. The folder's lock ends with it.
struct Shared {
    files: SegmentFiles,
    spares: Spares,
    checkpoints: Checkpoints,
    tenure: Tenure,
    /// Where this owner began, and up to where the log is durable, as positions.
    from: AtomicU64,
    durable: AtomicU64,
    _lock: Lock,
}

impl Segments for Shared {
    fn segments(&self) -> Result<Vec<SegmentNumber>, LogError> {
        self.files.segments()
    }

    fn read(&self, at: Position, buffer: &mut [u8]) -> Result<usize, LogError> {
        self.files.read(at, buffer)
    }

    fn name_of(&self, segment: SegmentNumber) -> String {
        self.files.name_of(segment)
    }
}

impl Store for Shared {
    fn snapshot(&self, position: Position, payload: &[u8]) -> Result<(), LogError> {
        let from = Position(self.from.load(Ordering::Acquire));
        let durable = Position(self.durable.load(Ordering::Acquire));
        if position < from || position > durable {
            return Err(LogError::CheckpointOutOfRange { position, from, durable });
        }
        self.checkpoints.write(position, payload)
    }

    fn trim(&self, dead: &[SegmentNumber]) -> Result<(), LogError> {
        let checkpoint = self.checkpoints.newest();
        let needed = self.files.geometry().segment_of(checkpoint);
        if let Some(&segment) = dead.iter().find(|&&segment| segment >= needed) {
            return Err(LogError::TrimBeyondCheckpoint { segment, checkpoint });
        }
        self.remove(dead)
    }
}

impl Shared {
    /// Takes segments out of the log; their files become spares or are deleted.
    fn remove(&self, segments: &[SegmentNumber]) -> Result<(), LogError> {
        let mut removed = Vec::new();
        for &segment in segments {
            let spare = self.spares.name();
            if self.files.rename_away(segment, &spare)? {
                removed.push(spare);
            }
        }
        if removed.is_empty() {
            return Ok(());
        }
        // Before a file is used again its old name must be gone for good, or a power cut could bring back a dead
        // segment with a new one's bytes in it.
        self.files.folder().sync()?;
        removed.into_iter().try_for_each(|spare| self.spares.offer(spare))
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
