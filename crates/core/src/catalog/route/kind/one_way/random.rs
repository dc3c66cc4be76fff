//! Random exchanges: each message goes by one of the bindings, whatever its routing key and theirs. Every binding has
//! the same chance (the rule of RabbitMQ's plugin), so that a queue which is bound twice has twice the chance.
//!
//! The core draws no numbers, here neither: the message brings one ([`RoutedMessage::draw`]).

use super::ways::Ways;
use crate::Refusal;
use crate::catalog::route::kind::{Kind, Router};
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::Found;
use crate::catalog::state::{Binding, Target};
use crate::wire::Table;
use std::sync::Arc;

/// The kind `x-random`.
pub(in crate::catalog::route::kind) struct Random;

impl Kind for Random {
    fn name(&self) -> &'static str {
        "x-random"
    }

    fn router(&self, _arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        Ok(Box::new(RandomRouter::default()))
    }
}

#[derive(Debug, Default)]
pub(super) struct RandomRouter {
    ways: Ways,
}

impl Router for RandomRouter {
    fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        self.ways.add(binding, target);
    }

    fn remove(&mut self, binding: &Arc<Binding>, _target: &Target) {
        self.ways.remove(binding);
    }

    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        self.ways.find(message.draw, found);
    }

    fn varies(&self) -> bool {
        true
    }
}
