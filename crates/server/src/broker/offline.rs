//! The catalog of a data folder on which no broker runs. It is opened under the folder's lock; the shards are not looked
//! at, so this takes no longer for deep queues.

use super::log::LogCell;
use super::recovery::{StartError, catalog_folder, open_catalog, shard_count};
use leveret_core::catalog::{Catalog, PasswordHash};
use leveret_log::Committer;
use std::path::Path;

/// An open catalog. The folder is locked for as long as this is there.
pub struct OfflineCatalog {
    catalog: Catalog,
    committer: Committer,
    /// Its store has the lock.
    _log: LogCell,
}

impl OfflineCatalog {
    /// Whether a folder has a catalog.
    pub fn is_in(data: &Path) -> bool {
        catalog_folder(data).is_dir()
    }

    /// Opens the catalog of a folder, or makes one, as a broker's first start does.
    ///
    /// # Errors
    /// See [`StartError`]; [`leveret_log::LogError::InUse`] if a broker runs on the folder.
    pub fn open(data: &Path, guest_password: PasswordHash) -> Result<OfflineCatalog, StartError> {
        let (catalog, log, committer) = open_catalog(data, guest_password, shard_count(data, 1)?)?;
        Ok(OfflineCatalog { catalog, committer, _log: log })
    }

    /// Changes the catalog, and returns once that is on the disk.
    ///
    /// # Errors
    /// [`StartError::Log`] if it cannot be written.
    pub fn change<R>(&mut self, change: impl FnOnce(&mut Catalog) -> R) -> Result<R, StartError> {
        let answer = change(&mut self.catalog);
        if let Some(batch) = self.catalog.tail().take_batch() {
            self.committer.commit(&batch)?;
        }
        Ok(answer)
    }
}
