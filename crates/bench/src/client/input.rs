//! The bytes that came from the broker and were not handled yet.

use std::io::Read;

use leveret_amqp::codec::{Frame, parse_frame};

use super::ClientError;

/// How much is read ahead. Several frames of the largest size fit.
const BUFFER_BYTES: usize = 1 << 20;

/// A read is made with at least this much room, more than a frame of the largest size takes: what is left of a
/// frame therefore always fits.
const READ_BYTES: usize = 256 * 1024;

/// The largest frame that the client agrees to.
pub(super) const FRAME_MAX_BYTES: u32 = 128 * 1024;

const _: () = assert!(FRAME_MAX_BYTES as usize + 8 <= READ_BYTES && 2 * READ_BYTES <= BUFFER_BYTES);

/// A buffer that is filled at one end and emptied at the other.
pub(super) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; BUFFER_BYTES], start: 0, end: 0 }
    }

    /// The frame at the front, if it is whole. It stays there until [`Self::advance`].
    #[inline]
    pub(super) fn frame(&self) -> Result<Option<Frame<'_>>, ClientError> {
        Ok(parse_frame(&self.buffer[self.start..self.end], FRAME_MAX_BYTES)?)
    }

    /// Drops bytes of the front.
    #[inline]
    pub(super) fn advance(&mut self, bytes: usize) {
        self.start += bytes;
        debug_assert!(self.start <= self.end, "only what was there is dropped");
    }

    /// Waits for bytes from the broker.
    pub(super) fn fill(&mut self, stream: &mut impl Read) -> Result<(), ClientError> {
        if self.start == self.end || self.buffer.len() - self.end < READ_BYTES {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        match stream.read(&mut self.buffer[self.end..])? {
            0 => Err(ClientError::EndOfStream),
            bytes => {
                self.end += bytes;
                Ok(())
            }
        }
    }
}
