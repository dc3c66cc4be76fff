//! Vhosts: how they are described, limited and protected.

use super::DefinitionsError;
use super::entry::Entry;
use super::outcome::{DONE, Done, Wrong};
use leveret_core::catalog::{Catalog, QueueKind, Vhost, VhostLimits};

/// A vhost. What the entry does not say of one that is there stays as it is.
pub(super) fn vhost(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let name = entry.text("name")?;
    let said = entry.merged_with("metadata")?;
    let default = default_queue_type(&said)?;
    let limits = said.nested("limits")?.map(|limits| vhost_limits(&limits)).transpose()?;
    let found = catalog.vhost(name);
    let described = found.map_or("".into(), |found| found.description.clone());
    let description = said.optional_text("description")?.map_or(described, Into::into);
    let tags = match said.words("tags")? {
        Some(tags) => tags.into_iter().map(Into::into).collect(),
        None => found.map_or_else(Vec::new, |found| found.tags.clone()),
    };
    let kind = match default {
        DefaultType::Offered(kind) => kind,
        DefaultType::Stream | DefaultType::Unsaid => {
            found.map_or(QueueKind::Classic, |found| found.default_queue_kind)
        }
    };
    let is_protected = |vhost: &Vhost| vhost.protected_from_deletion;
    let protect = said.flag("protected_from_deletion")?.filter(|it| *it != found.is_some_and(is_protected));
    catalog.put_vhost(name, &description, tags, kind)?;
    if let Some(limits) = limits {
        catalog.set_vhost_limits(name, limits)?;
    }
    if let Some(protected) = protect {
        catalog.set_vhost_protection(name, protected)?;
    }
    match default {
        DefaultType::Stream => Ok(Done::InPart(format!(
            "streams are not offered by this broker: a queue that names no type is {}",
            kind.name()
        ))),
        _ => Ok(DONE),
    }
}

/// The limits in an object of them.
pub(super) fn vhost_limits(limits: &Entry<'_>) -> Result<VhostLimits, DefinitionsError> {
    Ok(VhostLimits {
        max_connections: limits.limit("max-connections")?,
        max_queues: limits.limit("max-queues")?,
    })
}

/// The type of queues whose declaration names none.
enum DefaultType {
    Offered(QueueKind),
    Stream,
    Unsaid,
}

/// RabbitMQ takes the names of its modules as well as the short ones.
fn default_queue_type(said: &Entry<'_>) -> Result<DefaultType, DefinitionsError> {
    const FIELD: &str = "default_queue_type";
    match said.optional_text(FIELD)? {
        None | Some("") => Ok(DefaultType::Unsaid),
        Some("classic" | "rabbit_classic_queue") => Ok(DefaultType::Offered(QueueKind::Classic)),
        Some("quorum" | "rabbit_quorum_queue") => Ok(DefaultType::Offered(QueueKind::Quorum)),
        Some("stream" | "rabbit_stream_queue") => Ok(DefaultType::Stream),
        Some(_) => Err(said.wrong(FIELD, "'classic', 'quorum' or 'stream'")),
    }
}
