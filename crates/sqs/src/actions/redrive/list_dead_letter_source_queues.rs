//! ListDeadLetterSourceQueues: the queues that have this one as their dead-letter queue.

use super::sources;
use crate::actions::context::{Context, Right};
use crate::actions::queue::page;
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;

pub(crate) fn list_dead_letter_source_queues<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    let names: Vec<String> =
        sources(context, &queue.name).iter().map(|source| source.name.to_string()).collect();
    let (names, next) = page(call, names)?;
    let urls = names.iter().map(|name| context.url(name)).collect();
    // The name begins with a small letter here, and here only; and here only the service's model requires the list, so
    // that SDKs with types have no word for its absence.
    Ok(Output::new().required_texts("queueUrls", "QueueUrl", urls).optional("NextToken", next))
}
