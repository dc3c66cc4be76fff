//! Effects on their way to a connection. A turn of anybody puts them in, the connection's task takes them out.

use leveret_core::shard::Effect;
use leveret_core::{LogId, ShardIndex};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A connection's mailbox. What is in it is bounded by the connection's window in each shard.
#[derive(Debug, Default)]
pub struct Mailbox {
    batches: Mutex<Vec<Batch>>,
    wake: Notify,
    /// A bit for each log that will wake the connection.
    registered: AtomicU64,
}

/// The effects of one shard for the connection.
#[derive(Debug)]
pub struct Batch {
    /// The shard they come from.
    pub shard: ShardIndex,
    /// The effects, in order.
    pub effects: Vec<Effect>,
}

impl Mailbox {
    /// Puts a turn's effects in and wakes the connection.
    pub(super) fn put(&self, shard: ShardIndex, effects: &mut Vec<Effect>) {
        let mut batches = self.lock();
        match batches.last_mut() {
            Some(batch) if batch.shard == shard => batch.effects.append(effects),
            _ => batches.push(Batch { shard, effects: std::mem::take(effects) }),
        }
        drop(batches);
        self.wake.notify_one();
    }

    /// Takes everything out. `into` must be empty; its memory is used for what comes next.
    pub fn take(&self, into: &mut Vec<Batch>) {
        std::mem::swap(&mut *self.lock(), into);
    }

    /// Waits until there may be something: effects, or a log that became durable.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Wakes the connection.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Notes that a log will wake the connection; `false` when that was noted already.
    pub(super) fn register(&self, log: LogId) -> bool {
        let bit = bit_of(log);
        self.registered.fetch_or(bit, Ordering::AcqRel) & bit == 0
    }

    /// The log wakes the connection now, and will not again.
    pub(super) fn deregister(&self, log: LogId) {
        self.registered.fetch_and(!bit_of(log), Ordering::AcqRel);
    }

    // Batches are whole at every moment, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The catalog's log has bit 0; a broker has at most 63 shards (checked at start).
fn bit_of(log: LogId) -> u64 {
    match log {
        LogId::Catalog => 1,
        LogId::Shard(index) => 2 << (index.0 % 63),
    }
}
