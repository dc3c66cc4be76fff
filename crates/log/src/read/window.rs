//! A piece of the log in memory, to read records from.

use bytes::{Bytes, BytesMut};

use crate::append::Chunk;
use crate::driver::Segments;
use crate::error::LogError;
use crate::position::{Geometry, Position};

/// Consecutive bytes of one segment.
#[derive(Default)]
pub(crate) struct Window {
    start: Position,
    bytes: Bytes,
}

impl Window {
    /// The bytes from `at` to the window's end; none if `at` is outside.
    pub(crate) fn from(&self, at: Position) -> &[u8] {
        let offset = at.0.checked_sub(self.start.0).and_then(|offset| usize::try_from(offset).ok());
        offset.and_then(|offset| self.bytes.get(offset..)).unwrap_or_default()
    }

    /// The same bytes as a handle that outlives the window; `part` is a part of what [`from`](Self::from) gave.
    pub(crate) fn share(&self, part: &[u8]) -> Bytes {
        self.bytes.slice_ref(part)
    }

    /// Looks into a chunk from memory instead.
    pub(crate) fn look_into(&mut self, chunk: Chunk) {
        self.start = chunk.start;
        self.bytes = chunk.bytes;
    }

    /// Reads up to `size` bytes from `at` on, within its segment and below `limit`.
    pub(crate) fn load(
        &mut self,
        segments: &dyn Segments,
        geometry: Geometry,
        at: Position,
        size: usize,
        limit: Position,
    ) -> Result<(), LogError> {
        let end = geometry.end_of(geometry.segment_of(at)).min(limit);
        let size = size.min(end.0.saturating_sub(at.0) as usize);
        // The old buffer is used again unless a reader still holds a part of it.
        let mut buffer = std::mem::take(&mut self.bytes).try_into_mut().unwrap_or_else(|_| BytesMut::new());
        buffer.resize(size, 0);
        let count = segments.read(at, &mut buffer)?;
        buffer.truncate(count);
        self.start = at;
        self.bytes = buffer.freeze();
        Ok(())
    }

    /// Gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Window::default();
    }
}
