//! PurgeQueue: drops what is ready, what waits, and what is held under receipts.

use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;
use leveret_core::{LogId, Wait};

/// How long a queue cannot be purged again, if the door insists on SQS's rule.
const COOLDOWN_MS: u64 = 60_000;
/// When a queue was purged last, in milliseconds; only where the rule holds.
const PURGED: &str = "PurgedTimestamp";

pub(crate) fn purge_queue<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    if context.settings.cooldowns {
        let now = context.now_ms();
        if queue.attributes.number(PURGED).is_some_and(|at| now < at + COOLDOWN_MS) {
            let text =
                format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", queue.name);
            return Err(ApiError::new(Code::PURGE_IN_PROGRESS, text));
        }
        let mut attributes = queue.attributes.clone();
        attributes.set(PURGED, now.to_string());
        context.set_attributes(&queue, attributes)?;
    }
    let shard = context.access.shard(queue.id.shard());
    shard.purge_all(queue.id);
    let wait = Wait { log: LogId::Shard(queue.id.shard()), position: shard.write_out() };
    context.wait_for_one(wait);
    Ok(Output::new())
}
