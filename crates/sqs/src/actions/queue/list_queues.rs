//! ListQueues: those that the user may read, a page at a time if the client asks for pages.

use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Output};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leveret_core::broker::Access;

/// Queues in one answer, at most (AWS's limit).
const RESULTS: i64 = 1_000;

pub(crate) fn list_queues<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Output, ApiError> {
    let prefix = call.params.text("QueueNamePrefix")?.unwrap_or_default();
    let queues = context.access.catalog().queues(&context.identity.vhost);
    let listed = queues.iter().filter(|queue| {
        queue.exclusive_owner.is_none()
            && queue.name.starts_with(prefix)
            && context.allows(queue, &call.action, Right::Read)
    });
    let (names, next) = page(call, listed.map(|queue| queue.name.to_string()).collect())?;
    let urls = names.iter().map(|name| context.url(name)).collect();
    Ok(Output::new().texts("QueueUrls", "QueueUrl", urls).optional("NextToken", next))
}

/// A page of names in order, and the token of the next one. Without `MaxResults` there is no next one.
///
/// # Errors
/// [`crate::protocol::Code::INVALID_PARAMETER`].
pub(crate) fn page(call: &Call, names: Vec<String>) -> Result<(Vec<String>, Option<String>), ApiError> {
    let most = call.params.int("MaxResults")?;
    if most.is_some_and(|most| !(1..=RESULTS).contains(&most)) {
        return Err(ApiError::invalid(format!(
            "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and {RESULTS}."
        )));
    }
    let after = match call.params.text("NextToken")?.filter(|token| !token.is_empty()) {
        None => String::new(),
        Some(token) => {
            let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            name.ok_or_else(|| ApiError::invalid("Invalid or expired next token."))?
        }
    };
    let mut left = names.into_iter().filter(|name| *name > after);
    let taken: Vec<String> = left.by_ref().take(most.unwrap_or(RESULTS) as usize).collect();
    let more = most.is_some() && left.next().is_some();
    let next = taken.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last));
    Ok((taken, next))
}
