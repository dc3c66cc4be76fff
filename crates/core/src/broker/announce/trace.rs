//! The firehose: what is published in a traced vhost and what is delivered from its queues, copied to the exchange
//! `amq.rabbitmq.trace` of the vhost with keys `publish.EXCHANGE` and `deliver.QUEUE` and the headers that RabbitMQ
//! gives the copies (`rabbit_trace`).
//!
//! A copy has the body of its message, and the properties in a header. It is transient, and not traced itself. The
//! door decides which connections are traced, and makes a [`Tracer`] for each of them: without one nothing here runs.

use super::{Announcement, announce, is_heard, set, string};
use crate::broker::publish::{Publish, routing_keys};
use crate::broker::{Access, Session};
use crate::message::Stored;
use crate::shard::Delivery;
use crate::wire::{Properties, RawProperties, Table, Value};

const EXCHANGE: &str = "amq.rabbitmq.trace";

/// Traces a connection.
#[derive(Debug)]
pub struct Tracer {
    node: Box<str>,
    connection: Box<str>,
}

impl Tracer {
    /// A tracer of a connection of this name, at a broker of this name.
    pub fn new(node: &str, connection: &str) -> Tracer {
        Tracer { node: node.into(), connection: connection.into() }
    }

    /// Copies a message that `session` has just published on a channel, in the same turn.
    #[cold]
    pub fn published<A: Access>(
        &self,
        access: &mut A,
        session: &Session,
        channel: u16,
        message: &Publish<'_>,
    ) {
        if !is_traceable(access, session, message) {
            return;
        }
        let Ok(properties) = RawProperties::parse(message.properties) else { return };
        let routed = session.route(access, message, &properties).map(|(route, _)| route.queues);
        let catalog = access.catalog();
        let names = routed.unwrap_or_default().into_iter().filter_map(|queue| catalog.queue_by_id(queue));
        let names = names.map(|queue| string(&queue.name)).collect();
        let key = format!("publish.{}", message.exchange);
        self.copy(access, session, channel, message, &key, ("routed_queues", Value::Array(names)));
    }

    /// Copies a message that is delivered on a channel, with the properties that the client sees.
    #[cold]
    pub fn delivered<A: Access>(
        &self,
        access: &mut A,
        session: &Session,
        channel: u16,
        delivery: &Delivery,
        stored: &Stored<'_>,
        properties: &[u8],
    ) {
        let Stored { exchange, routing_key, body, .. } = *stored;
        let message = &Publish { exchange, routing_key, properties, body };
        if !is_traceable(access, session, message) {
            return;
        }
        let Some(queue) = access.catalog().queue_by_id(delivery.queue) else { return };
        let key = format!("deliver.{}", queue.name);
        self.copy(
            access,
            session,
            channel,
            message,
            &key,
            ("redelivered", Value::I32(delivery.redelivered.into())),
        );
    }

    fn copy<A: Access>(
        &self,
        access: &mut A,
        session: &Session,
        channel: u16,
        message: &Publish<'_>,
        key: &str,
        (name, particular): (&'static str, Value),
    ) {
        let Ok(properties) = RawProperties::parse(message.properties) else { return };
        let keys = routing_keys(message, &properties).unwrap_or_default();
        let mut headers = Table::new();
        set(&mut headers, "exchange_name", string(message.exchange));
        set(&mut headers, "routing_keys", Value::Array(keys.into_iter().map(string).collect()));
        set(&mut headers, "properties", Value::Table(table_of(&properties)));
        set(&mut headers, "node", string(&self.node));
        set(&mut headers, "vhost", string(session.vhost()));
        set(&mut headers, "connection", string(&self.connection));
        set(&mut headers, "channel", Value::I32(channel.into()));
        set(&mut headers, "user", string(session.user()));
        set(&mut headers, name, particular);
        let mut send = |headers: Table| {
            let properties = Properties { headers: Some(headers), ..Properties::default() };
            let (vhost, body) = (session.vhost(), message.body);
            let copy =
                Announcement { vhost, exchange: EXCHANGE, routing_key: key, properties: &properties, body };
            announce(access, &copy)
        };
        if !send(headers.clone()) {
            // A message's own properties may leave no room for the rest, and so may the names of thousands of queues.
            for large in ["properties", "routing_keys", "routed_queues"] {
                headers.remove(large);
            }
            send(headers);
        }
    }
}

/// What comes from the trace is not traced, or there would be no end of it.
fn is_traceable<A: Access>(access: &A, session: &Session, message: &Publish<'_>) -> bool {
    message.exchange != EXCHANGE && is_heard(access, session.vhost(), EXCHANGE)
}

/// The properties of a message as a table: numbers and text, by the names that the specification has.
fn table_of(properties: &RawProperties<'_>) -> Table {
    let mut table = Table::new();
    let mut text = |name: &'static str, value: Option<&[u8]>| {
        if let Some(value) = value {
            set(&mut table, name, Value::LongStr(value.to_vec()));
        }
    };
    text("content_type", properties.content_type);
    text("content_encoding", properties.content_encoding);
    text("correlation_id", properties.correlation_id);
    text("reply_to", properties.reply_to);
    text("expiration", properties.expiration);
    text("message_id", properties.message_id);
    text("type", properties.kind);
    text("user_id", properties.user_id);
    text("app_id", properties.app_id);
    text("cluster_id", properties.cluster_id);
    if let Some(headers) = properties.headers {
        let mut headers = Table::from(headers);
        // Whose keys are among the routing keys: the header itself no one is to see.
        headers.remove("BCC");
        set(&mut table, "headers", Value::Table(headers));
    }
    let mut number = |name: &'static str, value: Option<i64>| {
        if let Some(value) = value {
            // RabbitMQ's numbers have 32 bits; one that does not fit them is not cut here.
            set(&mut table, name, i32::try_from(value).map_or(Value::I64(value), Value::I32));
        }
    };
    number("delivery_mode", properties.delivery_mode.map(i64::from));
    number("priority", properties.priority.map(i64::from));
    number("timestamp", properties.timestamp.map(u64::cast_signed));
    table
}
