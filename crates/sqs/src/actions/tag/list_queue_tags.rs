//! ListQueueTags.

use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;

pub(crate) fn list_queue_tags<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    let tags =
        queue.attributes.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Ok(Output::new().map("Tags", ("Tag", "Key", "Value"), tags))
}
