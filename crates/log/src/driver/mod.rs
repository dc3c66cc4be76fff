//! The seam between the log and what keeps its bytes. A new kind of log is one file here.
//!
//! A driver knows segments, bytes and checkpoints. The format of records, the recovery rule and the reading by
//! position are the same above all drivers and are not its business.

pub(crate) mod file;
pub(crate) mod memory;

use std::sync::Arc;

use crate::append::Batch;
use crate::error::LogError;
use crate::format::Tenure;
use crate::position::{Geometry, Position, SegmentNumber};

/// Takes the ownership of a log.
pub trait Driver: Send {
    /// Becomes the owner with an epoch above all before it; from now on the older owner can write nothing.
    ///
    /// # Errors
    /// [`LogError::InUse`] where the older owner cannot be fenced because it is a living process.
    fn acquire(&mut self) -> Result<Acquired, LogError>;
}

/// What an owner gets.
pub struct Acquired {
    /// The log's geometry: that of an existing log, whatever was asked for.
    pub geometry: Geometry,
    /// The log's identity and the new epoch.
    pub tenure: Tenure,
    /// The newest valid checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// Files of newer checkpoints that were passed over because they are damaged.
    pub damaged_checkpoints: Vec<String>,
    /// The part of the driver that any thread may use.
    pub store: Arc<dyn Store>,
    /// The part of the driver that belongs to the log thread.
    pub writer: Box<dyn Writer>,
}

/// The caller's state as of a position: replay starts there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The first position that the state does not cover.
    pub position: Position,
    /// The epoch of the owner that wrote it.
    pub epoch: u32,
    /// The state, in the caller's own format.
    pub payload: Vec<u8>,
}

/// The segments of a log and their bytes, for any thread, while the [`Writer`] writes.
pub trait Segments: Send + Sync {
    /// The segments that exist, in ascending order. Holes are normal before the newest checkpoint.
    ///
    /// # Errors
    /// [`LogError::Io`].
    fn segments(&self) -> Result<Vec<SegmentNumber>, LogError>;

    /// Reads bytes of one segment from `at` on, as many as there are up to the buffer's size. The buffer does
    /// not reach beyond the segment's end.
    ///
    /// # Errors
    /// [`LogError::MissingSegment`], [`LogError::Io`].
    fn read(&self, at: Position, buffer: &mut [u8]) -> Result<usize, LogError>;

    /// What messages for operators call a segment: its file's path.
    fn name_of(&self, segment: SegmentNumber) -> String;
}

/// Checkpoints, and the deletion of segments, from any thread and while the [`Writer`] writes.
pub trait Store: Segments {
    /// Makes a checkpoint durable. The one before it stays until the next, all older ones are deleted.
    ///
    /// # Errors
    /// [`LogError::CheckpointOutOfRange`] unless `position` lies between where this owner began and what is
    /// durable; [`LogError::NoSpace`], [`LogError::Io`]: the older checkpoints are as they were then.
    fn snapshot(&self, position: Position, payload: &[u8]) -> Result<(), LogError>;

    /// Deletes segments in which nothing is live, in any order. Ones that are already gone are no error.
    ///
    /// # Errors
    /// [`LogError::TrimBeyondCheckpoint`] (nothing is deleted then), [`LogError::Io`].
    fn trim(&self, dead: &[SegmentNumber]) -> Result<(), LogError>;
}

/// Writing, by one thread.
pub trait Writer: Send {
    /// Called once, before the first write: the log was found to end at `end`. Makes all before it durable (it
    /// may have been read from a cache only) and removes the segments from [`Geometry::unused_from`] on.
    ///
    /// # Errors
    /// As for [`write`](Writer::write).
    fn resume(&mut self, end: Position) -> Result<(), LogError>;

    /// Writes a batch and makes it durable: its bytes, and the existence of the segments they are in. Of a batch
    /// that spans segments, each is durable before the next is written. A segment begins with its
    /// [`segment_header`](crate::segment_header), written no later than its first record.
    ///
    /// # Errors
    /// [`LogError::Fenced`], [`LogError::NoSpace`], [`LogError::Io`]. After any of them every further call fails
    /// with [`LogError::Failed`]; nothing is retried.
    fn write(&mut self, batch: &Batch) -> Result<(), LogError>;
}
