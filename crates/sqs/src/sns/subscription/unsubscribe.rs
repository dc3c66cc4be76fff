//! Unsubscribe. A subscription that is not there is no error.

use super::record;
use crate::actions::Context;
use crate::protocol::{ApiError, Call, Code, Output};
use crate::sns::topic::{Right, authorize};
use leveret_core::broker::Access;

pub(in crate::sns) fn unsubscribe<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let arn = call.params.text("SubscriptionArn")?.unwrap_or_default();
    let (topic, record) = match record::find(context, arn) {
        Err(error) if error.code == Code::SNS_NOT_FOUND => return Ok(Output::new()),
        found => found?,
    };
    authorize(context, &topic.name, &call.action, Right::Read)?;
    record.remove(context, &topic)?;
    Ok(Output::new())
}
