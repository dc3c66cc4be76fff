//! A checkpoint file: a header, then the caller's payload.
//!
//! ```text
//! 0  magic 8 | 8  format version u32 | 12  epoch u32 | 16  log id u64 | 24  position u64 | 32  payload length u64
//! 40  zero u32 | 44  crc32c u32 over bytes 0 to 43 and the payload | 48  payload
//! ```

use crate::driver::Checkpoint;
use crate::format::{FORMAT_VERSION, HeadError, LogId, Tenure, check_head, field_u32, field_u64};
use crate::position::Position;

/// The size of the header, in bytes.
pub(crate) const CHECKPOINT_HEADER_BYTES: usize = 48;
const CHECKPOINT_MAGIC: [u8; 8] = *b"LVRTCKP\n";

/// The header of a checkpoint that the owner `tenure` writes.
pub(crate) fn checkpoint_header(
    tenure: Tenure,
    position: Position,
    payload: &[u8],
) -> [u8; CHECKPOINT_HEADER_BYTES] {
    let mut bytes = [0; CHECKPOINT_HEADER_BYTES];
    bytes[..8].copy_from_slice(&CHECKPOINT_MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&tenure.epoch.to_le_bytes());
    bytes[16..24].copy_from_slice(&tenure.log.0.to_le_bytes());
    bytes[24..32].copy_from_slice(&position.0.to_le_bytes());
    bytes[32..40].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..44]), payload);
    bytes[44..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The checkpoint of the log `log` that a file holds.
pub(crate) fn parse_checkpoint(bytes: &[u8], log: LogId) -> Result<Checkpoint, HeadError> {
    let Some((head, payload)) = bytes.split_first_chunk::<CHECKPOINT_HEADER_BYTES>() else {
        return Err(HeadError::Damaged("the checkpoint is shorter than its header"));
    };
    check_head(head, CHECKPOINT_MAGIC)?;
    if field_u64(head, 32) != payload.len() as u64 {
        return Err(HeadError::Damaged("the checkpoint is cut short or too long"));
    }
    if crc32c::crc32c_append(crc32c::crc32c(&head[..44]), payload) != field_u32(head, 44) {
        return Err(HeadError::Damaged("the checkpoint has a wrong checksum"));
    }
    if field_u64(head, 16) != log.0 {
        return Err(HeadError::Damaged("the checkpoint belongs to another log"));
    }
    let position = Position(field_u64(head, 24));
    Ok(Checkpoint { position, epoch: field_u32(head, 12), payload: payload.to_vec() })
}
