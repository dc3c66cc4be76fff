//! Makes batches durable, one after the other. The log thread owns it.

use std::sync::Arc;

use crate::append::{Batch, Recent};
use crate::driver::Writer;
use crate::error::LogError;
use crate::position::Position;

/// The driver's writer, and what must be told when a batch is durable.
pub struct Committer {
    writer: Box<dyn Writer>,
    recent: Arc<Recent>,
}

impl Committer {
    pub(crate) fn new(writer: Box<dyn Writer>, recent: Arc<Recent>) -> Committer {
        Committer { writer, recent }
    }

    /// Writes and syncs a batch, and answers up to where the log is durable now.
    ///
    /// # Errors
    /// Any failure is final: the writer refuses what follows with [`LogError::Failed`]. The caller must
    /// [`fail`](crate::Tail::fail) the tail, so that nothing more is promised.
    pub fn commit(&mut self, batch: &Batch) -> Result<Position, LogError> {
        self.writer.write(batch)?;
        self.recent.advance_durable(batch.end());
        Ok(batch.end())
    }
}
