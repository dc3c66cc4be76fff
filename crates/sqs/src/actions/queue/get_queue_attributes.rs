//! GetQueueAttributes.

use super::attributes::{COMPUTED, names, shown};
use crate::actions::context::{Context, Right};
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;
use leveret_core::catalog::Queue;
use leveret_core::shard::QueueStats;

pub(crate) fn get_queue_attributes<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    let asked = call.params.texts("AttributeNames", "AttributeName")?;
    for name in &asked {
        let known = name == "All" || COMPUTED.contains(&name.as_str()) || names().any(|known| known == name);
        if !known {
            return Err(ApiError::new(Code::INVALID_ATTRIBUTE_NAME, format!("Unknown Attribute {name}.")));
        }
    }
    let all = asked.iter().any(|name| name == "All");
    let stats = context.access.shard(queue.id.shard()).stats(queue.id).unwrap_or_default();
    let listed = COMPUTED.into_iter().chain(names()).filter(|name| all || asked.iter().any(|it| it == name));
    let pairs = listed.filter_map(|name| Some((name.to_owned(), value(context, &queue, &stats, name)?)));
    Ok(Output::new().map("Attributes", ("Attribute", "Name", "Value"), pairs.collect()))
}

fn value<A: Access>(
    context: &Context<'_, A>,
    queue: &Queue,
    stats: &QueueStats,
    name: &str,
) -> Option<String> {
    Some(match name {
        "QueueArn" => context.arn(&queue.name),
        "ApproximateNumberOfMessages" => stats.ready.to_string(),
        "ApproximateNumberOfMessagesNotVisible" => stats.leased.to_string(),
        "ApproximateNumberOfMessagesDelayed" => stats.delayed.to_string(),
        // Unknown for a queue that AMQP declared.
        "CreatedTimestamp" | "LastModifiedTimestamp" => queue.attributes.get(name).unwrap_or("0").to_owned(),
        name => shown(queue, name)?.to_owned(),
    })
}
