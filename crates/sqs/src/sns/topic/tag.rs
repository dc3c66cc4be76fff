//! TagResource, UntagResource and ListTagsForResource, for topics.

use super::find::{Right, Topic, find};
use crate::actions::Context;
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;

/// Tags of one topic, at most (AWS's limit).
const TAGS: usize = 50;

pub(in crate::sns) fn tag_resource<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = tagged(context, call, Right::Configure)?;
    let tags = call.params.map("Tags", "Tags", "Key", "Value")?;
    let mut attributes = topic.attributes.clone();
    attributes.tags.extend(tags.into_iter().map(|(key, value)| (key.into(), value.into())));
    if attributes.tags.len() > TAGS {
        return Err(ApiError::new(
            Code::SNS_TAG_LIMIT,
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    topic.set(context, attributes)?;
    Ok(Output::new())
}

pub(in crate::sns) fn untag_resource<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = tagged(context, call, Right::Configure)?;
    let mut attributes = topic.attributes.clone();
    for key in call.params.texts("TagKeys", "TagKeys")? {
        attributes.tags.remove(key.as_str());
    }
    topic.set(context, attributes)?;
    Ok(Output::new())
}

pub(in crate::sns) fn list_tags_for_resource<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = tagged(context, call, Right::Read)?;
    let tag = |(key, value): (&std::sync::Arc<str>, &std::sync::Arc<str>)| {
        Output::new().text("Key", &**key).text("Value", &**value)
    };
    Ok(Output::new().members("Tags", topic.attributes.tags.iter().map(tag).collect()))
}

/// The topic of a tag's action, whose errors have another code.
fn tagged<A: Access>(context: &Context<'_, A>, call: &Call, right: Right) -> Result<Topic, ApiError> {
    find(context, call, "ResourceArn", right).map_err(|error| match error.code {
        Code::SNS_NOT_FOUND => ApiError::new(Code::SNS_NO_RESOURCE, "Resource does not exist"),
        _ => error,
    })
}
