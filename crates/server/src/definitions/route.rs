//! Exchanges, queues and bindings. One that this broker cannot have is no reason to refuse all others: it is passed
//! over with a warning, and so is one that is there but different, which stays as it is, as in RabbitMQ.

use super::entry::Entry;
use super::outcome::{DONE, Done, Wrong};
use leveret_core::catalog::{Caller, Catalog, DeclareExchange, DeclareQueue, DestinationKind, NewBinding};
use leveret_core::wire::{ShortStr, Value as Field};
use leveret_core::{Cause, Refusal};

const QUEUE_TYPE: &str = "x-queue-type";

/// An exchange. Those that are predeclared in every vhost are there as they are.
pub(super) fn exchange(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let (vhost, name) = (entry.vhost()?, entry.text("name")?);
    let there = catalog.exchange(vhost, name).is_some();
    if name.is_empty() {
        return Ok(DONE);
    }
    if name.starts_with("amq.") && !there {
        return Ok(Done::Skipped(RESERVED.into()));
    }
    let declare = DeclareExchange {
        kind: entry.text("type")?,
        durable: entry.flag("durable")?.unwrap_or(true),
        auto_delete: entry.flag("auto_delete")?.unwrap_or(false),
        internal: entry.flag("internal")?.unwrap_or(false),
        arguments: entry.table("arguments")?,
    };
    let declared = catalog.declare_exchange(Caller::BROKER, vhost, name, declare);
    passed_over(there, declared.map(|_| DONE))
}

/// A queue.
pub(super) fn queue(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let (vhost, name) = (entry.vhost()?, entry.text("name")?);
    if name.starts_with("amq.") {
        return Ok(Done::Skipped(RESERVED.into()));
    }
    let mut arguments = entry.table("arguments")?;
    if let Some(kind) = entry.optional_text("type")?
        && !kind.is_empty()
        && arguments.get(QUEUE_TYPE).is_none()
    {
        arguments.insert(ShortStr::literal(QUEUE_TYPE), Field::LongStr(kind.as_bytes().to_vec()));
    }
    let declare = DeclareQueue {
        durable: entry.flag("durable")?.unwrap_or(true),
        exclusive: false,
        auto_delete: entry.flag("auto_delete")?.unwrap_or(false),
        server_named: false,
        arguments,
    };
    let there = catalog.queue(vhost, name).is_some();
    let declared = catalog.declare_queue(Caller::BROKER, vhost, name, declare);
    passed_over(there, declared.map(|declared| Done::Changed(vec![declared.queue])))
}

/// A binding. One whose queue or exchange was passed over is passed over, too.
pub(super) fn binding(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    const KIND: &str = "destination_type";
    let kind = match entry.text_or(KIND, "queue")? {
        "queue" => DestinationKind::Queue,
        "exchange" => DestinationKind::Exchange,
        _ => return Err(entry.wrong(KIND, "'queue' or 'exchange'").into()),
    };
    let source = entry.text("source")?;
    if source.is_empty() {
        // The default exchange reaches every queue as it is.
        return Ok(DONE);
    }
    let binding = NewBinding {
        source,
        kind,
        destination: entry.text("destination")?,
        routing_key: entry.text_or("routing_key", "")?,
        arguments: entry.table("arguments")?,
    };
    passed_over(false, catalog.bind(Caller::BROKER, entry.vhost()?, binding).map(|_| DONE))
}

/// Such queues belong to the clients that were given their names, such exchanges to RabbitMQ's plugins.
const RESERVED: &str = "not made: names that begin with 'amq.' are reserved";

/// A refusal of the one thing is a warning. What would go wrong for every other, too, stays an error.
fn passed_over(there: bool, answer: Result<Done, Refusal>) -> Result<Done, Wrong> {
    match answer {
        Err(Refusal { cause: Cause::PreconditionFailed | Cause::ResourceLocked, text }) if there => {
            Ok(Done::Skipped(format!("stays as it is: {text}")))
        }
        Err(Refusal { cause: Cause::PreconditionFailed | Cause::NotFound, text }) => {
            Ok(Done::Skipped(format!("not made: {text}")))
        }
        answer => Ok(answer?),
    }
}
