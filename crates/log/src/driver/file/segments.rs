//! The segment files of a folder, and the open handles to them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use crate::driver::Segments;
use crate::driver::file::folder::{Entry, Folder, text};
use crate::error::LogError;
use crate::position::{Geometry, Position, SegmentNumber};

/// How many segments are kept open for reading. Beyond it all are closed: opening one again costs microseconds.
const MAX_OPEN: usize = 64;

/// Reads segments, whoever owns the folder.
pub(crate) struct SegmentFiles {
    folder: Folder,
    geometry: Geometry,
    open: RwLock<HashMap<SegmentNumber, Arc<File>>>,
}

impl SegmentFiles {
    pub(crate) fn new(folder: Folder, geometry: Geometry) -> SegmentFiles {
        SegmentFiles { folder, geometry, open: RwLock::new(HashMap::new()) }
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Gives a segment's file another name; `false` if there is no such segment.
    pub(super) fn rename_away(&self, segment: SegmentNumber, to: &Path) -> Result<bool, LogError> {
        // A reader opens files under the same lock, so it cannot bring the handle back.
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.remove(&segment);
        let path = self.folder.segment_path(segment);
        match fs::rename(&path, to) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(LogError::io("rename", text(&path), e)),
        }
    }

    fn file(&self, segment: SegmentNumber) -> Result<Arc<File>, LogError> {
        if let Some(file) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&segment) {
            return Ok(file.clone());
        }
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.segment_path(segment);
        let file = Arc::new(File::open(&path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => LogError::MissingSegment { file: text(&path), segment },
            _ => LogError::io("open", text(&path), e),
        })?);
        if open.len() >= MAX_OPEN {
            open.clear();
        }
        open.insert(segment, file.clone());
        Ok(file)
    }
}

impl Segments for SegmentFiles {
    fn segments(&self) -> Result<Vec<SegmentNumber>, LogError> {
        let mut segments: Vec<SegmentNumber> = self
            .folder
            .entries()?
            .into_iter()
            .filter_map(|(entry, _)| match entry {
                Entry::Segment(segment) => Some(segment),
                _ => None,
            })
            .collect();
        segments.sort_unstable();
        Ok(segments)
    }

    fn read(&self, at: Position, buffer: &mut [u8]) -> Result<usize, LogError> {
        let segment = self.geometry.segment_of(at);
        let file = self.file(segment)?;
        read_full(&file, self.geometry.offset_of(at), buffer)
            .map_err(|e| LogError::io("read", self.name_of(segment), e))
    }

    fn name_of(&self, segment: SegmentNumber) -> String {
        text(&self.folder.segment_path(segment))
    }
}

/// Reads until the buffer is full or the file ends.
fn read_full(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}
