//! A log's thread: it takes what was appended while the last batch was written, writes and syncs it, and wakes
//! those who wait. No timer, no delay: the next batch is whatever came in meanwhile.
//!
//! - [`commit`]: one batch, by that thread or by the task that appended it.

mod commit;

pub(super) use commit::Source;

use super::mailbox::Mailbox;
use commit::Commits;
use leveret_core::LogId;
use leveret_log::{Committer, Position, ReadCache, Reader, Store};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::thread::Thread;
use tokio::sync::Notify;

/// Bytes that may wait to be written before publishers have to wait, too.
const PENDING_BYTES: usize = 16 << 20;
/// Caches that are kept between the turns that read. Each keeps a block of up to a mebibyte in memory.
const CACHES: usize = 2;

/// A log as the rest of the server sees it.
pub(super) struct LogCell {
    id: LogId,
    pub(super) reader: Reader,
    pub(super) store: Arc<dyn Store>,
    /// Publishers that are held back wait for this.
    pub(super) drained: Notify,
    /// Something was appended since the thread last looked.
    work: AtomicBool,
    stop: AtomicBool,
    pending: AtomicUsize,
    thread: OnceLock<Thread>,
    commits: Commits,
    waiters: Mutex<Vec<Arc<Mailbox>>>,
    /// Tasks that wait for a position of their own.
    sleepers: Mutex<Vec<(Position, Waker)>>,
    failure: OnceLock<String>,
    /// What turns have read lately: others go on from there.
    caches: Mutex<Vec<ReadCache>>,
}

impl LogCell {
    pub(super) fn new(id: LogId, reader: Reader, store: Arc<dyn Store>) -> LogCell {
        LogCell {
            id,
            reader,
            store,
            drained: Notify::new(),
            work: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            pending: AtomicUsize::new(0),
            thread: OnceLock::new(),
            commits: Commits::new(),
            waiters: Mutex::new(Vec::new()),
            sleepers: Mutex::new(Vec::new()),
            failure: OnceLock::new(),
            caches: Mutex::new(Vec::with_capacity(CACHES)),
        }
    }

    /// Which of the broker's logs this is.
    pub(super) fn id(&self) -> LogId {
        self.id
    }

    /// Tells the thread that something was appended; `pending` is how many bytes wait in the tail.
    pub(super) fn appended(&self, pending: usize) {
        self.pending.store(pending, Ordering::Relaxed);
        if !self.work.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Whether so much waits to be written that publishers have to wait.
    pub(super) fn congested(&self) -> bool {
        self.pending.load(Ordering::Relaxed) > PENDING_BYTES && self.failure.get().is_none()
    }

    pub(super) fn durable(&self) -> Position {
        self.reader.durable()
    }

    /// Why the log takes nothing more.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }

    /// Wakes the mailbox when the log has become durable further.
    pub(super) fn register(&self, mailbox: &Arc<Mailbox>) {
        if mailbox.register(self.id) {
            lock(&self.waiters).push(mailbox.clone());
        }
    }

    /// Waits until the log is durable up to `position`; `false` when it has failed. Whoever waits is woken once, when
    /// its own position is reached, and not for every batch before.
    pub(super) async fn wait_durable(&self, position: Position) -> bool {
        let mut asleep: Option<Waker> = None;
        poll_fn(|context| {
            if let Some(reached) = self.reached(position) {
                return Poll::Ready(reached);
            }
            if asleep.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                return Poll::Pending;
            }
            asleep = Some(context.waker().clone());
            lock(&self.sleepers).push((position, context.waker().clone()));
            // The thread may have looked for sleepers between the question and the lock.
            self.reached(position).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Whether the log is durable up to there; `None` while that is open.
    fn reached(&self, position: Position) -> Option<bool> {
        if self.durable() >= position {
            return Some(true);
        }
        self.failure.get().map(|_| false)
    }

    /// A cache for reading, with what another turn has read, if there is one.
    pub(super) fn take_cache(&self) -> ReadCache {
        lock(&self.caches).pop().unwrap_or_default()
    }

    /// Keeps a cache for the next turn that reads.
    pub(super) fn give_cache_back(&self, cache: ReadCache) {
        let mut caches = lock(&self.caches);
        if caches.len() < CACHES {
            caches.push(cache);
        }
    }

    /// Ends the thread after it has written everything.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// The thread's work: it commits the batches of `source`.
    pub(super) fn run(&self, committer: Committer, source: &impl Source) {
        self.commits.begin(committer);
        let _first = self.thread.set(std::thread::current());
        while self.failure.get().is_none() {
            self.work.store(false, Ordering::Release);
            if self.commit_next(source) {
                continue;
            }
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            if !self.work.load(Ordering::Acquire) {
                std::thread::park();
            }
        }
    }

    fn wake_waiters(&self) {
        self.pending.store(0, Ordering::Relaxed);
        let waiters = std::mem::take(&mut *lock(&self.waiters));
        self.commits.note_waiters(&waiters);
        for mailbox in waiters {
            mailbox.deregister(self.id);
            mailbox.wake();
        }
        let woken: Vec<(Position, Waker)> =
            lock(&self.sleepers).extract_if(.., |(position, _)| self.reached(*position).is_some()).collect();
        for (_, waker) in woken {
            waker.wake();
        }
        self.drained.notify_waiters();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What they guard is whole at every moment, so a poisoned lock is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
