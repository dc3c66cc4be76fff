//! What of the state survives a restart, and the facts that rebuild it.

use super::{Destination, Exchange, Queue, State, Vhost};
use crate::catalog::access::User;
use crate::catalog::fact::Fact;
use crate::catalog::policy::{Policy, PolicyScope};
use std::sync::Arc;

impl State {
    /// Whether a fact that is about to be applied must be in the log.
    pub(in crate::catalog) fn is_durable(&self, fact: &Fact) -> bool {
        match fact {
            Fact::ExchangeDeclared { durable, .. } | Fact::QueueDeclared { durable, .. } => *durable,
            Fact::ExchangeDeleted { vhost, name } => self
                .vhosts
                .get(vhost)
                .and_then(|vhost| vhost.exchanges.get(name))
                .is_some_and(|exchange| exchange.durable),
            // One that is being declared is not there yet.
            Fact::QueueAttributesSet { id, .. } => self.queues.get(id).is_none_or(|queue| queue.durable),
            Fact::ExchangeAttributesSet { vhost, name, .. } => self
                .vhosts
                .get(vhost)
                .and_then(|vhost| vhost.exchanges.get(name))
                .is_none_or(|exchange| exchange.durable),
            Fact::QueueDeleted { id } => self.queues.get(id).is_some_and(|queue| queue.durable),
            Fact::Bound { vhost, source, kind, destination, .. }
            | Fact::Unbound { vhost, source, kind, destination, .. } => {
                let destination = Destination { kind: *kind, name: destination.clone() };
                self.vhosts.get(vhost).is_some_and(|vhost| vhost.binding_is_durable(source, &destination))
            }
            _ => true,
        }
    }

    /// Gives every fact that the durable state takes to rebuild, in an order in which each finds what it names.
    /// The same state gives the same facts.
    pub(in crate::catalog) fn facts(&self, each: &mut dyn FnMut(Fact)) {
        each(Fact::SerialsReserved { below: self.serials.reserved });
        for (name, value) in &self.parameters {
            each(Fact::ParameterPut { name: name.clone(), value: value.clone() });
        }
        for vhost in self.vhosts.values() {
            vhost.facts(each);
        }
        for user in self.users.values() {
            user.facts(each);
        }
        for key in self.access_keys.values() {
            each(Fact::AccessKeyPut { key: key.clone() });
        }
        for (id, task) in &self.move_tasks {
            each(Fact::MoveTaskPut { id: id.clone(), task: task.clone() });
        }
    }
}

impl Vhost {
    fn facts(&self, each: &mut dyn FnMut(Fact)) {
        each(Fact::VhostPut {
            name: self.name.clone(),
            description: self.description.clone(),
            tags: self.tags.clone(),
            default_queue_kind: self.default_queue_kind,
        });
        each(Fact::VhostLimitsSet { name: self.name.clone(), limits: self.limits });
        if self.protected_from_deletion {
            each(Fact::VhostProtectionSet { name: self.name.clone(), protected: true });
        }
        for policy in self.policies.iter() {
            each(self.policy_fact(PolicyScope::User, policy));
        }
        for policy in self.operator_policies.iter() {
            each(self.policy_fact(PolicyScope::Operator, policy));
        }
        let exchanges = || self.exchanges.values().filter(|exchange| exchange.durable);
        for exchange in exchanges().filter(|exchange| !exchange.is_predeclared()) {
            each(self.exchange_fact(exchange));
        }
        for (name, at) in self.retired_names.iter() {
            each(Fact::QueueNameRetired { vhost: self.name.clone(), name: name.clone(), at });
        }
        for exchange in exchanges().filter(|exchange| !exchange.attributes.is_empty()) {
            let (vhost, name) = (self.name.clone(), exchange.name.clone());
            each(Fact::ExchangeAttributesSet { vhost, name, attributes: exchange.attributes.clone() });
        }
        let mut queues: Vec<_> = self.queues.values().filter(|queue| queue.durable).collect();
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        for queue in queues {
            each(queue_fact(queue));
            if !queue.attributes.is_empty() {
                each(Fact::QueueAttributesSet { id: queue.id, attributes: queue.attributes.clone() });
            }
        }
        for binding in exchanges().flat_map(|exchange| &exchange.outgoing) {
            if self.binding_is_durable(&binding.source, &binding.destination) {
                each(Fact::Bound {
                    vhost: self.name.clone(),
                    source: binding.source.clone(),
                    kind: binding.destination.kind,
                    destination: binding.destination.name.clone(),
                    routing_key: binding.routing_key.clone(),
                    arguments: binding.arguments.clone(),
                });
            }
        }
    }

    fn policy_fact(&self, scope: PolicyScope, policy: &Policy) -> Fact {
        Fact::PolicyPut {
            vhost: self.name.clone(),
            scope,
            name: policy.name.clone(),
            pattern: policy.pattern.source().clone(),
            apply_to: policy.apply_to,
            priority: policy.priority,
            definition: policy.definition.clone(),
        }
    }

    fn exchange_fact(&self, exchange: &Exchange) -> Fact {
        Fact::ExchangeDeclared {
            vhost: self.name.clone(),
            name: exchange.name.clone(),
            kind: exchange.kind.into(),
            durable: exchange.durable,
            auto_delete: exchange.auto_delete,
            internal: exchange.internal,
            arguments: exchange.arguments.clone(),
        }
    }
}

fn queue_fact(queue: &Arc<Queue>) -> Fact {
    Fact::QueueDeclared {
        id: queue.id,
        vhost: queue.vhost.clone(),
        name: queue.name.clone(),
        kind: queue.kind,
        durable: queue.durable,
        auto_delete: queue.auto_delete,
        exclusive_owner: queue.exclusive_owner,
        arguments: queue.arguments.clone(),
    }
}

impl User {
    fn facts(&self, each: &mut dyn FnMut(Fact)) {
        each(Fact::UserPut {
            name: self.name.clone(),
            password: self.password.clone(),
            tags: self.tags.clone(),
        });
        each(Fact::UserLimitsSet { name: self.name.clone(), limits: self.limits });
        for (vhost, permission) in &self.permissions {
            each(Fact::PermissionPut {
                user: self.name.clone(),
                vhost: vhost.clone(),
                configure: permission.configure.source().clone(),
                write: permission.write.source().clone(),
                read: permission.read.source().clone(),
            });
        }
        for (vhost, permissions) in &self.topic_permissions {
            for (exchange, permission) in permissions {
                each(Fact::TopicPermissionPut {
                    user: self.name.clone(),
                    vhost: vhost.clone(),
                    exchange: exchange.clone(),
                    write: permission.write.clone(),
                    read: permission.read.clone(),
                });
            }
        }
    }
}
