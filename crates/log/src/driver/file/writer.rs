//! Writes batches into segment files and syncs them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, pwritev};

use crate::append::{Batch, Chunk};
use crate::driver::file::Shared;
use crate::driver::file::folder::text;
use crate::driver::{Segments, Writer};
use crate::error::LogError;
use crate::format::segment_header;
use crate::position::{Position, SegmentNumber};

/// The most pieces that one write can gather: IOV_MAX of Linux.
const MAX_PIECES: usize = 1024;
/// Bytes of a page of the system's cache. Segments are whole pages.
const PAGE_BYTES: usize = 4096;

pub(super) struct FileWriter {
    shared: Arc<Shared>,
    open: Option<OpenSegment>,
    /// Where the next batch must start.
    end: Position,
    failed: bool,
}

struct OpenSegment {
    number: SegmentNumber,
    file: File,
    /// The file is new: its name is not durable before the folder has been synced.
    is_new: bool,
}

impl FileWriter {
    pub(super) fn new(shared: Arc<Shared>) -> FileWriter {
        FileWriter { shared, open: None, end: Position::NONE, failed: false }
    }

    /// Runs an operation after which, if it fails, nothing may be written any more.
    fn or_fail(&mut self, operation: impl FnOnce(&mut Self) -> Result<(), LogError>) -> Result<(), LogError> {
        if self.failed {
            return Err(LogError::Failed);
        }
        let result = operation(self);
        self.failed = result.is_err();
        result
    }

    fn try_resume(&mut self, end: Position) -> Result<(), LogError> {
        let geometry = self.shared.files.geometry();
        let unused = geometry.unused_from(end);
        let mut behind = self.shared.segments()?;
        behind.retain(|&segment| segment >= unused);
        self.shared.remove(&behind)?;
        let last = geometry.segment_of(end);
        if last < unused {
            let path = self.shared.files.folder().segment_path(last);
            let file = OpenOptions::new().write(true).open(&path);
            let file = file.map_err(|e| LogError::io("open", text(&path), e))?;
            file.sync_all().map_err(|e| LogError::io("sync", text(&path), e))?;
            self.open = Some(OpenSegment { number: last, file, is_new: false });
        }
        self.shared.files.folder().sync()?;
        self.end = end;
        self.shared.from.store(end.0, Ordering::Release);
        self.shared.durable.store(end.0, Ordering::Release);
        Ok(())
    }

    fn try_write(&mut self, batch: &Batch) -> Result<(), LogError> {
        if batch.start() != self.end {
            return Err(LogError::OutOfOrder { start: batch.start(), end: self.end });
        }
        for (segment, chunks) in batch.runs(self.shared.files.geometry()) {
            self.write_run(segment, chunks)?;
        }
        self.end = batch.end();
        self.shared.durable.store(self.end.0, Ordering::Release);
        Ok(())
    }

    /// Writes chunks of one segment and makes them, and the segment, durable.
    fn write_run(&mut self, segment: SegmentNumber, chunks: &[Chunk]) -> Result<(), LogError> {
        let offset = self.shared.files.geometry().offset_of(chunks[0].start);
        let mut open = match self.open.take() {
            Some(open) if open.number == segment => open,
            _ => self.begin_segment(segment)?,
        };
        let failed = |doing, e| LogError::io(doing, self.shared.files.name_of(segment), e);
        write_chunks(&open.file, offset, chunks).map_err(|e| failed("write", e))?;
        open.file.sync_data().map_err(|e| failed("sync", e))?;
        if open.is_new {
            self.shared.files.folder().sync()?;
            open.is_new = false;
        }
        self.open = Some(open);
        Ok(())
    }

    /// Makes the file of a segment, from a spare if there is one, and writes its header.
    fn begin_segment(&self, number: SegmentNumber) -> Result<OpenSegment, LogError> {
        let geometry = self.shared.files.geometry();
        let path = self.shared.files.folder().segment_path(number);
        let begin = || {
            let file = match self.shared.spares.take() {
                Some(spare) => {
                    fs::rename(spare, &path)?;
                    OpenOptions::new().write(true).open(&path)?
                }
                None => {
                    let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
                    allocate(&file, geometry.segment_bytes())?;
                    file
                }
            };
            file.write_all_at(&segment_header(self.shared.tenure.log, geometry, number), 0)?;
            Ok(file)
        };
        let file = begin().map_err(|e| LogError::io("begin", text(&path), e))?;
        Ok(OpenSegment { number, file, is_new: true })
    }
}

impl Writer for FileWriter {
    fn resume(&mut self, end: Position) -> Result<(), LogError> {
        self.or_fail(|writer| writer.try_resume(end))
    }

    fn write(&mut self, batch: &Batch) -> Result<(), LogError> {
        self.or_fail(|writer| writer.try_write(batch))
    }
}

/// Reserves the blocks of a file, so that no later write into it finds the disk full.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        // Not every file system can.
        Err(Errno::OPNOTSUPP) => file.set_len(bytes),
        other => other.map_err(io::Error::from),
    }
}

/// Writes chunks that stand one behind the other, and zeros up to the end of the last page: a page that is not in
/// memory and is written in part would have to be read first.
fn write_chunks(file: &File, mut offset: u64, chunks: &[Chunk]) -> io::Result<()> {
    const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];
    let end = offset as usize + chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>();
    let mut pieces: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(&chunk.bytes)).collect();
    pieces.push(IoSlice::new(&ZEROS[..end.next_multiple_of(PAGE_BYTES) - end]));
    let mut pieces = &mut pieces[..];
    while !pieces.is_empty() {
        match pwritev(file, &pieces[..pieces.len().min(MAX_PIECES)], offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                IoSlice::advance_slices(&mut pieces, count);
                offset += count as u64;
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}
