//! The bytes of a record.
//!
//! ```text
//! 0  crc32c u32 | 4  payload length u32 | 8  kind u8 | 9  version u8 | 10  zero u16 | 12  epoch u32 | 16  payload
//! ```
//!
//! Little-endian, padded with zeros to a multiple of 8. The checksum is taken over the whole padded record with a
//! seed in place of the checksum itself; the seed is made of the record's position and of the log's identity, so
//! that a record that stands elsewhere than it was written is never valid.

use crate::error::Fault;
use crate::format::{Salt, field_u32};
use crate::position::{Geometry, Position};

/// The bytes in front of a payload.
pub const RECORD_HEADER_BYTES: usize = 16;
/// Record positions and sizes are multiples of this, in bytes.
pub(crate) const RECORD_ALIGN: usize = 8;

/// Kinds below this belong to the log, this and above to its caller.
pub const FIRST_CALLER_KIND: u8 = 16;
/// The first record of a group-commit batch and of a segment.
pub(crate) const KIND_MARK: u8 = 1;
/// The last record of a segment that has room for one.
pub(crate) const KIND_END: u8 = 2;

pub(crate) const MARK_TAG: Tag = Tag { kind: KIND_MARK, version: 1 };
pub(crate) const END_TAG: Tag = Tag { kind: KIND_END, version: 1 };
/// The payload of a MARK: what recovery searches for.
pub(crate) const MARK_MAGIC: u64 = u64::from_le_bytes(*b"\xe5LVRTMK\x1a");
/// The size of a whole MARK record, in bytes.
pub(crate) const MARK_BYTES: usize = RECORD_HEADER_BYTES + 8;

/// What a record is: its kind, and the version of that kind's payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tag {
    /// The kind; a caller's kinds start at [`FIRST_CALLER_KIND`].
    pub kind: u8,
    /// The version of the payload's format. The log does not look at it.
    pub version: u8,
}

/// The size of a record with its header and padding, in bytes.
pub(crate) const fn record_bytes(payload_bytes: usize) -> usize {
    RECORD_HEADER_BYTES + payload_bytes.next_multiple_of(RECORD_ALIGN)
}

/// Writes the header of a record whose payload and zero padding already stand in `record`.
#[inline]
pub(crate) fn stamp(record: &mut [u8], at: Position, salt: Salt, epoch: u32, tag: Tag, payload_bytes: u32) {
    record[..RECORD_HEADER_BYTES].copy_from_slice(&header(seed(at, salt), payload_bytes, tag, epoch));
    let checksum = crc32c::crc32c(record);
    record[..4].copy_from_slice(&checksum.to_le_bytes());
}

/// A whole and valid record, without its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parsed {
    pub(crate) tag: Tag,
    pub(crate) epoch: u32,
    pub(crate) payload_bytes: usize,
}

impl Parsed {
    pub(crate) fn record_bytes(self) -> usize {
        record_bytes(self.payload_bytes)
    }
}

/// What [`parse`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parse {
    /// A record.
    Whole(Parsed),
    /// The bytes end too early to tell: this many are needed.
    Short(usize),
    /// No record.
    Bad(Fault),
}

/// Looks for a record at the start of `bytes`, which stand at `at`. `verify` asks for the checksum too.
#[inline]
pub(crate) fn parse(bytes: &[u8], at: Position, geometry: Geometry, salt: Salt, verify: bool) -> Parse {
    let Some((head, _)) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>() else {
        return Parse::Short(RECORD_HEADER_BYTES);
    };
    if head.iter().all(|&b| b == 0) {
        return Parse::Bad(Fault::Absent);
    }
    let (checksum, payload_bytes, epoch) = (field_u32(head, 0), field_u32(head, 4), field_u32(head, 12));
    let total = record_bytes(payload_bytes as usize);
    if total as u64 > geometry.segment_bytes() - geometry.offset_of(at) {
        return Parse::Bad(Fault::Length { payload_bytes });
    }
    if bytes.len() < total {
        return Parse::Short(total);
    }
    if verify {
        let mut seeded = *head;
        seeded[..4].copy_from_slice(&seed(at, salt).to_le_bytes());
        let actual = crc32c::crc32c_append(crc32c::crc32c(&seeded), &bytes[RECORD_HEADER_BYTES..total]);
        if actual != checksum {
            return Parse::Bad(Fault::Checksum);
        }
    }
    let tag = Tag { kind: head[8], version: head[9] };
    Parse::Whole(Parsed { tag, epoch, payload_bytes: payload_bytes as usize })
}

// Made of two words, not of six fields: the checksum reads words, and the processor is slow to read one that was
// just written in pieces.
#[inline]
fn header(checksum: u32, payload_bytes: u32, tag: Tag, epoch: u32) -> [u8; RECORD_HEADER_BYTES] {
    let low = u64::from(checksum) | u64::from(payload_bytes) << 32;
    let high = u64::from(tag.kind) | u64::from(tag.version) << 8 | u64::from(epoch) << 32;
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}

/// Two positions of one log below 2^58 that share an offset in their segments have different seeds, and a checksum
/// tells all seeds apart: a left-over record in a recycled segment fails always, not just nearly always.
#[inline]
fn seed(at: Position, salt: Salt) -> u32 {
    (at.0 as u32) ^ ((at.0 >> 32) as u32) ^ salt.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::LogId;

    const TAG: Tag = Tag { kind: 16, version: 3 };
    const AT: Position = Position(4096 + 64);

    fn geometry() -> Geometry {
        Geometry::new(4096).unwrap()
    }

    fn record(payload: &[u8], at: Position, log: LogId) -> Vec<u8> {
        let mut bytes = vec![0; record_bytes(payload.len())];
        bytes[RECORD_HEADER_BYTES..][..payload.len()].copy_from_slice(payload);
        stamp(&mut bytes, at, log.salt(), 7, TAG, payload.len() as u32);
        bytes
    }

    fn look(bytes: &[u8], at: Position, log: LogId) -> Parse {
        parse(bytes, at, geometry(), log.salt(), true)
    }

    #[test]
    fn a_stamped_record_parses() {
        for len in 0..40 {
            let payload = vec![0xab; len];
            let bytes = record(&payload, AT, LogId(1));
            assert_eq!(bytes.len() % 8, 0);
            let expected = Parsed { tag: TAG, epoch: 7, payload_bytes: len };
            assert_eq!(look(&bytes, AT, LogId(1)), Parse::Whole(expected));
        }
    }

    #[test]
    fn any_flipped_bit_is_found_even_in_the_padding() {
        let good = record(b"seventeen bytes..", AT, LogId(1));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(look(&bad, AT, LogId(1)), Parse::Whole(_)), "bit {bit}");
        }
    }

    #[test]
    fn a_record_is_valid_only_at_its_position_and_in_its_log() {
        let bytes = record(b"here", AT, LogId(1));
        assert_eq!(look(&bytes, Position(AT.0 + 4096), LogId(1)), Parse::Bad(Fault::Checksum));
        assert_eq!(look(&bytes, Position(AT.0 + (1 << 40)), LogId(1)), Parse::Bad(Fault::Checksum));
        assert_eq!(look(&bytes, AT, LogId(2)), Parse::Bad(Fault::Checksum));
    }

    #[test]
    fn short_and_absent_bytes_are_told_apart() {
        let bytes = record(b"0123456789", AT, LogId(1));
        assert_eq!(look(&bytes[..8], AT, LogId(1)), Parse::Short(16));
        assert_eq!(look(&bytes[..20], AT, LogId(1)), Parse::Short(32));
        assert_eq!(look(&[0; 16], AT, LogId(1)), Parse::Bad(Fault::Absent));
    }

    #[test]
    fn a_record_cannot_leave_its_segment() {
        let bytes = record(&[1; 40], AT, LogId(1));
        let late = Position(2 * 4096 - 48);
        assert_eq!(look(&bytes, late, LogId(1)), Parse::Bad(Fault::Length { payload_bytes: 40 }));
    }
}
