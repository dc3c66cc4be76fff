//! GetQueueUrl.

use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;

pub(crate) fn get_queue_url<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let name = call.params.required("QueueName")?;
    let queue = context.queue_named(name).ok_or_else(ApiError::no_such_queue)?;
    context.authorize(&queue, &call.action, Right::Read)?;
    Ok(Output::new().text("QueueUrl", context.url(name)))
}
