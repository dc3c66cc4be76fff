//! Reading and writing the integers of facts, pages and checkpoints. All are little-endian; a varint is
//! LEB128, seven bits a byte, least significant first.

use leveret_log::Position;

/// Appends an unsigned integer in as few bytes as it needs.
#[inline]
pub(in crate::shard) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a fixed 64-bit integer.
pub(in crate::shard) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a fixed 128-bit integer, its high half first.
pub(in crate::shard) fn put_u128(out: &mut Vec<u8>, value: u128) {
    put_u64(out, (value >> 64) as u64);
    put_u64(out, value as u64);
}

/// A reader that never runs past the end: what is missing is `None`.
#[derive(Debug)]
pub(in crate::shard) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(in crate::shard) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { rest: bytes }
    }

    pub(in crate::shard) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(in crate::shard) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(in crate::shard) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_le_bytes(*bytes))
    }

    pub(in crate::shard) fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    pub(in crate::shard) fn u128(&mut self) -> Option<u128> {
        Some(u128::from(self.u64()?) << 64 | u128::from(self.u64()?))
    }

    pub(in crate::shard) fn position(&mut self) -> Option<Position> {
        self.u64().map(Position)
    }

    pub(in crate::shard) fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}
