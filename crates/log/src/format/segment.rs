//! The header of a segment file.
//!
//! ```text
//! 0  magic 8 | 8  format version u32 | 12  zero u32 | 16  log id u64 | 24  segment number u64
//! 32  segment size u64 | 40  zero 20 | 60  crc32c u32 over bytes 0 to 59
//! ```

use crate::format::{FORMAT_VERSION, LogId};
use crate::position::{Geometry, SegmentNumber};

/// The size of the header, in bytes.
pub const SEGMENT_HEADER_BYTES: usize = 64;
const SEGMENT_MAGIC: [u8; 8] = *b"LVRTSEG\n";

/// The header of `segment` in the log `log`; a driver puts it in front of a segment's first record.
pub fn segment_header(log: LogId, geometry: Geometry, segment: SegmentNumber) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&log.0.to_le_bytes());
    bytes[24..32].copy_from_slice(&segment.0.to_le_bytes());
    bytes[32..40].copy_from_slice(&geometry.segment_bytes().to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..60]);
    bytes[60..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Whether `bytes` are the header of this very segment: there is only one way to write it.
pub(crate) fn segment_header_matches(
    bytes: &[u8],
    log: LogId,
    geometry: Geometry,
    segment: SegmentNumber,
) -> bool {
    bytes.get(..SEGMENT_HEADER_BYTES) == Some(&segment_header(log, geometry, segment)[..])
}
