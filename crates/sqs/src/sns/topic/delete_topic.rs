//! DeleteTopic: the topic and its subscriptions are gone. One that is not there is no error.

use super::find::{Right, find};
use crate::actions::Context;
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;
use leveret_core::catalog::Caller;

pub(in crate::sns) fn delete_topic<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = match find(context, call, "TopicArn", Right::Configure) {
        Err(error) if error.code == Code::SNS_NOT_FOUND => return Ok(Output::new()),
        found => found?,
    };
    let vhost = context.identity.vhost.clone();
    let (deleted, wait) =
        context.access.change(|catalog| catalog.delete_exchange(Caller::BROKER, &vhost, &topic.name, false));
    deleted.map_err(|refusal| ApiError::new(Code::INTERNAL, refusal.text))?;
    context.wait_for_one(wait);
    Ok(Output::new())
}
