//! A folder for a test, deleted when the test ends.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct TestFolder {
    path: PathBuf,
}

impl TestFolder {
    /// A folder that does not exist yet; `name` is unique among the tests.
    pub(crate) fn new(name: &str) -> TestFolder {
        let path = std::env::temp_dir().join(format!("leveret-log-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        TestFolder { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
