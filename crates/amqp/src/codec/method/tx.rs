//! Class 90: transactions of a channel.

use super::class::class;

class! {
    90 Method;

    /// Publishes and settlements of the channel shall wait for a commit.
    10 Select {}

    /// They will.
    11 SelectOk {}

    /// What has waited shall happen.
    20 Commit {}

    /// It has happened.
    21 CommitOk {}

    /// What has waited shall be forgotten.
    30 Rollback {}

    /// It is forgotten.
    31 RollbackOk {}
}
