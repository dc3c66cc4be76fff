//! The memory side of the log: records are built in the tail, kept for readers, and made durable in batches.

mod blocks;
mod committer;
mod recent;
mod tail;

pub use committer::Committer;
pub(crate) use recent::Recent;
pub use tail::{AppendError, Tail};

use bytes::Bytes;

use crate::position::{Geometry, Position, SegmentNumber};

/// Consecutive whole records of one segment: what one turn appended.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Where the first byte stands.
    pub start: Position,
    /// The records.
    pub bytes: Bytes,
}

impl Chunk {
    /// Where the byte behind the last one stands.
    pub fn end(&self) -> Position {
        Position(self.start.0 + self.bytes.len() as u64)
    }
}

/// What one group commit makes durable: chunks in the order of their positions, without gaps except from the end
/// of one segment to the first record of the next.
#[derive(Clone, Debug)]
pub struct Batch {
    chunks: Vec<Chunk>,
    end: Position,
    backlog: bool,
}

impl Batch {
    /// The chunks; never empty.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Where the first chunk starts.
    pub fn start(&self) -> Position {
        self.chunks.first().map_or(self.end, |chunk| chunk.start)
    }

    /// Up to where the log is durable once this batch is.
    pub fn end(&self) -> Position {
        self.end
    }

    /// Whether it is likely to be read from the driver: more is live than is kept in memory for readers.
    pub fn is_backlog(&self) -> bool {
        self.backlog
    }

    /// The chunks by segment, in order. A driver syncs each of them before it writes the next.
    pub fn runs(&self, geometry: Geometry) -> impl Iterator<Item = (SegmentNumber, &[Chunk])> {
        let segment_of = move |chunk: &Chunk| geometry.segment_of(chunk.start);
        self.chunks
            .chunk_by(move |a, b| segment_of(a) == segment_of(b))
            .map(move |run| (segment_of(&run[0]), run))
    }
}
