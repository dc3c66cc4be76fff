//! TagQueue: adds tags, in the place of those with the same keys.

use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;

/// Tags of one queue, at most (AWS's limit).
const TAGS: usize = 50;
const KEY_CHARACTERS: usize = 128;
const VALUE_CHARACTERS: usize = 256;

pub(crate) fn tag_queue<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Configure)?;
    let tags = call.params.map("Tags", "Tag", "Key", "Value")?;
    if tags.is_empty() {
        return Err(ApiError::missing("Tags"));
    }
    check_tags(&tags)?;
    let mut attributes = queue.attributes.clone();
    attributes.tags.extend(tags.into_iter().map(|(key, value)| (key.into(), value.into())));
    if attributes.tags.len() > TAGS {
        return Err(ApiError::invalid(format!("Too many tags added for queue {}.", queue.name)));
    }
    context.set_attributes(&queue, attributes)?;
    Ok(Output::new())
}

/// Whether a queue may have these tags.
///
/// # Errors
/// [`crate::protocol::Code::INVALID_PARAMETER`].
pub(crate) fn check_tags(tags: &[(String, String)]) -> Result<(), ApiError> {
    if tags.len() > TAGS {
        return Err(ApiError::invalid("Too many tags."));
    }
    for (key, value) in tags {
        let length = key.chars().count();
        if length == 0 || length > KEY_CHARACTERS || value.chars().count() > VALUE_CHARACTERS {
            return Err(ApiError::invalid(
                "Tag keys must be between 1 and 128 characters in length, values at most 256.",
            ));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(ApiError::invalid("Tag keys must not begin with aws:, which is reserved."));
        }
    }
    Ok(())
}
