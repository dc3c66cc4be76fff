//! Every byte of the log, and the checksums over them. Pure functions over slices; `docs/log-format.md` says the
//! same in words and must be changed with it.

mod record;
mod segment;

pub(crate) use record::{
    END_TAG, KIND_END, KIND_MARK, MARK_BYTES, MARK_MAGIC, MARK_TAG, Parse, Parsed, RECORD_ALIGN, parse,
    record_bytes, stamp,
};
pub use record::{FIRST_CALLER_KIND, RECORD_HEADER_BYTES, Tag};
pub(crate) use segment::{SEGMENT_HEADER_BYTES, segment_header, segment_header_matches};

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
