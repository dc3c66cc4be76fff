//! Fanout exchanges: a message goes wherever there is a binding.

use super::{Kind, Router};
use crate::Refusal;
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::{Found, Targets};
use crate::catalog::state::{Binding, Target};
use crate::wire::Table;
use std::sync::Arc;

/// The kind `fanout`.
pub(super) struct Fanout;

impl Kind for Fanout {
    fn name(&self) -> &'static str {
        "fanout"
    }

    fn router(&self, _arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        Ok(Box::new(FanoutRouter::default()))
    }
}

#[derive(Debug, Default)]
struct FanoutRouter {
    targets: Targets,
}

impl Router for FanoutRouter {
    fn add(&mut self, _binding: &Arc<Binding>, target: Target) {
        self.targets.add(target);
    }

    fn remove(&mut self, _binding: &Arc<Binding>, target: &Target) {
        self.targets.remove(target);
    }

    fn find<'a>(&'a self, _message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        self.targets.find(found);
    }
}
