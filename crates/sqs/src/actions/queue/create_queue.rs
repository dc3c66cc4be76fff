//! CreateQueue: makes sure that a queue is there, as asked.

use super::attributes::{self, is_fifo, shown};
use super::redrive_policy;
use crate::actions::context::{Context, Right, refused};
use crate::actions::tag::check_tags;
use crate::protocol::{ApiError, Call, Code, Output};
use leveret_core::broker::Access;
use leveret_core::catalog::{Attributes, DeclareQueue, Queue};
use leveret_core::wire::{ShortStr, Table, Value};

/// Characters of a name, at most; `.fifo` counts.
const NAME_CHARACTERS: usize = 80;

pub(crate) fn create_queue<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Output, ApiError> {
    let name = call.params.required("QueueName")?;
    let wanted = call.params.map("Attributes", "Attribute", "Name", "Value")?;
    let mut tags = call.params.map("tags", "Tag", "Key", "Value")?;
    if tags.is_empty() {
        // Some SDKs spell it as the others do.
        tags = call.params.map("Tags", "Tags", "Key", "Value")?;
    }
    let fifo = wanted.iter().any(|(name, value)| name == "FifoQueue" && value == "true");
    check_name(name, fifo)?;
    check_tags(&tags)?;
    let existing = context.queue_named(name);
    attributes::check(&wanted, fifo, existing.as_deref())?;
    if let Some(queue) = existing {
        // As for one that is to be made: otherwise an answer would say what the attributes of somebody's queue are.
        context.authorize(&queue, &call.action, Right::Configure)?;
        return same(&queue, &wanted).map(|()| Output::new().text("QueueUrl", context.url(name)));
    }
    check_cooldown(context, name)?;
    redrive_policy::check(context, &wanted, name, fifo)?;
    let mut attributes = attributes::of_new_queue(fifo);
    attributes::merge(&mut attributes, &wanted);
    complete(&mut attributes, fifo, context.now_ms() / 1_000);
    attributes.tags = tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    create(context, name, fifo, attributes)?;
    Ok(Output::new().text("QueueUrl", context.url(name)))
}

/// If the door insists on SQS's rule, the name of a queue that was deleted rests for a minute.
fn check_cooldown<A: Access>(context: &Context<'_, A>, name: &str) -> Result<(), ApiError> {
    let (vhost, now) = (&context.identity.vhost, context.access.now());
    if context.settings.cooldowns && context.access.catalog().is_retired(vhost, name, now) {
        return Err(ApiError::new(
            Code::DELETED_RECENTLY,
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        ));
    }
    Ok(())
}

fn create<A: Access>(
    context: &mut Context<'_, A>,
    name: &str,
    fifo: bool,
    attributes: Attributes,
) -> Result<(), ApiError> {
    let mut arguments = Table::new();
    if fifo {
        arguments.insert(ShortStr::literal("x-groups"), Value::Bool(true));
    }
    let declare =
        DeclareQueue { durable: true, exclusive: false, auto_delete: false, server_named: false, arguments };
    let identity = context.identity.clone();
    let (created, wait) = context.access.change(|catalog| {
        catalog.create_queue(identity.caller(), &identity.vhost, name, declare, attributes)
    });
    let created = created.map_err(|refusal| refused(&refusal))?;
    context.apply(created.queue);
    context.wait_for_one(wait);
    Ok(())
}

/// Adds what no client says.
fn complete(attributes: &mut Attributes, fifo: bool, now_seconds: u64) {
    let retention = attributes.get("MessageRetentionPeriod").unwrap_or_default().to_owned();
    attributes.set(Attributes::FIRST_RETENTION, retention);
    attributes.set("CreatedTimestamp", now_seconds.to_string());
    attributes.set("LastModifiedTimestamp", now_seconds.to_string());
    if !fifo {
        attributes.set(Attributes::FAIR, "true");
    }
}

/// Whether a queue that is there is as asked; what is not said is not compared.
fn same(queue: &Queue, wanted: &[(String, String)]) -> Result<(), ApiError> {
    for (name, value) in wanted {
        let known = shown(queue, name);
        let equal = match name.as_str() {
            "FifoQueue" => is_fifo(queue),
            "Policy" | "RedrivePolicy" | "RedriveAllowPolicy" => json(known) == json(Some(value)),
            _ => known.unwrap_or_default() == value,
        };
        if !equal {
            return Err(ApiError::new(
                Code::QUEUE_EXISTS,
                format!(
                    "A queue already exists with the same name and a different value for attribute {name}"
                ),
            ));
        }
    }
    Ok(())
}

fn json(text: Option<&str>) -> Option<serde_json::Value> {
    text.filter(|text| !text.is_empty()).and_then(|text| serde_json::from_str(text).ok())
}

fn check_name(name: &str, fifo: bool) -> Result<(), ApiError> {
    let stem = name.strip_suffix(".fifo");
    let valid = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let fits = name.len() <= NAME_CHARACTERS;
    match (stem, fifo) {
        (Some(stem), true) if fits && valid(stem) => Ok(()),
        (None, false) if fits && valid(name) => Ok(()),
        (None, true) if fits && valid(name) => Err(ApiError::invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
        )),
        _ => Err(ApiError::invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )),
    }
}
