//! The file that names a log, its geometry, and its newest owner's epoch.
//!
//! ```text
//! 0  magic 8 | 8  format version u32 | 12  epoch u32 | 16  log id u64 | 24  segment size u64 | 32  zero u32
//! 36  crc32c u32 over bytes 0 to 35
//! ```

use crate::format::{FORMAT_VERSION, HeadError, LogId, Tenure, check_head, field_u32, field_u64};
use crate::position::Geometry;

/// The size of the file, in bytes.
pub(crate) const OWNER_BYTES: usize = 40;
const OWNER_MAGIC: [u8; 8] = *b"LVRTOWN\n";

/// The file's bytes.
pub(crate) fn owner_file(tenure: Tenure, geometry: Geometry) -> [u8; OWNER_BYTES] {
    let mut bytes = [0; OWNER_BYTES];
    bytes[..8].copy_from_slice(&OWNER_MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&tenure.epoch.to_le_bytes());
    bytes[16..24].copy_from_slice(&tenure.log.0.to_le_bytes());
    bytes[24..32].copy_from_slice(&geometry.segment_bytes().to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..36]);
    bytes[36..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What the file says.
pub(crate) fn parse_owner_file(bytes: &[u8]) -> Result<(Tenure, Geometry), HeadError> {
    let bytes: &[u8; OWNER_BYTES] =
        bytes.try_into().map_err(|_| HeadError::Damaged("not an owner file: its size is wrong"))?;
    check_head(bytes, OWNER_MAGIC)?;
    if crc32c::crc32c(&bytes[..36]) != field_u32(bytes, 36) {
        return Err(HeadError::Damaged("the owner file has a wrong checksum"));
    }
    let tenure = Tenure { epoch: field_u32(bytes, 12), log: LogId(field_u64(bytes, 16)) };
    let geometry = Geometry::new(field_u64(bytes, 24))
        .map_err(|_| HeadError::Damaged("the owner file has an impossible segment size"))?;
    Ok((tenure, geometry))
}
