//! CancelMessageMoveTask: stops a task; what has moved stays where it is.

use super::start_message_move_task::named;
use super::task;
use crate::actions::context::{Context, Right, refused};
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;
use leveret_core::catalog::MoveStatus;

pub(crate) fn cancel_message_move_task<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let handle = call.params.required("TaskHandle")?;
    let (id, source_arn) =
        task::read(handle).ok_or_else(|| ApiError::invalid("Value for parameter TaskHandle is invalid."))?;
    let source = named(context, &source_arn)?;
    context.authorize(&source, &call.action, Right::Read)?;
    let missing = || ApiError::new(Code::NO_SUCH_RESOURCE, "Task does not exist.");
    let task = context.access.catalog().move_task(&id).cloned().ok_or_else(missing)?;
    if task.source != source.name || task.vhost != context.identity.vhost {
        return Err(missing());
    }
    if task.status != MoveStatus::Running {
        return Err(ApiError::new(Code::UNSUPPORTED, "Only active tasks can be cancelled."));
    }
    let moved = task.moved;
    let cancelled = leveret_core::catalog::MoveTask { status: MoveStatus::Cancelling, ..task };
    let (put, wait) = context.access.change(|catalog| catalog.put_move_task(&id, cancelled));
    put.map_err(|refusal| refused(&refusal))?;
    context.wait_for_one(wait);
    Ok(Output::new().integer("ApproximateNumberOfMessagesMoved", moved as i64))
}
