//! What `leveret log check DIR` prints: every segment and checkpoint of a log, and where it is damaged.
//!
//! It reads only, takes no lock, and may run beside the broker that owns the folder.

mod survey;

use std::path::Path;
use std::{fmt, fs, io};

use crate::driver::Segments;
use crate::driver::file::{Folder, SegmentFiles, checkpoint_positions, read_owner, text};
use crate::error::LogError;
use crate::format::{LogId, Tenure, parse_checkpoint};
use crate::position::{Geometry, Position, SegmentNumber};

use survey::{State, Surveyor};

/// What a check found, for a caller that wants more than the text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckReport {
    /// How many segments there are.
    pub segments: u64,
    /// How many records of the caller's kinds they hold.
    pub records: u64,
    /// The size of their payloads, in bytes.
    pub payload_bytes: u64,
    /// The position of the newest valid checkpoint.
    pub checkpoint: Option<Position>,
    /// Where the log ends.
    pub end: Option<Position>,
    /// Everything that is wrong, each in a line that names file and offset. A torn tail is not wrong.
    pub problems: Vec<String>,
}

/// Examines the log in `folder` and prints what is there to `out`.
///
/// # Errors
/// [`CheckError`] when the check itself could not be done. Damage is no error but a problem in the report.
pub fn check(folder: &Path, out: &mut impl io::Write) -> Result<CheckReport, CheckError> {
    let folder = Folder::new(folder.to_path_buf());
    let mut report = CheckReport::default();
    let Some((Tenure { log, epoch }, geometry)) = read_owner(&folder)? else {
        writeln!(out, "{}: no log", text(folder.path()))?;
        return Ok(report);
    };
    writeln!(out, "log {:016x}, epoch {epoch}, segments of {} bytes", log.0, geometry.segment_bytes())?;
    let checkpoint_epoch = check_checkpoints(&folder, log, &mut report, out)?;
    check_segments(&SegmentFiles::new(folder, geometry), geometry, log, checkpoint_epoch, &mut report, out)?;
    match report.problems.len() {
        0 => writeln!(out, "no damage: {} records, {} bytes", report.records, report.payload_bytes)?,
        count => writeln!(out, "DAMAGED in {count} place(s)")?,
    }
    Ok(report)
}

/// Prints the checkpoints and answers the epoch of the newest valid one.
fn check_checkpoints(
    folder: &Folder,
    log: LogId,
    report: &mut CheckReport,
    out: &mut impl io::Write,
) -> Result<u32, CheckError> {
    let mut epoch = 0;
    for position in checkpoint_positions(folder)? {
        let path = folder.checkpoint_path(position);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // A running broker has replaced it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(LogError::io("read", text(&path), e).into()),
        };
        match parse_checkpoint(&bytes, log).map_err(|e| e.of(text(&path))) {
            Ok(found) => {
                let size = found.payload.len();
                writeln!(out, "checkpoint at {position}: epoch {}, {size} bytes", found.epoch)?;
                if report.checkpoint.is_none() {
                    (report.checkpoint, epoch) = (Some(position), found.epoch);
                }
            }
            Err(error) => {
                writeln!(out, "checkpoint at {position}: DAMAGED: {error}")?;
                report.problems.push(error.to_string());
            }
        }
    }
    Ok(epoch)
}

/// Walks all segments; those before the checkpoint too, although a replay would not.
fn check_segments(
    files: &SegmentFiles,
    geometry: Geometry,
    log: LogId,
    checkpoint_epoch: u32,
    report: &mut CheckReport,
    out: &mut impl io::Write,
) -> Result<(), CheckError> {
    let segments = files.segments()?;
    let checkpoint = report.checkpoint.unwrap_or(Position::NONE);
    let mut surveyor = Surveyor::new(files, geometry, log, &segments, (checkpoint, checkpoint_epoch));
    let mut due = SegmentNumber(0);
    for &segment in &segments {
        check_hole(files, due, segment, geometry.segment_of(checkpoint), report, out)?;
        due = segment.following();
        if report.end.is_some() {
            writeln!(out, "segment {segment}: behind the log's end, not in use")?;
            continue;
        }
        let survey = match surveyor.survey(segment) {
            Err(LogError::MissingSegment { .. }) => {
                writeln!(out, "segment {segment}: deleted during the check")?;
                continue;
            }
            other => other?,
        };
        writeln!(out, "segment {segment}: {survey}")?;
        report.segments += 1;
        report.records += survey.records.values().sum::<u64>();
        report.payload_bytes += survey.payload_bytes;
        report.problems.extend(survey.damage);
        report.end = match survey.state {
            State::LogEnds { at, .. } => Some(at),
            State::Goes { on } if segments.last() == Some(&segment) => Some(on),
            State::Goes { .. } | State::Unreadable => None,
        };
    }
    Ok(())
}

/// Says which segments before `segment` are not there. That is as it should be before the checkpoint.
fn check_hole(
    files: &SegmentFiles,
    due: SegmentNumber,
    segment: SegmentNumber,
    needed_from: SegmentNumber,
    report: &mut CheckReport,
    out: &mut impl io::Write,
) -> Result<(), CheckError> {
    let deleted_before = segment.min(needed_from.max(due));
    if due < deleted_before {
        writeln!(out, "segments {due} to before {deleted_before}: deleted")?;
    }
    if deleted_before < segment {
        writeln!(out, "segments {deleted_before} to before {segment}: MISSING")?;
        report.problems.push(format!("{} is missing", files.name_of(deleted_before)));
    }
    Ok(())
}

/// Why a check could not be done.
#[derive(Debug)]
pub enum CheckError {
    /// The log could not be read.
    Log(LogError),
    /// The text could not be written.
    Output(io::Error),
}

impl From<LogError> for CheckError {
    fn from(error: LogError) -> Self {
        CheckError::Log(error)
    }
}

impl From<io::Error> for CheckError {
    fn from(error: io::Error) -> Self {
        CheckError::Output(error)
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckError::Log(error) => error.fmt(f),
            CheckError::Output(error) => write!(f, "could not print: {error}"),
        }
    }
}

impl std::error::Error for CheckError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CheckError::Log(error) => Some(error),
            CheckError::Output(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests;
