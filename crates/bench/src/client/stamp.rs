//! What every body begins with: who published it, its number, and when it was to be sent.

/// The least size of a body in bytes: who published it and its number.
pub const MIN_BODY_BYTES: usize = 8;

/// The least size of a body in bytes that says when it was to be sent.
pub const TIMED_BODY_BYTES: usize = 16;

/// How many bits a number has. Those above are the publisher's.
const NUMBER_BITS: u32 = 48;

/// How many publishers can be told apart.
pub const MAX_PUBLISHERS: u32 = 1 << (u64::BITS - NUMBER_BITS);

/// The mark of one message. Times are nanoseconds since an instant that both sides of the measurement know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The publisher's index.
    pub publisher: u16,
    /// The publisher's messages count from 0.
    pub number: u64,
    /// When it was to be sent; `None` in a body that is too short for it.
    pub intended_ns: Option<u64>,
}

impl Stamp {
    /// Writes as much of it as has room at the front of a body of at least [`MIN_BODY_BYTES`].
    #[inline]
    pub fn write(&self, body: &mut [u8]) {
        let word = u64::from(self.publisher) << NUMBER_BITS | self.number;
        body[..MIN_BODY_BYTES].copy_from_slice(&word.to_be_bytes());
        if let (Some(intended_ns), Some(room)) =
            (self.intended_ns, body.get_mut(MIN_BODY_BYTES..TIMED_BODY_BYTES))
        {
            room.copy_from_slice(&intended_ns.to_be_bytes());
        }
    }

    /// Reads it from the first piece of a body; `None` if that is too short.
    #[inline]
    pub fn read(body: &[u8]) -> Option<Self> {
        let word = u64::from_be_bytes(*body.first_chunk()?);
        let intended_ns =
            body.get(MIN_BODY_BYTES..).and_then(<[u8]>::first_chunk).copied().map(u64::from_be_bytes);
        let publisher = (word >> NUMBER_BITS) as u16;
        Some(Self { publisher, number: word & ((1 << NUMBER_BITS) - 1), intended_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_comes_back_as_far_as_it_had_room() {
        let stamp = Stamp { publisher: 65_535, number: (1 << 48) - 1, intended_ns: Some(77) };
        let mut body = [b'x'; 20];
        stamp.write(&mut body);
        assert_eq!(Stamp::read(&body), Some(stamp));
        assert_eq!(body[16..], *b"xxxx");
        let mut short = [0; 10];
        stamp.write(&mut short);
        assert_eq!(Stamp::read(&short), Some(Stamp { intended_ns: None, ..stamp }));
        assert_eq!(Stamp::read(&[0; 7]), None);
    }
}
