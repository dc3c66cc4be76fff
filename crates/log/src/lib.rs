//! Leveret's durable log: bytes and positions. It knows no message.
//!
//! A log is a sequence of records in segments of a fixed size. A record is found by its [`Position`] alone and
//! never changes; it is durable once the batch that carries it has been written and synced.
//!
//! ```text
//! engine thread                     log thread                    any thread
//! Tail::append .. Tail::seal  ->    Tail::take_batch              Reader::record
//!                                   Committer::commit (fdatasync) Store::snapshot, Store::trim
//! ```
//!
//! - `append`: the memory side. [`Tail`] builds records and batches, [`Committer`] makes batches durable, and
//!   what is recent stays in memory for readers.
//! - `read`: [`Reader`], by position, from memory or from the driver.
//! - `recovery`: [`Recovery`] replays a log after a restart and applies the rule for torn and damaged tails.
//! - `driver`: the seam for other logs ([`Driver`], [`Segments`], [`Store`], [`Writer`]), with the drivers `file` and
//!   `memory`.
//! - `format`: every byte; `docs/log-format.md` says the same in words.
//! - `check`: what `leveret log check DIR` prints.
//!
//! What it never does: count live bytes, decide what may be deleted, or look inside a payload.
#![forbid(unsafe_code)]

mod append;
mod check;
mod driver;
mod error;
mod format;
mod position;
mod read;
mod recovery;

pub use append::{AppendError, Batch, Chunk, Committer, Tail};
pub use check::{CheckError, CheckReport, check};
pub use driver::file::{FileDriver, FileOptions};
pub use driver::memory::{MemoryDisk, MemoryDriver};
pub use driver::{Acquired, Checkpoint, Driver, Segments, Store, Writer};
pub use error::{Fault, LogError};
pub use format::{
    FIRST_CALLER_KIND, LogId, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, Tag, Tenure, segment_header,
};
pub use position::{Geometry, GeometryError, Position, SegmentNumber};
pub use read::{OwnedRecord, ReadCache, ReadError, Reader, Record};
pub use recovery::{DEFAULT_RECENT_BYTES, Log, Recovery, ReplayError};
