//! An ack, which is nearly all that a consumer sends.

use super::frame::{FRAME_END, FRAME_HEADER_BYTES, FrameKind};
use super::method::basic;

/// A method frame with a basic.ack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acked {
    /// The channel it came on. Whether that is open is not looked at.
    pub channel: u16,
    /// The method's arguments.
    pub method: basic::Ack,
}

impl Acked {
    /// The bytes of the frame: its header, the method's ids, the tag, the flags, and the frame's end.
    pub const ENCODED_BYTES: usize = FRAME_HEADER_BYTES + 4 + 8 + 1 + 1;

    /// Reads the ack at the front of `buffer`. Anything else there is `None`: the general path deals with it.
    #[inline]
    pub fn read(buffer: &[u8]) -> Option<Acked> {
        const SIZE: [u8; 4] = ((Acked::ENCODED_BYTES - FRAME_HEADER_BYTES - 1) as u32).to_be_bytes();
        const CLASS: [u8; 2] = basic::CLASS_ID.to_be_bytes();
        const METHOD: [u8; 2] = 80u16.to_be_bytes();
        let (header, rest) = buffer.first_chunk::<{ Acked::ENCODED_BYTES }>()?.split_first_chunk::<11>()?;
        let [kind, c0, c1, s0, s1, s2, s3, ids @ ..] = header;
        let is_ack = *kind == FrameKind::Method as u8
            && [*s0, *s1, *s2, *s3] == SIZE
            && ids == [CLASS, METHOD].as_flattened()
            && rest[9] == FRAME_END;
        let method =
            basic::Ack { delivery_tag: u64::from_be_bytes(*rest.first_chunk()?), multiple: rest[8] & 1 != 0 };
        is_ack.then_some(Acked { channel: u16::from_be_bytes([*c0, *c1]), method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::method::Arguments;

    #[test]
    fn an_ack_is_read_as_it_was_written_and_nothing_else_is_one() {
        let ack = basic::Ack { delivery_tag: 0x0102_0304_0506_0708, multiple: true };
        let mut frame = Vec::new();
        ack.write_frame(515, &mut frame);
        assert_eq!(frame.len(), Acked::ENCODED_BYTES);
        assert_eq!(Acked::read(&frame), Some(Acked { channel: 515, method: ack }));
        assert_eq!(Acked::read(&frame[..frame.len() - 1]), None);
        // The kind, the size, the ids and the end; the channel, the tag and the flags may be any.
        for at in [0, 3, 4, 5, 6, 7, 8, 9, 10, 20] {
            let mut damaged = frame.clone();
            damaged[at] ^= 0x40;
            assert_eq!(Acked::read(&damaged), None, "octet {at}");
        }
        let mut other = Vec::new();
        basic::Nack { delivery_tag: 1, multiple: false, requeue: false }.write_frame(1, &mut other);
        assert_eq!(Acked::read(&other), None);
    }
}
