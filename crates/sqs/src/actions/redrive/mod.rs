//! Dead-letter queues: whose they are, and message move tasks.

mod cancel_message_move_task;
mod list_dead_letter_source_queues;
mod list_message_move_tasks;
mod start_message_move_task;
mod task;

pub(super) use cancel_message_move_task::cancel_message_move_task;
pub(super) use list_dead_letter_source_queues::list_dead_letter_source_queues;
pub(super) use list_message_move_tasks::list_message_move_tasks;
pub(super) use start_message_move_task::start_message_move_task;

use crate::actions::context::Context;
use leveret_core::broker::Access;
use leveret_core::catalog::Queue;
use std::sync::Arc;

/// The queues whose dead letters go to this one, in the order of their names.
fn sources<A: Access>(context: &Context<'_, A>, dead_letter_queue: &str) -> Vec<Arc<Queue>> {
    let queues = context.access.catalog().queues(&context.identity.vhost);
    let redrives_here = |queue: &&Arc<Queue>| {
        queue.settings.redrive.as_ref().is_some_and(|redrive| *redrive.queue == *dead_letter_queue)
    };
    queues.into_iter().filter(redrives_here).cloned().collect()
}
