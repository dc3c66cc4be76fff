//! ChangeMessageVisibility and its batch: a lease that ends later, or now.

use super::batch;
use super::delete_message::{expired, receipt_of, wait};
use crate::actions::context::{Context, Right, refused};
use crate::protocol::{ApiError, Call, Output, Params};
use leveret_core::broker::Access;
use leveret_core::catalog::Queue;
use leveret_core::shard::ReceiptError;

const SECONDS: std::ops::RangeInclusive<i64> = 0..=43_200;

pub(crate) fn change_message_visibility<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    change_one(context, &queue, &call.params)?;
    wait(context, &queue);
    Ok(Output::new())
}

pub(crate) fn change_message_visibility_batch<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    let names = ("ChangeMessageVisibilityBatchRequestEntry", "ChangeMessageVisibilityBatchResultEntry");
    let output = batch::each(context, call, &queue, names, change_one)?;
    wait(context, &queue);
    Ok(output)
}

fn change_one<A: Access>(
    context: &mut Context<'_, A>,
    queue: &Queue,
    params: &Params,
) -> Result<(), ApiError> {
    let seconds = params.int("VisibilityTimeout")?.ok_or_else(|| ApiError::missing("VisibilityTimeout"))?;
    let most = context.settings.longest_lease_ms;
    let (handle, receipt) = receipt_of(queue, params)?;
    let within = SECONDS.contains(&seconds) || (seconds > 0 && seconds as u64 * 1_000 <= most);
    if !within {
        return Err(ApiError::invalid(format!(
            "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer \
             between 0 and 43200."
        )));
    }
    let shard = context.access.shard(queue.id.shard());
    match shard.extend(queue.id, receipt, seconds as u64 * 1_000, most) {
        Ok(_held_or_late) => Ok(()),
        Err(ReceiptError::NoQueue(refusal)) => Err(refused(&refusal)),
        Err(ReceiptError::Expired) => Err(expired(handle)),
        Err(ReceiptError::Gone) => Err(ApiError::invalid(format!(
            "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available \
             for visibility timeout change."
        ))),
        Err(ReceiptError::TooLong) => Err(ApiError::invalid(format!(
            "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the \
             message is beyond the limit [{} seconds].",
            most / 1_000
        ))),
    }
}
