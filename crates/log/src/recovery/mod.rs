//! Opening a log: replay from the newest checkpoint, and the rule that tells a torn tail from damage.
//!
//! The write of a batch begins only after the batch before it is durable, and each batch and each segment begins
//! with a MARK. So a valid MARK proves that everything in front of it was durable. Where the records end:
//!
//! - with a valid MARK somewhere behind, the place is damaged, and recovery stops with an error;
//! - without one, nobody was ever told that what stood there is durable: the log ends at that place.
//!
//! What is left behind the end needs no erasing: its records have an older epoch than those that will overwrite
//! the log from there on, and an epoch never falls.

use std::fmt;
use std::sync::Arc;

use crate::append::{Committer, Recent, Tail};
use crate::driver::{Acquired, Checkpoint, Driver, Segments, Store};
use crate::error::{Fault, LogError};
use crate::format::FIRST_CALLER_KIND;
use crate::position::{Geometry, Position, SegmentNumber};
use crate::read::{Reader, Record, Step, Walk};

/// How many bytes of durable records a log keeps in memory for readers, unless asked for more or less: what consumers
/// that keep up with the producers read is then never read from the driver.
pub const DEFAULT_RECENT_BYTES: usize = 16 << 20;

/// A log that is owned but not yet replayed.
pub struct Recovery {
    acquired: Acquired,
    recent: Arc<Recent>,
}

/// An open log: its parts, each for the thread that needs it.
pub struct Log {
    /// For the engine.
    pub tail: Tail,
    /// For the log thread.
    pub committer: Committer,
    /// For whoever delivers; clones are cheap.
    pub reader: Reader,
    /// For checkpoints and the deletion of segments.
    pub store: Arc<dyn Store>,
    /// The log's geometry.
    pub geometry: Geometry,
    /// Where the log ended: the first position that this owner writes.
    pub end: Position,
    /// What stood at the end: [`Fault::Absent`] where nothing was ever written, something else where a batch was
    /// torn or a segment used again.
    pub behind_end: Fault,
}

impl Recovery {
    /// Takes the ownership of the driver's log. Once open, the log keeps up to `recent_bytes` of durable records
    /// in memory for readers.
    ///
    /// # Errors
    /// Those of [`Driver::acquire`].
    pub fn begin(driver: &mut dyn Driver, recent_bytes: usize) -> Result<Recovery, LogError> {
        let acquired = driver.acquire()?;
        let recent = Arc::new(Recent::new(Position::NONE, recent_bytes));
        Ok(Recovery { acquired, recent })
    }

    /// The log's geometry.
    pub fn geometry(&self) -> Geometry {
        self.acquired.geometry
    }

    /// The checkpoint that the caller starts from, if there is one.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.acquired.checkpoint.as_ref()
    }

    /// Files of newer checkpoints that are damaged; the operator should hear of them.
    pub fn damaged_checkpoints(&self) -> &[String] {
        &self.acquired.damaged_checkpoints
    }

    /// A reader for use during the replay: it sees what lies before the checkpoint, and each record from when it
    /// is visited. It is also the reader of the open log.
    pub fn reader(&self) -> Reader {
        let Acquired { geometry, tenure, store, .. } = &self.acquired;
        Reader::new(self.recent.clone(), store.clone(), *geometry, tenure.log.salt())
    }

    /// Visits the caller's records from the checkpoint to the log's end, in order, and opens the log there.
    ///
    /// # Errors
    /// [`ReplayError::Visit`] when `visit` refuses a record. [`LogError::Corrupt`], [`LogError::MissingSegment`]
    /// and [`LogError::EndBeforeCheckpoint`] when the log is damaged; nothing was changed then.
    pub fn replay<E>(
        self,
        mut visit: impl FnMut(&Record<'_>) -> Result<(), E>,
    ) -> Result<Log, ReplayError<E>> {
        let (end, behind_end) = self.walk(&mut visit)?;
        let reader = self.reader();
        let Acquired { geometry, tenure, store, mut writer, .. } = self.acquired;
        writer.resume(end)?;
        self.recent.replayed_to(end);
        Ok(Log {
            tail: Tail::new(geometry, tenure, end, self.recent.clone()),
            committer: Committer::new(writer, self.recent),
            reader,
            store,
            geometry,
            end,
            behind_end,
        })
    }

    fn walk<E>(
        &self,
        visit: &mut impl FnMut(&Record<'_>) -> Result<(), E>,
    ) -> Result<(Position, Fault), ReplayError<E>> {
        let Acquired { geometry, tenure, store, checkpoint, .. } = &self.acquired;
        let (from, epoch) = checkpoint.as_ref().map_or((Position::NONE, 0), |c| (c.position, c.epoch));
        let segments = store.segments()?;
        let ground = Ground { store: &**store, geometry: *geometry, segments: &segments, from };
        let mut walk = Walk::new(ground.store, ground.geometry, tenure.log, epoch);
        let mut at = geometry.record_start(from);
        let mut entered = None;
        self.recent.replayed_to(at);
        loop {
            let segment = geometry.segment_of(at);
            if entered != Some(segment) {
                if let Some(fault) = ground.enter(&mut walk, at)? {
                    return Ok((at, fault));
                }
                entered = Some(segment);
            }
            match walk.step(at)? {
                Step::Record(record) => {
                    at = record.next;
                    if record.tag.kind >= FIRST_CALLER_KIND {
                        self.recent.replayed_to(at);
                        visit(&record).map_err(ReplayError::Visit)?;
                    }
                }
                Step::Fault(fault) => {
                    ground.rule_out_damage(&mut walk, at, fault)?;
                    return Ok((at, fault));
                }
            }
        }
    }
}

/// What a replay walks over.
struct Ground<'a> {
    store: &'a dyn Segments,
    geometry: Geometry,
    segments: &'a [SegmentNumber],
    /// The checkpoint's position: all before it was durable.
    from: Position,
}

impl Ground<'_> {
    /// Whether the segment of `at` can be read; if not, why the log ends there.
    fn enter(&self, walk: &mut Walk<'_>, at: Position) -> Result<Option<Fault>, LogError> {
        let segment = self.geometry.segment_of(at);
        let at_first = at == self.geometry.first_of(segment);
        if self.segments.binary_search(&segment).is_err() {
            // The folder's order of events is kept, so a later segment cannot exist without this one.
            let is_last = self.segments.last().is_none_or(|&last| last < segment);
            if at_first && is_last {
                return Ok(Some(Fault::Absent));
            }
            return Err(LogError::MissingSegment { file: self.store.name_of(segment), segment });
        }
        if walk.has_header(segment)? {
            return Ok(None);
        }
        if !at_first {
            return Err(LogError::EndBeforeCheckpoint {
                file: self.store.name_of(segment),
                checkpoint: self.from,
            });
        }
        self.rule_out_damage(walk, at, Fault::SegmentHeader)?;
        Ok(Some(Fault::SegmentHeader))
    }

    /// The log seems to end at `at`, for there is `fault`: an error if a MARK behind it proves otherwise.
    fn rule_out_damage(&self, walk: &mut Walk<'_>, at: Position, fault: Fault) -> Result<(), LogError> {
        let segment = self.geometry.segment_of(at);
        let Some(mark) = walk.mark_behind(self.segments, at)? else { return Ok(()) };
        Err(LogError::Corrupt {
            file: self.store.name_of(segment),
            offset: match fault {
                Fault::SegmentHeader => 0,
                _ => self.geometry.offset_of(at),
            },
            position: at,
            fault,
            mark,
        })
    }
}

/// Why a log could not be opened.
#[derive(Debug)]
pub enum ReplayError<E> {
    /// The log is damaged or its driver failed.
    Log(LogError),
    /// The caller refused a record.
    Visit(E),
}

impl<E> From<LogError> for ReplayError<E> {
    fn from(error: LogError) -> Self {
        ReplayError::Log(error)
    }
}

impl<E: fmt::Display> fmt::Display for ReplayError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Log(error) => error.fmt(f),
            ReplayError::Visit(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for ReplayError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReplayError::Log(error) => Some(error),
            ReplayError::Visit(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests;
