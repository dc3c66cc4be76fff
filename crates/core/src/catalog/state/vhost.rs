//! A vhost: a name space of exchanges, queues, bindings and policies.

use super::binding::{Binding, Destination, DestinationKind, Target};
use super::exchange::Exchange;
use super::queue::{Queue, QueueKind};
use super::retired_names::RetiredNames;
use crate::QueueId;
use crate::catalog::policy::{Matched, Policies};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A vhost.
#[derive(Debug)]
pub struct Vhost {
    /// Its name.
    pub name: Arc<str>,
    /// What an operator wrote about it.
    pub description: Arc<str>,
    /// What an operator sorts it by.
    pub tags: Vec<Arc<str>>,
    /// The type of a queue whose declaration names none, where that type fits it.
    pub default_queue_kind: QueueKind,
    /// Its limits.
    pub limits: VhostLimits,
    /// Whether it cannot be deleted until this is taken back.
    pub protected_from_deletion: bool,
    pub(in crate::catalog) exchanges: BTreeMap<Arc<str>, Exchange>,
    /// Looked up on every publish, so by hash, and by one whose collisions no client can make. Whoever lists them
    /// sorts them.
    pub(in crate::catalog) queues: HashMap<Arc<str>, Arc<Queue>>,
    /// The bindings to each queue that has any.
    pub(super) incoming: FxHashMap<QueueId, BTreeSet<Arc<Binding>>>,
    pub(in crate::catalog) policies: Policies,
    pub(in crate::catalog) operator_policies: Policies,
    pub(in crate::catalog) retired_names: RetiredNames,
}

/// The limits of a vhost; `None` is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct VhostLimits {
    /// Connections at once.
    pub max_connections: Option<u32>,
    /// Queues.
    pub max_queues: Option<u32>,
}

impl Vhost {
    pub(super) fn new(name: Arc<str>) -> Vhost {
        Vhost {
            name,
            description: "".into(),
            tags: Vec::new(),
            default_queue_kind: QueueKind::Classic,
            limits: VhostLimits::default(),
            protected_from_deletion: false,
            exchanges: Exchange::predeclared().map(|exchange| (exchange.name.clone(), exchange)).collect(),
            queues: HashMap::new(),
            incoming: FxHashMap::default(),
            policies: Policies::default(),
            operator_policies: Policies::default(),
            retired_names: RetiredNames::default(),
        }
    }

    /// How many queues it has.
    pub fn queue_count(&self) -> usize {
        self.queues.len()
    }

    /// The bindings to a queue or exchange, in order.
    pub(in crate::catalog) fn bindings_to(
        &self,
        destination: &Destination,
    ) -> impl Iterator<Item = &Arc<Binding>> {
        let found = match destination.kind {
            DestinationKind::Exchange => {
                self.exchanges.get(&destination.name).map(|exchange| &exchange.incoming)
            }
            DestinationKind::Queue => {
                self.queues.get(&destination.name).and_then(|queue| self.incoming.get(&queue.id))
            }
        };
        found.into_iter().flatten()
    }

    /// The destination as routing follows it, if it is there.
    pub(super) fn target(&self, destination: &Destination) -> Option<Target> {
        match destination.kind {
            DestinationKind::Queue => self.queues.get(&destination.name).map(|queue| Target::Queue(queue.id)),
            DestinationKind::Exchange => {
                self.exchanges.get(&destination.name).map(|exchange| Target::Exchange(exchange.name.clone()))
            }
        }
    }

    /// Whether both ends of a binding survive a restart, and so does the binding.
    pub(super) fn binding_is_durable(&self, source: &str, destination: &Destination) -> bool {
        let end = match destination.kind {
            DestinationKind::Queue => self.queues.get(&destination.name).map(|queue| queue.durable),
            DestinationKind::Exchange => {
                self.exchanges.get(&destination.name).map(|exchange| exchange.durable)
            }
        };
        end == Some(true) && self.exchanges.get(source).is_some_and(|exchange| exchange.durable)
    }

    /// The policy and the operator policy that apply to a queue.
    pub(super) fn queue_policies(&self, name: &str, kind: QueueKind) -> Matched<'_> {
        Matched {
            policy: self.policies.for_queue(name, kind),
            operator: self.operator_policies.for_queue(name, kind),
        }
    }

    /// The policy and the operator policy that apply to an exchange.
    pub(super) fn exchange_policies(&self, name: &str) -> Matched<'_> {
        Matched {
            policy: self.policies.for_exchange(name),
            operator: self.operator_policies.for_exchange(name),
        }
    }
}
