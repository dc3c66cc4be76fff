//! Message move tasks: started, changed, listed.

use super::{Catalog, Fact, MoveTask};
use crate::Refusal;
use std::sync::Arc;

/// Tasks of one queue that are remembered (SQS lists ten at most).
const KEPT_PER_QUEUE: usize = 10;

impl Catalog {
    /// Remembers a task, or what has become of one. The oldest ended tasks of its queue beyond ten are forgotten.
    ///
    /// # Errors
    /// [`crate::Cause::Internal`] if the log refuses.
    pub fn put_move_task(&mut self, id: &str, task: MoveTask) -> Result<(), Refusal> {
        let mut ended: Vec<(u64, Arc<str>)> = self
            .move_tasks_of(&task.vhost, &task.source)
            .filter(|(known, other)| !other.status.is_active() && ***known != *id)
            .map(|(known, other)| (other.started_at, known.clone()))
            .collect();
        ended.sort_unstable();
        let surplus = (ended.len() + 1).saturating_sub(KEPT_PER_QUEUE);
        let mut facts = vec![Fact::MoveTaskPut { id: id.into(), task }];
        facts.extend(ended.into_iter().take(surplus).map(|(_, id)| Fact::MoveTaskForgotten { id }));
        self.commit(facts)
    }

    /// A task.
    pub fn move_task(&self, id: &str) -> Option<&MoveTask> {
        self.state.move_tasks.get(id)
    }

    /// All tasks that have something to do.
    pub fn active_move_tasks(&self) -> impl Iterator<Item = (&Arc<str>, &MoveTask)> {
        self.state.move_tasks.iter().filter(|(_, task)| task.status.is_active())
    }

    /// The tasks of a queue that are remembered, in no order.
    pub fn move_tasks_of(&self, vhost: &str, source: &str) -> impl Iterator<Item = (&Arc<str>, &MoveTask)> {
        self.state.move_tasks.iter().filter(move |(_, task)| *task.vhost == *vhost && *task.source == *source)
    }
}
