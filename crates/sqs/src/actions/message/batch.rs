//! Batches: up to ten entries, each with an id, each of which succeeds or fails for itself.

use crate::actions::context::Context;
use crate::protocol::{ApiError, Call, Code, Output, Params};
use leveret_core::broker::Access;
use leveret_core::catalog::Queue;

/// Entries of one batch, at most.
const ENTRIES: usize = 10;
const ID_CHARACTERS: usize = 80;

/// The entries of a batch.
///
/// # Errors
/// What fails the batch as a whole: none, too many, ids that are wrong or not distinct.
pub(super) fn entries(call: &Call, query_name: &str) -> Result<Vec<(String, Params)>, ApiError> {
    let entries = call.params.list("Entries", query_name)?;
    if entries.is_empty() {
        return Err(ApiError::new(
            Code::EMPTY_BATCH,
            format!("There should be at least one {query_name} in the request."),
        ));
    }
    if entries.len() > ENTRIES {
        let sent = entries.len();
        let text = format!("Maximum number of entries per request are {ENTRIES}. You have sent {sent}.");
        return Err(ApiError::new(Code::TOO_MANY_ENTRIES, text));
    }
    let mut named: Vec<(String, Params)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let id = entry.required("Id")?.to_owned();
        if !is_entry_id(&id) {
            return Err(ApiError::new(
                Code::INVALID_ENTRY_ID,
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                 It can be at most 80 letters long.",
            ));
        }
        if named.iter().any(|(known, _)| *known == id) {
            return Err(ApiError::new(Code::IDS_NOT_DISTINCT, format!("Id {id} repeated.")));
        }
        named.push((id, entry));
    }
    Ok(named)
}

/// Whether a text may be the id of an entry; that there is one at all is another question.
pub(crate) fn is_entry_id(id: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    id.len() <= ID_CHARACTERS && id.bytes().all(letter)
}

/// Does the same for each entry of a batch on a queue.
pub(super) fn each<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
    queue: &Queue,
    (request, result): (&str, &'static str),
    act: impl Fn(&mut Context<'_, A>, &Queue, &Params) -> Result<(), ApiError>,
) -> Result<Output, ApiError> {
    let entries = entries(call, request)?;
    let mut results = Vec::with_capacity(entries.len());
    for (id, entry) in entries {
        let acted = act(context, queue, &entry).map(|()| Output::new());
        results.push((id, acted));
    }
    Ok(outcome(result, results))
}

/// What became of the entries: those that succeeded, then those that failed.
pub(super) fn outcome(element: &'static str, results: Vec<(String, Result<Output, ApiError>)>) -> Output {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in results {
        match result {
            Ok(output) => successful.push(Output::new().text("Id", id).and(output)),
            Err(error) => failed.push(
                Output::new()
                    .text("Id", id)
                    .flag("SenderFault", error.is_senders())
                    .text("Code", error.code.query)
                    .text("Message", error.message),
            ),
        }
    }
    Output::new().list("Successful", element, successful).list("Failed", "BatchResultErrorEntry", failed)
}
