//! Contents: a method that carries a message is followed by a header frame with the size of the body
//! and the properties, and by the body in as many frames as it takes.

use std::fmt;

use leveret_core::wire::Reader;

use super::ReplyCode;
use super::frame::{FRAME_END, FRAME_OVERHEAD_BYTES, FrameKind, write_frame_header};
use super::method::{Arguments, basic};

/// The bytes of a content header before the properties: class, weight, body size.
pub(super) const FIXED_BYTES: usize = 2 + 2 + 8;

/// More bytes than a content's method and header frames take, its properties not counted: the longest
/// method is a return with three short strings of 255 bytes.
const METHOD_AND_HEADER_BYTES: usize = 1024;

/// The payload of a header frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHeader<'a> {
    /// How many bytes the frames that follow carry.
    pub body_bytes: u64,
    /// The encoded property list, not looked at: see [`leveret_core::wire::RawProperties`].
    pub properties: &'a [u8],
}

impl<'a> ContentHeader<'a> {
    /// Reads the payload of a header frame.
    #[inline]
    pub fn read(payload: &'a [u8]) -> Result<Self, ContentHeaderError> {
        let mut values = Reader::new(payload);
        let truncated = |_| ContentHeaderError::Truncated { bytes: payload.len() };
        let class_id = values.short().map_err(truncated)?;
        let weight = values.short().map_err(truncated)?;
        let body_bytes = values.longlong().map_err(truncated)?;
        match (class_id, weight) {
            (basic::CLASS_ID, 0) => Ok(Self { body_bytes, properties: values.rest() }),
            (basic::CLASS_ID, _) => Err(ContentHeaderError::Weight { weight }),
            _ => Err(ContentHeaderError::Class { class_id }),
        }
    }
}

/// Appends a method that carries a content, the content's header, and its body: all frames of a
/// delivery, a return, the answer to a get, or a publish.
///
/// `frame_max_bytes` is the agreed size of a whole frame, 0 for no limit. The properties are not
/// checked: they were when they came in.
#[inline]
pub fn write_content<M: Arguments>(
    out: &mut Vec<u8>,
    channel: u16,
    frame_max_bytes: u32,
    method: &M,
    properties: &[u8],
    body: &[u8],
) {
    let body_frames = body.len() / body_frame_payload(frame_max_bytes) + 1;
    out.reserve(METHOD_AND_HEADER_BYTES + properties.len() + body.len() + body_frames * FRAME_OVERHEAD_BYTES);
    method.write_frame(channel, out);
    write_frame_header(out, FrameKind::Header, channel, FIXED_BYTES + properties.len());
    out.extend_from_slice(&fixed_part(body.len()));
    out.extend_from_slice(properties);
    out.push(FRAME_END);
    write_body(out, channel, frame_max_bytes, body);
}

/// Appends a body in as few frames as it takes, which is none if it is empty.
#[inline]
pub fn write_body(out: &mut Vec<u8>, channel: u16, frame_max_bytes: u32, body: &[u8]) {
    for piece in body.chunks(body_frame_payload(frame_max_bytes)) {
        write_frame_header(out, FrameKind::Body, channel, piece.len());
        out.extend_from_slice(piece);
        out.push(FRAME_END);
    }
}

/// How many bytes of a body fit one frame. A peer that agreed to frames that hold nothing gets one byte
/// in each, rather than no end of empty ones.
fn body_frame_payload(frame_max_bytes: u32) -> usize {
    match frame_max_bytes {
        0 => u32::MAX as usize,
        bytes => (bytes as usize).saturating_sub(FRAME_OVERHEAD_BYTES).max(1),
    }
}

#[inline]
pub(super) fn fixed_part(body_bytes: usize) -> [u8; FIXED_BYTES] {
    let mut fixed = [0; FIXED_BYTES];
    fixed[..2].copy_from_slice(&basic::CLASS_ID.to_be_bytes());
    fixed[4..].copy_from_slice(&(body_bytes as u64).to_be_bytes());
    fixed
}

/// A header frame whose payload cannot be understood. The frame itself was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentHeaderError {
    /// The payload ends before the properties begin.
    Truncated {
        /// How many bytes the payload has.
        bytes: usize,
    },
    /// The header is for another class than basic, and no other has contents.
    Class {
        /// The class that the header names.
        class_id: u16,
    },
    /// The weight is reserved and must be 0.
    Weight {
        /// What it is.
        weight: u16,
    },
}

impl ContentHeaderError {
    /// The code with which the connection is closed: RabbitMQ's, for each of them.
    pub const fn reply_code(&self) -> ReplyCode {
        match self {
            Self::Truncated { .. } => ReplyCode::FrameError,
            Self::Class { .. } | Self::Weight { .. } => ReplyCode::UnexpectedFrame,
        }
    }
}

impl fmt::Display for ContentHeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { bytes } => write!(f, "a content header is cut short after {bytes} bytes"),
            Self::Class { class_id } => write!(
                f,
                "expected content header for class {}, got one for class {class_id} instead",
                basic::CLASS_ID
            ),
            Self::Weight { weight } => write!(f, "a content header has weight {weight} instead of 0"),
        }
    }
}

impl std::error::Error for ContentHeaderError {}
