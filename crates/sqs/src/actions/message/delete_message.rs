//! DeleteMessage and DeleteMessageBatch: the work on a message is done.

use super::{batch, receipt_handle};
use crate::actions::context::{Context, Right, refused};
use crate::protocol::{ApiError, Call, Code, Output, Params};
use leveret_core::broker::Access;
use leveret_core::catalog::Queue;
use leveret_core::shard::{Receipt, ReceiptError};
use leveret_core::{LogId, Wait};

pub(crate) fn delete_message<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    delete_one(context, &queue, &call.params)?;
    wait(context, &queue);
    Ok(Output::new())
}

pub(crate) fn delete_message_batch<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    let names = ("DeleteMessageBatchRequestEntry", "DeleteMessageBatchResultEntry");
    let output = batch::each(context, call, &queue, names, delete_one)?;
    wait(context, &queue);
    Ok(output)
}

fn delete_one<A: Access>(
    context: &mut Context<'_, A>,
    queue: &Queue,
    params: &Params,
) -> Result<(), ApiError> {
    let (handle, receipt) = receipt_of(queue, params)?;
    let deleted = context.access.shard(queue.id.shard()).delete(queue.id, receipt);
    deleted.map_err(|error| match error {
        ReceiptError::NoQueue(refusal) => refused(&refusal),
        ReceiptError::Expired | ReceiptError::Gone | ReceiptError::TooLong => expired(handle),
    })
}

/// The receive that a call or an entry names.
///
/// # Errors
/// [`Code::INVALID_RECEIPT`] for what is no handle, or another queue's.
pub(super) fn receipt_of<'a>(queue: &Queue, params: &'a Params) -> Result<(&'a str, Receipt), ApiError> {
    let handle = params.required("ReceiptHandle")?;
    match receipt_handle::read(handle) {
        Some((of, receipt)) if of == queue.id => Ok((handle, receipt)),
        _ => Err(ApiError::new(
            Code::INVALID_RECEIPT,
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
        )),
    }
}

/// The error for a handle whose time is over, where that matters.
pub(super) fn expired(handle: &str) -> ApiError {
    ApiError::invalid(format!(
        "Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    ))
}

/// The reply promises that the message does not come back, so it waits for the disk.
pub(super) fn wait<A: Access>(context: &mut Context<'_, A>, queue: &Queue) {
    let shard = queue.id.shard();
    let position = context.access.shard(shard).write_out();
    context.wait_for_one(Wait { log: LogId::Shard(shard), position });
}
