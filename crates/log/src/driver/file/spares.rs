//! Files that wait to become segments.
//!
//! Into blocks that were written before, a write and its fdatasync change nothing but the data: no extents are
//! converted, no size changes, the file system's journal stays out of it. That makes the sync of a small batch take
//! two thirds of the time, and that of large ones a third. So segments are made of files of dead segments, or of
//! files that a thread of its own has filled with zeros before they are needed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::driver::file::folder::{Entry, Folder, remove_file, text};
use crate::error::LogError;
use crate::position::Geometry;

/// How much is written, and synced, at once while a file is prepared, in bytes: little enough not to hold up the
/// log's own syncs.
const PREPARE_STEP_BYTES: usize = 1 << 20;

pub(super) struct Spares {
    pool: Arc<Pool>,
    thread: Option<JoinHandle<()>>,
}

struct Pool {
    folder: Folder,
    geometry: Geometry,
    /// How many are kept.
    limit: usize,
    next_name: AtomicU64,
    closing: AtomicBool,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    ready: Vec<PathBuf>,
    /// Preparing failed, most likely for lack of space: not tried again before the next segment begins.
    paused: bool,
}

impl Spares {
    /// Takes over the spares that are there and, unless `limit` is 0, starts the thread that makes one whenever
    /// there is none.
    pub(super) fn start(folder: Folder, geometry: Geometry, limit: usize) -> Result<Spares, LogError> {
        let mut ready = Vec::new();
        let mut next_name = 0;
        for (entry, path) in folder.entries()? {
            let Entry::Spare(number) = entry else { continue };
            next_name = next_name.max(number + 1);
            let is_whole = fs::metadata(&path).is_ok_and(|m| m.len() == geometry.segment_bytes());
            if is_whole && ready.len() < limit {
                ready.push(path);
            } else {
                remove_file(&path)?;
            }
        }
        let pool = Arc::new(Pool {
            folder,
            geometry,
            limit,
            next_name: AtomicU64::new(next_name),
            closing: AtomicBool::new(false),
            state: Mutex::new(State { ready, paused: false }),
            wake: Condvar::new(),
        });
        let thread = if limit == 0 { None } else { Some(pool.clone().spawn()?) };
        Ok(Spares { pool, thread })
    }

    /// A spare, if one is ready; the caller renames it.
    pub(super) fn take(&self) -> Option<PathBuf> {
        let mut state = self.pool.lock();
        let spare = state.ready.pop();
        state.paused = false;
        drop(state);
        self.pool.wake.notify_one();
        spare
    }

    /// A name for a file that is to become a spare.
    pub(super) fn name(&self) -> PathBuf {
        self.pool.name()
    }

    /// Takes over a file with a name that [`name`](Self::name) gave, or deletes it if there are enough.
    pub(super) fn offer(&self, spare: PathBuf) -> Result<(), LogError> {
        let mut state = self.pool.lock();
        if state.ready.len() < self.pool.limit {
            state.ready.push(spare);
            return Ok(());
        }
        drop(state);
        remove_file(&spare)
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        let state = self.pool.lock();
        self.pool.closing.store(true, Ordering::Release);
        drop(state);
        self.pool.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there cost a spare and nothing else.
            let _ = thread.join();
        }
    }
}

impl Pool {
    fn spawn(self: Arc<Pool>) -> Result<JoinHandle<()>, LogError> {
        let folder = text(self.folder.path());
        thread::Builder::new()
            .name("log-spares".to_owned())
            .spawn(move || self.keep_one_ready())
            .map_err(|e| LogError::io("start a thread for", folder, e))
    }

    fn keep_one_ready(&self) {
        let mut state = self.lock();
        while !self.closing() {
            if state.paused || !state.ready.is_empty() {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(state);
            let path = self.name();
            let prepared = self.prepare(&path);
            state = self.lock();
            match prepared {
                // Dead segments may have filled the pool meanwhile. If this fails, the next opening deletes it.
                Ok(true) if state.ready.len() >= self.limit => drop(remove_file(&path)),
                Ok(true) => state.ready.push(path),
                Ok(false) => {}
                Err(_) => state.paused = true,
            }
        }
    }

    /// Makes a file of zeros under `path`; `false` if the log was closed meanwhile.
    fn prepare(&self, path: &Path) -> io::Result<bool> {
        let unfinished = path.with_extension("tmp");
        let filled = self.fill(&unfinished);
        if matches!(filled, Ok(true)) {
            fs::rename(&unfinished, path)?;
        } else {
            // The next opening deletes it if this does not.
            let _ = fs::remove_file(&unfinished);
        }
        filled
    }

    fn fill(&self, path: &Path) -> io::Result<bool> {
        let mut file = File::create(path)?;
        let size = self.geometry.segment_bytes();
        let zeros = vec![0; PREPARE_STEP_BYTES.min(size as usize)];
        for _ in 0..size / zeros.len() as u64 {
            if self.closing() {
                return Ok(false);
            }
            file.write_all(&zeros)?;
            file.sync_data()?;
        }
        file.sync_all()?;
        Ok(true)
    }

    fn name(&self) -> PathBuf {
        self.folder.spare_path(self.next_name.fetch_add(1, Ordering::Relaxed))
    }

    fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    // A panic elsewhere cannot leave the state half-changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
