//! SetQueueAttributes. A change holds at once, for messages that are there as well where SQS says so.

use super::attributes::{self, is_fifo};
use super::redrive_policy;
use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;

pub(crate) fn set_queue_attributes<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Configure)?;
    let wanted = call.params.map("Attributes", "Attribute", "Name", "Value")?;
    if wanted.is_empty() {
        return Err(ApiError::missing("Attribute.Name"));
    }
    let fifo = is_fifo(&queue);
    if let Some((_, value)) = wanted.iter().find(|(name, _)| name == "FifoQueue")
        && (value == "true") != fifo
        && fifo
    {
        return Err(ApiError::new(
            Code::INVALID_ATTRIBUTE_VALUE,
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        ));
    }
    attributes::check(&wanted, fifo, Some(&queue))?;
    redrive_policy::check(context, &wanted, &queue.name, fifo)?;
    let mut changed = queue.attributes.clone();
    attributes::merge(&mut changed, &wanted);
    changed.set("LastModifiedTimestamp", (context.now_ms() / 1_000).to_string());
    context.set_attributes(&queue, changed)?;
    Ok(Output::new())
}
