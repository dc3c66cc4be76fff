//! What exchanges of the kind `x-recent-history` remember, and how a new binding gets it.
//!
//! Whoever holds the broker's state holds a [`History`], in memory: it is gone after a restart, as it is with
//! RabbitMQ's plugin on one node.

use super::{Publish, routing_keys, store, traits_of};
use crate::broker::{Access, Bind, Waits};
use crate::catalog::{Memory, RoutedMessage};
use crate::limits::RECENT_HISTORY_BYTES;
use crate::wire::RawProperties;
use crate::{QueueId, Refusal};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// A publisher's wish that a message be not remembered: a header that is true.
const NO_STORE: &str = "x-recent-history-no-store";

/// The recent messages of exchanges that remember them: [`RECENT_HISTORY_BYTES`] in all.
#[derive(Debug, Default)]
pub struct History {
    bytes: usize,
    /// By the addresses of the exchanges' identities, which no other exchange gets while an entry is here.
    of_exchange: FxHashMap<usize, Recent>,
}

/// The recent messages of one exchange, the oldest first.
#[derive(Debug)]
struct Recent {
    exchange: Weak<()>,
    messages: VecDeque<Arc<Remembered>>,
}

/// A message as it was published.
#[derive(Debug)]
struct Remembered {
    exchange: Box<str>,
    routing_key: Box<str>,
    properties: Box<[u8]>,
    body: Box<[u8]>,
}

impl History {
    /// Forgets the messages of exchanges that are no more.
    pub(in crate::broker) fn tidy(&mut self) {
        let bytes = &mut self.bytes;
        self.of_exchange.retain(|_, recent| {
            let alive = recent.exchange.strong_count() > 0;
            if !alive {
                *bytes -= recent.messages.iter().map(|message| message.bytes()).sum::<usize>();
            }
            alive
        });
    }

    /// Keeps a message, and gives up the oldest of the exchange that are too many.
    fn keep(&mut self, memory: &Memory, message: &Arc<Remembered>) {
        if self.bytes + message.bytes() > RECENT_HISTORY_BYTES {
            self.tidy();
        }
        let exchange = || Arc::downgrade(&memory.identity);
        let recent = self
            .of_exchange
            .entry(key_of(memory))
            .or_insert_with(|| Recent { exchange: exchange(), messages: VecDeque::new() });
        recent.messages.push_back(message.clone());
        self.bytes += message.bytes();
        while recent.messages.len() > memory.length || self.bytes > RECENT_HISTORY_BYTES {
            let Some(oldest) = recent.messages.pop_front() else { break };
            self.bytes -= oldest.bytes();
        }
    }

    /// The messages of an exchange, the oldest first.
    fn recall(&self, memory: &Memory) -> Vec<Arc<Remembered>> {
        let recent = self.of_exchange.get(&key_of(memory));
        recent.map(|recent| recent.messages.iter().cloned().collect()).unwrap_or_default()
    }
}

/// Keeps a message for the exchanges on its way that remember.
#[cold]
pub(super) fn remember<A: Access>(
    access: &mut A,
    vhost: &str,
    publish: &Publish<'_>,
    message: &RoutedMessage<'_>,
) {
    if message.properties.header(NO_STORE).and_then(|value| value.as_bool()) == Some(true) {
        return;
    }
    let memories = access.catalog().memories_on_way(vhost, publish.exchange, message);
    let remembered = Arc::new(Remembered::from(publish));
    access.history(|history| memories.iter().for_each(|memory| history.keep(memory, &remembered)));
}

/// Sends what the source of a new binding remembers on by this binding, and adds what makes it durable to `waits`. A
/// message that is published while the binding is made may come twice, but is not missed.
pub(in crate::broker) fn recall<A: Access>(access: &mut A, vhost: &str, bind: &Bind<'_>, waits: &mut Waits) {
    let Some(memory) = access.catalog().memory_of(vhost, bind.source) else { return };
    for message in access.history(|history| history.recall(&memory)) {
        // A log that refuses it refuses the binding's, too; a message that was published is well-formed.
        if let Ok(stored) = send_on(access, vhost, bind, &message) {
            stored.as_slice().iter().for_each(|wait| waits.add(*wait));
        }
    }
}

fn send_on<A: Access>(
    access: &mut A,
    vhost: &str,
    bind: &Bind<'_>,
    message: &Remembered,
) -> Result<Waits, Refusal> {
    let publish = message.publish();
    let malformed = |error| Refusal::precondition(format!("malformed message properties: {error}"));
    let properties = RawProperties::parse(&message.properties).map_err(malformed)?;
    let mut queues: Vec<QueueId> = Vec::new();
    if bind.to_exchange {
        let keys = routing_keys(&publish, &properties)?;
        let draw = access.random();
        let routed = RoutedMessage { routing_keys: &keys, properties: &properties, body: publish.body, draw };
        access.catalog().route_internally(vhost, bind.destination, &routed, &mut queues)?;
    } else {
        queues.extend(access.catalog().queue(vhost, bind.destination).map(|queue| queue.id));
    }
    let outcome = store(access, &queues, &publish, &message.properties, traits_of(&properties)?)?;
    Ok(outcome.waits)
}

fn key_of(memory: &Memory) -> usize {
    Arc::as_ptr(&memory.identity).addr()
}

impl Remembered {
    fn publish(&self) -> Publish<'_> {
        let Remembered { exchange, routing_key, properties, body } = self;
        Publish { exchange, routing_key, properties, body }
    }

    fn bytes(&self) -> usize {
        size_of::<Remembered>()
            + self.exchange.len()
            + self.routing_key.len()
            + self.properties.len()
            + self.body.len()
    }
}

impl From<&Publish<'_>> for Remembered {
    fn from(publish: &Publish<'_>) -> Remembered {
        Remembered {
            exchange: publish.exchange.into(),
            routing_key: publish.routing_key.into(),
            properties: publish.properties.into(),
            body: publish.body.into(),
        }
    }
}

#[cfg(test)]
#[path = "tests/history.rs"]
mod tests;
