//! An exchange: its declaration, its bindings, and the router that they fill.

use super::Attributes;
use super::binding::{Binding, Target};
use crate::catalog::route::{self, Router};
use crate::wire::Table;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An exchange.
#[derive(Debug)]
pub struct Exchange {
    /// Its name; empty for the default exchange.
    pub name: Arc<str>,
    /// The name of its kind, such as `topic`.
    pub kind: &'static str,
    /// Survives a restart.
    pub durable: bool,
    /// Deleted when the last binding from it is removed.
    pub auto_delete: bool,
    /// Not for clients to publish to.
    pub internal: bool,
    /// The arguments it was declared with.
    pub arguments: Table,
    /// What may change of it, and its tags.
    pub attributes: Attributes,
    /// Where what it cannot route goes: its argument or, failing that, its policy.
    pub alternate: Option<Arc<str>>,
    /// The policy that applies to it.
    pub policy: Option<Arc<str>>,
    /// The operator policy that applies to it.
    pub operator_policy: Option<Arc<str>>,
    /// Messages wait, as long as their header `x-delay` says, before they are in the queues.
    pub delayed: bool,
    pub(in crate::catalog) router: Box<dyn Router>,
    /// The bindings from it.
    pub(in crate::catalog) outgoing: BTreeSet<Arc<Binding>>,
    /// The bindings to it.
    pub(in crate::catalog) incoming: BTreeSet<Arc<Binding>>,
}

/// The exchanges that every vhost has: name, kind, internal. They are durable and cannot be deleted.
const PREDECLARED: [(&str, &str, bool); 7] = [
    ("", "direct", false),
    ("amq.direct", "direct", false),
    ("amq.fanout", "fanout", false),
    ("amq.headers", "headers", false),
    ("amq.match", "headers", false),
    ("amq.rabbitmq.trace", "topic", true),
    ("amq.topic", "topic", false),
];

impl Exchange {
    /// An exchange without bindings or policies; `None` if there is no such kind or its arguments do not fit it.
    pub(super) fn new(name: Arc<str>, kind: &str, arguments: Table) -> Option<Exchange> {
        let kind = route::kind(kind)?;
        let router = kind.router(&arguments).ok()?;
        Some(Exchange {
            name,
            kind: kind.name(),
            durable: true,
            auto_delete: false,
            internal: false,
            arguments,
            attributes: Attributes::default(),
            alternate: None,
            policy: None,
            operator_policy: None,
            delayed: kind.delays(),
            router,
            outgoing: BTreeSet::new(),
            incoming: BTreeSet::new(),
        })
    }

    /// The exchanges that every vhost has.
    pub(super) fn predeclared() -> impl Iterator<Item = Exchange> {
        PREDECLARED.iter().filter_map(|(name, kind, internal)| {
            let exchange = Exchange::new((*name).into(), kind, Table::new())?;
            Some(Exchange { internal: *internal, ..exchange })
        })
    }

    /// Whether it is one of those that every vhost has.
    pub fn is_predeclared(&self) -> bool {
        PREDECLARED.iter().any(|(name, ..)| *name == &*self.name)
    }

    /// How many bindings lead from it.
    pub fn binding_count(&self) -> usize {
        self.outgoing.len()
    }

    pub(super) fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        if self.outgoing.insert(binding.clone()) {
            self.router.add(binding, target);
        }
    }

    pub(super) fn remove(&mut self, binding: &Arc<Binding>, target: &Target) {
        if self.outgoing.remove(binding) {
            self.router.remove(binding, target);
        }
    }
}
