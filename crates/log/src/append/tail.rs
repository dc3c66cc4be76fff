//! The end of the log in memory: records are built here, once, in the bytes that will be written.

use std::fmt;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use crate::append::blocks::Blocks;
use crate::append::{Batch, Chunk, Recent};
use crate::format::{
    END_TAG, FIRST_CALLER_KIND, MARK_BYTES, MARK_MAGIC, MARK_TAG, RECORD_HEADER_BYTES, Salt, Tag, Tenure,
    record_bytes, stamp,
};
use crate::position::{Geometry, Position, SegmentNumber};

/// Builds records, gathers them by turn into chunks, and hands the chunks out as batches.
///
/// It does no I/O and takes no lock per record; whoever serialises the engine serialises it. In a turn:
/// [`append`](Tail::append) any number of times, then [`seal`](Tail::seal) once. Readers see a record only after
/// the seal. The log thread calls [`take_batch`](Tail::take_batch) and commits the batch; it must not commit a
/// batch before the one in front of it has succeeded.
pub struct Tail {
    geometry: Geometry,
    epoch: u32,
    salt: Salt,
    /// Where the next record goes, unless its segment has no room for it.
    next: Position,
    /// Where the open segment ends.
    segment_end: u64,
    /// The open chunk, and behind it free capacity.
    open: BytesMut,
    blocks: Blocks,
    /// Whether the next record must be preceded by a MARK.
    mark_due: bool,
    pending: Vec<Chunk>,
    pending_bytes: usize,
    /// How much of the log is live, in bytes.
    live_bytes: u64,
    recent: Arc<Recent>,
    failed: bool,
}

impl Tail {
    /// The tail of a log that ends at `start`, for the owner `tenure`. Chunks go to `recent` for the readers.
    pub(crate) fn new(geometry: Geometry, tenure: Tenure, start: Position, recent: Arc<Recent>) -> Tail {
        let next = geometry.record_start(start);
        Tail {
            geometry,
            epoch: tenure.epoch,
            salt: tenure.log.salt(),
            next,
            segment_end: geometry.end_of(geometry.segment_of(next)).0,
            open: BytesMut::new(),
            blocks: Blocks::new(),
            mark_due: true,
            pending: Vec::new(),
            pending_bytes: 0,
            live_bytes: 0,
            recent,
            failed: false,
        }
    }

    /// Takes note of how many bytes of the log are live. Where it is more than is kept in memory for readers, they
    /// will read from the driver, which may then keep at hand what it writes.
    pub fn note_live(&mut self, bytes: u64) {
        self.live_bytes = bytes;
    }

    /// Appends a record whose payload is `parts`, one behind the other, and answers its position.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing is appended then.
    #[inline]
    pub fn append(&mut self, tag: Tag, parts: &[&[u8]]) -> Result<Position, AppendError> {
        let payload_bytes = parts.iter().map(|part| part.len()).sum();
        self.make_ready(tag, payload_bytes)?;
        Ok(self.put(tag, payload_bytes, |open| parts.iter().for_each(|part| open.extend_from_slice(part))))
    }

    /// Appends a record whose payload `fill` writes in place: it gets exactly `payload_bytes` zeros.
    ///
    /// # Errors
    /// See [`AppendError`]; `fill` is not called then.
    #[inline]
    pub fn append_with(
        &mut self,
        tag: Tag,
        payload_bytes: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<Position, AppendError> {
        self.make_ready(tag, payload_bytes)?;
        Ok(self.put(tag, payload_bytes, |open| {
            let start = open.len();
            open.resize(start + payload_bytes, 0);
            fill(&mut open[start..]);
        }))
    }

    /// Ends a turn: what it appended becomes visible to readers and is due in the next batch.
    #[inline]
    pub fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let start = Position(self.next.0 - self.open.len() as u64);
        let bytes = self.open.split().freeze();
        self.pending_bytes += bytes.len();
        let chunk = Chunk { start, bytes };
        self.recent.push(chunk.clone());
        self.pending.push(chunk);
    }

    /// Everything that is due, for one group commit; `None` when there is nothing or the log has failed.
    pub fn take_batch(&mut self) -> Option<Batch> {
        self.seal();
        if self.pending.is_empty() || self.failed {
            return None;
        }
        let next_capacity = self.pending.len();
        let chunks = std::mem::replace(&mut self.pending, Vec::with_capacity(next_capacity));
        self.pending_bytes = 0;
        self.mark_due = true;
        let backlog = self.live_bytes > self.recent.budget_bytes() as u64;
        Some(Batch { chunks, end: self.next_position(), backlog })
    }

    /// Where the log ends. What was appended so far is durable once the log is durable up to here.
    pub fn next_position(&self) -> Position {
        self.geometry.record_start(self.next)
    }

    /// How much waits for the next batch, in bytes, without the turn that is not sealed.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// The largest payload of a record, in bytes.
    pub fn max_payload_bytes(&self) -> usize {
        self.geometry.max_payload_bytes()
    }

    /// Refuses every append from now on: a batch could not be made durable.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    /// Whether [`fail`](Tail::fail) was called.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Refuses a record, or makes sure that it can be put.
    #[inline]
    fn make_ready(&mut self, tag: Tag, payload_bytes: usize) -> Result<(), AppendError> {
        if self.failed {
            return Err(AppendError::Failed);
        }
        let limit = self.geometry.max_payload_bytes();
        if payload_bytes > limit {
            return Err(AppendError::TooLarge { payload_bytes, limit });
        }
        if tag.kind < FIRST_CALLER_KIND {
            return Err(AppendError::ReservedKind { kind: tag.kind });
        }
        let total = record_bytes(payload_bytes);
        let fits_segment = self.next.0 + total as u64 <= self.segment_end;
        let fits_block = total <= self.open.capacity() - self.open.len();
        if self.mark_due || !fits_segment || !fits_block {
            self.make_room(total);
        }
        Ok(())
    }

    /// Makes sure that a record of `total` bytes can be put, with a MARK in front of it where one is due.
    #[cold]
    fn make_room(&mut self, total: usize) {
        let with_mark = |due: bool| total + if due { MARK_BYTES } else { 0 };
        if self.next.0 + with_mark(self.mark_due) as u64 > self.segment_end {
            self.end_segment();
        }
        self.make_block(with_mark(self.mark_due));
        if self.mark_due {
            self.mark_due = false;
            self.put(MARK_TAG, 8, |open| open.put_u64_le(MARK_MAGIC));
        }
    }

    /// Closes the open segment, with an END where one fits, and goes on in the next one, which starts with a MARK.
    fn end_segment(&mut self) {
        if self.segment_end - self.next.0 >= RECORD_HEADER_BYTES as u64 {
            self.make_block(RECORD_HEADER_BYTES);
            self.put(END_TAG, 0, |_| ());
        }
        // A chunk does not span segments.
        self.seal();
        let segment = SegmentNumber(self.segment_end / self.geometry.segment_bytes());
        self.next = self.geometry.first_of(segment);
        self.segment_end = self.geometry.end_of(segment).0;
        self.mark_due = true;
    }

    /// Makes sure that `need` bytes are free. A full block ends the open chunk.
    fn make_block(&mut self, need: usize) {
        if need > self.open.capacity() - self.open.len() {
            self.seal();
            self.blocks.exchange(&mut self.open, need);
        }
    }

    /// Puts a record; `fill` adds exactly `payload_bytes`.
    #[inline]
    fn put(&mut self, tag: Tag, payload_bytes: usize, fill: impl FnOnce(&mut BytesMut)) -> Position {
        let at = self.next;
        let start = self.open.len();
        let end = start + record_bytes(payload_bytes);
        self.open.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
        fill(&mut self.open);
        self.open.resize(end, 0);
        // The limit on payloads is far below 4 GiB.
        stamp(&mut self.open[start..], at, self.salt, self.epoch, tag, payload_bytes as u32);
        self.next.0 += (end - start) as u64;
        at
    }
}

/// Why a record was not appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendError {
    /// The payload cannot fit a segment.
    TooLarge {
        /// The payload's size.
        payload_bytes: usize,
        /// The largest size that fits.
        limit: usize,
    },
    /// The log has failed and accepts nothing more.
    Failed,
    /// The kind is one of the log's own, below [`FIRST_CALLER_KIND`].
    ReservedKind {
        /// The kind.
        kind: u8,
    },
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::TooLarge { payload_bytes, limit } => {
                write!(f, "a record of {payload_bytes} bytes exceeds the limit of {limit}")
            }
            AppendError::Failed => write!(f, "the log has failed and accepts no more records"),
            AppendError::ReservedKind { kind } => write!(f, "record kind {kind} belongs to the log"),
        }
    }
}

impl std::error::Error for AppendError {}

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
