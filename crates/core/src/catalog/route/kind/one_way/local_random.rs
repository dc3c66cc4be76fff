//! Local random exchanges, which RabbitMQ made for requests: as a random exchange, but only to queues on the
//! publisher's node. Every queue is on this node, so the choice is that of `x-random`; what is left of the kind is
//! what it asks of a binding.
//!
//! RabbitMQ admits classic queues only, the others being on several nodes. Here no queue is, and all are admitted.

use super::random::RandomRouter;
use crate::Refusal;
use crate::catalog::route::kind::{Kind, Router};
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::Found;
use crate::catalog::state::{Binding, DestinationKind, Target};
use crate::wire::Table;
use std::sync::Arc;

/// The kind `x-local-random`.
pub(in crate::catalog::route::kind) struct LocalRandom;

impl Kind for LocalRandom {
    fn name(&self) -> &'static str {
        "x-local-random"
    }

    fn router(&self, _arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        Ok(Box::new(LocalRandomRouter::default()))
    }
}

#[derive(Debug, Default)]
struct LocalRandomRouter(RandomRouter);

impl Router for LocalRandomRouter {
    fn check(&self, binding: &Binding) -> Result<(), Refusal> {
        let key = &*binding.routing_key;
        if !key.is_empty() {
            return Err(Refusal::precondition(format!("Non empty binding '{key}' key not permitted")));
        }
        // RabbitMQ looks for a queue of the destination's name only.
        match binding.destination.kind {
            DestinationKind::Queue => Ok(()),
            DestinationKind::Exchange => Err(Refusal::precondition("Destination not found")),
        }
    }

    fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        self.0.add(binding, target);
    }

    fn remove(&mut self, binding: &Arc<Binding>, target: &Target) {
        self.0.remove(binding, target);
    }

    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        self.0.find(message, found);
    }

    fn varies(&self) -> bool {
        self.0.varies()
    }
}
