//! The bodies of messages: read from the log when they go out, and the memory for large ones that come in.

use crate::broker::Broker;
use leveret_amqp::connection::{Bodies, BodyError};
use leveret_core::{Position, ShardIndex};
use leveret_log::ReadCache;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much memory is kept for large bodies, in bytes, for all connections together.
const KEPT_BYTES: usize = 32 << 20;

/// Reads the messages of deliveries from the shards' logs.
pub(super) struct LogBodies {
    broker: Arc<Broker>,
    buffers: Arc<Buffers>,
    caches: Vec<ReadCache>,
}

impl LogBodies {
    pub(super) fn new(broker: Arc<Broker>, buffers: Arc<Buffers>) -> LogBodies {
        LogBodies { broker, buffers, caches: Vec::new() }
    }

    /// Gives the memory back that was used for reading.
    pub(super) fn clear(&mut self) {
        self.caches.iter_mut().for_each(ReadCache::clear);
    }
}

impl Bodies for LogBodies {
    fn record(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, &[u8]), BodyError> {
        let index = usize::from(shard.0);
        if self.caches.len() <= index {
            self.caches.resize_with(index + 1, ReadCache::new);
        }
        match self.broker.reader(shard).payload(&mut self.caches[index], location) {
            Ok((tag, payload)) => Ok((tag.kind, payload)),
            Err(error) => Err(BodyError(error.to_string())),
        }
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.buffers.take()
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        self.buffers.keep(buffer);
    }
}

/// Buffers in which large bodies have come in, for those to come. Fresh memory costs a page fault every 4 KiB, which is more
/// than all else that is done with a large body.
#[derive(Default)]
pub struct Buffers {
    kept: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// An empty buffer: the one that was used last, or one without memory.
    fn take(&self) -> Vec<u8> {
        self.kept().pop().unwrap_or_default()
    }

    /// Keeps a buffer, if those that are kept do not become too much.
    fn keep(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut kept = self.kept();
        let bytes: usize = kept.iter().map(Vec::capacity).sum();
        if bytes + buffer.capacity() <= KEPT_BYTES {
            kept.push(buffer);
        }
    }

    // A panic elsewhere cannot leave the list half-changed, so a poisoned lock is as good as any.
    fn kept(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_serves_again_and_no_more_is_kept_than_may_be() {
        let buffers = Buffers::default();
        assert_eq!(buffers.take().capacity(), 0);
        let mut used = Vec::with_capacity(KEPT_BYTES / 4);
        used.push(1);
        let memory = used.as_ptr();
        buffers.keep(used);
        let again = buffers.take();
        assert_eq!((again.as_ptr(), again.len()), (memory, 0));
        (0..10).for_each(|_| buffers.keep(Vec::with_capacity(KEPT_BYTES / 4)));
        assert_eq!(buffers.kept().len(), 4);
        buffers.keep(Vec::with_capacity(KEPT_BYTES + 1));
        assert_eq!(buffers.kept().len(), 4);
    }
}
