//! The broker's state behind its locks, and the threads and tasks that keep it going.
//!
//! A connection's task takes the catalog for reading and one shard for writing, for the length of a [`Turn`]; the
//! engine knows nothing of it. Lock order: catalog, shard, mailbox; nothing is locked behind what exchanges remember. A
//! turn holds one shard at a time.
//!
//! - [`recovery`]: from a data folder to a running broker;
//! - [`offline`]: the catalog of a folder on which none runs;
//! - [`turn`]: the access of a batch of commands;
//! - [`mailbox`]: effects on their way to a connection;
//! - [`log`]: a log's thread, and who waits for it;
//! - [`flow`]: publishers that run ahead of consumers;
//! - [`housekeeper`]: a shard's timers, pages and dead letters;
//! - [`upkeep`]: checkpoints, and the deletion and rewriting of segments.

mod clock;
mod dice;
mod flow;
mod housekeeper;
mod log;
mod mailbox;
mod offline;
mod recovery;
mod turn;
mod upkeep;

pub use clock::Clock;
pub use flow::GIVE_WAY;
pub use mailbox::{Batch, Mailbox};
pub use offline::OfflineCatalog;
pub use recovery::{Settings, StartError, open};
pub use turn::Turn;

use flow::Flow;
use leveret_core::broker::History;
use leveret_core::broker::Waits;
use leveret_core::catalog::Catalog;
use leveret_core::shard::Shard;
use leveret_core::{ConnectionId, LogId, ShardIndex};
use leveret_log::{Batch as LogBatch, Position};
use log::{LogCell, Source};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use tokio::sync::Notify;

/// The running broker. Shared by all tasks and threads.
pub struct Broker {
    catalog: RwLock<Catalog>,
    catalog_log: LogCell,
    shards: Box<[ShardCell]>,
    /// What exchanges remember, for as long as the broker runs.
    history: Mutex<History>,
    clock: Clock,
    next_connection: AtomicU64,
    stopping: AtomicBool,
    threads: Mutex<Threads>,
}

/// The broker's threads, by the order in which they end.
#[derive(Default)]
struct Threads {
    upkeep: Vec<JoinHandle<()>>,
    logs: Vec<JoinHandle<()>>,
}

/// A shard, its log, and what wakes its housekeeper.
struct ShardCell {
    inner: Mutex<ShardInner>,
    log: LogCell,
    housekeeper: Notify,
    /// When the housekeeper will look at the shard without being asked, in milliseconds since the epoch.
    planned: AtomicU64,
}

impl Source for ShardCell {
    fn take(&self) -> Option<LogBatch> {
        self.lock().shard.take_batch()
    }

    fn fail(&self) {
        if let Some(tail) = self.lock().shard.tail() {
            tail.fail();
        }
    }
}

impl Source for RwLock<Catalog> {
    fn take(&self) -> Option<LogBatch> {
        write(self).tail().take_batch()
    }

    fn fail(&self) {
        write(self).tail().fail();
    }
}

/// What the shard's lock guards.
struct ShardInner {
    shard: Shard,
    flow: Flow,
    mailboxes: FxHashMap<ConnectionId, Arc<Mailbox>>,
}

impl Broker {
    /// Begins a batch of commands.
    pub fn turn(&self) -> Turn<'_> {
        Turn::new(self)
    }

    /// Gives a new connection its number, and a mailbox that every shard knows.
    pub fn connect(&self) -> (ConnectionId, Arc<Mailbox>) {
        let id = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        let mailbox = Arc::new(Mailbox::default());
        for cell in &self.shards {
            cell.lock().mailboxes.insert(id, mailbox.clone());
        }
        (id, mailbox)
    }

    /// Forgets a connection's mailbox.
    pub fn disconnect(&self, id: ConnectionId) {
        for cell in &self.shards {
            cell.lock().mailboxes.remove(&id);
        }
    }

    /// Up to where a log is durable.
    pub fn durable(&self, log: LogId) -> Position {
        self.log(log).durable()
    }

    /// Asks to be woken when a log has become durable further than it is now.
    pub fn wake_when_durable(&self, log: LogId, mailbox: &Arc<Mailbox>) {
        self.log(log).register(mailbox);
    }

    /// Waits until a log is durable up to a position; `false` when the log has failed.
    pub async fn wait_durable(&self, log: LogId, position: Position) -> bool {
        self.log(log).wait_durable(position).await
    }

    /// Waits until everything that a promise waits for is durable; `false` when a log has failed.
    pub async fn wait_for(&self, waits: &Waits) -> bool {
        for wait in waits.as_slice() {
            if !self.wait_durable(wait.log, wait.position).await {
                return false;
            }
        }
        true
    }

    /// The reader of a shard's log.
    pub fn reader(&self, shard: ShardIndex) -> &leveret_log::Reader {
        &self.shards[usize::from(shard.0)].log.reader
    }

    /// Whether publishers have to wait until a log thread has caught up, and for what.
    pub fn congested(&self) -> Option<&Notify> {
        self.shards.iter().map(|cell| &cell.log).find(|log| log.congested()).map(|log| &log.drained)
    }

    /// The logs of the broker.
    pub fn logs(&self) -> impl Iterator<Item = LogId> + use<> {
        let shards = (0..self.shards.len()).map(|index| LogId::Shard(ShardIndex(index as u16)));
        std::iter::once(LogId::Catalog).chain(shards)
    }

    /// Whether a log has failed: it will not become durable any further.
    pub fn has_failed(&self, log: LogId) -> bool {
        self.log(log).failure().is_some()
    }

    /// The log that has failed, and why; publishers are told, consumers go on.
    pub fn failure(&self) -> Option<String> {
        let logs = std::iter::once(&self.catalog_log).chain(self.shards.iter().map(|cell| &cell.log));
        logs.filter_map(LogCell::failure).next()
    }

    /// Bytes on the disk that the logs may need at any moment to go on: two segments each.
    pub fn reserve_bytes(&self) -> u64 {
        let logs = std::iter::once(&self.catalog_log).chain(self.shards.iter().map(|cell| &cell.log));
        logs.map(|log| 2 * log.reader.geometry().segment_bytes()).sum()
    }

    /// Syncs everything, writes the last checkpoints and ends the threads. No connection may be open any more.
    /// Blocks until that is done.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let threads = std::mem::take(&mut *self.threads());
        // The upkeep writes the last checkpoints, and waits for the logs while it does.
        join(threads.upkeep);
        self.catalog_log.stop();
        for cell in &self.shards {
            cell.log.stop();
        }
        join(threads.logs);
    }

    /// The broker's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        // The lists are whole at every moment, so a poisoned lock is as good as any.
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, log: LogId) -> &LogCell {
        match log {
            LogId::Catalog => &self.catalog_log,
            LogId::Shard(index) => &self.shards[usize::from(index.0)].log,
        }
    }
}

// The catalog applies whole commands only, so a poisoned lock is as good as any.

fn read(catalog: &RwLock<Catalog>) -> RwLockReadGuard<'_, Catalog> {
    catalog.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(catalog: &RwLock<Catalog>) -> RwLockWriteGuard<'_, Catalog> {
    catalog.write().unwrap_or_else(PoisonError::into_inner)
}

fn start_thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map_err(|error| StartError::Io { what: format!("starting the thread {name}"), error })
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread.thread().unpark();
        if thread.join().is_err() {
            tracing::error!("a thread of the broker has panicked");
        }
    }
}

impl ShardCell {
    /// Takes the shard. A panic in a turn poisons nothing: the turn's connection is closed, and what the turn had
    /// done stands, as it would have if the turn had ended there.
    fn lock(&self) -> MutexGuard<'_, ShardInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans the housekeeper's next look. The shard's lock orders this with the turns: one that ended before is
    /// heard here, one that ends later finds the new plan.
    fn plan_anew(&self) {
        let inner = self.lock();
        let wake = inner.shard.next_wake().map_or(u64::MAX, |wake| wake.0);
        self.planned.store(wake, Ordering::Relaxed);
    }

    /// Wakes the housekeeper if the shard wants to be looked at sooner than planned.
    fn plan(&self, wake: Option<leveret_core::Time>) {
        let Some(wake) = wake else { return };
        if wake.0 < self.planned.load(Ordering::Relaxed) {
            self.planned.store(wake.0, Ordering::Relaxed);
            self.housekeeper.notify_one();
        }
    }
}
