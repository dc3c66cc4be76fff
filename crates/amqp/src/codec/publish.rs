//! A published message that lies in the buffer in one piece, which nearly all do.

use super::content::FIXED_BYTES;
use super::frame::{FRAME_END, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FrameKind};
use super::method::{Arguments, basic};

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
    /// The buffer up to the end of the properties.
    pub(super) head: &'a [u8],
}

/// Bytes of the size of a body, which stands in front of the properties.
const SIZE_BYTES: usize = 8;

impl<'a> Published<'a> {
    /// Reads the message at the front of `buffer`. Anything else there is `None`, be it another method,
    /// a message in more frames, one that has not come in whole, or an error: the general path, frame
    /// by frame, deals with those and says what is wrong.
    // Always: as a call it would write out a dozen words for its caller to read back, a tenth of the whole.
    #[inline(always)]
    pub fn read(buffer: &'a [u8], frame_max_bytes: u32) -> Option<Self> {
        let (channel, method, rest) = read_method(buffer)?;
        let method_bytes = buffer.len() - rest.len() - FRAME_HEADER_BYTES;
        let (properties, body_bytes, rest) = read_header(channel, rest)?;
        let head = &buffer[..buffer.len() - rest.len()];
        let (body, rest) = read_body(channel, body_bytes, rest)?;
        let longest = method_bytes.max(FIXED_BYTES + properties.len()).max(body.len());
        if frame_max_bytes != 0 && longest > frame_max_bytes as usize {
            return None;
        }
        Some(Self { channel, method, properties, body, encoded_bytes: buffer.len() - rest.len(), head })
    }

    /// Reads the message at the front of `buffer`, if it differs from this one in nothing but its body, which two of one
    /// publisher often do. `None` says no more than that: [`Published::read`] knows what is there.
    #[inline(always)]
    pub fn read_alike(&self, buffer: &'a [u8], frame_max_bytes: u32) -> Option<Self> {
        let (head, rest) = buffer.split_at_checked(self.head.len())?;
        let (known, properties) = self.head.split_at(head.len() - self.properties.len());
        let (before, properties_here) = head.split_at(known.len());
        let (before, size) = before.split_last_chunk::<SIZE_BYTES>()?;
        if before != &known[..before.len()] || properties_here != properties {
            return None;
        }
        let (body, rest) = read_body(self.channel, usize::try_from(u64::from_be_bytes(*size)).ok()?, rest)?;
        if frame_max_bytes != 0 && body.len() > frame_max_bytes as usize {
            return None;
        }
        Some(Self { body, encoded_bytes: buffer.len() - rest.len(), ..*self })
    }
}

/// Reads a method frame up to its end mark: its channel, the method, and what follows.
#[inline]
fn read_method(buffer: &[u8]) -> Option<(u16, basic::Publish<'_>, &[u8])> {
    const IDS: u32 = (basic::CLASS_ID as u32) << 16 | basic::Publish::METHOD_ID as u32;
    let (fixed, rest) = buffer.split_first_chunk::<{ FRAME_HEADER_BYTES + 4 + 2 + 1 }>()?;
    let [kind, c0, c1, s0, s1, s2, s3, i0, i1, i2, i3, t0, t1, exchange_len] = *fixed;
    let (exchange, rest) = rest.split_at_checked(exchange_len.into())?;
    let (&key_len, rest) = rest.split_first()?;
    let (routing_key, rest) = rest.split_at_checked(key_len.into())?;
    let (&flags, rest) = rest.split_first()?;
    let is_publish = kind == FrameKind::Method as u8
        && u32::from_be_bytes([i0, i1, i2, i3]) == IDS
        && u32::from_be_bytes([s0, s1, s2, s3]) as usize + FRAME_HEADER_BYTES == buffer.len() - rest.len();
    if !is_publish {
        return None;
    }
    let method = basic::Publish {
        ticket: u16::from_be_bytes([t0, t1]),
        exchange: name(exchange)?,
        routing_key: name(routing_key)?,
        mandatory: flags & 1 != 0,
        immediate: flags & 2 != 0,
    };
    Some((u16::from_be_bytes([c0, c1]), method, rest))
}

/// Reads a header frame from the end mark before it up to its own: the properties, the size of the body, and what
/// follows.
#[inline]
fn read_header(channel: u16, rest: &[u8]) -> Option<(&[u8], usize, &[u8])> {
    const CLASS_AND_WEIGHT: u32 = (basic::CLASS_ID as u32) << 16;
    let (header_bytes, rest) = read_frame_header(FrameKind::Header, channel, rest)?;
    let (fixed, rest) = rest.split_first_chunk::<FIXED_BYTES>()?;
    let [w0, w1, w2, w3, body_bytes @ ..] = *fixed;
    if u32::from_be_bytes([w0, w1, w2, w3]) != CLASS_AND_WEIGHT {
        return None;
    }
    let (properties, rest) = rest.split_at_checked(header_bytes.checked_sub(FIXED_BYTES)?)?;
    Some((properties, usize::try_from(u64::from_be_bytes(body_bytes)).ok()?, rest))
}

/// Reads a body frame, if there is one, from the end mark before it up to its own: the whole body, and what follows.
#[inline]
fn read_body(channel: u16, body_bytes: usize, rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, rest) = if body_bytes == 0 {
        (&[][..], rest)
    } else {
        let (payload_bytes, rest) = read_frame_header(FrameKind::Body, channel, rest)?;
        if payload_bytes != body_bytes {
            return None;
        }
        rest.split_at_checked(body_bytes)?
    };
    let (&end, rest) = rest.split_first()?;
    (end == FRAME_END).then_some((body, rest))
}

/// Reads an end mark and the header of the frame behind it: the size of its payload, and what follows.
#[inline]
fn read_frame_header(kind: FrameKind, channel: u16, rest: &[u8]) -> Option<(usize, &[u8])> {
    let (fixed, rest) = rest.split_first_chunk::<FRAME_OVERHEAD_BYTES>()?;
    let [end, read_kind, c0, c1, s0, s1, s2, s3] = *fixed;
    let [e0, e1] = channel.to_be_bytes();
    let expected =
        u32::from_be_bytes([end, read_kind, c0, c1]) == u32::from_be_bytes([FRAME_END, kind as u8, e0, e1]);
    expected.then_some((u32::from_be_bytes([s0, s1, s2, s3]) as usize, rest))
}

/// The default exchange's is empty, and nearly all messages go through it.
#[inline]
fn name(bytes: &[u8]) -> Option<&str> {
    if bytes.is_empty() { Some("") } else { std::str::from_utf8(bytes).ok() }
}
