//! Files that wait to become segments.
//!
//! Into blocks that were written before, a write and its fdatasync change nothing but the data: no extents are
//! converted, no size changes, the file system's journal stays out of it. That makes the sync of a small batch take
//! two thirds of the time, and that of large ones a third. So segments are made of files of dead segments, or of
//! files that a thread of its own has filled with zeros before they are needed. Files of dead segments cost nothing,
//! so more of them are kept while many are used.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::driver::file::folder::{Entry, Folder, remove_file, text};
use crate::driver::file::pages::PAGE_BYTES;
use crate::error::LogError;
use crate::position::Geometry;

/// How much is written, and synced, at once while a file is prepared, in bytes: little enough not to hold up the
/// log's own syncs.
const PREPARE_STEP_BYTES: usize = 1 << 20;
/// As many spares are kept as were used in so long.
const DEMAND: Duration = Duration::from_secs(10);
/// Spares at most, however many are used.
const MOST: usize = 16;

pub(super) struct Spares {
    pool: Arc<Pool>,
    thread: Option<JoinHandle<()>>,
}

struct Pool {
    folder: Folder,
    geometry: Geometry,
    /// How many are kept when few are used.
    limit: usize,
    next_name: AtomicU64,
    closing: AtomicBool,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    ready: Vec<PathBuf>,
    /// When spares were asked for, within [`DEMAND`].
    taken: VecDeque<Instant>,
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
            state: Mutex::new(State { ready, taken: VecDeque::new(), paused: false }),
            wake: Condvar::new(),
        });
        let thread = if limit == 0 { None } else { Some(pool.clone().spawn()?) };
        Ok(Spares { pool, thread })
    }

    /// A spare, if one is ready; the caller renames it.
    pub(super) fn take(&self) -> Option<PathBuf> {
        let mut state = self.pool.lock();
        let spare = state.ready.pop();
        state.taken.push_back(Instant::now());
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
        if state.ready.len() < self.pool.wanted(&mut state) {
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
            if state.ready.len() > self.wanted(&mut state) {
                // A file that cannot be deleted is deleted, or used, at the next opening.
                state.ready.pop().map(|spare| remove_file(&spare));
                continue;
            }
            if state.paused || !state.ready.is_empty() {
                state = self.rest(state);
                continue;
            }
            drop(state);
            let path = self.name();
            let prepared = self.prepare(&path);
            state = self.lock();
            match prepared {
                // Dead segments may have filled the pool meanwhile. If this fails, the next opening deletes it.
                Ok(true) if state.ready.len() >= self.wanted(&mut state) => drop(remove_file(&path)),
                Ok(true) => state.ready.push(path),
                Ok(false) => {}
                Err(_) => state.paused = true,
            }
        }
    }

    /// How many spares to keep now.
    fn wanted(&self, state: &mut State) -> usize {
        while state.taken.front().is_some_and(|taken| taken.elapsed() > DEMAND) {
            state.taken.pop_front();
        }
        self.limit.max(state.taken.len().min(MOST))
    }

    /// Waits until there may be something to do: until there are too many spares, if nobody wakes it before.
    fn rest<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.ready.len() > self.limit {
            let rested = self.wake.wait_timeout(state, DEMAND);
            return rested.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.wake.wait(state).unwrap_or_else(PoisonError::into_inner)
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

    /// Writes past the page cache, which takes a tenth of the processor's time. Where the file system cannot do
    /// that, it writes in the usual way.
    fn fill(&self, path: &Path) -> io::Result<bool> {
        let direct = OFlags::DIRECT.bits() as i32;
        let open =
            |flags| OpenOptions::new().write(true).create(true).truncate(true).custom_flags(flags).open(path);
        let filled = open(direct).and_then(|file| self.fill_with_zeros(file));
        match filled {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.fill_with_zeros(open(0)?),
            filled => filled,
        }
    }

    fn fill_with_zeros(&self, mut file: File) -> io::Result<bool> {
        let size = self.geometry.segment_bytes();
        let step = PREPARE_STEP_BYTES.min(size as usize);
        let zeros = vec![0; step + PAGE_BYTES];
        let aligned = zeros.as_ptr().align_offset(PAGE_BYTES);
        for _ in 0..size / step as u64 {
            if self.closing() {
                return Ok(false);
            }
            file.write_all(&zeros[aligned..aligned + step])?;
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
