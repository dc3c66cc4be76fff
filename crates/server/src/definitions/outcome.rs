//! What became of an entry.

use super::DefinitionsError;
use leveret_core::{QueueId, Refusal};

/// What became of an entry that was no reason to stop.
pub(super) enum Done {
    /// It is in force, and these queues behave differently now, or are new.
    Changed(Vec<QueueId>),
    /// It is in force, but for what this says.
    InPart(String),
    /// It is not in force; this says why.
    Skipped(String),
}

/// It is in force, and no queue is different for it.
pub(super) const DONE: Done = Done::Changed(Vec::new());

/// Why an entry did not do.
pub(super) enum Wrong {
    /// It could not be understood.
    Shape(DefinitionsError),
    /// The catalog would not have it.
    Refused(Refusal),
}

impl From<DefinitionsError> for Wrong {
    fn from(error: DefinitionsError) -> Wrong {
        Wrong::Shape(error)
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Wrong {
        Wrong::Refused(refusal)
    }
}
