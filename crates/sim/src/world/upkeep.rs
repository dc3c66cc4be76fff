//! Checkpoints, and the deletion and rewriting of segments, by the server's rules but at random times.

use super::World;
use crate::Violation;
use leveret_core::broker::Access;
use leveret_core::shard::Relocation;
use leveret_core::{LogId, ShardIndex, Time};
use leveret_log::{LogError, Position, ReadCache, SegmentNumber};
use std::collections::{BTreeSet, VecDeque};

/// How long a segment has been dead before it is deleted, in milliseconds; the server's rule.
const GRACE_MS: u64 = 5_000;
/// Segments beyond twice what is live, before sparse ones are rewritten.
const SLACK_SEGMENTS: u64 = 2;
/// Payload bytes that are relocated in one turn.
const RELOCATION_BYTES: usize = 8 << 10;

/// What the upkeep remembers of a shard.
#[derive(Default)]
pub(super) struct ShardUpkeep {
    checkpoint: Position,
    /// A checkpoint that waits until its position is durable.
    writing: Option<Writing>,
    dead: VecDeque<Dead>,
    rewritten: BTreeSet<SegmentNumber>,
    /// A segment that is being rewritten, and how far.
    rewriting: Option<(SegmentNumber, Position)>,
}

struct Writing {
    position: Position,
    payload: Vec<u8>,
    unused: Vec<SegmentNumber>,
}

struct Dead {
    since: Time,
    segments: Vec<SegmentNumber>,
}

impl World {
    /// The upkeep looks at a shard.
    pub(super) fn keep_up(&mut self, shard: ShardIndex) -> Result<(), Violation> {
        if self.has_failed() {
            return Ok(());
        }
        self.checkpoint(shard)?;
        self.delete_dead(shard, GRACE_MS)?;
        self.rewrite(shard)
    }

    /// Begins a checkpoint, or writes the one that has become durable.
    pub(super) fn checkpoint(&mut self, shard: ShardIndex) -> Result<(), Violation> {
        let index = usize::from(shard.0);
        let side = &self.broker.shards[index];
        let upkeep = &mut self.upkeep[index];
        let Some(writing) = upkeep.writing.take() else {
            let segments = side.log.store.segments().map_err(unexpected)?;
            let (position, payload) = side.shard.checkpoint();
            let before = side.log.reader.geometry().segment_of(position);
            let unused =
                |segment: &SegmentNumber| *segment < before && side.shard.segment_use(segment.0).holders == 0;
            let unused = segments.into_iter().filter(unused).collect();
            upkeep.writing = Some(Writing { position, payload, unused });
            return Ok(());
        };
        if side.log.reader.durable() < writing.position {
            upkeep.writing = Some(writing);
            return Ok(());
        }
        match side.log.store.snapshot(writing.position, &writing.payload) {
            Ok(()) => {
                upkeep.checkpoint = writing.position;
                upkeep.dead.push_back(Dead { since: self.now, segments: writing.unused });
                self.note(&format!("{shard:?} has a checkpoint at {}", writing.position));
                Ok(())
            }
            Err(LogError::NoSpace { .. }) => Ok(()),
            Err(error) => Err(unexpected(error)),
        }
    }

    /// Deletes the segments that were dead at the checkpoint before the last one.
    pub(super) fn delete_dead(&mut self, shard: ShardIndex, grace_ms: u64) -> Result<(), Violation> {
        let index = usize::from(shard.0);
        while self.upkeep[index].dead.len() > 1
            && self.upkeep[index].dead.front().is_some_and(|dead| dead.since.plus_ms(grace_ms) <= self.now)
        {
            let Some(dead) = self.upkeep[index].dead.pop_front() else { return Ok(()) };
            let side = &mut self.broker.shards[index];
            let existing = side.log.store.segments().map_err(unexpected)?;
            let segments: Vec<SegmentNumber> =
                dead.segments.into_iter().filter(|segment| existing.contains(segment)).collect();
            side.log.store.trim(&segments).map_err(unexpected)?;
            for segment in &segments {
                self.upkeep[index].rewritten.remove(segment);
                side.shard.segment_deleted(segment.0);
            }
            self.tally.trimmed += segments.len() as u64;
            self.note(&format!("{shard:?} deletes {segments:?}"));
        }
        Ok(())
    }

    /// Goes on with the segment that is being rewritten, or chooses the sparsest.
    pub(super) fn rewrite(&mut self, shard: ShardIndex) -> Result<(), Violation> {
        let index = usize::from(shard.0);
        let side = &self.broker.shards[index];
        let geometry = side.log.reader.geometry();
        if self.upkeep[index].rewriting.is_none() {
            let sparse = self.sparsest(shard)?;
            self.upkeep[index].rewriting = sparse.map(|segment| (segment, geometry.first_of(segment)));
        }
        let Some((segment, mut at)) = self.upkeep[index].rewriting else { return Ok(()) };
        let mut cache = ReadCache::new();
        let mut batch = Vec::new();
        let mut bytes = 0;
        while geometry.segment_of(at) == segment && bytes < RELOCATION_BYTES {
            let Ok(record) = side.log.reader.owned_record(&mut cache, at) else { break };
            at = record.next;
            bytes += record.payload.len();
            batch.push(Relocation {
                location: record.position,
                kind: record.tag.kind,
                payload: record.payload,
            });
        }
        let moved = self.in_turn(|turn, _| Ok(turn.shard(shard).relocate(&batch).unwrap_or(0)))?;
        self.tally.relocated += moved as u64;
        self.note(&format!("{shard:?} moves {moved} records out of {segment}"));
        let upkeep = &mut self.upkeep[index];
        if batch.is_empty() || geometry.segment_of(at) != segment {
            upkeep.rewriting = None;
            upkeep.rewritten.insert(segment);
        } else {
            upkeep.rewriting = Some((segment, at));
        }
        Ok(())
    }

    fn sparsest(&self, shard: ShardIndex) -> Result<Option<SegmentNumber>, Violation> {
        let side = &self.broker.shards[usize::from(shard.0)];
        let upkeep = &self.upkeep[usize::from(shard.0)];
        let geometry = side.log.reader.geometry();
        let segments = side.log.store.segments().map_err(unexpected)?;
        let live_segments = side.shard.live_bytes() / geometry.segment_bytes();
        if (segments.len() as u64) < 2 * live_segments + SLACK_SEGMENTS {
            return Ok(None);
        }
        let kept = geometry.segment_of(upkeep.checkpoint);
        let candidates = segments.into_iter().filter(|segment| *segment < kept);
        let with_use = candidates.map(|segment| (side.shard.segment_use(segment.0), segment));
        let sparse = with_use.filter(|(held, segment)| {
            held.holders > 0
                && held.bytes * 2 < geometry.segment_bytes()
                && !upkeep.rewritten.contains(segment)
        });
        Ok(sparse.min_by_key(|(held, _)| held.bytes).map(|(_, segment)| segment))
    }

    /// Writes a checkpoint of the catalog, if all of it is durable, and deletes the segments before it.
    pub(super) fn keep_catalog(&mut self) -> Result<(), Violation> {
        let position = self.broker.catalog.position();
        let log = self.broker.log(LogId::Catalog);
        if log.failed || log.reader.durable() < position {
            return Ok(());
        }
        let payload = self.broker.catalog.checkpoint();
        match log.store.snapshot(position, &payload) {
            Err(LogError::NoSpace { .. }) => return Ok(()),
            other => other.map_err(unexpected)?,
        }
        let kept = log.reader.geometry().segment_of(position);
        let existing = log.store.segments().map_err(unexpected)?;
        let dead: Vec<SegmentNumber> = existing.into_iter().filter(|segment| *segment < kept).collect();
        log.store.trim(&dead).map_err(unexpected)?;
        self.note(&format!("the catalog has a checkpoint at {position}"));
        Ok(())
    }
}

fn unexpected(error: LogError) -> Violation {
    Violation(format!("the upkeep failed: {error}"))
}
