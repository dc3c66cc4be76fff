//! The folder of a log: its names, and the few operations on it that must be durable.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::LogError;
use crate::position::{Position, SegmentNumber};

const SEGMENT_SUFFIX: &str = ".seg";
const SPARE_PREFIX: &str = "spare-";
const CHECKPOINT_SUFFIX: &str = ".ckpt";
const UNFINISHED_SUFFIX: &str = ".tmp";

/// A log's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// What a name in the folder stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    Segment(SegmentNumber),
    Spare(u64),
    Checkpoint(Position),
    Unfinished,
    Other,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Folder {
        Folder { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` in the folder.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn segment_path(&self, segment: SegmentNumber) -> PathBuf {
        self.join(&format!("{segment}{SEGMENT_SUFFIX}"))
    }

    pub(crate) fn spare_path(&self, number: u64) -> PathBuf {
        self.join(&format!("{SPARE_PREFIX}{number:016x}{SEGMENT_SUFFIX}"))
    }

    pub(crate) fn checkpoint_path(&self, position: Position) -> PathBuf {
        self.join(&format!("{:016x}{CHECKPOINT_SUFFIX}", position.0))
    }

    /// Makes the folder and those above it, durably.
    pub(crate) fn create(&self) -> Result<(), LogError> {
        if self.path.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.path).map_err(|e| LogError::io("make the folder", text(&self.path), e))?;
        match self.path.parent() {
            Some(parent) if parent != Path::new("") => sync_folder(parent),
            _ => sync_folder(Path::new(".")),
        }
    }

    /// All entries with their meaning, in no particular order.
    pub(crate) fn entries(&self) -> Result<Vec<(Entry, PathBuf)>, LogError> {
        let failed = |e| LogError::io("list the folder", text(&self.path), e);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let meaning = entry.file_name().to_str().map_or(Entry::Other, meaning);
            entries.push((meaning, entry.path()));
        }
        Ok(entries)
    }

    /// Deletes what a crash left half-made.
    pub(crate) fn remove_unfinished(&self) -> Result<(), LogError> {
        for (entry, path) in self.entries()? {
            if entry == Entry::Unfinished {
                remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Makes a file with this content appear under its name, durably and all at once.
    pub(crate) fn publish(&self, path: &Path, parts: &[&[u8]]) -> Result<(), LogError> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(UNFINISHED_SUFFIX);
        let unfinished = PathBuf::from(unfinished);
        let write = || {
            let mut file = File::create(&unfinished)?;
            parts.iter().try_for_each(|part| file.write_all(part))?;
            file.sync_all()?;
            fs::rename(&unfinished, path)
        };
        if let Err(error) = write() {
            // The next opening deletes it if this does not.
            let _ = fs::remove_file(&unfinished);
            return Err(LogError::io("write", text(path), error));
        }
        self.sync()
    }

    /// Makes the names in the folder durable.
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        sync_folder(&self.path)
    }
}

/// Deletes a file; one that is not there is as good as deleted.
pub(crate) fn remove_file(path: &Path) -> Result<(), LogError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(LogError::io("delete", text(path), e)),
        _ => Ok(()),
    }
}

/// A path as messages show it.
pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

fn sync_folder(path: &Path) -> Result<(), LogError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| LogError::io("sync the folder", text(path), e))
}

fn meaning(name: &str) -> Entry {
    let number = |digits: &str| {
        let is_number = digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_number { u64::from_str_radix(digits, 16).ok() } else { None }
    };
    if name.ends_with(UNFINISHED_SUFFIX) {
        return Entry::Unfinished;
    }
    if let Some(digits) = name.strip_suffix(CHECKPOINT_SUFFIX) {
        return number(digits).map_or(Entry::Other, |n| Entry::Checkpoint(Position(n)));
    }
    let Some(stem) = name.strip_suffix(SEGMENT_SUFFIX) else { return Entry::Other };
    match stem.strip_prefix(SPARE_PREFIX) {
        Some(digits) => number(digits).map_or(Entry::Other, Entry::Spare),
        None => number(stem).map_or(Entry::Other, |n| Entry::Segment(SegmentNumber(n))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_meaning() {
        assert_eq!(meaning("000000000000001f.seg"), Entry::Segment(SegmentNumber(31)));
        assert_eq!(meaning("spare-000000000000001f.seg"), Entry::Spare(31));
        assert_eq!(meaning("0000000000001040.ckpt"), Entry::Checkpoint(Position(0x1040)));
        assert_eq!(meaning("0000000000001040.ckpt.tmp"), Entry::Unfinished);
        for other in ["lock", "owner", "1f.seg", "+00000000000001f.seg", "00000000000000G0.seg", "notes.txt"]
        {
            assert_eq!(meaning(other), Entry::Other, "{other}");
        }
    }

    #[test]
    fn the_paths_made_are_the_paths_understood() {
        let folder = Folder::new(PathBuf::from("x"));
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(meaning(&name(folder.segment_path(SegmentNumber(7)))), Entry::Segment(SegmentNumber(7)));
        assert_eq!(meaning(&name(folder.spare_path(7))), Entry::Spare(7));
        assert_eq!(meaning(&name(folder.checkpoint_path(Position(7)))), Entry::Checkpoint(Position(7)));
    }
}
