//! What can go wrong with a log, one variant per cause.

use std::{fmt, io};

use crate::position::{Position, SegmentNumber};

/// Why the bytes at a position are not the next record of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Zeros: nothing was ever written here.
    Absent,
    /// The length does not fit the segment.
    Length {
        /// The payload length that the bytes claim.
        payload_bytes: u32,
    },
    /// The checksum does not match the bytes and the position.
    Checksum,
    /// A whole record, but of an owner before the one that wrote the record in front of it.
    Stale {
        /// The epoch of that older owner.
        epoch: u32,
    },
    /// The file ends before the record does.
    Short,
    /// A whole record of the log's own kinds that this version does not know or whose payload is wrong.
    Control {
        /// The kind it claims.
        kind: u8,
    },
    /// The segment's header is not the one of this log and segment.
    SegmentHeader,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Absent => write!(f, "no record (zeros)"),
            Fault::Length { payload_bytes } => write!(f, "an impossible length of {payload_bytes} bytes"),
            Fault::Checksum => write!(f, "a wrong checksum"),
            Fault::Stale { epoch } => write!(f, "a left-over record of epoch {epoch}"),
            Fault::Short => write!(f, "the file ends within a record"),
            Fault::Control { kind } => write!(f, "an unknown log record of kind {kind}"),
            Fault::SegmentHeader => write!(f, "a wrong segment header"),
        }
    }
}

/// A failure of the log or of its driver.
#[derive(Debug)]
pub enum LogError {
    /// Another process holds the log's folder.
    InUse {
        /// The folder.
        folder: String,
        /// The process that holds it, where it could be read.
        process: Option<u32>,
    },
    /// A newer owner has taken the log; this one must stop.
    Fenced {
        /// This owner's epoch.
        epoch: u32,
        /// The newer owner's epoch.
        newer: u32,
    },
    /// A damaged record with durable records behind it: not a torn tail. Nothing is cut.
    Corrupt {
        /// The segment's file, or the driver's name for it.
        file: String,
        /// Where in the file the damaged record starts, in bytes.
        offset: u64,
        /// The same place as a position.
        position: Position,
        /// What is wrong there.
        fault: Fault,
        /// A valid MARK behind it, which proves that the damaged place had been durable.
        mark: Position,
    },
    /// A segment that must be there is not.
    MissingSegment {
        /// The segment's file, or the driver's name for it.
        file: String,
        /// The segment.
        segment: SegmentNumber,
    },
    /// The log's end lies before the position up to which its checkpoint says it was durable.
    EndBeforeCheckpoint {
        /// The segment's file, or the driver's name for it.
        file: String,
        /// The checkpoint's position.
        checkpoint: Position,
    },
    /// A file of the log, other than a segment, is not what it should be.
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file was written by a version of Leveret that this one does not know.
    UnknownFormat {
        /// The file.
        file: String,
        /// The version that it names.
        version: u32,
    },
    /// No space left where the log is. Like every failure of a write it is final for this owner.
    NoSpace {
        /// The file that was to be written.
        file: String,
    },
    /// The operating system refused an operation.
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// An earlier write failed. What a failed sync left behind is unknown, so nothing is written after it.
    Failed,
    /// A batch does not start where the last one ended, or leaves its segment: a mistake of the caller.
    OutOfOrder {
        /// Where the batch starts.
        start: Position,
        /// Where the log ends.
        end: Position,
    },
    /// A checkpoint for a position that is not durable yet, or that lies before this owner's time.
    CheckpointOutOfRange {
        /// The refused position.
        position: Position,
        /// Where this owner began.
        from: Position,
        /// Up to where the log is durable.
        durable: Position,
    },
    /// A segment that the newest checkpoint still needs was to be deleted.
    TrimBeyondCheckpoint {
        /// The segment.
        segment: SegmentNumber,
        /// The newest checkpoint's position.
        checkpoint: Position,
    },
}

impl LogError {
    /// An error of the operating system, with a full disk told apart from the others.
    pub fn io(doing: &'static str, file: impl Into<String>, source: io::Error) -> LogError {
        let file = file.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LogError::NoSpace { file },
            _ => LogError::Io { doing, file, source },
        }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::InUse { folder, process: Some(process) } => {
                write!(f, "data folder {folder} is in use by process {process}")
            }
            LogError::InUse { folder, process: None } => {
                write!(f, "data folder {folder} is in use by another process")
            }
            LogError::Fenced { epoch, newer } => {
                write!(f, "the owner of epoch {epoch} was replaced by the owner of epoch {newer}")
            }
            LogError::Corrupt { file, offset, fault, mark, .. } => write!(
                f,
                "{file} is damaged at offset {offset}: {fault}; a later batch at position {mark} proves that it \
                 had been durable, so this is no torn tail and nothing was cut"
            ),
            LogError::MissingSegment { file, segment } => {
                write!(f, "segment {segment} is needed, and its file {file} is missing")
            }
            LogError::EndBeforeCheckpoint { file, checkpoint } => write!(
                f,
                "{file} ends before position {checkpoint}, up to which the newest checkpoint says it was durable"
            ),
            LogError::Damaged { file, what } => write!(f, "{file}: {what}"),
            LogError::UnknownFormat { file, version } => {
                write!(f, "{file} has format version {version}, which this version of Leveret does not know")
            }
            LogError::NoSpace { file } => write!(f, "no space left for {file}"),
            LogError::Io { doing, file, source } => write!(f, "could not {doing} {file}: {source}"),
            LogError::Failed => write!(f, "an earlier write failed, the log accepts no more"),
            LogError::OutOfOrder { start, end } => {
                write!(f, "a batch at position {start} does not follow the log's end at {end}")
            }
            LogError::CheckpointOutOfRange { position, from, durable } => {
                write!(f, "a checkpoint at {position} is outside of what is durable, {from} to {durable}")
            }
            LogError::TrimBeyondCheckpoint { segment, checkpoint } => {
                write!(f, "segment {segment} is still needed by the checkpoint at {checkpoint}")
            }
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LogError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
