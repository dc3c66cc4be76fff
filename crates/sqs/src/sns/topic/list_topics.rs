//! ListTopics, a hundred at a time.

use super::find::{token_page, topic_arn, topics};
use crate::actions::Context;
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;

pub(in crate::sns) fn list_topics<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let (page, next) = token_page(call, topics(context), |topic| topic.name.to_string())?;
    let shown = page.iter().map(|topic| Output::new().text("TopicArn", topic_arn(context, &topic.name)));
    Ok(Output::new().members("Topics", shown.collect()).optional("NextToken", next))
}
