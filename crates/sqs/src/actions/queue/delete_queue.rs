//! DeleteQueue: the queue is gone with all that is in it; receives that wait are told.

use crate::actions::context::{Context, Right, refused};
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::{Access, delete_queue as delete, retire_queue};

pub(crate) fn delete_queue<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Configure)?;
    let deleted = match context.settings.cooldowns {
        true => retire_queue(context.access, queue.id),
        false => delete(context.access, queue.id),
    };
    let (_ready, waits) = deleted.map_err(|refusal| refused(&refusal))?;
    context.wait_for(&waits);
    Ok(Output::new())
}
