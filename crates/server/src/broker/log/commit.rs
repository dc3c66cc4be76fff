//! One group commit, by the log's thread or by the task that appended.
//!
//! A publisher that sends one message and waits for its confirm, alone, waits for four wake-ups of a thread: its own, the
//! connection's, the log's, and the connection's again. Two of them go away when the connection's task commits its turn
//! itself. It does so only while nobody else is concerned: the log is idle, nobody else waited for the last commit, no
//! other task was woken by the turn, and the disk is quick, since the task holds up its thread meanwhile.

use super::{LogCell, lock};
use crate::broker::mailbox::Mailbox;
use leveret_log::{Batch, Committer, LogError};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// A task does not commit where a commit has lately taken longer: it would hold up its thread's other tasks.
const QUICK: Duration = Duration::from_micros(500);
/// The part of the last commit in the average, as a shift.
const WEIGHT: u32 = 3;

/// Where the batches of a log come from: whoever guards its tail.
pub(in crate::broker) trait Source {
    /// The next batch, or `None` when nothing was appended or the log has failed.
    fn take(&self) -> Option<Batch>;
    /// Makes the tail refuse what comes.
    fn fail(&self);
}

/// The committer, and what its last commits were like.
pub(super) struct Commits {
    /// `None` until the thread has begun.
    committer: Mutex<Option<Committer>>,
    /// The address of the mailbox that alone waited for the last commit for which anybody did; 0 if there were more.
    alone: AtomicUsize,
    /// A moving average, in nanoseconds.
    average_ns: AtomicU64,
    /// Another thread of the runtime goes on while one commits.
    has_company: bool,
}

impl Commits {
    /// Called in the runtime whose tasks may commit; elsewhere, none will.
    pub(super) fn new() -> Commits {
        Commits {
            committer: Mutex::new(None),
            alone: AtomicUsize::new(0),
            average_ns: AtomicU64::new(0),
            has_company: Handle::try_current().is_ok_and(|runtime| runtime.metrics().num_workers() > 1),
        }
    }

    pub(super) fn begin(&self, committer: Committer) {
        *self.lock() = Some(committer);
    }

    /// Waits for the commit that is being made, and keeps others from making one.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Committer>> {
        lock(&self.committer)
    }

    /// Takes note of who waited for a commit.
    pub(super) fn note_waiters(&self, waiters: &[Arc<Mailbox>]) {
        match waiters {
            [] => {}
            [only] => self.alone.store(address(only), Ordering::Relaxed),
            _ => self.alone.store(0, Ordering::Relaxed),
        }
    }

    pub(super) fn note_time(&self, taken: Duration) {
        let before = self.average_ns.load(Ordering::Relaxed);
        let taken = u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX);
        let average = before - (before >> WEIGHT) + (taken >> WEIGHT);
        self.average_ns.store(average, Ordering::Relaxed);
    }

    fn suits(&self, mailbox: &Arc<Mailbox>) -> bool {
        let quick = self.average_ns.load(Ordering::Relaxed) < QUICK.as_nanos() as u64;
        self.has_company && quick && self.alone.load(Ordering::Relaxed) == address(mailbox)
    }
}

impl LogCell {
    /// Commits what was appended, on the thread of the log; `false` if that was nothing.
    pub(super) fn commit_next(&self, source: &impl Source) -> bool {
        self.commit(self.commits.lock(), source)
    }

    /// Commits what was appended, on the thread of the task that owns `mailbox`, if that holds up nobody. `false`: it
    /// was not, and the log's thread has to be told.
    pub(in crate::broker) fn commit_alone(&self, mailbox: &Arc<Mailbox>, source: &impl Source) -> bool {
        if !self.commits.suits(mailbox) {
            return false;
        }
        let committer = match self.commits.committer.try_lock() {
            Ok(committer) => committer,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        // If there is nothing to take, the log's thread has just committed it with something else.
        self.commit(committer, source);
        true
    }

    fn commit(&self, mut committer: MutexGuard<'_, Option<Committer>>, source: &impl Source) -> bool {
        let Some(open) = committer.as_mut() else { return false };
        let Some(batch) = source.take() else { return false };
        let began = Instant::now();
        let committed = open.commit(&batch);
        drop(committer);
        match committed {
            Ok(_) => {
                self.commits.note_time(began.elapsed());
                self.wake_waiters();
            }
            Err(error) => self.give_up(&error, source),
        }
        true
    }

    /// After an I/O error nothing more is promised: waits are never fulfilled, appends are refused.
    fn give_up(&self, error: &LogError, source: &impl Source) {
        tracing::error!(log = ?self.id, %error, "the log has failed and takes nothing more; consumers go on");
        source.fail();
        let _first = self.failure.set(error.to_string());
        self.wake_waiters();
    }
}

fn address(mailbox: &Arc<Mailbox>) -> usize {
    Arc::as_ptr(mailbox).addr()
}
