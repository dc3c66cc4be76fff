//! Reading a log from front to back without trusting it: what recovery and the check share.

use crate::driver::Segments;
use crate::error::{Fault, LogError};
use crate::format::{
    FIRST_CALLER_KIND, KIND_END, KIND_MARK, LogId, MARK_BYTES, MARK_MAGIC, Parse, Parsed,
    RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, Salt, parse, segment_header_matches,
};
use crate::position::{Geometry, Position, SegmentNumber};
use crate::read::Record;
use crate::read::reader::{following, payload};
use crate::read::window::Window;

/// How much is read at once, in bytes.
const BLOCK_BYTES: usize = 2 << 20;
/// No bound on what may be read: nobody writes during a walk, or what is written then is not looked at.
const NO_LIMIT: Position = Position(u64::MAX);

/// A place in a log, the epoch of what was read last, and the bytes around it.
pub(crate) struct Walk<'s> {
    segments: &'s dyn Segments,
    geometry: Geometry,
    log: LogId,
    salt: Salt,
    window: Window,
    epoch: u32,
}

/// What stands at a place.
pub(crate) enum Step<'w> {
    /// The next record.
    Record(Record<'w>),
    /// Anything else.
    Fault(Fault),
}

impl<'s> Walk<'s> {
    /// A walk that starts behind a record of `epoch` (0: behind none).
    pub(crate) fn new(segments: &'s dyn Segments, geometry: Geometry, log: LogId, epoch: u32) -> Walk<'s> {
        Walk { segments, geometry, log, salt: log.salt(), window: Window::default(), epoch }
    }

    /// Whether a segment begins with its own header.
    pub(crate) fn has_header(&mut self, segment: SegmentNumber) -> Result<bool, LogError> {
        let start = self.geometry.start_of(segment);
        if self.window.from(start).len() < SEGMENT_HEADER_BYTES {
            self.load(start, BLOCK_BYTES)?;
        }
        Ok(segment_header_matches(self.window.from(start), self.log, self.geometry, segment))
    }

    /// Looks at `at`, which is the first of a segment or `next` of the record before.
    pub(crate) fn step(&mut self, at: Position) -> Result<Step<'_>, LogError> {
        let found = match self.parse(at)? {
            Parse::Whole(found) => found,
            Parse::Short(_) => return Ok(Step::Fault(Fault::Short)),
            Parse::Bad(fault) => return Ok(Step::Fault(fault)),
        };
        if found.epoch < self.epoch {
            return Ok(Step::Fault(Fault::Stale { epoch: found.epoch }));
        }
        let payload = payload(&self.window, at, found);
        if !is_known(found, payload) {
            return Ok(Step::Fault(Fault::Control { kind: found.tag.kind }));
        }
        self.epoch = found.epoch;
        let next = following(self.geometry, at, found);
        Ok(Step::Record(Record { position: at, tag: found.tag, payload, next }))
    }

    /// The first valid MARK at or behind `at`, in its segment or in a later one of `segments` (ascending). It proves
    /// that everything in front of it had been durable.
    pub(crate) fn mark_behind(
        &mut self,
        segments: &[SegmentNumber],
        at: Position,
    ) -> Result<Option<Position>, LogError> {
        let segment = self.geometry.segment_of(at);
        let mut mark = self.find_mark(at)?;
        for &later in segments.iter().filter(|&&later| later > segment) {
            if mark.is_some() {
                break;
            }
            mark = self.find_mark(self.geometry.first_of(later))?;
        }
        Ok(mark)
    }

    /// From here on records of epochs before `epoch` are left-overs.
    pub(crate) fn raise_epoch(&mut self, epoch: u32) {
        self.epoch = self.epoch.max(epoch);
    }

    /// Forgets what was read: somebody may have written since.
    pub(crate) fn forget(&mut self) {
        self.window.clear();
    }

    /// The same within one segment. A MARK of an epoch before that of what was read last is a left-over.
    fn find_mark(&mut self, at: Position) -> Result<Option<Position>, LogError> {
        let end = self.geometry.end_of(self.geometry.segment_of(at));
        let mut from = at;
        while from < end {
            self.load(from, BLOCK_BYTES)?;
            if let Some(mark) = self.mark_in_window(from) {
                return Ok(Some(mark));
            }
            let loaded = self.window.from(from).len();
            if loaded < MARK_BYTES {
                break;
            }
            // The last bytes are looked at again, as the first of the next block: a MARK may span two.
            let advance = (loaded - MARK_BYTES + 8).next_multiple_of(8).min(loaded);
            from = Position(from.0 + advance as u64);
        }
        Ok(None)
    }

    fn mark_in_window(&self, from: Position) -> Option<Position> {
        let bytes = self.window.from(from);
        let magic = MARK_MAGIC.to_le_bytes();
        let (words, _) = bytes.as_chunks::<8>();
        let skip = RECORD_HEADER_BYTES / 8;
        words.iter().enumerate().skip(skip).filter(|(_, word)| **word == magic).find_map(|(i, _)| {
            let offset = (i - skip) * 8;
            let at = Position(from.0 + offset as u64);
            match parse(&bytes[offset..], at, self.geometry, self.salt, true) {
                Parse::Whole(found) if found.tag.kind == KIND_MARK && found.epoch >= self.epoch => Some(at),
                _ => None,
            }
        })
    }

    fn parse(&mut self, at: Position) -> Result<Parse, LogError> {
        let first = self.parse_loaded(at);
        let Parse::Short(need) = first else { return Ok(first) };
        self.load(at, need.max(BLOCK_BYTES))?;
        match self.parse_loaded(at) {
            Parse::Short(need) if need > BLOCK_BYTES => {
                self.load(at, need)?;
                Ok(self.parse_loaded(at))
            }
            other => Ok(other),
        }
    }

    fn parse_loaded(&self, at: Position) -> Parse {
        parse(self.window.from(at), at, self.geometry, self.salt, true)
    }

    fn load(&mut self, at: Position, size: usize) -> Result<(), LogError> {
        self.window.load(self.segments, self.geometry, at, size, NO_LIMIT)
    }
}

fn is_known(found: Parsed, payload: &[u8]) -> bool {
    match found.tag.kind {
        KIND_MARK => payload == MARK_MAGIC.to_le_bytes(),
        KIND_END => payload.is_empty(),
        kind => kind >= FIRST_CALLER_KIND,
    }
}
