//! Upkeep: bounds the replay after a crash by checkpoints, and the space on disk by deleting dead segments and
//! rewriting sparse ones. One thread for all logs; it holds a shard only for moments.

use super::{Broker, ShardCell, StartError, read, start_thread};
use leveret_core::broker::Access;
use leveret_core::shard::Relocation;
use leveret_core::{LogId, ShardIndex};
use leveret_log::{LogError, Position, ReadCache, SegmentNumber};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often the logs are looked at.
const PERIOD: Duration = Duration::from_millis(200);
/// Bytes of a shard's log between checkpoints: what a restart replays at most, and a little more.
const CHECKPOINT_BYTES: u64 = 64 << 20;
/// Bytes of the catalog's log between checkpoints.
const CATALOG_CHECKPOINT_BYTES: u64 = 2 << 20;
/// Time after which a checkpoint is written even if little has changed, so that space is given back.
const CHECKPOINT_PERIOD: Duration = Duration::from_secs(20);
/// How long a segment has been dead before it is deleted: deliveries that need no ack are read from the log a moment
/// after they were settled.
const GRACE: Duration = Duration::from_secs(1);
/// Segments that a shard may have beyond twice what is live, before sparse ones are rewritten.
const SLACK_SEGMENTS: u64 = 8;
/// Payload bytes that are relocated in one turn.
const RELOCATION_BYTES: usize = 256 << 10;

/// Starts the thread; it ends when the broker stops.
pub(super) fn start(broker: &Arc<Broker>) -> Result<(), StartError> {
    let kept = broker.clone();
    let mut shards: Vec<ShardUpkeep> = (0..broker.shards.len()).map(|_| ShardUpkeep::default()).collect();
    let thread = start_thread("upkeep", move || {
        let mut catalog = Position::NONE;
        loop {
            std::thread::park_timeout(PERIOD);
            if kept.stopping.load(Ordering::Acquire) {
                return finish(&kept);
            }
            if let Err(error) = keep_catalog(&kept, &mut catalog) {
                tracing::warn!(%error, "the catalog's checkpoint failed");
            }
            for (index, upkeep) in shards.iter_mut().enumerate() {
                if let Err(error) = upkeep.look(&kept, ShardIndex(index as u16)) {
                    tracing::warn!(shard = index, %error, "the upkeep of a shard's log failed");
                }
            }
        }
    })?;
    broker.threads().upkeep.push(thread);
    Ok(())
}

/// Writes a checkpoint of the catalog and deletes the segments before it: nothing else lives in them.
fn keep_catalog(broker: &Broker, last: &mut Position) -> Result<(), LogError> {
    let catalog = read(&broker.catalog);
    let position = catalog.position();
    if position.0 < last.0 + CATALOG_CHECKPOINT_BYTES {
        return Ok(());
    }
    let payload = catalog.checkpoint();
    drop(catalog);
    let log = &broker.catalog_log;
    if !block_until_durable(broker, LogId::Catalog, position) {
        return Ok(());
    }
    log.store.snapshot(position, &payload)?;
    *last = position;
    let kept = log.reader.geometry().segment_of(position);
    let dead: Vec<SegmentNumber> =
        log.store.segments()?.into_iter().filter(|segment| *segment < kept).collect();
    log.store.trim(&dead)
}

/// What the upkeep remembers of a shard.
#[derive(Default)]
struct ShardUpkeep {
    /// The position of the last checkpoint, and when it was written.
    checkpoint: Position,
    written_at: Option<Instant>,
    /// The segments that were dead at past checkpoints, oldest first.
    dead: VecDeque<Dead>,
    /// Segments that were rewritten; they die when the last of their messages does, or has moved.
    rewritten: BTreeSet<SegmentNumber>,
}

/// The segments that nothing pointed into at a checkpoint. A replay from it, or from a later one, needs none of them.
struct Dead {
    since: Instant,
    segments: Vec<SegmentNumber>,
}

impl ShardUpkeep {
    fn look(&mut self, broker: &Broker, index: ShardIndex) -> Result<(), LogError> {
        if broker.failure().is_some() {
            // What was settled last may not be durable, and never will be: nothing is deleted any more.
            return Ok(());
        }
        let cell = &broker.shards[usize::from(index.0)];
        if self.wants_checkpoint(cell.lock().shard.position()) {
            self.write_checkpoint(broker, index)?;
        }
        self.delete_dead(cell)?;
        if let Some(sparse) = self.sparsest(cell, &cell.log.store.segments()?) {
            self.rewrite(broker, index, sparse);
        }
        Ok(())
    }

    fn wants_checkpoint(&self, position: Position) -> bool {
        let grown = position.0 - self.checkpoint.0.min(position.0);
        let due = self.written_at.is_none_or(|at| at.elapsed() >= CHECKPOINT_PERIOD);
        grown >= CHECKPOINT_BYTES || (due && (grown > 0 || !self.dead.is_empty()))
    }

    fn write_checkpoint(&mut self, broker: &Broker, index: ShardIndex) -> Result<(), LogError> {
        let cell = &broker.shards[usize::from(index.0)];
        let segments = cell.log.store.segments()?;
        let inner = cell.lock();
        let (position, payload) = inner.shard.checkpoint();
        let before = cell.log.reader.geometry().segment_of(position);
        let unused =
            |segment: &SegmentNumber| *segment < before && inner.shard.segment_use(segment.0).holders == 0;
        let segments: Vec<SegmentNumber> = segments.into_iter().filter(unused).collect();
        drop(inner);
        if !block_until_durable(broker, LogId::Shard(index), position) {
            return Ok(());
        }
        cell.log.store.snapshot(position, &payload)?;
        self.checkpoint = position;
        self.written_at = Some(Instant::now());
        self.dead.push_back(Dead { since: Instant::now(), segments });
        Ok(())
    }

    /// Deletes the segments that were dead at the checkpoint before the last one: should the last be damaged, a
    /// replay from the one before it finds all it needs.
    fn delete_dead(&mut self, cell: &ShardCell) -> Result<(), LogError> {
        while self.dead.len() > 1 && self.dead.front().is_some_and(|dead| dead.since.elapsed() >= GRACE) {
            let Some(dead) = self.dead.pop_front() else { return Ok(()) };
            let existing = cell.log.store.segments()?;
            let segments: Vec<SegmentNumber> =
                dead.segments.into_iter().filter(|segment| existing.contains(segment)).collect();
            cell.log.store.trim(&segments)?;
            let mut inner = cell.lock();
            for segment in segments {
                self.rewritten.remove(&segment);
                inner.shard.segment_deleted(segment.0);
            }
        }
        // A checkpoint at which nothing was dead is of no use to wait for.
        if self.dead.len() == 1 && self.dead.iter().all(|dead| dead.segments.is_empty()) {
            self.dead.clear();
        }
        Ok(())
    }

    /// The segment that it pays most to rewrite, if the log takes more than twice the space of what is live.
    fn sparsest(&self, cell: &ShardCell, segments: &[SegmentNumber]) -> Option<SegmentNumber> {
        let geometry = cell.log.reader.geometry();
        let kept = geometry.segment_of(self.checkpoint);
        let inner = cell.lock();
        let live_segments = inner.shard.live_bytes() / geometry.segment_bytes();
        if (segments.len() as u64) < 2 * live_segments + SLACK_SEGMENTS {
            return None;
        }
        let candidates = segments.iter().copied().filter(|segment| *segment < kept);
        let with_use = candidates.map(|segment| (inner.shard.segment_use(segment.0), segment));
        let sparse = with_use.filter(|(held, segment)| {
            held.holders > 0 && held.bytes * 2 < geometry.segment_bytes() && !self.rewritten.contains(segment)
        });
        sparse.min_by_key(|(held, _)| held.bytes).map(|(_, segment)| segment)
    }

    /// Copies what is live in a segment to the end of the log, a little in each turn.
    fn rewrite(&mut self, broker: &Broker, index: ShardIndex, segment: SegmentNumber) {
        let reader = broker.reader(index);
        let geometry = reader.geometry();
        let mut cache = ReadCache::new();
        let mut at = geometry.first_of(segment);
        let mut batch = Vec::new();
        let mut bytes = 0;
        while geometry.segment_of(at) == segment {
            let Ok(record) = reader.owned_record(&mut cache, at) else { break };
            at = record.next;
            bytes += record.payload.len();
            batch.push(Relocation {
                location: record.position,
                kind: record.tag.kind,
                payload: record.payload,
            });
            if bytes >= RELOCATION_BYTES {
                relocate(broker, index, &batch);
                batch.clear();
                bytes = 0;
            }
        }
        relocate(broker, index, &batch);
        self.rewritten.insert(segment);
    }
}

fn relocate(broker: &Broker, index: ShardIndex, batch: &[Relocation]) {
    let mut turn = broker.turn();
    if let Err(error) = turn.shard(index).relocate(batch) {
        tracing::warn!(%error, "a sparse segment stays as it is");
    }
}

/// Waits on this thread; `false` when the log has failed, or the broker's runtime is gone.
fn block_until_durable(broker: &Broker, log: LogId, position: Position) -> bool {
    while broker.durable(log) < position {
        if broker.failure().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Writes a last checkpoint of every shard, so that the next start has nothing to replay. The catalog's log is short
/// enough to be replayed.
fn finish(broker: &Broker) {
    for index in 0..broker.shards.len() {
        if let Err(error) = ShardUpkeep::default().write_checkpoint(broker, ShardIndex(index as u16)) {
            tracing::warn!(%error, "the last checkpoint of a shard failed");
        }
    }
}
