//! Direct exchanges: a message goes where the binding key is its routing key.

use super::{Kind, Router};
use crate::Refusal;
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::{Found, Targets};
use crate::catalog::state::{Binding, Target};
use crate::wire::Table;
use std::collections::HashMap;
use std::sync::Arc;

/// The kind `direct`.
pub(super) struct Direct;

impl Kind for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn router(&self, _arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        Ok(Box::new(DirectRouter::default()))
    }
}

/// Targets by binding key. Only looked up, never walked: the order of a hash map shows nowhere.
#[derive(Debug, Default)]
struct DirectRouter {
    by_key: HashMap<Arc<str>, Targets>,
}

impl Router for DirectRouter {
    fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        self.by_key.entry(binding.routing_key.clone()).or_default().add(target);
    }

    fn remove(&mut self, binding: &Arc<Binding>, target: &Target) {
        let Some(targets) = self.by_key.get_mut(&binding.routing_key) else { return };
        targets.remove(target);
        if targets.is_empty() {
            self.by_key.remove(&binding.routing_key);
        }
    }

    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        for key in message.routing_keys {
            if let Some(targets) = self.by_key.get(*key) {
                targets.find(found);
            }
        }
    }
}
