//! What facts tell whoever listens to events. A fact is translated before it is applied: what it takes away is still
//! there then.
//!
//! RabbitMQ also says who did it (`user_who_performed_action`); facts do not know.

use super::Fact;
use crate::Refusal;
use crate::catalog::Catalog;
use crate::catalog::state::{Binding, Destination, DestinationKind, Exchange, Queue, State, VhostLimits};
use crate::event::{EVENT_EXCHANGE, EVENT_VHOST, Event};
use crate::wire::{Table, Value};
use std::sync::Arc;

impl Catalog {
    /// From now on the catalog keeps the events of its changes, if anybody listens: see [`Catalog::take_events`].
    /// Declares the exchange for them.
    ///
    /// # Errors
    /// [`crate::Cause::NotAllowed`] without the vhost `/`, [`crate::Cause::Internal`] when the log refuses.
    pub fn announce_events(&mut self) -> Result<(), Refusal> {
        let declare = crate::catalog::DeclareExchange {
            kind: "topic",
            durable: true,
            auto_delete: false,
            internal: true,
            arguments: Table::new(),
        };
        self.declare_exchange(crate::catalog::Caller::BROKER, EVENT_VHOST, EVENT_EXCHANGE, declare)?;
        self.events = Some(Vec::new());
        Ok(())
    }

    /// Whether anybody listens to events, so that it is worth while to make them.
    pub fn hears_events(&self) -> bool {
        let bindings = || self.exchange(EVENT_VHOST, EVENT_EXCHANGE).map_or(0, Exchange::binding_count);
        self.events.is_some() && bindings() > 0
    }

    /// Takes out what has happened. Whoever changes the catalog publishes it.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl State {
    /// What will have happened when the fact is applied.
    pub(in crate::catalog) fn events_of(&self, fact: &Fact, events: &mut Vec<Event>) {
        match fact {
            Fact::VhostPut { .. } | Fact::VhostLimitsSet { .. } | Fact::VhostDeleted { .. } => {
                self.events_of_vhost(fact, events);
            }
            Fact::UserPut { .. } | Fact::UserDeleted { .. } => self.events_of_user(fact, events),
            Fact::PolicyPut { .. } | Fact::PolicyCleared { .. } => events.extend(policy_event(fact)),
            Fact::ParameterPut { .. } | Fact::ParameterCleared { .. } => events.extend(parameter_event(fact)),
            Fact::ExchangeDeclared { .. }
            | Fact::ExchangeDeleted { .. }
            | Fact::QueueDeclared { .. }
            | Fact::QueueDeleted { .. }
            | Fact::Bound { .. }
            | Fact::Unbound { .. } => self.events_of_route(fact, events),
            _ => events.extend(permission_event(fact)),
        }
    }

    fn events_of_vhost(&self, fact: &Fact, events: &mut Vec<Event>) {
        match fact {
            Fact::VhostPut { name, description, tags, .. } if !self.vhosts.contains_key(name) => {
                let event = Event::new("vhost.created").with("name", &**name);
                events.push(event.with("description", &**description).with("tags", texts(tags)));
            }
            Fact::VhostLimitsSet { name, limits } => {
                let VhostLimits { max_connections, max_queues } = limits;
                let limits = [("max-connections", max_connections), ("max-queues", max_queues)];
                let set = limits.iter().any(|(_, limit)| limit.is_some());
                let name_of_event = if set { "vhost.limits.set" } else { "vhost.limits.cleared" };
                let event = Event::new(name_of_event).with("vhost", &**name);
                let with = |event: Event, (limit, value): (&'static str, &Option<u32>)| match value {
                    Some(value) => event.with(limit, i64::from(*value)),
                    None => event,
                };
                events.push(limits.into_iter().fold(event, with));
            }
            Fact::VhostDeleted { name } => {
                let Some(vhost) = self.vhosts.get(name) else { return };
                for exchange in vhost.exchanges.values() {
                    events.extend(
                        exchange.outgoing.iter().map(|it| binding_event("binding.deleted", name, it)),
                    );
                }
                let mut queues: Vec<_> = vhost.queues.values().collect();
                queues.sort_unstable_by(|a, b| a.name.cmp(&b.name));
                events.extend(queues.into_iter().map(|queue| of_vhost("queue.deleted", name, &queue.name)));
                let exchanges = vhost.exchanges.values();
                events.extend(exchanges.map(|it| of_vhost("exchange.deleted", name, &it.name)));
                events.push(Event::new("vhost.deleted").with("name", &**name));
            }
            _ => {}
        }
    }

    fn events_of_user(&self, fact: &Fact, events: &mut Vec<Event>) {
        match fact {
            Fact::UserPut { name, password, tags } => {
                let about = |event| Event::new(event).with("name", &**name);
                let before = self.users.get(name);
                match before {
                    None => events.push(about("user.created")),
                    Some(before) if before.password == *password => {}
                    Some(_) if password.is_none() => events.push(about("user.password.cleared")),
                    Some(_) => events.push(about("user.password.changed")),
                }
                if before.map_or(!tags.is_empty(), |before| before.tags != *tags) {
                    events.push(about("user.tags.set").with("tags", texts(tags)));
                }
            }
            Fact::UserDeleted { name } if self.users.contains_key(name) => {
                events.push(Event::new("user.deleted").with("name", &**name));
            }
            _ => {}
        }
    }

    fn events_of_route(&self, fact: &Fact, events: &mut Vec<Event>) {
        match fact {
            Fact::ExchangeDeclared { vhost, name, kind, durable, auto_delete, internal, arguments } => {
                let event = of_vhost("exchange.created", vhost, name).with("type", &**kind);
                let event = event.with("durable", *durable).with("auto_delete", *auto_delete);
                events.push(event.with("internal", *internal).with("arguments", arguments.clone()));
            }
            Fact::ExchangeDeleted { vhost, name } => {
                let Some(exchange) = self.vhosts.get(vhost).and_then(|vhost| vhost.exchanges.get(name))
                else {
                    return;
                };
                events.push(of_vhost("exchange.deleted", vhost, name));
                // A binding of an exchange to itself is one of both, and told once.
                let incoming = exchange.incoming.iter().filter(|binding| binding.source != *name);
                let bindings = exchange.outgoing.iter().chain(incoming);
                events.extend(bindings.map(|binding| binding_event("binding.deleted", vhost, binding)));
            }
            Fact::QueueDeclared {
                vhost,
                name,
                kind,
                durable,
                auto_delete,
                exclusive_owner,
                arguments,
                ..
            } => {
                let event = of_vhost("queue.created", vhost, name).with("type", kind.name());
                let event = event.with("durable", *durable).with("auto_delete", *auto_delete);
                let event = event.with("exclusive", exclusive_owner.is_some());
                events.push(event.with("arguments", arguments.clone()));
            }
            Fact::QueueDeleted { id } => {
                let Some(queue) = self.queues.get(id) else { return };
                let Queue { vhost, name, .. } = &**queue;
                events.push(of_vhost("queue.deleted", vhost, name));
                let destination = Destination { kind: DestinationKind::Queue, name: name.clone() };
                let bindings = self.vhosts.get(vhost).into_iter().flat_map(|it| it.bindings_to(&destination));
                events.extend(bindings.map(|binding| binding_event("binding.deleted", vhost, binding)));
            }
            Fact::Bound { vhost, source, kind, destination, routing_key, arguments }
            | Fact::Unbound { vhost, source, kind, destination, routing_key, arguments } => {
                let made = matches!(fact, Fact::Bound { .. });
                let destination = Destination { kind: *kind, name: destination.clone() };
                let binding =
                    Binding::new(source.clone(), destination, routing_key.clone(), arguments.clone());
                let name = if made { "binding.created" } else { "binding.deleted" };
                events.push(binding_event(name, vhost, &binding));
            }
            _ => {}
        }
    }
}

fn policy_event(fact: &Fact) -> Option<Event> {
    Some(match fact {
        Fact::PolicyPut { vhost, name, pattern, apply_to, priority, definition, .. } => {
            let event = of_vhost("policy.set", vhost, name).with("pattern", &**pattern);
            let event = event.with("apply-to", apply_to.name()).with("priority", *priority);
            event.with("definition", definition.clone())
        }
        Fact::PolicyCleared { vhost, name, .. } => of_vhost("policy.cleared", vhost, name),
        _ => return None,
    })
}

fn parameter_event(fact: &Fact) -> Option<Event> {
    Some(match fact {
        Fact::ParameterPut { name, value } => {
            Event::new("parameter.set").with("name", &**name).with("value", Value::LongStr(value.to_vec()))
        }
        Fact::ParameterCleared { name } => Event::new("parameter.cleared").with("name", &**name),
        _ => return None,
    })
}

fn permission_event(fact: &Fact) -> Option<Event> {
    let about = |event, user: &Arc<str>, vhost: &Arc<str>| {
        Event::new(event).with("user", &**user).with("vhost", &**vhost)
    };
    Some(match fact {
        Fact::PermissionPut { user, vhost, configure, write, read } => {
            let event = about("permission.created", user, vhost).with("configure", &**configure);
            event.with("write", &**write).with("read", &**read)
        }
        Fact::PermissionCleared { user, vhost } => about("permission.deleted", user, vhost),
        Fact::TopicPermissionPut { user, vhost, exchange, write, read } => {
            let event = about("topic.permission.created", user, vhost).with("exchange", &**exchange);
            event.with("write", &**write).with("read", &**read)
        }
        Fact::TopicPermissionCleared { user, vhost, exchange } => {
            let event = about("topic.permission.deleted", user, vhost);
            match exchange {
                Some(exchange) => event.with("exchange", &**exchange),
                None => event,
            }
        }
        _ => return None,
    })
}

fn of_vhost(event: &'static str, vhost: &str, name: &str) -> Event {
    Event::new(event).with("name", name).with("vhost", vhost)
}

fn binding_event(event: &'static str, vhost: &str, binding: &Binding) -> Event {
    let Destination { kind, name } = &binding.destination;
    let event = Event::new(event).with("source_name", &*binding.source).with("source_kind", "exchange");
    let event = event.with("destination_name", &**name).with("destination_kind", kind.name());
    let event = event.with("routing_key", &*binding.routing_key);
    event.with("arguments", binding.arguments.clone()).with("vhost", vhost)
}

fn texts(texts: &[Arc<str>]) -> Value {
    Value::Array(texts.iter().map(|text| Value::from(&**text)).collect())
}
