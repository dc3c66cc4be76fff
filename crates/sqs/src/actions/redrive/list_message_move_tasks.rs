//! ListMessageMoveTasks: what became of the last tasks of a queue, newest first.

use super::start_message_move_task::named;
use super::task;
use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;
use leveret_core::catalog::{MoveStatus, MoveTask};
use std::sync::Arc;

/// Tasks in one answer, at most (AWS's limit).
const RESULTS: i64 = 10;

pub(crate) fn list_message_move_tasks<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let source_arn = call.params.required("SourceArn")?;
    let source = named(context, source_arn)?;
    context.authorize(&source, &call.action, Right::Read)?;
    let most = call.params.int("MaxResults")?.unwrap_or(1);
    if !(1..=RESULTS).contains(&most) {
        return Err(ApiError::invalid(format!(
            "Value {most} for parameter MaxResults is invalid. Reason: Must be between 1 and {RESULTS}."
        )));
    }
    let catalog = context.access.catalog();
    let mut tasks: Vec<(&Arc<str>, &MoveTask)> =
        catalog.move_tasks_of(&context.identity.vhost, &source.name).collect();
    tasks.sort_by_key(|(_, task)| std::cmp::Reverse(task.started_at));
    tasks.truncate(most as usize);
    let shown = |(id, of): &(&Arc<str>, &MoveTask)| {
        let running = of.status == MoveStatus::Running;
        let output = Output::new()
            // Only what still runs can be cancelled, so nothing else has a handle.
            .optional("TaskHandle", running.then(|| task::handle(id, source_arn)))
            .text("Status", of.status.name())
            .text("SourceArn", source_arn)
            .optional("DestinationArn", of.destination.as_ref().map(|name| context.arn(name)))
            .integer("ApproximateNumberOfMessagesMoved", of.moved as i64)
            .integer("ApproximateNumberOfMessagesToMove", of.messages as i64)
            .integer("StartedTimestamp", of.started_at as i64)
            .optional("FailureReason", of.failure.as_deref());
        match of.rate {
            Some(rate) => output.integer("MaxNumberOfMessagesPerSecond", i64::from(rate)),
            None => output,
        }
    };
    let results = tasks.iter().map(shown).collect();
    Ok(Output::new().list("Results", "ListMessageMoveTasksResultEntry", results))
}
