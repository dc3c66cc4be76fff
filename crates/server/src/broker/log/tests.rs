//! Who commits, and what those who wait hear of it.

use super::*;
use leveret_core::ShardIndex;
use leveret_log::{Batch, Geometry, LogId as DiskId, MemoryDisk, MemoryDriver, Recovery, Tag, Tail};
use std::convert::Infallible;
use std::io::ErrorKind;
use std::time::Duration;

const TAG: Tag = Tag { kind: 16, version: 1 };

struct Guarded(Mutex<Tail>);

impl Source for Guarded {
    fn take(&self) -> Option<Batch> {
        lock(&self.0).take_batch()
    }

    fn fail(&self) {
        lock(&self.0).fail();
    }
}

/// A log, without a thread: a test does its work.
struct Rig {
    disk: MemoryDisk,
    cell: LogCell,
    source: Guarded,
}

impl Rig {
    fn new() -> Rig {
        let disk = MemoryDisk::new(Geometry::new(1 << 20).unwrap(), DiskId(7));
        let recovery = Recovery::begin(&mut MemoryDriver::new(disk.clone()), 1 << 20).unwrap();
        let log = recovery.replay::<Infallible>(|_| Ok(())).unwrap();
        let cell = LogCell::new(LogId::Shard(ShardIndex(0)), log.reader, log.store);
        cell.commits.begin(log.committer);
        Rig { disk, cell, source: Guarded(Mutex::new(log.tail)) }
    }

    /// Appends a record; answers where the log has to be durable for it.
    fn append(&self) -> Position {
        let mut tail = lock(&self.source.0);
        tail.append(TAG, &[b"a message"]).unwrap();
        tail.next_position()
    }

    /// Commits a record for these as the log's thread does.
    fn commit_for(&self, waiters: &[&Arc<Mailbox>]) {
        self.append();
        waiters.iter().for_each(|mailbox| self.cell.register(mailbox));
        assert!(self.cell.commit_next(&self.source));
    }

    /// Whether the task of this mailbox commits by itself.
    fn commit_by(&self, mailbox: &Arc<Mailbox>) -> bool {
        self.cell.commit_alone(mailbox, &self.source)
    }
}

/// Within a runtime of two threads, since tasks commit in such alone.
fn in_runtime(test: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let _entered = runtime.enter();
    test();
}

#[test]
fn who_waited_alone_commits_the_next_turn_itself() {
    in_runtime(|| {
        let (rig, mailbox) = (Rig::new(), Arc::new(Mailbox::default()));
        let first = rig.append();
        assert!(!rig.commit_by(&mailbox), "nobody is known yet");
        assert!(rig.cell.durable() < first);
        rig.commit_for(&[&mailbox]);
        let second = rig.append();
        assert!(rig.commit_by(&mailbox));
        assert_eq!(rig.cell.durable(), second);
        // It goes on like that, though it does not register any more.
        rig.append();
        assert!(rig.commit_by(&mailbox));
    });
}

#[test]
fn with_others_about_the_thread_commits() {
    in_runtime(|| {
        let (rig, mailbox, other) = (Rig::new(), Arc::new(Mailbox::default()), Arc::new(Mailbox::default()));
        rig.commit_for(&[&mailbox, &other]);
        assert!(!rig.commit_by(&mailbox), "two waited");
        rig.commit_for(&[&other]);
        assert!(!rig.commit_by(&mailbox), "it was the other that waited");
        rig.commit_for(&[&mailbox]);
        let busy = rig.cell.commits.lock();
        assert!(!rig.commit_by(&mailbox), "the thread is at work");
        drop(busy);
        assert!(rig.commit_by(&mailbox));
    });
}

#[tokio::test]
async fn a_runtime_of_one_thread_is_not_held_up() {
    let (rig, mailbox) = (Rig::new(), Arc::new(Mailbox::default()));
    rig.commit_for(&[&mailbox]);
    assert!(!rig.commit_by(&mailbox));
}

#[test]
fn nobody_is_held_up_by_a_slow_disk() {
    in_runtime(|| {
        let (rig, mailbox) = (Rig::new(), Arc::new(Mailbox::default()));
        rig.commit_for(&[&mailbox]);
        rig.cell.commits.note_time(Duration::from_millis(20));
        assert!(!rig.commit_by(&mailbox));
        // A slow moment passes.
        (0..100).for_each(|_| rig.commit_for(&[&mailbox]));
        assert!(rig.commit_by(&mailbox));
    });
}

#[test]
fn others_are_woken_by_a_commit_that_a_task_made() {
    in_runtime(|| {
        let (rig, mailbox, other) = (Rig::new(), Arc::new(Mailbox::default()), Arc::new(Mailbox::default()));
        rig.commit_for(&[&mailbox]);
        rig.append();
        rig.cell.register(&other);
        assert!(rig.commit_by(&mailbox));
        assert!(lock(&rig.cell.waiters).is_empty(), "the other was woken");
        assert!(!rig.commit_by(&mailbox), "and is known to be there");
    });
}

#[test]
fn a_failure_in_a_task_is_the_logs() {
    in_runtime(|| {
        let (rig, mailbox) = (Rig::new(), Arc::new(Mailbox::default()));
        rig.commit_for(&[&mailbox]);
        let position = rig.append();
        rig.disk.refuse_writes(ErrorKind::StorageFull);
        assert!(rig.commit_by(&mailbox));
        assert!(rig.cell.failure().is_some() && rig.cell.durable() < position);
        assert!(lock(&rig.source.0).has_failed());
    });
}
