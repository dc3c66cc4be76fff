//! A published message that lies in the buffer in one piece, which nearly all do.

use leveret_core::wire::Reader;

use super::content::ContentHeader;
use super::frame::{FRAME_HEADER_BYTES, Frame, FrameKind, parse_frame};
use super::method::basic;

/// The method frame of a basic.publish, its header frame, and the one body frame of a body that is not
/// empty: all that makes a message, as slices of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published<'a> {
    /// The channel it came on. Whether that is open is not looked at.
    pub channel: u16,
    /// The method's arguments.
    pub method: basic::Publish<'a>,
    /// The encoded property list, not looked at: see [`leveret_core::wire::RawProperties`].
    pub properties: &'a [u8],
    /// The whole body.
    pub body: &'a [u8],
    /// How many bytes the frames take in the buffer.
    pub encoded_bytes: usize,
}

impl<'a> Published<'a> {
    /// Reads the message at the front of `buffer`. Anything else there is `None`, be it another method,
    /// a message in more frames, one that has not come in whole, or an error: the general path, frame
    /// by frame, deals with those and says what is wrong.
    #[inline]
    pub fn read(buffer: &'a [u8], frame_max_bytes: u32) -> Option<Self> {
        const IDS: [[u8; 2]; 2] = [basic::CLASS_ID.to_be_bytes(), 40u16.to_be_bytes()];
        let ids = buffer.get(FRAME_HEADER_BYTES..)?.first_chunk::<4>()?;
        if ids != IDS.as_flattened() {
            return None;
        }
        let method_frame = parse_frame(buffer, frame_max_bytes).ok()??;
        if method_frame.kind != FrameKind::Method {
            return None;
        }
        let channel = method_frame.channel;
        let method = basic::Publish::read(Reader::new(method_frame.payload.get(4..)?)).ok()?;

        let mut rest = &buffer[method_frame.encoded_bytes()..];
        let mut next = |kind| {
            let frame: Frame<'a> = parse_frame(rest, frame_max_bytes).ok()??;
            rest = &rest[frame.encoded_bytes()..];
            (frame.kind == kind && frame.channel == channel).then_some(frame.payload)
        };
        let header = ContentHeader::read(next(FrameKind::Header)?).ok()?;
        let body = if header.body_bytes == 0 { &[] } else { next(FrameKind::Body)? };
        let whole = body.len() as u64 == header.body_bytes;
        let encoded_bytes = buffer.len() - rest.len();
        whole.then_some(Self { channel, method, properties: header.properties, body, encoded_bytes })
    }
}
