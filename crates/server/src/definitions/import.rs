//! From the entries of a definitions file to the catalog's commands, in the order in which they need each other.

use super::entry::{Entry, entries};
use super::{DefinitionsError, Summary};
use crate::auth::hash_password;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_core::broker::{Access, apply_settings};
use leveret_core::catalog::{
    ApplyTo, Caller, Catalog, DeclareExchange, DeclareQueue, DestinationKind, HashAlgorithm, NewBinding,
    NewPolicy, PasswordHash, PermissionPatterns, PolicyScope, QueueKind, TopicPatterns, UserLimits,
    VhostLimits,
};
use leveret_core::wire::{ShortStr, Value as Field};
use leveret_core::{Cause, QueueId, Refusal};
use serde_json::{Map, Value};

const QUEUE_TYPE: &str = "x-queue-type";

/// Brings definitions into force. Users, policies and limits become as the file has them; queues and exchanges that
/// are there already stay as they are.
///
/// # Errors
/// See [`DefinitionsError`].
pub fn import<A: Access>(access: &mut A, text: &str) -> Result<Summary, DefinitionsError> {
    let file: Value = serde_json::from_str(text).map_err(DefinitionsError::Syntax)?;
    let file = file
        .as_object()
        .ok_or(DefinitionsError::Shape { place: "the file".into(), expected: "an object" })?;
    let mut import = Import { access, file, summary: Summary::default() };
    import.each("vhosts", vhost)?;
    import.each("users", user)?;
    import.each("permissions", permission)?;
    import.each("topic_permissions", topic_permission)?;
    import.each("parameters", parameter)?;
    import.each("global_parameters", global_parameter)?;
    import
        .each("policies", |catalog, entry| policy(catalog, entry, PolicyScope::User, entry_policy(entry)?))?;
    import.each("exchanges", exchange)?;
    import.each("queues", queue)?;
    import.each("bindings", binding)?;
    Ok(import.summary)
}

struct Import<'a, A> {
    access: &'a mut A,
    file: &'a Map<String, Value>,
    summary: Summary,
}

/// What became of an entry.
enum Done {
    /// It is in force, and these queues behave differently now, or are new.
    Changed(Vec<QueueId>),
    /// It was passed over, for this reason.
    Skipped(String),
}

/// It is in force, and no queue is different for it.
const DONE: Done = Done::Changed(Vec::new());

/// Why an entry did not do.
enum Wrong {
    Shape(DefinitionsError),
    Refused(Refusal),
}

impl From<DefinitionsError> for Wrong {
    fn from(error: DefinitionsError) -> Wrong {
        Wrong::Shape(error)
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Wrong {
        Wrong::Refused(refusal)
    }
}

impl<A: Access> Import<'_, A> {
    fn each(
        &mut self,
        list: &'static str,
        put: impl Fn(&mut Catalog, &Entry<'_>) -> Result<Done, Wrong>,
    ) -> Result<(), DefinitionsError> {
        for entry in entries(self.file, list)? {
            let (done, _durable_later) = self.access.change(|catalog| put(catalog, &entry));
            match done {
                Ok(Done::Changed(queues)) => {
                    apply_settings(self.access, &queues);
                    self.summary.entries += 1;
                }
                Ok(Done::Skipped(reason)) => {
                    self.summary.warnings.push(format!("{}: {reason}", entry.describe()));
                }
                Err(Wrong::Shape(error)) => return Err(error),
                Err(Wrong::Refused(refusal)) => {
                    return Err(DefinitionsError::Refused { entry: entry.describe(), refusal });
                }
            }
        }
        Ok(())
    }
}

fn vhost(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let kind = match entry.text_or("default_queue_type", "classic")? {
        "quorum" => QueueKind::Quorum,
        _ => QueueKind::Classic,
    };
    let tags = entry.words("tags")?.into_iter().map(Into::into).collect();
    catalog.put_vhost(entry.text("name")?, entry.text_or("description", "")?, tags, kind)?;
    Ok(DONE)
}

fn user(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let name = entry.text("name")?;
    let unusable = |what| Refusal::precondition(format!("the password hash is not {what}"));
    let algorithm = entry.text_or("hashing_algorithm", HashAlgorithm::Sha256.name())?;
    let algorithm = HashAlgorithm::from_name(algorithm).ok_or_else(|| unusable("of a known algorithm"))?;
    let password = match (entry.text_or("password_hash", "")?, entry.text_or("password", "")?) {
        // A user that logs in with a certificate only.
        ("", "") => None,
        // Written by hand: RabbitMQ takes a password in clear, too.
        ("", clear) => {
            Some(hash_password(clear).map_err(|error| Refusal::new(Cause::Internal, error.to_string()))?)
        }
        (hash, _) => {
            let bytes = STANDARD.decode(hash).map_err(|_| unusable("in base64"))?;
            Some(PasswordHash { algorithm, bytes: bytes.into() })
        }
    };
    let tags = entry.words("tags")?.into_iter().map(Into::into).collect();
    catalog.put_user(name, password, tags)?;
    let limits = entry.object("limits")?;
    let limits = UserLimits {
        max_connections: entry.limit(limits, "max-connections")?,
        max_channels: entry.limit(limits, "max-channels")?,
    };
    catalog.set_user_limits(name, limits)?;
    Ok(DONE)
}

fn permission(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let patterns = PermissionPatterns {
        configure: entry.text("configure")?,
        write: entry.text("write")?,
        read: entry.text("read")?,
    };
    catalog.put_permission(entry.text("user")?, entry.vhost()?, patterns)?;
    Ok(DONE)
}

fn topic_permission(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let patterns = TopicPatterns { write: entry.text("write")?, read: entry.text("read")? };
    catalog.put_topic_permission(entry.text("user")?, entry.vhost()?, entry.text("exchange")?, patterns)?;
    Ok(DONE)
}

/// Limits of vhosts and operator policies are parameters; those of plugins are not for this broker.
fn parameter(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    match entry.text("component")? {
        "vhost-limits" => {
            let limits = entry.object("value")?;
            let limits = VhostLimits {
                max_connections: entry.limit(limits, "max-connections")?,
                max_queues: entry.limit(limits, "max-queues")?,
            };
            catalog.set_vhost_limits(entry.vhost()?, limits)?;
            Ok(DONE)
        }
        "operator_policy" => {
            let value = entry.nested("value")?;
            policy(catalog, entry, PolicyScope::Operator, entry_policy(&value)?)
        }
        other => Ok(Done::Skipped(format!("parameters of '{other}' are not offered by this broker"))),
    }
}

fn global_parameter(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    catalog.put_parameter(entry.text("name")?, &entry.raw("value"))?;
    Ok(DONE)
}

/// What a policy says, without its name.
fn entry_policy<'a>(entry: &Entry<'a>) -> Result<NewPolicy<'a>, Wrong> {
    Ok(NewPolicy {
        name: "",
        pattern: entry.text("pattern")?,
        apply_to: ApplyTo::from_name(entry.text_or("apply-to", "all")?)?,
        priority: entry.number("priority")?,
        definition: entry.table("definition")?,
    })
}

fn policy<'a>(
    catalog: &mut Catalog,
    entry: &Entry<'a>,
    scope: PolicyScope,
    policy: NewPolicy<'a>,
) -> Result<Done, Wrong> {
    let policy = NewPolicy { name: entry.text("name")?, ..policy };
    Ok(Done::Changed(catalog.put_policy(entry.vhost()?, scope, policy)?))
}

fn exchange(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let declare = DeclareExchange {
        kind: entry.text("type")?,
        durable: entry.flag("durable")?,
        auto_delete: entry.flag("auto_delete")?,
        internal: entry.flag("internal")?,
        arguments: entry.table("arguments")?,
    };
    kept(catalog.declare_exchange(Caller::BROKER, entry.vhost()?, entry.text("name")?, declare).map(|_| DONE))
}

fn queue(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let mut arguments = entry.table("arguments")?;
    let kind = entry.text_or("type", "")?;
    if !kind.is_empty() && arguments.get(QUEUE_TYPE).is_none() {
        arguments.insert(ShortStr::literal(QUEUE_TYPE), Field::LongStr(kind.as_bytes().to_vec()));
    }
    if arguments.get(QUEUE_TYPE).and_then(Field::as_str) == Some("stream") {
        return Ok(Done::Skipped("streams are not offered by this broker".into()));
    }
    let declare = DeclareQueue {
        durable: entry.flag("durable")?,
        exclusive: false,
        auto_delete: entry.flag("auto_delete")?,
        server_named: false,
        arguments,
    };
    let declared = catalog.declare_queue(Caller::BROKER, entry.vhost()?, entry.text("name")?, declare);
    kept(declared.map(|declared| Done::Changed(vec![declared.queue])))
}

fn binding(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let kind = match entry.text_or("destination_type", "queue")? {
        "exchange" => DestinationKind::Exchange,
        _ => DestinationKind::Queue,
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
    match catalog.bind(Caller::BROKER, entry.vhost()?, binding) {
        // Its queue was a stream, or its exchange of a kind that was passed over.
        Err(refusal) if refusal.cause == Cause::NotFound => Ok(Done::Skipped(refusal.text)),
        bound => Ok(bound.map(|_| DONE)?),
    }
}

/// What is there but different stays, as in RabbitMQ; so does what this broker has no kind for.
fn kept(declared: Result<Done, Refusal>) -> Result<Done, Wrong> {
    match declared {
        Err(refusal) if refusal.cause == Cause::PreconditionFailed => Ok(Done::Skipped(refusal.text)),
        declared => Ok(declared?),
    }
}
