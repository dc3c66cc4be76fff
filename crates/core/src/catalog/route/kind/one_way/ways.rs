//! The bindings of an exchange that sends each message one way.

use crate::catalog::route::targets::Found;
use crate::catalog::state::{Binding, Target};
use std::sync::Arc;

/// Bindings in their own order, which does not depend on when they were made: the same after a restart. A
/// destination that is bound twice is two ways.
#[derive(Debug, Default)]
pub(super) struct Ways {
    bindings: Vec<(Arc<Binding>, Target)>,
}

impl Ways {
    pub(super) fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        if let Err(at) = self.search(binding) {
            self.bindings.insert(at, (binding.clone(), target));
        }
    }

    pub(super) fn remove(&mut self, binding: &Arc<Binding>) {
        if let Ok(at) = self.search(binding) {
            self.bindings.remove(at);
        }
    }

    /// The way that a number chooses: its remainder counts them.
    pub(super) fn find<'a>(&'a self, number: u64, found: &mut Found<'a, '_>) {
        let count = self.bindings.len() as u64;
        if let Some(chosen) = number.checked_rem(count) {
            found.add(&self.bindings[chosen as usize].1);
        }
    }

    fn search(&self, binding: &Arc<Binding>) -> Result<usize, usize> {
        self.bindings.binary_search_by(|(found, _)| found.cmp(binding))
    }
}
