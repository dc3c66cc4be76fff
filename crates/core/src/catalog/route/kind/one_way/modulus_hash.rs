//! Modulus-hash exchanges: a hash of the routing keys, modulo the number of bindings, chooses the binding by which a
//! message goes. Binding keys mean nothing but that the same queue can be bound again, for a larger share.
//!
//! The order of the bindings is their own (as in RabbitMQ since 4.3), so the same keys lead to the same queues after
//! a restart. A binding that comes or goes moves most keys: `x-consistent-hash` is for those who mind. The hash is not
//! Erlang's: which queue a key leads to differs from RabbitMQ, that it is always the same one does not.

use super::ways::Ways;
use crate::Refusal;
use crate::catalog::route::hash::hash;
use crate::catalog::route::kind::{Kind, Router};
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::Found;
use crate::catalog::state::{Binding, Target};
use crate::wire::Table;
use std::sync::Arc;

/// The kind `x-modulus-hash`.
pub(in crate::catalog::route::kind) struct ModulusHash;

impl Kind for ModulusHash {
    fn name(&self) -> &'static str {
        "x-modulus-hash"
    }

    fn router(&self, _arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        Ok(Box::new(ModulusHashRouter::default()))
    }
}

#[derive(Debug, Default)]
struct ModulusHashRouter {
    ways: Ways,
}

impl Router for ModulusHashRouter {
    fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        self.ways.add(binding, target);
    }

    fn remove(&mut self, binding: &Arc<Binding>, _target: &Target) {
        self.ways.remove(binding);
    }

    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        // Only CC and BCC make several keys: one key is hashed without a list.
        let number = match message.routing_keys {
            [key] => hash(&[key.as_bytes()]),
            keys => hash(&keys.iter().map(|key| key.as_bytes()).collect::<Vec<_>>()),
        };
        self.ways.find(number, found);
    }
}
