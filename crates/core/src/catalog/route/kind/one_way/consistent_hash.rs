//! Consistent-hash exchanges: each message goes one way, the same one for the same hash key, and the ways share the
//! keys by their weights. A binding key is a weight. The hash key is the routing key, or a header or property that
//! the exchange's arguments `hash-header` or `hash-property` name.
//!
//! Each binding draws a number from the key, its target and its weight, and the lowest wins (rendezvous hashing). A
//! binding that comes or goes moves only the keys that it wins or had won, in whatever order bindings were made:
//! RabbitMQ's ring, in contrast, depends on that order, and changes when it restarts.

use crate::Refusal;
use crate::catalog::route::hash::{hash, mix};
use crate::catalog::route::kind::{Kind, Router};
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::Found;
use crate::catalog::state::{Binding, DestinationKind, Target};
use crate::wire::{RawValue, Table, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// RabbitMQ's bound on a binding's weight.
const MAX_WEIGHT: u32 = 10_000;

/// The kind `x-consistent-hash`.
pub(in crate::catalog::route::kind) struct ConsistentHash;

impl Kind for ConsistentHash {
    fn name(&self) -> &'static str {
        "x-consistent-hash"
    }

    fn router(&self, arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        let text = |name: &str| -> Result<Option<&str>, Refusal> {
            let Some(value) = arguments.get(name) else { return Ok(None) };
            value.as_str().map(Some).ok_or_else(|| Refusal::precondition(format!("{name} must be a string")))
        };
        let key = match (text("hash-header")?, text("hash-property")?) {
            (None, None) => HashKey::RoutingKey,
            (Some(name), None) => HashKey::Header(name.into()),
            (None, Some("correlation_id")) => HashKey::CorrelationId,
            (None, Some("message_id")) => HashKey::MessageId,
            (None, Some("timestamp")) => HashKey::Timestamp,
            (None, Some(other)) => {
                return Err(Refusal::precondition(format!("Unsupported property: {other}")));
            }
            (Some(_), Some(_)) => {
                return Err(Refusal::precondition("hash-header and hash-property are mutually exclusive"));
            }
        };
        Ok(Box::new(ConsistentHashRouter { key, bindings: BTreeMap::new() }))
    }
}

#[derive(Debug)]
struct ConsistentHashRouter {
    key: HashKey,
    bindings: BTreeMap<Arc<Binding>, Share>,
}

/// What of a message is hashed.
#[derive(Debug)]
enum HashKey {
    RoutingKey,
    Header(Arc<str>),
    CorrelationId,
    MessageId,
    Timestamp,
}

#[derive(Debug)]
struct Share {
    target: Target,
    weight: f64,
    /// A hash of the target's name, which is the same after a restart.
    seed: u64,
}

impl Router for ConsistentHashRouter {
    fn check(&self, binding: &Binding) -> Result<(), Refusal> {
        let routing_key = &binding.routing_key;
        let refused = |text: String| Err(Refusal::precondition(text));
        match routing_key.parse::<i128>() {
            Err(_) => refused(format!("The binding key must be an integer: <<\"{routing_key}\">>")),
            Ok(weight) if weight < 1 => refused("The binding key must be greater than 0".into()),
            Ok(weight) if weight > MAX_WEIGHT.into() => {
                refused(format!("The binding key must not exceed {MAX_WEIGHT}"))
            }
            Ok(_) => Ok(()),
        }
    }

    fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        let weight = binding.routing_key.parse::<u32>().unwrap_or(1).clamp(1, MAX_WEIGHT);
        let kind = match binding.destination.kind {
            DestinationKind::Queue => b"q",
            DestinationKind::Exchange => b"x",
        };
        let seed = hash(&[kind, binding.destination.name.as_bytes()]);
        self.bindings.insert(binding.clone(), Share { target, weight: weight.into(), seed });
    }

    fn remove(&mut self, binding: &Arc<Binding>, _target: &Target) {
        self.bindings.remove(binding);
    }

    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        let key = self.key.of(message);
        let drawn = self.bindings.values().map(|share| (share.draw(key), share));
        if let Some((_, winner)) = drawn.min_by(|(a, _), (b, _)| a.total_cmp(b)) {
            found.add(&winner.target);
        }
    }

    fn varies(&self) -> bool {
        !matches!(self.key, HashKey::RoutingKey)
    }
}

impl HashKey {
    /// The hash of a message's key. Messages without the header or property all go one way.
    fn of(&self, message: &RoutedMessage<'_>) -> u64 {
        let text = |text: Option<&[u8]>| hash(&[text.unwrap_or_default()]);
        match self {
            HashKey::RoutingKey => text(message.routing_keys.first().map(|key| key.as_bytes())),
            HashKey::Header(name) => message.properties.header(name).map_or(text(None), hash_value),
            HashKey::CorrelationId => text(message.properties.correlation_id),
            HashKey::MessageId => text(message.properties.message_id),
            HashKey::Timestamp => {
                message.properties.timestamp.map_or(text(None), |seconds| hash(&[&seconds.to_be_bytes()]))
            }
        }
    }
}

impl Share {
    /// An exponentially distributed number whose rate is the weight: the lowest of several is this one with a
    /// probability of its weight's share in all weights.
    fn draw(&self, key: u64) -> f64 {
        let mixed = mix(key ^ self.seed);
        // 53 bits, moved off zero: a number of the open interval from 0 to 1.
        let uniform = ((mixed >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        -uniform.ln() / self.weight
    }
}

fn hash_value(value: RawValue<'_>) -> u64 {
    match value {
        RawValue::LongStr(bytes) | RawValue::Binary(bytes) => hash(&[bytes]),
        _ => match value.as_i64() {
            Some(number) => hash(&[&number.to_be_bytes()]),
            None => {
                let mut encoded = Vec::new();
                Value::from(value).encode(&mut encoded);
                hash(&[&encoded])
            }
        },
    }
}
