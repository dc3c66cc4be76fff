//! The account of the log's space: how much of each segment is still needed. Segments that nothing needs
//! are deleted, those that little needs are rewritten (design section 4: disk does not leak).

use leveret_log::{Geometry, Position};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// What is live in each segment, and where moved messages are now.
#[derive(Debug)]
pub(in crate::shard) struct Space {
    geometry: Geometry,
    segments: BTreeMap<u64, Use>,
    /// The segment of the last change, with its account: nearly every change is near the last one.
    cached: (u64, Use),
    traffic: Traffic,
    moved: FxHashMap<Position, Moved>,
}

/// What is live in one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Use {
    /// Entries and pages that point into it.
    pub holders: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

/// What came into a shard's queues and what went, since it was made. A message counts in each queue that holds it, a
/// page of entries that a deep queue wrote counts once, and what is rewritten comes and goes once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// How many came.
    pub came: u64,
    /// How many went: acked, expired, dropped.
    pub went: u64,
    /// Bytes of records that are live now.
    pub live_bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Moved {
    location: Position,
    holders: u32,
}

impl Space {
    pub(in crate::shard) fn new(geometry: Geometry) -> Space {
        Space {
            geometry,
            segments: BTreeMap::new(),
            cached: (0, Use::default()),
            traffic: Traffic::default(),
            moved: FxHashMap::default(),
        }
    }

    /// Where a message's bytes are now.
    #[inline]
    pub(in crate::shard) fn location(&self, position: Position) -> Position {
        if self.moved.is_empty() {
            return position;
        }
        self.moved.get(&position).map_or(position, |moved| moved.location)
    }

    /// A queue holds a message.
    #[inline]
    pub(in crate::shard) fn hold(&mut self, position: Position, bytes: u32) {
        let segment = self.geometry.segment_of(self.location(position)).0;
        self.hold_in(segment, 1, u64::from(bytes));
    }

    /// A queue no longer holds a message.
    #[inline]
    pub(in crate::shard) fn release(&mut self, position: Position, bytes: u32) {
        let segment = self.geometry.segment_of(self.location(position)).0;
        self.release_in(segment, 1, u64::from(bytes));
        if !self.moved.is_empty() {
            self.forget_moved(position, 1);
        }
    }

    /// Something new is held in a segment.
    #[inline]
    pub(in crate::shard) fn hold_in(&mut self, segment: u64, holders: u64, bytes: u64) {
        self.traffic.came += holders;
        self.traffic.live_bytes += bytes;
        let account = self.account(segment);
        account.holders += holders;
        account.bytes += bytes;
    }

    /// Something is no longer held in a segment.
    #[inline]
    pub(in crate::shard) fn release_in(&mut self, segment: u64, holders: u64, bytes: u64) {
        self.traffic.went += holders;
        self.traffic.live_bytes = self.traffic.live_bytes.saturating_sub(bytes);
        let account = self.account(segment);
        debug_assert!(account.holders >= holders, "a segment is released as often as it is held");
        debug_assert!(account.bytes >= bytes, "a segment's bytes are released as they were held");
        account.holders = account.holders.saturating_sub(holders);
        account.bytes = account.bytes.saturating_sub(bytes);
    }

    /// A message that `holders` queues hold was copied to `location`, each with `charge` bytes.
    pub(in crate::shard) fn relocate(
        &mut self,
        position: Position,
        location: Position,
        holders: u32,
        bytes: u64,
    ) {
        let from = self.geometry.segment_of(self.location(position)).0;
        self.release_in(from, u64::from(holders), bytes);
        self.hold_in(self.geometry.segment_of(location).0, u64::from(holders), bytes);
        self.moved.insert(position, Moved { location, holders });
    }

    /// Puts a moved message's place back from a checkpoint, before its holders are restored.
    pub(in crate::shard) fn restore_moved(&mut self, position: Position, location: Position, holders: u32) {
        self.moved.insert(position, Moved { location, holders });
    }

    /// Every moved message: identity, place, holders; sorted by identity.
    pub(in crate::shard) fn moved(&self) -> Vec<(Position, Position, u32)> {
        let mut all: Vec<_> =
            self.moved.iter().map(|(position, moved)| (*position, moved.location, moved.holders)).collect();
        all.sort_unstable_by_key(|(position, ..)| *position);
        all
    }

    /// What is live in a segment.
    pub(in crate::shard) fn of(&self, segment: u64) -> Use {
        if self.cached.0 == segment {
            return self.cached.1;
        }
        self.segments.get(&segment).copied().unwrap_or_default()
    }

    /// Which segment a position lies in.
    pub(in crate::shard) fn segment_of(&self, position: Position) -> u64 {
        self.geometry.segment_of(position).0
    }

    /// What came and went, and what is live in all segments.
    pub(in crate::shard) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// A segment was deleted: nothing can be in it any more, so no message can have moved there.
    pub(in crate::shard) fn forget_segment(&mut self, segment: u64) {
        let geometry = self.geometry;
        self.moved.retain(|_, moved| geometry.segment_of(moved.location).0 != segment);
    }

    fn forget_moved(&mut self, position: Position, holders: u32) {
        if let Some(moved) = self.moved.get_mut(&position) {
            moved.holders = moved.holders.saturating_sub(holders);
            if moved.holders == 0 {
                self.moved.remove(&position);
            }
        }
    }

    #[inline]
    fn account(&mut self, segment: u64) -> &mut Use {
        if self.cached.0 != segment {
            self.turn_to(segment);
        }
        &mut self.cached.1
    }

    #[cold]
    fn turn_to(&mut self, segment: u64) {
        let (before, account) = self.cached;
        if account == Use::default() {
            self.segments.remove(&before);
        } else {
            self.segments.insert(before, account);
        }
        self.cached = (segment, self.segments.get(&segment).copied().unwrap_or_default());
    }
}
