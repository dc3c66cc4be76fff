//! Events: what happens to the broker, for whoever binds a queue to `amq.rabbitmq.event`.
//!
//! The names, which are routing keys, and the headers are those of RabbitMQ's event exchange. The catalog and the
//! doors make events; [`crate::broker::announce_event`] publishes them.

use crate::wire::{ShortStr, Table, Value};

/// The vhost of the exchange for events.
pub const EVENT_VHOST: &str = "/";
/// The exchange for events: a topic exchange that only the broker publishes to.
pub const EVENT_EXCHANGE: &str = "amq.rabbitmq.event";

/// Something that has happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub(crate) name: &'static str,
    pub(crate) headers: Table,
}

impl Event {
    /// An event of this name, such as `queue.created`, that says nothing more yet.
    pub fn new(name: &'static str) -> Event {
        Event { name, headers: Table::new() }
    }

    /// The event with this header too.
    pub fn with(mut self, header: &'static str, value: impl Into<Value>) -> Event {
        self.headers.insert(ShortStr::literal(header), value.into());
        self
    }
}
