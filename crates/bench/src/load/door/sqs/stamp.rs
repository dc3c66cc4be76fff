//! Stamps as text, at the front of a body.

use crate::client::Stamp;

/// Bytes of a stamp as hexadecimal text: the mark, and the time.
pub(super) const STAMP_BYTES: usize = 32;

/// Writes a stamp over the first [`STAMP_BYTES`] of a body.
pub(super) fn write(stamp: Stamp, body: &mut [u8]) {
    let mut mark = [0; STAMP_BYTES / 2];
    stamp.write(&mut mark);
    for (digits, byte) in body[..STAMP_BYTES].chunks_exact_mut(2).zip(mark) {
        digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

/// The stamp at the front of a body.
pub(super) fn read(body: &str) -> Option<Stamp> {
    let mut mark = [0; STAMP_BYTES / 2];
    for (at, byte) in mark.iter_mut().enumerate() {
        *byte = u8::from_str_radix(body.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Stamp::read(&mark)
}

fn digit(nibble: u8) -> u8 {
    b"0123456789abcdef"[usize::from(nibble)]
}
