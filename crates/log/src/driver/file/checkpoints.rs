//! Checkpoint files: the newest two are kept.

use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::driver::Checkpoint;
use crate::driver::file::folder::{Entry, Folder, remove_file, text};
use crate::error::LogError;
use crate::format::{Tenure, checkpoint_header, parse_checkpoint};
use crate::position::Position;

pub(super) struct Checkpoints {
    folder: Folder,
    tenure: Tenure,
    /// The position of the newest valid one.
    newest: Mutex<Position>,
}

impl Checkpoints {
    /// Finds the newest valid checkpoint, and the files of newer ones that are damaged.
    pub(super) fn load(
        folder: Folder,
        tenure: Tenure,
    ) -> Result<(Checkpoints, Option<Checkpoint>, Vec<String>), LogError> {
        let mut damaged = Vec::new();
        let mut newest = None;
        for position in positions(&folder)? {
            let path = folder.checkpoint_path(position);
            let bytes = fs::read(&path).map_err(|e| LogError::io("read", text(&path), e))?;
            match parse_checkpoint(&bytes, tenure.log).map_err(|e| e.of(text(&path))) {
                Ok(checkpoint) => {
                    newest = Some(checkpoint);
                    break;
                }
                // Of a newer Leveret: to fall back to an older checkpoint would undo what it has done.
                Err(error @ LogError::UnknownFormat { .. }) => return Err(error),
                Err(error) => damaged.push(error.to_string()),
            }
        }
        let position = newest.as_ref().map_or(Position::NONE, |checkpoint| checkpoint.position);
        Ok((Checkpoints { folder, tenure, newest: Mutex::new(position) }, newest, damaged))
    }

    /// The position of the newest valid checkpoint.
    pub(super) fn newest(&self) -> Position {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a checkpoint, durably, and deletes those before the one before it.
    pub(super) fn write(&self, position: Position, payload: &[u8]) -> Result<(), LogError> {
        // Held all the time: two checkpoints at once would delete each other's predecessors.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let header = checkpoint_header(self.tenure, position, payload);
        self.folder.publish(&self.folder.checkpoint_path(position), &[&header, payload])?;
        let previous = std::mem::replace(&mut *newest, position);
        for other in positions(&self.folder)? {
            if other != position && other != previous {
                remove_file(&self.folder.checkpoint_path(other))?;
            }
        }
        Ok(())
    }
}

/// The positions of all checkpoint files, newest first.
pub(crate) fn positions(folder: &Folder) -> Result<Vec<Position>, LogError> {
    let mut positions: Vec<Position> = folder
        .entries()?
        .into_iter()
        .filter_map(|(entry, _)| match entry {
            Entry::Checkpoint(position) => Some(position),
            _ => None,
        })
        .collect();
    positions.sort_unstable_by(|a, b| b.cmp(a));
    Ok(positions)
}
