//! Finding and listing what there is. Lists are in the order of names, so that pages of them stay in place.

use crate::catalog::{Binding, Catalog, Destination, Exchange, Policy, PolicyScope, Queue, User, Vhost};
use crate::{ConnectionId, QueueId};
use std::sync::Arc;

impl Catalog {
    /// The vhost of that name.
    pub fn vhost(&self, name: &str) -> Option<&Vhost> {
        self.state.vhosts.get(name)
    }

    /// All vhosts.
    pub fn vhosts(&self) -> impl Iterator<Item = &Vhost> {
        self.state.vhosts.values()
    }

    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.state.users.get(name)
    }

    /// Whether there is a user of that name and it has the tag.
    pub fn has_tag(&self, user: &str, tag: &str) -> bool {
        self.user(user).is_some_and(|user| user.has_tag(tag))
    }

    /// All users.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.state.users.values()
    }

    /// The exchange of that name.
    pub fn exchange(&self, vhost: &str, name: &str) -> Option<&Exchange> {
        self.vhost(vhost)?.exchanges.get(name)
    }

    /// The exchanges of a vhost, the predeclared ones among them.
    pub fn exchanges(&self, vhost: &str) -> impl Iterator<Item = &Exchange> {
        self.vhost(vhost).into_iter().flat_map(|vhost| vhost.exchanges.values())
    }

    /// The queue of that name.
    pub fn queue(&self, vhost: &str, name: &str) -> Option<&Arc<Queue>> {
        self.vhost(vhost)?.queues.get(name)
    }

    /// The queue of that id.
    pub fn queue_by_id(&self, queue: QueueId) -> Option<&Arc<Queue>> {
        self.state.queues.get(&queue)
    }

    /// The queues of a vhost.
    pub fn queues(&self, vhost: &str) -> Vec<&Arc<Queue>> {
        let mut queues: Vec<_> =
            self.vhost(vhost).into_iter().flat_map(|vhost| vhost.queues.values()).collect();
        queues.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        queues
    }

    /// All queues of all vhosts, in the order of their ids: those of one shard stand together.
    pub fn all_queues(&self) -> Vec<&Arc<Queue>> {
        let mut queues: Vec<_> = self.state.queues.values().collect();
        queues.sort_unstable_by_key(|queue| queue.id);
        queues
    }

    /// The exclusive queues of a connection, which go with it.
    pub fn queues_of(&self, connection: ConnectionId) -> impl Iterator<Item = QueueId> {
        self.state.owned.get(&connection).into_iter().flatten().copied()
    }

    /// The bindings of a vhost, without those of the default exchange, which leads to every queue.
    pub fn bindings(&self, vhost: &str) -> impl Iterator<Item = &Arc<Binding>> {
        self.exchanges(vhost).flat_map(|exchange| &exchange.outgoing)
    }

    /// The bindings from an exchange.
    pub fn bindings_from(&self, vhost: &str, exchange: &str) -> impl Iterator<Item = &Arc<Binding>> {
        self.exchange(vhost, exchange).into_iter().flat_map(|exchange| &exchange.outgoing)
    }

    /// The bindings to a queue or exchange.
    pub fn bindings_to(&self, vhost: &str, destination: &Destination) -> impl Iterator<Item = &Arc<Binding>> {
        self.vhost(vhost).into_iter().flat_map(|vhost| vhost.bindings_to(destination))
    }

    /// The policies of a vhost, those that win first.
    pub fn policies(&self, vhost: &str, scope: PolicyScope) -> impl Iterator<Item = &Policy> {
        self.vhost(vhost).into_iter().flat_map(move |vhost| match scope {
            PolicyScope::User => vhost.policies.iter(),
            PolicyScope::Operator => vhost.operator_policies.iter(),
        })
    }

    /// The broker's global parameters.
    pub fn parameters(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<[u8]>)> {
        self.state.parameters.iter()
    }
}
