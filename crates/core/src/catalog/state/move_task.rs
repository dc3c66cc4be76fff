//! Message move tasks, as the catalog remembers them: a running one goes on after a restart.

use std::sync::Arc;

/// A task that moves the messages of one queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MoveTask {
    /// The vhost of its queues.
    pub vhost: Arc<str>,
    /// The queue that it empties.
    pub source: Arc<str>,
    /// Where the messages go; `None` is back to the queue in which each of them died.
    pub destination: Option<Arc<str>>,
    /// Messages a second, at most; `None` leaves it to the broker.
    pub rate: Option<u32>,
    /// When it was started, in milliseconds since the epoch.
    pub started_at: u64,
    /// How many messages there were then.
    pub messages: u64,
    /// How many have moved. It is written from time to time, so a crash forgets some.
    pub moved: u64,
    /// How it stands.
    pub status: MoveStatus,
    /// Why it failed.
    pub failure: Option<Arc<str>>,
}

/// How a task stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoveStatus {
    /// It moves messages.
    Running,
    /// It was asked to stop.
    Cancelling,
    /// It was stopped.
    Cancelled,
    /// Nothing was left.
    Completed,
    /// It could not go on.
    Failed,
}

impl MoveStatus {
    /// The word that SQS has for it.
    pub fn name(self) -> &'static str {
        match self {
            MoveStatus::Running => "RUNNING",
            MoveStatus::Cancelling => "CANCELLING",
            MoveStatus::Cancelled => "CANCELLED",
            MoveStatus::Completed => "COMPLETED",
            MoveStatus::Failed => "FAILED",
        }
    }

    /// Whether it still has something to do.
    pub fn is_active(self) -> bool {
        matches!(self, MoveStatus::Running | MoveStatus::Cancelling)
    }
}
