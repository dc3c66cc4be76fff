//! Where things are: positions, segments, and the arithmetic between them.

use std::fmt;

use crate::format::{MARK_BYTES, RECORD_ALIGN, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES};

/// A byte offset in the whole log, from its first byte ever. Record positions are multiples of 8.
///
/// Position 0 never denotes a record, since segment 0 begins with its header: callers use [`Position::NONE`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position(pub u64);

impl Position {
    /// The position that no record has.
    pub const NONE: Position = Position(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// The number of a segment, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SegmentNumber(pub u64);

impl SegmentNumber {
    /// The segment that follows this one.
    pub const fn following(self) -> SegmentNumber {
        SegmentNumber(self.0 + 1)
    }
}

impl fmt::Display for SegmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The size of a log's segments, chosen when its folder is made and fixed from then on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    segment_bytes: u64,
}

impl Geometry {
    /// 64 MiB: deleting a segment is rare enough, and preparing one takes a tenth of a second.
    pub const DEFAULT: Geometry = Geometry { segment_bytes: 64 << 20 };
    /// The smallest segment, in bytes. Tests use it; a broker has no reason to.
    pub const MIN_SEGMENT_BYTES: u64 = 4 << 10;
    /// The largest segment, in bytes: a payload's length must fit a u32 with room to spare.
    pub const MAX_SEGMENT_BYTES: u64 = 1 << 30;

    /// A geometry with segments of `segment_bytes`, a power of two within the bounds above.
    pub const fn new(segment_bytes: u64) -> Result<Geometry, GeometryError> {
        if !segment_bytes.is_power_of_two()
            || segment_bytes < Self::MIN_SEGMENT_BYTES
            || segment_bytes > Self::MAX_SEGMENT_BYTES
        {
            return Err(GeometryError { segment_bytes });
        }
        Ok(Geometry { segment_bytes })
    }

    /// The size of every segment, in bytes.
    pub const fn segment_bytes(self) -> u64 {
        self.segment_bytes
    }

    /// The largest payload that a record can have, in bytes: what fits an empty segment behind its first MARK.
    pub const fn max_payload_bytes(self) -> usize {
        self.segment_bytes as usize - SEGMENT_HEADER_BYTES - MARK_BYTES - RECORD_HEADER_BYTES
    }

    /// The segment that holds `position`.
    pub const fn segment_of(self, position: Position) -> SegmentNumber {
        // A power of two: to shift takes a tenth of what to divide takes.
        SegmentNumber(position.0 >> self.segment_bytes.trailing_zeros())
    }

    /// The offset of `position` in its segment's file, in bytes.
    pub const fn offset_of(self, position: Position) -> u64 {
        position.0 & (self.segment_bytes - 1)
    }

    /// Where the bytes of a segment begin (its header).
    pub const fn start_of(self, segment: SegmentNumber) -> Position {
        Position(segment.0 * self.segment_bytes)
    }

    /// Where the first record of a segment stands.
    pub const fn first_of(self, segment: SegmentNumber) -> Position {
        Position(segment.0 * self.segment_bytes + SEGMENT_HEADER_BYTES as u64)
    }

    /// Where a segment ends: the first byte that is no longer its own.
    pub const fn end_of(self, segment: SegmentNumber) -> Position {
        Position((segment.0 + 1) * self.segment_bytes)
    }

    /// Where a record can start at or after `position`: the next segment when less than a record's header is
    /// left of this one (the implicit end of a segment).
    pub const fn record_start(self, position: Position) -> Position {
        let offset = self.offset_of(position);
        let segment = self.segment_of(position);
        if offset == 0 {
            return self.first_of(segment);
        }
        if self.segment_bytes - offset < RECORD_HEADER_BYTES as u64 {
            return self.first_of(segment.following());
        }
        position
    }

    /// The first segment that holds nothing of a log that ends at `end`.
    pub const fn unused_from(self, end: Position) -> SegmentNumber {
        let segment = self.segment_of(end);
        if end.0 <= self.first_of(segment).0 { segment } else { segment.following() }
    }

    /// Whether a record could start at `position`.
    pub(crate) const fn can_hold_record(self, position: Position) -> bool {
        // No log gets that long, and the arithmetic below stays clear of overflow.
        const END_OF_ALL_LOGS: u64 = 1 << 63;
        position.0 < END_OF_ALL_LOGS
            && position.0.is_multiple_of(RECORD_ALIGN as u64)
            && self.offset_of(position) >= SEGMENT_HEADER_BYTES as u64
            && self.record_start(position).0 == position.0
    }
}

impl Default for Geometry {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A segment size that is not a power of two between 4 KiB and 1 GiB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GeometryError {
    /// The refused size, in bytes.
    pub segment_bytes: u64,
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a segment of {} bytes is not a power of two between {} and {}",
            self.segment_bytes,
            Geometry::MIN_SEGMENT_BYTES,
            Geometry::MAX_SEGMENT_BYTES
        )
    }
}

impl std::error::Error for GeometryError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_outside_the_bounds_are_refused() {
        for bad in [0, 1, 4095, 5000, (1 << 30) + 1, 1 << 31] {
            assert_eq!(Geometry::new(bad), Err(GeometryError { segment_bytes: bad }));
        }
        assert!(Geometry::new(4096).is_ok());
    }

    #[test]
    fn a_record_starts_in_the_next_segment_when_no_header_fits() {
        let g = Geometry::new(4096).unwrap();
        assert_eq!(g.record_start(Position(0)), Position(64));
        assert_eq!(g.record_start(Position(4096 - 16)), Position(4096 - 16));
        assert_eq!(g.record_start(Position(4096 - 8)), Position(4096 + 64));
        assert_eq!(g.record_start(Position(4096)), Position(4096 + 64));
        assert!(!g.can_hold_record(Position(4096)));
        assert!(!g.can_hold_record(Position(100)));
        assert!(g.can_hold_record(Position(104)));
        assert!(!g.can_hold_record(Position(u64::MAX - 7)));
    }

    #[test]
    fn a_position_names_its_segment_and_offset() {
        let g = Geometry::new(4096).unwrap();
        assert_eq!(g.segment_of(Position(4095)), SegmentNumber(0));
        assert_eq!(g.segment_of(Position(4096)), SegmentNumber(1));
        assert_eq!(g.offset_of(Position(4096 + 72)), 72);
        assert_eq!(g.end_of(SegmentNumber(0)), g.start_of(SegmentNumber(1)));
    }
}
