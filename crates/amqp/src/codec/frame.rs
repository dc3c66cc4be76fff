//! Frames: a kind, a channel, a payload and an end mark, and the header that opens a connection.

use std::fmt;

use super::ReplyCode;

/// The bytes with which a client opens an AMQP 0-9-1 connection, and with which the server answers
/// any other opening before it closes (specification 4.2.2).
pub const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\x00\x00\x09\x01";

/// What clients of AMQP 0-9 send. RabbitMQ takes it for 0-9-1, and so do we.
const PROTOCOL_HEADER_0_9: [u8; 8] = *b"AMQP\x01\x01\x00\x09";

/// The byte after every payload.
pub const FRAME_END: u8 = 0xce;

/// The bytes before a payload: kind, channel, payload length.
pub const FRAME_HEADER_BYTES: usize = 7;

/// The bytes around a payload: its header and the end mark. The agreed frame size counts them.
pub const FRAME_OVERHEAD_BYTES: usize = FRAME_HEADER_BYTES + 1;

/// A whole heartbeat, ready to be sent.
pub const HEARTBEAT: [u8; 8] = [FrameKind::Heartbeat as u8, 0, 0, 0, 0, 0, 0, FRAME_END];

/// What a connection's first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A header of the protocol we speak; the frames follow after [`PROTOCOL_HEADER`]'s length.
    Amqp,
    /// The beginning of such a header.
    Incomplete,
    /// Anything else: answer with [`PROTOCOL_HEADER`] and close.
    Refused,
}

/// Says what the first bytes of a connection open. A wrong byte is seen as soon as it is there.
pub fn check_opening(buffer: &[u8]) -> Opening {
    let header = &buffer[..buffer.len().min(PROTOCOL_HEADER.len())];
    let known = [PROTOCOL_HEADER, PROTOCOL_HEADER_0_9];
    match known.iter().any(|candidate| candidate.starts_with(header)) {
        true if header.len() == PROTOCOL_HEADER.len() => Opening::Amqp,
        true => Opening::Incomplete,
        false => Opening::Refused,
    }
}

/// What a frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// A method.
    Method = 1,
    /// The header of a content.
    Header = 2,
    /// A piece of a content's body.
    Body = 3,
    /// A sign of life, without payload.
    Heartbeat = 8,
}

impl FrameKind {
    /// The kind with that number, if there is one.
    #[inline]
    pub const fn from_octet(octet: u8) -> Option<Self> {
        match octet {
            1 => Some(Self::Method),
            2 => Some(Self::Header),
            3 => Some(Self::Body),
            8 => Some(Self::Heartbeat),
            _ => None,
        }
    }
}

/// A whole frame at the front of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the payload is.
    pub kind: FrameKind,
    /// The channel; 0 for what concerns the connection.
    pub channel: u16,
    /// What is between the frame's header and its end mark.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// How many bytes the frame takes in the buffer.
    #[inline]
    pub fn encoded_bytes(&self) -> usize {
        self.payload.len() + FRAME_OVERHEAD_BYTES
    }
}

/// Reads the frame at the front of `buffer`, or returns `None` if more bytes must come first.
///
/// `frame_max_bytes` is the agreed size of a whole frame, 0 for no limit. Like RabbitMQ this counts
/// the payload only, since clients that forget the eight bytes around it are not rare. A wrong kind or
/// size is seen as soon as the frame's header is there.
#[inline]
pub fn parse_frame(buffer: &[u8], frame_max_bytes: u32) -> Result<Option<Frame<'_>>, FrameError> {
    let Some((header, rest)) = buffer.split_first_chunk::<FRAME_HEADER_BYTES>() else {
        return Ok(None);
    };
    let [kind, c0, c1, s0, s1, s2, s3] = *header;
    let channel = u16::from_be_bytes([c0, c1]);
    let payload_bytes = u32::from_be_bytes([s0, s1, s2, s3]);
    let Some(kind) = FrameKind::from_octet(kind) else {
        return Err(FrameError { kind, channel, fault: FrameFault::UnknownKind });
    };
    let fault = |fault| FrameError { kind: kind as u8, channel, fault };
    if frame_max_bytes != 0 && payload_bytes > frame_max_bytes {
        return Err(fault(FrameFault::TooLarge { payload_bytes, frame_max_bytes }));
    }
    if kind == FrameKind::Heartbeat && payload_bytes != 0 {
        return Err(fault(FrameFault::HeartbeatWithPayload));
    }
    let payload_bytes = payload_bytes as usize;
    match rest.get(payload_bytes) {
        None => Ok(None),
        Some(&FRAME_END) => Ok(Some(Frame { kind, channel, payload: &rest[..payload_bytes] })),
        Some(&octet) => Err(fault(FrameFault::BadEnd { octet })),
    }
}

/// Appends the bytes before a payload.
pub(super) fn write_frame_header(out: &mut Vec<u8>, kind: FrameKind, channel: u16, payload_bytes: usize) {
    out.extend_from_slice(&frame_header(kind, channel, payload_bytes));
}

/// The bytes before a payload.
#[inline]
pub(super) fn frame_header(kind: FrameKind, channel: u16, payload_bytes: usize) -> [u8; FRAME_HEADER_BYTES] {
    let [c0, c1] = channel.to_be_bytes();
    let [s0, s1, s2, s3] = (payload_bytes as u32).to_be_bytes();
    [kind as u8, c0, c1, s0, s1, s2, s3]
}

/// A frame that cannot be read. The bytes after it cannot be told apart: the connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameError {
    /// The frame's first byte.
    pub kind: u8,
    /// The frame's channel.
    pub channel: u16,
    /// What is wrong with it.
    pub fault: FrameFault,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFault {
    /// No kind of frame has that number.
    UnknownKind,
    /// The payload is larger than a frame may be.
    TooLarge {
        /// How many bytes the payload has.
        payload_bytes: u32,
        /// How many bytes were agreed for a frame.
        frame_max_bytes: u32,
    },
    /// The payload is not followed by [`FRAME_END`].
    BadEnd {
        /// What follows it.
        octet: u8,
    },
    /// A heartbeat has a payload.
    HeartbeatWithPayload,
}

impl FrameError {
    /// The code with which the connection is closed.
    pub const fn reply_code(&self) -> ReplyCode {
        ReplyCode::FrameError
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame of type {} on channel {}: ", self.kind, self.channel)?;
        match self.fault {
            FrameFault::UnknownKind => f.write_str("unknown type"),
            FrameFault::TooLarge { payload_bytes, frame_max_bytes } => {
                write!(f, "a payload of {payload_bytes} bytes does not fit a frame of {frame_max_bytes}")
            }
            FrameFault::BadEnd { octet } => write!(f, "invalid frame end marker {octet}"),
            FrameFault::HeartbeatWithPayload => f.write_str("a heartbeat has no payload"),
        }
    }
}

impl std::error::Error for FrameError {}
