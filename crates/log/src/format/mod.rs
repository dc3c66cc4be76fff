//! Every byte of the log, and the checksums over them. Pure functions over slices; `docs/log-format.md` says the
//! same in words and must be changed with it.

mod checkpoint;
mod owner;
mod record;
mod segment;

pub(crate) use checkpoint::{checkpoint_header, parse_checkpoint};
pub(crate) use owner::{owner_file, parse_owner_file};
pub(crate) use record::{
    END_TAG, KIND_END, KIND_MARK, MARK_BYTES, MARK_MAGIC, MARK_TAG, Parse, Parsed, RECORD_ALIGN, parse,
    record_bytes, stamp,
};
pub use record::{FIRST_CALLER_KIND, RECORD_HEADER_BYTES, Tag};
pub(crate) use segment::segment_header_matches;
pub use segment::{SEGMENT_HEADER_BYTES, segment_header};

use crate::error::LogError;

/// The version of the whole format, in the header of every file. It changes when a reader of the old one would
/// misread the new one.
const FORMAT_VERSION: u32 = 1;

/// The identity of a log, chosen at random when it is made.
///
/// It goes into every checksum: a file of another log is never taken for one of this log, and nobody who does not
/// know it can put the bytes of a valid record into a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogId(pub u64);

impl LogId {
    /// The identity as it goes into the checksum of each record.
    pub(crate) fn salt(self) -> Salt {
        Salt(crc32c::crc32c(&self.0.to_le_bytes()))
    }
}

/// A [`LogId`] folded to the width of the checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Salt(u32);

/// The time of one owner over a log. Each owner has a higher epoch than all before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tenure {
    /// The log.
    pub log: LogId,
    /// The owner's epoch, from 1.
    pub epoch: u32,
}

/// Why the head of a file was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeadError {
    /// It is not what it should be.
    Damaged(&'static str),
    /// It is of a version that this one does not know.
    UnknownVersion(u32),
}

impl HeadError {
    /// The same, about `file`.
    pub(crate) fn of(self, file: impl Into<String>) -> LogError {
        match self {
            HeadError::Damaged(what) => LogError::Damaged { file: file.into(), what },
            HeadError::UnknownVersion(version) => LogError::UnknownFormat { file: file.into(), version },
        }
    }
}

/// Magic and version, which every header begins with.
fn check_head<const N: usize>(head: &[u8; N], magic: [u8; 8]) -> Result<(), HeadError> {
    if head[..8] != magic {
        return Err(HeadError::Damaged("the file does not begin as such a file does"));
    }
    match field_u32(head, 8) {
        FORMAT_VERSION => Ok(()),
        version => Err(HeadError::UnknownVersion(version)),
    }
}

fn field_u32<const N: usize>(head: &[u8; N], offset: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&head[offset..offset + 4]);
    u32::from_le_bytes(field)
}

fn field_u64<const N: usize>(head: &[u8; N], offset: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&head[offset..offset + 8]);
    u64::from_le_bytes(field)
}
