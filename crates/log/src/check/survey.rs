//! What is in one segment.

use std::collections::BTreeMap;
use std::fmt;

use crate::driver::Segments;
use crate::error::{Fault, LogError};
use crate::format::{FIRST_CALLER_KIND, LogId};
use crate::position::{Geometry, Position, SegmentNumber};
use crate::read::{Record, Step, Walk};

/// What was found in a segment.
pub(super) struct Survey {
    /// How many records there are of each of the caller's kinds.
    pub(super) records: BTreeMap<u8, u64>,
    /// The size of their payloads, in bytes.
    pub(super) payload_bytes: u64,
    /// Where the first and the last of them stand.
    span: Option<(Position, Position)>,
    /// How many records of the log's own there are.
    own_records: u64,
    /// Each damaged place, with file and offset.
    pub(super) damage: Vec<String>,
    pub(super) state: State,
}

/// How a segment ends.
pub(super) enum State {
    /// Properly: the log goes on at `on`.
    Goes { on: Position },
    /// The log ends here.
    LogEnds { at: Position, fault: Fault },
    /// From some place on it cannot be read, but the log goes on in a later segment.
    Unreadable,
}

impl Survey {
    fn empty() -> Survey {
        Survey {
            records: BTreeMap::new(),
            payload_bytes: 0,
            span: None,
            own_records: 0,
            damage: Vec::new(),
            state: State::Unreadable,
        }
    }

    fn count(&mut self, record: &Record<'_>) {
        if record.tag.kind < FIRST_CALLER_KIND {
            self.own_records += 1;
            return;
        }
        *self.records.entry(record.tag.kind).or_default() += 1;
        self.payload_bytes += record.payload.len() as u64;
        let first = self.span.map_or(record.position, |(first, _)| first);
        self.span = Some((first, record.position));
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: u64 = self.records.values().sum();
        write!(f, "{count} records")?;
        for (i, (kind, count)) in self.records.iter().enumerate() {
            write!(f, "{}{count} of kind {kind}", if i == 0 { " (" } else { ", " })?;
        }
        write!(f, "{}", if self.records.is_empty() { "" } else { ")" })?;
        write!(f, ", {} bytes, {} of the log's own", self.payload_bytes, self.own_records)?;
        if let Some((first, last)) = self.span {
            write!(f, ", from {first} to {last}")?;
        }
        for damage in &self.damage {
            write!(f, "\n  DAMAGED: {damage}")?;
        }
        match &self.state {
            State::LogEnds { at, fault } => write!(f, "\n  the log ends at {at}: {fault}"),
            State::Goes { .. } | State::Unreadable => Ok(()),
        }
    }
}

/// Surveys the segments of a log, in order.
pub(super) struct Surveyor<'a> {
    files: &'a dyn Segments,
    geometry: Geometry,
    segments: &'a [SegmentNumber],
    /// Where the newest checkpoint stands, and its epoch: no record behind it is older.
    checkpoint: (Position, u32),
    walk: Walk<'a>,
}

impl<'a> Surveyor<'a> {
    pub(super) fn new(
        files: &'a dyn Segments,
        geometry: Geometry,
        log: LogId,
        segments: &'a [SegmentNumber],
        checkpoint: (Position, u32),
    ) -> Surveyor<'a> {
        Surveyor { files, geometry, segments, checkpoint, walk: Walk::new(files, geometry, log, 0) }
    }

    /// Walks a segment, over damaged places too where a MARK behind them says where to go on.
    pub(super) fn survey(&mut self, segment: SegmentNumber) -> Result<Survey, LogError> {
        let mut survey = Survey::empty();
        let mut at = self.geometry.first_of(segment);
        if !self.walk.has_header(segment)? {
            let fault = Fault::SegmentHeader;
            let Some(mark) = self.walk.mark_behind(self.segments, at)? else {
                survey.state = State::LogEnds { at, fault };
                return Ok(survey);
            };
            survey.damage.push(self.damage(at, fault, mark));
        }
        while self.geometry.segment_of(at) == segment {
            match self.look(at, &mut survey)? {
                Ok(next) => at = next,
                Err(fault) => match self.behind(at, &mut survey)? {
                    Behind::Nothing => {
                        survey.state = State::LogEnds { at, fault };
                        return Ok(survey);
                    }
                    Behind::Record(next) => at = next,
                    Behind::Mark(mark) => {
                        survey.damage.push(self.damage(at, fault, mark));
                        if self.geometry.segment_of(mark) != segment {
                            return Ok(survey);
                        }
                        at = mark;
                    }
                },
            }
        }
        survey.state = State::Goes { on: at };
        Ok(survey)
    }

    /// Counts the record at `at` and answers where the next one stands.
    fn look(&mut self, at: Position, survey: &mut Survey) -> Result<Result<Position, Fault>, LogError> {
        if at >= self.checkpoint.0 {
            self.walk.raise_epoch(self.checkpoint.1);
        }
        Ok(match self.walk.step(at)? {
            Step::Record(record) => {
                survey.count(&record);
                Ok(record.next)
            }
            Step::Fault(fault) => Err(fault),
        })
    }

    /// What is behind a fault at `at`.
    fn behind(&mut self, at: Position, survey: &mut Survey) -> Result<Behind, LogError> {
        let Some(mark) = self.walk.mark_behind(self.segments, at)? else { return Ok(Behind::Nothing) };
        // The broker may have written both the record and the MARK since the record was looked for.
        self.walk.forget();
        Ok(self.look(at, survey)?.map_or(Behind::Mark(mark), Behind::Record))
    }

    fn damage(&self, at: Position, fault: Fault, mark: Position) -> String {
        let segment = self.geometry.segment_of(at);
        let offset = if fault == Fault::SegmentHeader { 0 } else { self.geometry.offset_of(at) };
        let file = self.files.name_of(segment);
        format!("{file} at offset {offset}: {fault}; the next batch is at {mark}")
    }
}

enum Behind {
    /// No MARK: the log ends here.
    Nothing,
    /// A record after all, and the next stands here.
    Record(Position),
    /// A MARK: the place is damaged.
    Mark(Position),
}
