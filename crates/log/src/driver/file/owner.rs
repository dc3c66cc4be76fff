//! Who owns the folder: the lock that keeps a second process out, and the epoch of each owner.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Read, Write};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::driver::file::folder::{Entry, Folder, text};
use crate::error::LogError;
use crate::format::{LogId, Tenure, owner_file, parse_owner_file};
use crate::position::Geometry;

const LOCK_NAME: &str = "lock";
const OWNER_NAME: &str = "owner";

/// The lock of a folder. It ends when this is dropped or the process dies.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock or says who has it.
    pub(super) fn take(folder: &Folder) -> Result<Lock, LogError> {
        let path = folder.join(LOCK_NAME);
        let failed = |e| LogError::io("lock", text(&path), e);
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // Without a readable number the message goes without one.
                let _ = file.read_to_string(&mut holder);
                let process = holder.trim().parse().ok();
                return Err(LogError::InUse { folder: text(folder.path()), process });
            }
            Err(e) => return Err(failed(e.into())),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Lock { _file: file })
    }
}

/// Starts a new epoch, durably, in an existing or a new log. The caller holds the lock.
pub(super) fn begin_tenure(folder: &Folder, geometry: Geometry) -> Result<(Tenure, Geometry), LogError> {
    let (tenure, geometry) = match read_owner(folder)? {
        Some((last, geometry)) => {
            let epoch = last.epoch.checked_add(1).ok_or_else(|| LogError::Damaged {
                file: text(&folder.join(OWNER_NAME)),
                what: "all epochs are used up",
            })?;
            (Tenure { epoch, ..last }, geometry)
        }
        None => (Tenure { log: random_id(), epoch: 1 }, geometry),
    };
    folder.publish(&folder.join(OWNER_NAME), &[&owner_file(tenure, geometry)])?;
    Ok((tenure, geometry))
}

/// The newest owner of the log, or `None` where there is no log yet.
pub(crate) fn read_owner(folder: &Folder) -> Result<Option<(Tenure, Geometry)>, LogError> {
    let path = folder.join(OWNER_NAME);
    match fs::read(&path) {
        Ok(bytes) => parse_owner_file(&bytes).map(Some).map_err(|e| e.of(text(&path))),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            // The owner file is the first that a log has; without it the others cannot be read.
            let is_log = |entry: &Entry| matches!(entry, Entry::Segment(_) | Entry::Checkpoint(_));
            if folder.entries()?.iter().any(|(entry, _)| is_log(entry)) {
                return Err(LogError::Damaged {
                    file: text(&path),
                    what: "the file is missing beside a log",
                });
            }
            Ok(None)
        }
        Err(e) => Err(LogError::io("read", text(&path), e)),
    }
}

/// The standard library seeds its hash maps at random; that seed is what is wanted here.
fn random_id() -> LogId {
    LogId(RandomState::new().build_hasher().finish())
}
