//! Reading records by position, from memory or from the driver.

mod reader;
mod walk;
mod window;

pub use reader::{OwnedRecord, ReadCache, ReadError, Reader};
pub(crate) use walk::{Step, Walk};

use crate::format::Tag;
use crate::position::Position;

/// A record, borrowed from the cache that it was read into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// Where it stands.
    pub position: Position,
    /// Its kind and version. Kinds below [`FIRST_CALLER_KIND`](crate::FIRST_CALLER_KIND) are the log's own.
    pub tag: Tag,
    /// The payload.
    pub payload: &'a [u8],
    /// Where the record behind it stands, if there is one.
    pub next: Position,
}
