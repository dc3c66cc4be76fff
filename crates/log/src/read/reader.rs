//! Random and sequential reading of records, by any number of threads.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::append::Recent;
use crate::driver::Segments;
use crate::error::{Fault, LogError};
use crate::format::{KIND_END, Parse, Parsed, RECORD_HEADER_BYTES, Salt, Tag, parse};
use crate::position::{Geometry, Position};
use crate::read::Record;
use crate::read::window::Window;

/// How much is read from the driver at once, in bytes: consecutive records after the first cost no system call.
const READ_AHEAD_BYTES: usize = 256 << 10;

/// Reads records by position. Cheap to clone; each user brings its own [`ReadCache`].
#[derive(Clone)]
pub struct Reader {
    recent: Arc<Recent>,
    segments: Arc<dyn Segments>,
    geometry: Geometry,
    salt: Salt,
}

/// What one user of a [`Reader`] read last. While it holds a chunk of recent records it keeps up to 1 MiB of
/// memory alive, and up to 256 KiB or one record otherwise: idle users [`clear`](ReadCache::clear) it.
#[derive(Default)]
pub struct ReadCache {
    window: Window,
    /// Bytes from memory are what the tail made, bytes from the driver are checked.
    verify: bool,
}

impl ReadCache {
    /// An empty cache; it takes no memory until it is used.
    pub fn new() -> ReadCache {
        ReadCache::default()
    }

    /// Gives the memory back.
    pub fn clear(&mut self) {
        self.window.clear();
    }
}

/// A record that owns its payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnedRecord {
    /// Where it stands.
    pub position: Position,
    /// Its kind and version.
    pub tag: Tag,
    /// The payload. It keeps the whole block alive that it was read with.
    pub payload: Bytes,
    /// Where the record behind it stands, if there is one.
    pub next: Position,
}

impl Reader {
    pub(crate) fn new(
        recent: Arc<Recent>,
        segments: Arc<dyn Segments>,
        geometry: Geometry,
        salt: Salt,
    ) -> Reader {
        Reader { recent, segments, geometry, salt }
    }

    /// The record at `at`, which must be a position that the log gave out: by an append, as `next` of another
    /// record, or as the first of a segment. Records of the log's own kinds are answered like any other.
    ///
    /// # Errors
    /// See [`ReadError`].
    #[inline]
    pub fn record<'a>(&self, cache: &'a mut ReadCache, at: Position) -> Result<Record<'a>, ReadError> {
        let found = self.find(cache, at)?;
        let payload = payload(&cache.window, at, found);
        Ok(Record { position: at, tag: found.tag, payload, next: following(self.geometry, at, found) })
    }

    /// What the record at `at` is, and its payload, for who does not go on to the next record.
    ///
    /// # Errors
    /// See [`ReadError`].
    #[inline]
    pub fn payload<'a>(&self, cache: &'a mut ReadCache, at: Position) -> Result<(Tag, &'a [u8]), ReadError> {
        // Nearly all are read while they are in memory, many out of one chunk.
        if !cache.verify
            && let Parse::Whole(found) = parse(cache.window.from(at), at, self.geometry, self.salt, false)
        {
            return Ok((found.tag, payload(&cache.window, at, found)));
        }
        let record = self.record(cache, at)?;
        Ok((record.tag, record.payload))
    }

    /// The same as [`record`](Reader::record), for a payload that is to outlive the cache's next use.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn owned_record(&self, cache: &mut ReadCache, at: Position) -> Result<OwnedRecord, ReadError> {
        let found = self.find(cache, at)?;
        let payload = cache.window.share(payload(&cache.window, at, found));
        Ok(OwnedRecord { position: at, tag: found.tag, payload, next: following(self.geometry, at, found) })
    }

    /// The log's geometry.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Up to where the log is durable.
    pub fn durable(&self) -> Position {
        self.recent.durable()
    }

    /// How much memory the recent records take, in bytes.
    pub fn recent_bytes(&self) -> usize {
        self.recent.bytes()
    }

    #[inline]
    fn find(&self, cache: &mut ReadCache, at: Position) -> Result<Parsed, ReadError> {
        match parse(cache.window.from(at), at, self.geometry, self.salt, cache.verify) {
            Parse::Whole(found) => Ok(found),
            Parse::Short(_) | Parse::Bad(_) => self.fetch(cache, at),
        }
    }

    /// Fills the cache from memory or, for what is only there, from the driver.
    #[cold]
    fn fetch(&self, cache: &mut ReadCache, at: Position) -> Result<Parsed, ReadError> {
        if !self.geometry.can_hold_record(at) {
            return Err(ReadError::NoRecord { position: at });
        }
        if let Some(chunk) = self.recent.find(at) {
            cache.window.look_into(chunk);
            cache.verify = false;
        } else {
            // Asked for after the search in memory: what was dropped from there in between is durable.
            let limit = self.recent.durable();
            if at >= limit {
                return Err(ReadError::NoRecord { position: at });
            }
            cache.verify = true;
            self.load(cache, at, limit)?;
        }
        match parse(cache.window.from(at), at, self.geometry, self.salt, cache.verify) {
            Parse::Whole(found) => Ok(found),
            Parse::Short(_) => Err(self.explain(at, Fault::Short)),
            Parse::Bad(fault) => Err(self.explain(at, fault)),
        }
    }

    fn load(&self, cache: &mut ReadCache, at: Position, limit: Position) -> Result<(), ReadError> {
        let mut size = READ_AHEAD_BYTES;
        loop {
            cache.window.load(&*self.segments, self.geometry, at, size, limit).map_err(
                |error| match error {
                    LogError::MissingSegment { .. } => ReadError::Gone { position: at },
                    error => ReadError::Log(error),
                },
            )?;
            match parse(cache.window.from(at), at, self.geometry, self.salt, false) {
                Parse::Short(need) if need > size => size = need,
                _ => return Ok(()),
            }
        }
    }

    /// A segment may be deleted and used again while a reader is on its way to it: that is no damage.
    fn explain(&self, at: Position, fault: Fault) -> ReadError {
        let segment = self.geometry.segment_of(at);
        match self.segments.segments() {
            Err(error) => ReadError::Log(error),
            Ok(segments) if !segments.contains(&segment) => ReadError::Gone { position: at },
            Ok(_) => ReadError::Damaged {
                file: self.segments.name_of(segment),
                offset: self.geometry.offset_of(at),
                position: at,
                fault,
            },
        }
    }
}

/// Where the record behind `found` stands.
pub(crate) fn following(geometry: Geometry, at: Position, found: Parsed) -> Position {
    if found.tag.kind == KIND_END {
        return geometry.first_of(geometry.segment_of(at).following());
    }
    geometry.record_start(Position(at.0 + found.record_bytes() as u64))
}

/// The payload of the record that [`parse`] found at `at`.
pub(crate) fn payload(window: &Window, at: Position, found: Parsed) -> &[u8] {
    &window.from(at)[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + found.payload_bytes]
}

/// Why a record could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The position is not in the log, or no record can be there.
    NoRecord {
        /// The position.
        position: Position,
    },
    /// The segment was deleted: nothing in it was live.
    Gone {
        /// The position.
        position: Position,
    },
    /// The bytes there are not the record that was written.
    Damaged {
        /// The segment's file.
        file: String,
        /// Where in the file, in bytes.
        offset: u64,
        /// The same place as a position.
        position: Position,
        /// What is wrong.
        fault: Fault,
    },
    /// The driver failed.
    Log(LogError),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::NoRecord { position } => write!(f, "there is no record at position {position}"),
            ReadError::Gone { position } => write!(f, "the segment of position {position} was deleted"),
            ReadError::Damaged { file, offset, fault, .. } => {
                write!(f, "{file} is damaged at offset {offset}: {fault}")
            }
            ReadError::Log(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReadError::Log(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
