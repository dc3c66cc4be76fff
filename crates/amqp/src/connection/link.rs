//! What the channels of a connection share, and what they work with while a method is handled.

use super::output::Output;
use super::output::durable::DurableLogs;
use super::settings::{Bodies, DoorSettings};
use leveret_core::broker::{Access, Consuming, Session, Tracer};
use leveret_core::wire::RawTable;
use leveret_core::{ConsumerId, QueueId, ShardIndex};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What the channels of a connection share.
#[derive(Debug)]
pub(crate) struct Link {
    /// What the connection is called in traces and events: the client's address.
    pub(crate) name: Box<str>,
    pub(crate) settings: Arc<DoorSettings>,
    /// The agreed bytes of a frame; 0 for no limit.
    pub(crate) frame_max: u32,
    pub(crate) capabilities: Capabilities,
    pub(crate) output: Output,
    pub(crate) logs: DurableLogs,
    pub(crate) consumers: Consumers,
    /// Counts the batches of input: confirms of one batch may be answered as one.
    pub(crate) batch: u64,
    /// The channels with confirms that were not sent.
    pub(crate) confirming: Vec<u16>,
    /// Bytes of messages that have not come in whole.
    pub(crate) assembling_bytes: usize,
    /// Properties that had to be rewritten; kept for its memory.
    pub(crate) rewritten: Vec<u8>,
    /// The client has published something.
    pub(crate) published: bool,
    /// Copies what the client publishes and is sent, if its vhost is traced.
    pub(crate) tracer: Option<Box<Tracer>>,
}

impl Link {
    pub(crate) fn new(settings: Arc<DoorSettings>, frame_max: u32, name: &str) -> Link {
        Link {
            name: name.into(),
            settings,
            frame_max,
            capabilities: Capabilities::default(),
            output: Output::default(),
            logs: DurableLogs::default(),
            consumers: Consumers::default(),
            batch: 0,
            confirming: Vec::new(),
            assembling_bytes: 0,
            rewritten: Vec::new(),
            published: false,
            tracer: None,
        }
    }
}

/// What a channel works with while it handles a method.
pub(crate) struct Context<'a, A> {
    pub(crate) access: &'a mut A,
    pub(crate) session: &'a mut Session,
    pub(crate) link: &'a mut Link,
    pub(crate) bodies: &'a mut dyn Bodies,
}

impl<A: Access> Context<'_, A> {
    /// A name that nobody else has: 128 random bits behind a prefix.
    pub(crate) fn unique_name(&mut self, prefix: &str) -> Arc<str> {
        format!("{prefix}{:016x}{:016x}", self.access.random(), self.access.random()).into()
    }
}

/// What the client says it can hear (`capabilities` in its properties).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Capabilities {
    pub(crate) consumer_cancel_notify: bool,
    pub(crate) connection_blocked: bool,
    pub(crate) authentication_failure_close: bool,
}

impl Capabilities {
    /// Reads them from the client's properties.
    pub(crate) fn of(client_properties: &RawTable<'_>) -> Capabilities {
        let table = match client_properties.get("capabilities") {
            Some(leveret_core::wire::RawValue::Table(table)) => table,
            _ => return Capabilities::default(),
        };
        let has = |name| table.get(name).and_then(|value| value.as_bool()).unwrap_or(false);
        Capabilities {
            consumer_cancel_notify: has("consumer_cancel_notify"),
            connection_blocked: has("connection.blocked"),
            authentication_failure_close: has("authentication_failure_close"),
        }
    }
}

/// The consumers of all channels, by the ids that deliveries carry.
#[derive(Debug, Default)]
pub(crate) struct Consumers {
    by_id: FxHashMap<(ShardIndex, ConsumerId), Registered>,
}

/// Whose deliveries these are.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) channel: u16,
    pub(crate) tag: Arc<str>,
    pub(crate) queue: QueueId,
    /// `x-consumer-timeout` of the consumer, in milliseconds.
    pub(crate) timeout_ms: Option<u64>,
}

impl Consumers {
    pub(crate) fn add(&mut self, consumer: ConsumerId, registered: Registered) {
        self.by_id.insert((registered.queue.shard(), consumer), registered);
    }

    pub(crate) fn find(&self, shard: ShardIndex, consumer: ConsumerId) -> Option<&Registered> {
        self.by_id.get(&(shard, consumer))
    }

    pub(crate) fn take(&mut self, shard: ShardIndex, consumer: ConsumerId) -> Option<Registered> {
        self.by_id.remove(&(shard, consumer))
    }

    pub(crate) fn remove(&mut self, consuming: Consuming) {
        self.by_id.remove(&(consuming.queue.shard(), consuming.consumer));
    }
}
