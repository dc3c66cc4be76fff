//! Writes batches into segment files and syncs them.
//!
//! What is not expected to be read again goes past the page cache: at full speed the copy into it costs more than all
//! that the broker does with a message. A backlog goes through it, for whoever drains it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;

use crate::append::{Batch, Chunk};
use crate::driver::file::Shared;
use crate::driver::file::folder::text;
use crate::driver::file::pages::{PAGE_BYTES, Pages};
use crate::driver::{Segments, Writer};
use crate::error::LogError;
use crate::format::segment_header;
use crate::position::{Position, SegmentNumber};

pub(super) struct FileWriter {
    shared: Arc<Shared>,
    open: Option<OpenSegment>,
    /// The end of the open segment.
    pages: Pages,
    /// Where the next batch must start.
    end: Position,
    failed: bool,
}

struct OpenSegment {
    number: SegmentNumber,
    /// For writes through the page cache.
    cached: File,
    /// The same file for writes past it, unless the file system cannot do that.
    direct: Option<File>,
    /// The file is new: its name is not durable before the folder has been synced.
    is_new: bool,
}

impl FileWriter {
    pub(super) fn new(shared: Arc<Shared>) -> FileWriter {
        FileWriter { shared, open: None, pages: Pages::new(), end: Position::NONE, failed: false }
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
            self.go_on_in(last, geometry.offset_of(end))?;
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
            self.write_run(segment, chunks, batch.is_backlog())?;
        }
        self.end = batch.end();
        self.shared.durable.store(self.end.0, Ordering::Release);
        Ok(())
    }

    /// Opens a segment that ends at `offset` for more.
    fn go_on_in(&mut self, segment: SegmentNumber, offset: u64) -> Result<(), LogError> {
        let path = self.shared.files.folder().segment_path(segment);
        let cached = OpenOptions::new().read(true).write(true).open(&path);
        let cached = cached.map_err(|e| LogError::io("open", text(&path), e))?;
        cached.sync_all().map_err(|e| LogError::io("sync", text(&path), e))?;
        let begun = (offset % PAGE_BYTES as u64) as usize;
        let mut page = [0; PAGE_BYTES];
        let start = offset - begun as u64;
        cached.read_exact_at(&mut page[..begun], start).map_err(|e| LogError::io("read", text(&path), e))?;
        self.pages.begin(start, &page[..begun]);
        let direct = open_direct(&path).map_err(|e| LogError::io("open", text(&path), e))?;
        self.open = Some(OpenSegment { number: segment, cached, direct, is_new: false });
        Ok(())
    }

    /// Writes chunks of one segment and makes them, and the segment, durable.
    fn write_run(&mut self, segment: SegmentNumber, chunks: &[Chunk], backlog: bool) -> Result<(), LogError> {
        let mut open = match self.open.take() {
            Some(open) if open.number == segment => open,
            _ => self.begin_segment(segment)?,
        };
        debug_assert_eq!(self.pages.end(), self.shared.files.geometry().offset_of(chunks[0].start));
        let failed = |doing, e| LogError::io(doing, self.shared.files.name_of(segment), e);
        let written = self.pages.write(chunks, |pages, at| open.write(pages, at, backlog));
        written.map_err(|e| failed("write", e))?;
        open.cached.sync_data().map_err(|e| failed("sync", e))?;
        if open.is_new {
            self.shared.files.folder().sync()?;
            open.is_new = false;
        }
        self.open = Some(open);
        Ok(())
    }

    /// Makes the file of a segment, from a spare if there is one. Its header is written with its first record.
    fn begin_segment(&mut self, number: SegmentNumber) -> Result<OpenSegment, LogError> {
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
            Ok((file, open_direct(&path)?))
        };
        let (cached, direct) = begin().map_err(|e| LogError::io("begin", text(&path), e))?;
        self.pages.begin(0, &segment_header(self.shared.tenure.log, geometry, number));
        Ok(OpenSegment { number, cached, direct, is_new: true })
    }
}

impl OpenSegment {
    /// Writes whole pages: a backlog through the page cache, all else past it.
    fn write(&mut self, pages: &[u8], offset: u64, backlog: bool) -> io::Result<()> {
        if !backlog && let Some(direct) = &self.direct {
            match direct.write_all_at(pages, offset) {
                // Some file systems open such a file and take no write. What was written is written again.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.direct = None,
                result => return result,
            }
        }
        self.cached.write_all_at(pages, offset)
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

/// A segment's file for writes past the page cache, if the file system has such.
fn open_direct(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().write(true).custom_flags(OFlags::DIRECT.bits() as i32).open(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        opened => opened.map(Some),
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
