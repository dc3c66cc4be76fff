//! Binding and unbinding, and the exchanges that go with their last binding.

use super::clean;
use super::exchange::check_not_default;
use crate::catalog::state::{Binding, Destination, DestinationKind, Exchange, Queue, Vhost, described};
use crate::catalog::{Caller, Catalog, Fact};
use crate::limits::NAME_BYTES;
use crate::wire::Table;
use crate::{Cause, Refusal};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What RabbitMQ names the queues of direct reply-to by: they are none, and cannot be bound.
const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// A binding as it is to be, or to be no more.
#[derive(Clone, PartialEq, Debug)]
pub struct NewBinding<'a> {
    /// The exchange that messages come from.
    pub source: &'a str,
    /// Whether they go to a queue or to an exchange.
    pub kind: DestinationKind,
    /// The name of where they go.
    pub destination: &'a str,
    /// The binding key.
    pub routing_key: &'a str,
    /// The arguments. Bindings that differ only in them are different.
    pub arguments: Table,
}

impl Catalog {
    /// Makes sure that a binding is there. Answers whether it was made.
    ///
    /// # Errors
    /// [`Cause::AccessRefused`] without the permissions to write to the destination and to read from the source, and
    /// for the default exchange; [`Cause::NotFound`] if an end is not there; [`Cause::ResourceLocked`] for another
    /// connection's exclusive queue; [`Cause::PreconditionFailed`] for a key or arguments that do not fit the
    /// source's kind.
    pub fn bind(&mut self, caller: Caller<'_>, vhost: &str, new: NewBinding<'_>) -> Result<bool, Refusal> {
        let binding = self.check_bind(caller, vhost, new)?;
        let found = self.state.vhost(vhost)?;
        let missing = |kind: DestinationKind, name: &str| {
            Refusal::not_found(format!("no {}", described(kind.name(), name, vhost)))
        };
        let Some(source) = found.exchanges.get(&binding.source) else {
            return Err(missing(DestinationKind::Exchange, &binding.source));
        };
        let Destination { kind, name } = &binding.destination;
        match kind {
            DestinationKind::Exchange if found.exchanges.contains_key(name) => {}
            DestinationKind::Queue if found.queues.contains_key(name) => {}
            _ => return Err(missing(*kind, name)),
        }
        check_owner(caller, found, &binding.destination)?;
        source.router.check(&binding)?;
        if source.outgoing.contains(&binding) {
            return Ok(false);
        }
        let vhost = found.name.clone();
        let Binding { source, destination: Destination { kind, name }, routing_key, arguments, .. } = binding;
        self.commit(vec![Fact::Bound { vhost, source, kind, destination: name, routing_key, arguments }])?;
        Ok(true)
    }

    /// Removes a binding, and the exchanges that were to go with their last one. Answers whether there was one:
    /// none is no error.
    ///
    /// # Errors
    /// As those of [`Catalog::bind`], but for ends that are not there.
    pub fn unbind(&mut self, caller: Caller<'_>, vhost: &str, old: NewBinding<'_>) -> Result<bool, Refusal> {
        let binding = self.check_bind(caller, vhost, old)?;
        let found = self.state.vhost(vhost)?;
        let source = found.exchanges.get(&binding.source);
        let Some(binding) = source.and_then(|source| source.outgoing.get(&binding)) else { return Ok(false) };
        check_owner(caller, found, &binding.destination)?;
        let mut facts = vec![Fact::Unbound {
            vhost: found.name.clone(),
            source: binding.source.clone(),
            kind: binding.destination.kind,
            destination: binding.destination.name.clone(),
            routing_key: binding.routing_key.clone(),
            arguments: binding.arguments.clone(),
        }];
        facts.extend(Cascade::without_binding(found, binding).facts());
        self.commit(facts)?;
        Ok(true)
    }

    fn check_bind(&self, caller: Caller<'_>, vhost: &str, new: NewBinding<'_>) -> Result<Binding, Refusal> {
        let source = &*clean(new.source);
        let destination = Destination { kind: new.kind, name: clean(new.destination).into() };
        if destination.kind == DestinationKind::Queue && destination.name.starts_with(REPLY_TO) {
            return Err(Refusal::access("cannot bind or unbind to a volatile (direct reply-to) queue"));
        }
        if destination.kind == DestinationKind::Exchange {
            check_not_default(&destination.name)?;
        }
        check_not_default(source)?;
        if new.routing_key.len() > NAME_BYTES {
            return Err(Refusal::precondition(format!("binding key is longer than {NAME_BYTES} bytes")));
        }
        self.check_binding(caller, vhost, source, &destination, new.routing_key)?;
        Ok(Binding::new(source.into(), destination, new.routing_key.into(), new.arguments))
    }
}

/// Another connection's exclusive queue is not for others to bind.
fn check_owner(caller: Caller<'_>, vhost: &Vhost, destination: &Destination) -> Result<(), Refusal> {
    let queue = match destination.kind {
        DestinationKind::Queue => vhost.queues.get(&destination.name),
        DestinationKind::Exchange => None,
    };
    queue.map_or(Ok(()), |queue| queue.check_owner(caller))
}

impl Queue {
    /// Whether the caller may use the queue: an exclusive one is its connection's alone.
    ///
    /// # Errors
    /// [`Cause::ResourceLocked`] if it is another connection's.
    pub fn check_owner(&self, caller: Caller<'_>) -> Result<(), Refusal> {
        if self.exclusive_owner.is_none()
            || caller == Caller::BROKER
            || self.exclusive_owner == caller.connection
        {
            return Ok(());
        }
        Err(self.locked())
    }

    pub(super) fn locked(&self) -> Refusal {
        let thing = described(DestinationKind::Queue.name(), &self.name, &self.vhost);
        Refusal::new(
            Cause::ResourceLocked,
            format!(
                "cannot obtain exclusive access to locked {thing}. It could be originally declared on another \
                 connection or the exclusive property value does not match that of the original declaration."
            ),
        )
    }
}

/// Which exchanges go with their last binding, when some bindings go: and with each of them, the bindings to it.
pub(super) struct Cascade<'a> {
    vhost: &'a Vhost,
    /// How many bindings each source loses.
    lost: BTreeMap<&'a str, usize>,
    /// Sources that lost some since they were looked at.
    ahead: Vec<&'a str>,
    deleted: BTreeSet<&'a str>,
}

impl<'a> Cascade<'a> {
    pub(super) fn without_binding(vhost: &'a Vhost, binding: &'a Arc<Binding>) -> Cascade<'a> {
        let mut cascade = Cascade::new(vhost);
        cascade.lose([binding]);
        cascade
    }

    pub(super) fn without_queue(vhost: &'a Vhost, queue: &Queue) -> Cascade<'a> {
        let mut cascade = Cascade::new(vhost);
        let kind = DestinationKind::Queue;
        cascade.lose(vhost.bindings_to(&Destination { kind, name: queue.name.clone() }));
        cascade
    }

    pub(super) fn without_exchange(vhost: &'a Vhost, exchange: &'a Exchange) -> Cascade<'a> {
        let mut cascade = Cascade::new(vhost);
        cascade.deleted.insert(&exchange.name);
        cascade.lose(&exchange.incoming);
        cascade
    }

    fn new(vhost: &'a Vhost) -> Cascade<'a> {
        Cascade { vhost, lost: BTreeMap::new(), ahead: Vec::new(), deleted: BTreeSet::new() }
    }

    fn lose(&mut self, bindings: impl IntoIterator<Item = &'a Arc<Binding>>) {
        for binding in bindings {
            *self.lost.entry(&binding.source).or_default() += 1;
            self.ahead.push(&binding.source);
        }
    }

    /// The facts that delete those exchanges.
    pub(super) fn facts(mut self) -> Vec<Fact> {
        let mut facts = Vec::new();
        while let Some(name) = self.ahead.pop() {
            let Some(exchange) = self.vhost.exchanges.get(name).filter(|exchange| exchange.auto_delete)
            else {
                continue;
            };
            let lost_all = self.lost.get(name).copied() == Some(exchange.outgoing.len());
            if lost_all && self.deleted.insert(name) {
                let vhost = self.vhost.name.clone();
                facts.push(Fact::ExchangeDeleted { vhost, name: exchange.name.clone() });
                self.lose(&exchange.incoming);
            }
        }
        facts
    }
}
