//! Messages of the broker's own, for whoever has bound a queue to one of its exchanges: what is traced, and events.
//! They are published at most once, as RabbitMQ's are: nobody waits for them, and nothing fails with them.

mod trace;

pub use trace::Tracer;

use super::Access;
use super::publish::{Publish, store, traits_of};
use crate::catalog::RoutedMessage;
use crate::event::{EVENT_EXCHANGE, EVENT_VHOST, Event};
use crate::limits::{MESSAGE_PROPERTIES_BYTES, NAME_BYTES};
use crate::wire::{Properties, RawProperties, ShortStr, Table, Value};

/// Publishes an event, if anybody listens: only then it is made.
pub fn announce_event<A: Access>(access: &mut A, make: impl FnOnce() -> Event) {
    if !access.catalog().hears_events() {
        return;
    }
    let Event { name, mut headers } = make();
    let now = access.now();
    set(&mut headers, "timestamp_in_ms", Value::I64(now.0.cast_signed()));
    let properties = Properties {
        headers: Some(headers),
        delivery_mode: Some(2),
        timestamp: Some(now.0 / 1000),
        ..Properties::default()
    };
    let (vhost, exchange, body) = (EVENT_VHOST, EVENT_EXCHANGE, &[][..]);
    // One whose names fill more than a message's properties can hold is not told.
    announce(access, &Announcement { vhost, exchange, routing_key: name, properties: &properties, body });
}

/// A message of the broker's own.
struct Announcement<'a> {
    vhost: &'a str,
    exchange: &'a str,
    /// Cut after [`NAME_BYTES`]: it may hold a name that is as long already.
    routing_key: &'a str,
    properties: &'a Properties,
    body: &'a [u8],
}

/// Whether anything is bound to an exchange, so that it is worth while to make a message for it.
fn is_heard<A: Access>(access: &A, vhost: &str, exchange: &str) -> bool {
    access.catalog().exchange(vhost, exchange).is_some_and(|found| found.binding_count() > 0)
}

/// Publishes a message of the broker's own. Answers false when its properties are more than a message may have.
fn announce<A: Access>(access: &mut A, message: &Announcement<'_>) -> bool {
    let mut raw = Vec::new();
    if message.properties.encode(&mut raw).is_err() || raw.len() > MESSAGE_PROPERTIES_BYTES {
        return false;
    }
    let Ok(properties) = RawProperties::parse(&raw) else { return false };
    let Ok(traits) = traits_of(&properties) else { return false };
    let routing_key = cut(message.routing_key);
    let draw = access.random();
    let (routing_keys, body) = (&[routing_key], message.body);
    let routed = RoutedMessage { routing_keys, properties: &properties, body, draw };
    let mut queues = Vec::new();
    if access.catalog().route_internally(message.vhost, message.exchange, &routed, &mut queues).is_ok() {
        let publish = Publish { exchange: message.exchange, routing_key, properties: &raw, body };
        // A log that refuses it refuses what it tells of, too, and that is reported.
        let _ = store(access, &queues, &publish, &raw, traits);
    }
    true
}

/// The front of a name that is too long.
fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES)]
}

fn string(text: &str) -> Value {
    Value::LongStr(text.as_bytes().to_vec())
}

fn set(table: &mut Table, name: &'static str, value: Value) {
    table.insert(ShortStr::literal(name), value);
}
