//! StartMessageMoveTask: lets the messages of a dead-letter queue go back, or somewhere else.

use super::{sources, task};
use crate::actions::context::{Context, Right, queue_of_arn, refused};
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;
use leveret_core::catalog::{MoveStatus, MoveTask, Queue};
use std::sync::Arc;

/// Messages a second, at most (AWS's limit).
const RATE: i64 = 500;

pub(crate) fn start_message_move_task<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let source_arn = call.params.required("SourceArn")?;
    let source = named(context, source_arn)?;
    context.authorize(&source, &call.action, Right::Read)?;
    let destination = match call.params.text("DestinationArn")?.filter(|arn| !arn.is_empty()) {
        Some(arn) => Some(named(context, arn)?),
        None => None,
    };
    if let Some(destination) = &destination {
        context.authorize(destination, "SendMessage", Right::Write)?;
    }
    let rate = call.params.int("MaxNumberOfMessagesPerSecond")?;
    if rate.is_some_and(|rate| !(1..=RATE).contains(&rate)) {
        return Err(ApiError::invalid(format!(
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and {RATE}."
        )));
    }
    if sources(context, &source.name).is_empty() {
        return Err(ApiError::invalid("Source queue must be configured as a Dead Letter Queue."));
    }
    let vhost = context.identity.vhost.clone();
    if context.access.catalog().move_tasks_of(&vhost, &source.name).any(|(_, task)| task.status.is_active()) {
        return Err(ApiError::invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ));
    }
    let stats = context.access.shard(source.id.shard()).stats(source.id).unwrap_or_default();
    let id = context.access.new_id().to_string();
    let task = MoveTask {
        vhost,
        source: source.name.clone(),
        destination: destination.map(|destination| destination.name.clone()),
        rate: rate.and_then(|rate| u32::try_from(rate).ok()),
        started_at: context.now_ms(),
        messages: stats.ready,
        moved: 0,
        status: MoveStatus::Running,
        failure: None,
    };
    let (put, wait) = context.access.change(|catalog| catalog.put_move_task(&id, task));
    put.map_err(|refusal| refused(&refusal))?;
    context.wait_for_one(wait);
    Ok(Output::new().text("TaskHandle", task::handle(&id, source_arn)))
}

/// The queue of an ARN.
pub(super) fn named<A: Access>(context: &Context<'_, A>, arn: &str) -> Result<Arc<Queue>, ApiError> {
    let missing = "The resource that you specified for the SourceArn parameter doesn't exist.";
    let name = queue_of_arn(arn).ok_or_else(|| {
        ApiError::invalid("You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>")
    })?;
    context.queue_named(name).ok_or_else(|| ApiError::new(Code::NO_SUCH_RESOURCE, missing))
}
