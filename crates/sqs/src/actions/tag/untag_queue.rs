//! UntagQueue: removes tags; those that are not there are passed over.

use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;

pub(crate) fn untag_queue<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Configure)?;
    let keys = call.params.texts("TagKeys", "TagKey")?;
    if keys.is_empty() {
        return Err(ApiError::missing("TagKeys"));
    }
    let mut attributes = queue.attributes.clone();
    for key in &keys {
        attributes.tags.remove(key.as_str());
    }
    context.set_attributes(&queue, attributes)?;
    Ok(Output::new())
}
