//! Declaring and deleting queues.

use super::binding::Cascade;
use super::{arguments, check_name, clean, equivalence};
use crate::catalog::state::{Attributes, Queue, QueueKind, Vhost, check_length, described};
use crate::catalog::{Caller, Catalog, DestinationKind, Fact, route};
use crate::wire::Table;
use crate::{ConnectionId, QueueId, Refusal, ShardIndex, Time};
use std::sync::Arc;

const KIND: DestinationKind = DestinationKind::Queue;
const DEAD_LETTER_EXCHANGE: &str = "x-dead-letter-exchange";

/// A queue as it is to be.
#[derive(Clone, PartialEq, Debug)]
pub struct DeclareQueue {
    /// Survives a restart.
    pub durable: bool,
    /// Only for the caller's connection, and gone with it.
    pub exclusive: bool,
    /// Deleted when its last consumer goes.
    pub auto_delete: bool,
    /// The door made up the name (`amq.gen-…`), since the client gave none.
    pub server_named: bool,
    /// The arguments.
    pub arguments: Table,
}

/// A queue that is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    /// The queue.
    pub queue: QueueId,
    /// Its name, which is what the client gave, without line breaks.
    pub name: Arc<str>,
    /// Whether it was made: the shard has to be told.
    pub created: bool,
}

/// A queue that is no more: the shard has to be told.
#[derive(Clone, PartialEq, Debug)]
pub struct DeletedQueue {
    /// The queue as it was.
    pub queue: Arc<Queue>,
    /// The exchanges that went with their last binding.
    pub exchanges: Vec<Arc<str>>,
}

impl Catalog {
    /// Makes sure that a queue is there, as asked.
    ///
    /// # Errors
    /// [`crate::Cause::AccessRefused`] without the permission to configure it, without those for its dead-letter
    /// exchange, and for names `amq.*`; [`crate::Cause::ResourceLocked`] if it is another connection's;
    /// [`crate::Cause::PreconditionFailed`] for arguments that do not fit, a queue that is there but different,
    /// one more than the vhost may have, and for streams.
    pub fn declare_queue(
        &mut self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
        declare: DeclareQueue,
    ) -> Result<Declared, Refusal> {
        self.create_queue(caller, vhost, name, declare, Attributes::default())
    }

    /// Makes sure that a queue is there, as [`Catalog::declare_queue`] does; a new one has these attributes from its
    /// first moment, and one that was there keeps its own.
    ///
    /// # Errors
    /// As those of [`Catalog::declare_queue`].
    pub fn create_queue(
        &mut self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
        declare: DeclareQueue,
        attributes: Attributes,
    ) -> Result<Declared, Refusal> {
        let name = &*clean(name);
        if declare.server_named {
            check_length(KIND.name(), name)?;
        } else {
            check_name(caller, KIND.name(), name)?;
        }
        self.check_configure(caller, vhost, KIND, name)?;
        let found = self.state.vhost(vhost)?;
        let thing = described(KIND.name(), name, vhost);
        let kind = arguments::kind(&thing, &declare, found.default_queue_kind)?;
        if let Some(queue) = found.queues.get(name) {
            equivalence::check_queue(caller, queue, kind, &declare)?;
            return Ok(Declared { queue: queue.id, name: queue.name.clone(), created: false });
        }
        self.check_dead_lettering(caller, vhost, name, &declare.arguments)?;
        arguments::check(&thing, kind, &declare.arguments)?;
        check_room(found, name)?;
        check_kind(&thing, kind, &declare)?;
        self.add_queue(caller.connection, vhost, name, (kind, declare, attributes))
    }

    /// The queue, if it is there: a passive declaration.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] if it is not; [`crate::Cause::AccessRefused`] without any permission on it;
    /// [`crate::Cause::ResourceLocked`] if it is another connection's.
    pub fn declare_queue_passively(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
    ) -> Result<&Arc<Queue>, Refusal> {
        let name = &*clean(name);
        self.check_any(caller, vhost, KIND, name)?;
        self.usable_queue(caller, vhost, name)
    }

    /// The queue of that name, for the caller to consume, get from or purge. Its permissions are not checked.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] if there is none; [`crate::Cause::ResourceLocked`] if it is another connection's.
    pub fn usable_queue(&self, caller: Caller<'_>, vhost: &str, name: &str) -> Result<&Arc<Queue>, Refusal> {
        let Some(queue) = self.state.vhost(vhost)?.queues.get(name) else {
            return Err(Refusal::not_found(format!("no {}", described(KIND.name(), name, vhost))));
        };
        queue.check_owner(caller)?;
        Ok(queue)
    }

    /// The queue that the caller is about to delete, so that its consumers and messages can be looked at first:
    /// only the shard knows whether it is unused or empty. `None` if there is none, which is no error.
    ///
    /// # Errors
    /// [`crate::Cause::AccessRefused`] without the permission to configure it; [`crate::Cause::ResourceLocked`] if
    /// it is another connection's.
    pub fn deletable_queue(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
    ) -> Result<Option<&Arc<Queue>>, Refusal> {
        let name = &*clean(name);
        self.check_configure(caller, vhost, KIND, name)?;
        let Some(queue) = self.state.vhost(vhost)?.queues.get(name) else { return Ok(None) };
        queue.check_owner(caller)?;
        Ok(Some(queue))
    }

    /// Deletes a queue with all bindings to it, and the exchanges that were to go with their last one. `None` if
    /// there is none, which is no error.
    ///
    /// # Errors
    /// As those of [`Catalog::deletable_queue`].
    pub fn delete_queue(
        &mut self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
    ) -> Result<Option<DeletedQueue>, Refusal> {
        match self.deletable_queue(caller, vhost, name)?.map(|queue| queue.id) {
            Some(queue) => self.remove_queue(queue),
            None => Ok(None),
        }
    }

    /// Deletes a queue on the broker's own account: it is unused, or its connection is gone. `None` if there is
    /// none any more.
    ///
    /// # Errors
    /// [`crate::Cause::Internal`] if the log refuses.
    pub fn remove_queue(&mut self, queue: QueueId) -> Result<Option<DeletedQueue>, Refusal> {
        self.remove_queue_with(queue, None)
    }

    /// Deletes a queue as [`Catalog::remove_queue`] does, and remembers its name for a while from `now` on: see
    /// [`Catalog::is_retired`].
    ///
    /// # Errors
    /// [`crate::Cause::Internal`] if the log refuses.
    pub fn retire_queue(&mut self, queue: QueueId, now: Time) -> Result<Option<DeletedQueue>, Refusal> {
        self.remove_queue_with(queue, Some(now))
    }

    /// Whether a queue of this name was deleted by [`Catalog::retire_queue`] less than a minute ago. No declaration
    /// is refused for it: that is for the door to do whose clients expect it (SQS's `QueueDeletedRecently`).
    pub fn is_retired(&self, vhost: &str, name: &str, now: Time) -> bool {
        self.state.vhosts.get(vhost).is_some_and(|vhost| vhost.retired_names.contains(name, now))
    }

    fn remove_queue_with(
        &mut self,
        queue: QueueId,
        retired_at: Option<Time>,
    ) -> Result<Option<DeletedQueue>, Refusal> {
        let Some(queue) = self.state.queues.get(&queue).cloned() else { return Ok(None) };
        let vhost = self.state.vhost(&queue.vhost)?;
        let mut facts = vec![Fact::QueueDeleted { id: queue.id }];
        let retired = |at| Fact::QueueNameRetired { vhost: vhost.name.clone(), name: queue.name.clone(), at };
        facts.extend(retired_at.map(retired));
        facts.extend(Cascade::without_queue(vhost, &queue).facts());
        let deleted = |fact: &Fact| match fact {
            Fact::ExchangeDeleted { name, .. } => Some(name.clone()),
            _ => None,
        };
        let exchanges = facts.iter().filter_map(deleted).collect();
        self.commit(facts)?;
        Ok(Some(DeletedQueue { queue, exchanges }))
    }

    fn add_queue(
        &mut self,
        connection: Option<ConnectionId>,
        vhost: &str,
        name: &str,
        (kind, declare, attributes): (QueueKind, DeclareQueue, Attributes),
    ) -> Result<Declared, Refusal> {
        let vhost = self.state.vhost(vhost)?.name.clone();
        let serials = &self.state.serials;
        let serial = serials.next;
        let mut facts = Vec::with_capacity(3);
        facts.extend(serials.due().map(|below| Fact::SerialsReserved { below }));
        let shard = route::hash(&[vhost.as_bytes(), name.as_bytes()]) % u64::from(self.shards);
        // A remainder by a number of 16 bits has no more of them.
        let id = QueueId::new(ShardIndex(shard as u16), serial);
        let name: Arc<str> = name.into();
        facts.push(Fact::QueueDeclared {
            id,
            vhost,
            name: name.clone(),
            kind,
            durable: declare.durable && !declare.exclusive,
            auto_delete: declare.auto_delete,
            exclusive_owner: connection.filter(|_| declare.exclusive),
            arguments: declare.arguments,
        });
        if !attributes.is_empty() {
            facts.push(Fact::QueueAttributesSet { id, attributes });
        }
        self.state.serials.next += 1;
        self.commit(facts)?;
        Ok(Declared { queue: id, name, created: true })
    }

    fn check_dead_lettering(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
        arguments: &Table,
    ) -> Result<(), Refusal> {
        let Some(value) = arguments.get(DEAD_LETTER_EXCHANGE) else { return Ok(()) };
        let Some(exchange) = value.as_str() else {
            let thing = described(KIND.name(), name, vhost);
            return Err(equivalence::invalid_type(value, DEAD_LETTER_EXCHANGE, &thing));
        };
        self.check_forwarding(caller, vhost, (KIND, name), exchange)
    }
}

fn check_room(vhost: &Vhost, name: &str) -> Result<(), Refusal> {
    match vhost.limits.max_queues {
        Some(limit) if vhost.queues.len() >= limit as usize => Err(Refusal::precondition(format!(
            "cannot declare queue '{name}': queue limit in vhost '{}' ({limit}) is reached",
            vhost.name
        ))),
        _ => Ok(()),
    }
}

/// What a quorum queue cannot be.
fn check_kind(thing: &str, kind: QueueKind, declare: &DeclareQueue) -> Result<(), Refusal> {
    if kind == QueueKind::Classic {
        return Ok(());
    }
    if declare.server_named {
        return Err(Refusal::precondition(format!(
            "Cannot declare a server-named queue for type {}",
            kind.module()
        )));
    }
    let invalid = |property| Err(Refusal::precondition(format!("invalid property '{property}' for {thing}")));
    match declare {
        DeclareQueue { auto_delete: true, .. } => invalid("auto-delete"),
        DeclareQueue { exclusive: true, .. } => invalid("exclusive-owner"),
        DeclareQueue { durable: false, .. } => invalid("non-durable"),
        _ => Ok(()),
    }
}
