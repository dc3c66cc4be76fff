//! The newest part of the log, in memory, shared by the tail, the committer and the readers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::append::Chunk;
use crate::position::Position;

/// The chunks that are not durable yet, and behind them as many older ones as the budget allows.
///
/// The invariant that readers rely on: a byte is in `chunks` or lies below `durable`, so that the driver has it.
pub(crate) struct Recent {
    chunks: RwLock<Chunks>,
    durable: AtomicU64,
    budget_bytes: usize,
}

struct Chunks {
    queue: VecDeque<Chunk>,
    bytes: usize,
}

impl Recent {
    /// Keeps up to `budget_bytes` of what is already durable. All before `durable` is the driver's.
    pub(crate) fn new(durable: Position, budget_bytes: usize) -> Recent {
        let chunks = Chunks { queue: VecDeque::new(), bytes: 0 };
        Recent { chunks: RwLock::new(chunks), durable: AtomicU64::new(durable.0), budget_bytes }
    }

    /// Up to where the log is durable.
    pub(crate) fn durable(&self) -> Position {
        Position(self.durable.load(Ordering::Acquire))
    }

    /// How much is kept of what is durable, in bytes.
    pub(crate) fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// How much memory is held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.read().bytes
    }

    /// Everything before `end` is durable now: what exceeds the budget can be dropped.
    pub(crate) fn advance_durable(&self, end: Position) {
        self.durable.store(end.0, Ordering::Release);
        let mut chunks = self.write();
        while chunks.bytes > self.budget_bytes
            && let Some(oldest) = chunks.queue.front()
            && oldest.end() <= end
        {
            chunks.bytes -= cost(oldest);
            chunks.queue.pop_front();
        }
    }

    /// A replay has seen the log up to `end`; nothing is in memory yet. Cheap enough for each record.
    pub(crate) fn replayed_to(&self, end: Position) {
        self.durable.store(end.0, Ordering::Release);
    }

    /// Adds what a turn appended.
    pub(crate) fn push(&self, chunk: Chunk) {
        let mut chunks = self.write();
        chunks.bytes += cost(&chunk);
        chunks.queue.push_back(chunk);
    }

    /// The chunk that holds the byte at `at`.
    pub(crate) fn find(&self, at: Position) -> Option<Chunk> {
        let chunks = self.read();
        let after = chunks.queue.partition_point(|chunk| chunk.start <= at);
        let chunk = chunks.queue.get(after.checked_sub(1)?)?;
        (at < chunk.end()).then(|| chunk.clone())
    }

    // A panic elsewhere cannot leave the queue half-changed, so a poisoned lock is as good as any.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Chunks> {
        self.chunks.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Chunks> {
        self.chunks.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a chunk takes of the budget: a turn of one small record is not much larger than its entry in the queue.
fn cost(chunk: &Chunk) -> usize {
    chunk.bytes.len() + size_of::<Chunk>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn chunk(start: u64, len: usize) -> Chunk {
        Chunk { start: Position(start), bytes: Bytes::from(vec![1; len]) }
    }

    #[test]
    fn what_is_not_durable_is_kept_beyond_the_budget() {
        let recent = Recent::new(Position(64), 150);
        for i in 0..10 {
            recent.push(chunk(64 + i * 80, 80));
        }
        assert_eq!(recent.bytes(), 10 * cost(&chunk(0, 80)));
        recent.advance_durable(Position(64 + 5 * 80));
        assert_eq!(recent.bytes(), 5 * cost(&chunk(0, 80)));
        assert!(recent.find(Position(64 + 4 * 80)).is_none());
        assert!(recent.find(Position(64 + 5 * 80)).is_some());
        recent.advance_durable(Position(64 + 10 * 80));
        assert_eq!(recent.bytes(), cost(&chunk(0, 80)));
    }

    #[test]
    fn a_position_is_found_within_its_chunk_only() {
        let recent = Recent::new(Position(64), 1000);
        recent.push(chunk(64, 16));
        recent.push(chunk(160, 16));
        assert!(recent.find(Position(0)).is_none());
        assert_eq!(recent.find(Position(72)).unwrap().start, Position(64));
        assert!(recent.find(Position(80)).is_none());
        assert_eq!(recent.find(Position(160)).unwrap().start, Position(160));
        assert!(recent.find(Position(176)).is_none());
    }
}
