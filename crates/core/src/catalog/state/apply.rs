//! The only mutator. It cannot fail: a fact about a thing that is not there changes nothing, and one that was
//! applied before changes nothing again. Whether a fact is allowed is decided before it is written.

use super::binding::{Binding, Destination, DestinationKind};
use super::exchange::Exchange;
use super::queue::Queue;
use super::vhost::Vhost;
use super::{Attributes, Serials, State, Target};
use crate::catalog::access::{Permission, TopicPermission, User};
use crate::catalog::fact::Fact;
use crate::catalog::policy::{self, Policy, PolicyScope};
use std::sync::Arc;

impl State {
    /// Applies one fact.
    pub(in crate::catalog) fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::SerialsReserved { below } => self.serials.reserved = self.serials.reserved.max(below),
            Fact::ParameterPut { name, value } => {
                self.parameters.insert(name, value);
            }
            Fact::ParameterCleared { name } => {
                self.parameters.remove(&name);
            }
            Fact::VhostPut { .. }
            | Fact::VhostLimitsSet { .. }
            | Fact::VhostProtectionSet { .. }
            | Fact::QueueNameRetired { .. }
            | Fact::VhostDeleted { .. } => self.apply_to_vhost(fact),
            Fact::UserPut { .. }
            | Fact::UserLimitsSet { .. }
            | Fact::UserDeleted { .. }
            | Fact::AccessKeyPut { .. }
            | Fact::AccessKeyDeleted { .. }
            | Fact::PermissionPut { .. }
            | Fact::PermissionCleared { .. }
            | Fact::TopicPermissionPut { .. }
            | Fact::TopicPermissionCleared { .. } => self.apply_to_user(fact),
            Fact::PolicyPut { .. } | Fact::PolicyCleared { .. } => self.apply_to_policies(fact),
            Fact::ExchangeDeclared { .. }
            | Fact::ExchangeDeleted { .. }
            | Fact::QueueDeclared { .. }
            | Fact::QueueDeleted { .. }
            | Fact::Bound { .. }
            | Fact::Unbound { .. } => self.apply_to_routes(fact),
            Fact::MoveTaskPut { id, task } => {
                self.move_tasks.insert(id, task);
            }
            Fact::MoveTaskForgotten { id } => {
                self.move_tasks.remove(&id);
            }
            Fact::QueueAttributesSet { .. } | Fact::ExchangeAttributesSet { .. } => {
                self.apply_to_attributes(fact)
            }
        }
    }

    fn apply_to_vhost(&mut self, fact: Fact) {
        match fact {
            Fact::VhostPut { name, description, tags, default_queue_kind } => {
                let vhost = self.vhosts.entry(name.clone()).or_insert_with(|| Vhost::new(name));
                vhost.description = description;
                vhost.tags = tags;
                vhost.default_queue_kind = default_queue_kind;
            }
            Fact::VhostLimitsSet { name, limits } => {
                if let Some(vhost) = self.vhosts.get_mut(&name) {
                    vhost.limits = limits;
                }
            }
            Fact::VhostProtectionSet { name, protected } => {
                if let Some(vhost) = self.vhosts.get_mut(&name) {
                    vhost.protected_from_deletion = protected;
                }
            }
            Fact::QueueNameRetired { vhost, name, at } => {
                if let Some(vhost) = self.vhosts.get_mut(&vhost) {
                    vhost.retired_names.add(name, at);
                }
            }
            Fact::VhostDeleted { name } => {
                let Some(vhost) = self.vhosts.remove(&name) else { return };
                for queue in vhost.queues.values() {
                    self.forget(queue);
                }
                self.move_tasks.retain(|_, task| task.vhost != name);
                for user in self.users.values_mut() {
                    user.permissions.remove(&name);
                    user.topic_permissions.remove(&name);
                }
            }
            _ => {}
        }
    }

    fn apply_to_user(&mut self, fact: Fact) {
        match fact {
            Fact::UserPut { name, password, tags } => {
                let user = self.users.entry(name.clone()).or_insert_with(|| User::new(name));
                user.password = password;
                user.tags = tags;
            }
            Fact::UserLimitsSet { name, limits } => {
                if let Some(user) = self.users.get_mut(&name) {
                    user.limits = limits;
                }
            }
            Fact::UserDeleted { name } => {
                self.users.remove(&name);
                self.access_keys.retain(|_, key| key.user != name);
            }
            // One of a user that is gone would outlive it for ever.
            Fact::AccessKeyPut { key } if self.users.contains_key(&key.user) => {
                self.access_keys.insert(key.id.clone(), key);
            }
            Fact::AccessKeyDeleted { id } => {
                self.access_keys.remove(&id);
            }
            Fact::PermissionPut { user, vhost, configure, write, read } => {
                if let Some(found) = self.users.get_mut(&user) {
                    found.permissions.insert(vhost, Permission::new(configure, write, read));
                }
            }
            Fact::PermissionCleared { user, vhost } => {
                if let Some(found) = self.users.get_mut(&user) {
                    found.permissions.remove(&vhost);
                }
            }
            Fact::TopicPermissionPut { user, vhost, exchange, write, read } => {
                if let Some(found) = self.users.get_mut(&user) {
                    let permission = TopicPermission::new(write, read, &vhost, &user);
                    found.topic_permissions.entry(vhost).or_default().insert(exchange, permission);
                }
            }
            Fact::TopicPermissionCleared { user, vhost, exchange } => {
                if let Some(found) = self.users.get_mut(&user) {
                    found.clear_topic_permission(&vhost, exchange.as_deref());
                }
            }
            _ => {}
        }
    }

    fn apply_to_attributes(&mut self, fact: Fact) {
        match fact {
            Fact::QueueAttributesSet { id, attributes } => {
                let Some(queue) = self.queues.get(&id) else { return };
                let Some(vhost) = self.vhosts.get_mut(&queue.vhost) else { return };
                let queue = Queue { attributes, ..(**queue).clone() };
                let queue = Arc::new(vhost.with_policies(&queue));
                vhost.queues.insert(queue.name.clone(), queue.clone());
                self.queues.insert(id, queue);
            }
            Fact::ExchangeAttributesSet { vhost, name, attributes } => {
                let vhost = self.vhosts.get_mut(&vhost);
                if let Some(exchange) = vhost.and_then(|vhost| vhost.exchanges.get_mut(&name)) {
                    exchange.attributes = attributes;
                }
            }
            _ => {}
        }
    }

    fn apply_to_policies(&mut self, fact: Fact) {
        let (vhost, scope, name, policy) = match fact {
            Fact::PolicyPut { vhost, scope, name, pattern, apply_to, priority, definition } => {
                let policy = Policy::new(name.clone(), pattern, apply_to, priority, definition);
                (vhost, scope, name, Some(policy))
            }
            Fact::PolicyCleared { vhost, scope, name } => (vhost, scope, name, None),
            _ => return,
        };
        let Some(vhost) = self.vhosts.get_mut(&vhost) else { return };
        let policies = match scope {
            PolicyScope::User => &mut vhost.policies,
            PolicyScope::Operator => &mut vhost.operator_policies,
        };
        policies.remove(&name);
        if let Some(policy) = policy {
            policies.put(policy);
        }
        for queue in vhost.reconsider() {
            self.queues.insert(queue.id, queue);
        }
    }

    fn apply_to_routes(&mut self, fact: Fact) {
        match fact {
            Fact::ExchangeDeclared { vhost, name, kind, durable, auto_delete, internal, arguments } => {
                let Some(vhost) = self.vhosts.get_mut(&vhost) else { return };
                let Some(exchange) = Exchange::new(name, &kind, arguments) else { return };
                vhost.add_exchange(Exchange { durable, auto_delete, internal, ..exchange });
            }
            Fact::ExchangeDeleted { vhost, name } => {
                if let Some(vhost) = self.vhosts.get_mut(&vhost) {
                    vhost.remove_exchange(&name);
                }
            }
            Fact::QueueDeclared {
                id,
                vhost,
                name,
                kind,
                durable,
                auto_delete,
                exclusive_owner,
                arguments,
            } => {
                let settings = crate::QueueSettings::default();
                let (policy, operator_policy) = (None, None);
                self.add_queue(Queue {
                    id,
                    vhost,
                    name,
                    kind,
                    durable,
                    auto_delete,
                    exclusive_owner,
                    arguments,
                    attributes: Attributes::default(),
                    settings,
                    policy,
                    operator_policy,
                });
            }
            Fact::QueueDeleted { id } => {
                let Some(queue) = self.queues.get(&id).cloned() else { return };
                self.forget(&queue);
                if let Some(vhost) = self.vhosts.get_mut(&queue.vhost) {
                    vhost.remove_queue(&queue);
                }
            }
            Fact::Bound { vhost, source, kind, destination, routing_key, arguments } => {
                if let Some(vhost) = self.vhosts.get_mut(&vhost) {
                    let destination = Destination { kind, name: destination };
                    vhost.bind(Binding::new(source, destination, routing_key, arguments));
                }
            }
            Fact::Unbound { vhost, source, kind, destination, routing_key, arguments } => {
                if let Some(vhost) = self.vhosts.get_mut(&vhost) {
                    let destination = Destination { kind, name: destination };
                    vhost.unbind(&Binding::new(source, destination, routing_key, arguments));
                }
            }
            _ => {}
        }
    }

    fn add_queue(&mut self, queue: Queue) {
        let Some(vhost) = self.vhosts.get_mut(&queue.vhost) else { return };
        if vhost.queues.contains_key(&queue.name) {
            return;
        }
        let queue = Arc::new(vhost.with_policies(&queue));
        vhost.queues.insert(queue.name.clone(), queue.clone());
        if let Some(owner) = queue.exclusive_owner {
            self.owned.entry(owner).or_default().insert(queue.id);
        }
        self.queues.insert(queue.id, queue);
    }

    /// Takes a queue out of the indexes over all vhosts.
    fn forget(&mut self, queue: &Queue) {
        self.queues.remove(&queue.id);
        let Some(owner) = queue.exclusive_owner else { return };
        if let Some(owned) = self.owned.get_mut(&owner) {
            owned.remove(&queue.id);
            if owned.is_empty() {
                self.owned.remove(&owner);
            }
        }
    }
}

impl Serials {
    /// Ends a replay: nobody knows any more which of the reserved numbers were used, so all of them count as used.
    pub(in crate::catalog) fn skip_reserved(&mut self) {
        self.next = self.next.max(self.reserved);
    }
}

impl Vhost {
    fn add_exchange(&mut self, mut exchange: Exchange) {
        if self.exchanges.contains_key(&exchange.name) {
            return;
        }
        self.set_policies(&mut exchange);
        self.exchanges.insert(exchange.name.clone(), exchange);
    }

    fn remove_exchange(&mut self, name: &str) {
        let Some(exchange) = self.exchanges.remove(name) else { return };
        for binding in &exchange.outgoing {
            self.detach(binding);
        }
        for binding in &exchange.incoming {
            if let Some(source) = self.exchanges.get_mut(&binding.source) {
                source.remove(binding, &Target::Exchange(exchange.name.clone()));
            }
        }
    }

    fn remove_queue(&mut self, queue: &Queue) {
        self.queues.remove(&queue.name);
        for binding in self.incoming.remove(&queue.id).unwrap_or_default() {
            if let Some(source) = self.exchanges.get_mut(&binding.source) {
                source.remove(&binding, &Target::Queue(queue.id));
            }
        }
    }

    fn bind(&mut self, binding: Binding) {
        let Some(target) = self.target(&binding.destination) else { return };
        let binding = Arc::new(binding);
        let Some(source) = self.exchanges.get_mut(&binding.source) else { return };
        source.add(&binding, target.clone());
        match target {
            Target::Queue(queue) => {
                self.incoming.entry(queue).or_default().insert(binding);
            }
            Target::Exchange(name) => {
                if let Some(exchange) = self.exchanges.get_mut(&name) {
                    exchange.incoming.insert(binding);
                }
            }
        }
    }

    fn unbind(&mut self, binding: &Binding) {
        let Some(target) = self.target(&binding.destination) else { return };
        let Some(source) = self.exchanges.get_mut(&binding.source) else { return };
        let Some(binding) = source.outgoing.get(binding).cloned() else { return };
        source.remove(&binding, &target);
        self.detach(&binding);
    }

    /// Takes a binding from the list of its destination.
    fn detach(&mut self, binding: &Arc<Binding>) {
        let Destination { kind, name } = &binding.destination;
        match kind {
            DestinationKind::Exchange => {
                if let Some(exchange) = self.exchanges.get_mut(name) {
                    exchange.incoming.remove(binding);
                }
            }
            DestinationKind::Queue => {
                let Some(queue) = self.queues.get(name) else { return };
                let Some(incoming) = self.incoming.get_mut(&queue.id) else { return };
                incoming.remove(binding);
                if incoming.is_empty() {
                    self.incoming.remove(&queue.id);
                }
            }
        }
    }

    /// Finds the policies of everything anew. Answers the queues whose record changed.
    fn reconsider(&mut self) -> Vec<Arc<Queue>> {
        let mut exchanges = std::mem::take(&mut self.exchanges);
        for exchange in exchanges.values_mut() {
            self.set_policies(exchange);
        }
        self.exchanges = exchanges;
        let changed: Vec<_> = self
            .queues
            .values()
            .map(|queue| (queue, self.with_policies(queue)))
            .filter(|(old, new)| ***old != *new)
            .map(|(_, new)| Arc::new(new))
            .collect();
        for queue in &changed {
            self.queues.insert(queue.name.clone(), queue.clone());
        }
        changed
    }

    fn set_policies(&self, exchange: &mut Exchange) {
        let found = self.exchange_policies(&exchange.name);
        exchange.policy = found.policy.map(|policy| policy.name.clone());
        exchange.operator_policy = found.operator.map(|policy| policy.name.clone());
        // The default exchange leads to the queue of the key's name or nowhere, whatever a policy for `.*` says:
        // RabbitMQ routes there before it looks for an alternate.
        let alternate = || policy::alternate_exchange(&exchange.arguments, found);
        exchange.alternate = if exchange.name.is_empty() { None } else { alternate() };
    }

    /// The queue, under the policies that apply to it now.
    fn with_policies(&self, queue: &Queue) -> Queue {
        let found = self.queue_policies(&queue.name, queue.kind);
        let mut queue = queue.clone();
        queue.policy = found.policy.map(|policy| policy.name.clone());
        queue.operator_policy = found.operator.map(|policy| policy.name.clone());
        queue.settings = policy::settings(&queue, found);
        queue
    }
}
