//! CreateTopic: makes sure that a topic is there, as asked.

use super::attributes::{check, shown};
use super::find::{KIND, Topic, invalid, named, topic_arn};
use crate::actions::Context;
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::Cause;
use leveret_core::broker::Access;
use leveret_core::catalog::DeclareExchange;
use leveret_core::wire::Table;

const NAME_CHARACTERS: usize = 256;
/// The attribute of a topic that no client sees: when it was made, in milliseconds since the epoch.
pub(in crate::sns) const CREATED: &str = "CreatedTimestamp";

pub(in crate::sns) fn create_topic<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let name = call.params.text("Name")?.unwrap_or_default().to_owned();
    let wanted = call.params.map("Attributes", "Attributes", "key", "value")?;
    let tags = call.params.map("Tags", "Tags", "Key", "Value")?;
    let fifo = wanted.iter().any(|(name, value)| name == "FifoTopic" && value == "true");
    check_name(&name, fifo)?;
    for (attribute, value) in &wanted {
        check(attribute, value, fifo).map_err(|reason| invalid(format!("Attributes Reason: {reason}")))?;
    }
    let answer = Output::new().text("TopicArn", topic_arn(context, &name));
    if let Some(topic) = named(context, &name) {
        return same(context, &topic, &wanted, &tags).map(|()| answer);
    }
    declare(context, &name)?;
    let topic =
        named(context, &name).ok_or_else(|| ApiError::new(Code::INTERNAL, "The topic is gone again."))?;
    let mut attributes = topic.attributes.clone();
    attributes.values.extend(wanted.into_iter().map(|(name, value)| (name.into(), value.into())));
    attributes.set(CREATED, context.now_ms().to_string());
    attributes.tags = tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    topic.set(context, attributes)?;
    Ok(answer)
}

fn declare<A: Access>(context: &mut Context<'_, A>, name: &str) -> Result<(), ApiError> {
    let declare = DeclareExchange {
        kind: KIND,
        durable: true,
        auto_delete: false,
        internal: false,
        arguments: Table::new(),
    };
    let identity = context.identity.clone();
    let (declared, wait) = context
        .access
        .change(|catalog| catalog.declare_exchange(identity.caller(), &identity.vhost, name, declare));
    context.wait_for_one(wait);
    declared.map(|_| ()).map_err(|refusal| match refusal.cause {
        Cause::AccessRefused => ApiError::new(Code::SNS_DENIED, refusal.text),
        Cause::Internal => ApiError::new(Code::INTERNAL, refusal.text),
        _ => invalid(format!("Topic Name: {}", refusal.text)),
    })
}

/// Whether a topic that is there is as asked.
fn same<A: Access>(
    context: &Context<'_, A>,
    topic: &Topic,
    wanted: &[(String, String)],
    tags: &[(String, String)],
) -> Result<(), ApiError> {
    let known = shown(context, topic);
    let differs = |(name, value): &(String, String)| !known.iter().any(|(a, b)| a == name && b == value);
    if wanted.iter().any(differs) {
        return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
    }
    let tagged = |(key, value): &(String, String)| {
        topic.attributes.tags.get(key.as_str()).is_some_and(|known| **known == **value)
    };
    if !tags.is_empty() && (tags.len() != topic.attributes.tags.len() || !tags.iter().all(tagged)) {
        return Err(invalid("Tags Reason: Topic already exists with different tags"));
    }
    Ok(())
}

fn check_name(name: &str, fifo: bool) -> Result<(), ApiError> {
    let stem = if fifo { name.strip_suffix(".fifo") } else { Some(name) };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let valid = stem.is_some_and(|stem| !stem.is_empty() && stem.bytes().all(letter));
    if valid && name.len() <= NAME_CHARACTERS {
        return Ok(());
    }
    Err(invalid(match fifo {
        true => {
            "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, \
                 numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
        }
        false => "Topic Name",
    }))
}
