//! Sets of targets, and the buffers that they are gathered in.

use crate::QueueId;
use crate::catalog::state::Target;
use std::sync::Arc;

/// The targets of bindings that a router does not tell apart, each once, with the number of its bindings.
#[derive(Debug, Default)]
pub(super) struct Targets {
    queues: Vec<(QueueId, u32)>,
    exchanges: Vec<(Arc<str>, u32)>,
}

/// Where a router puts what it finds. `exchanges` are names.
pub(in crate::catalog) struct Found<'a, 'out> {
    pub(super) queues: &'out mut Vec<QueueId>,
    pub(super) exchanges: &'out mut Vec<&'a str>,
}

impl Targets {
    pub(super) fn add(&mut self, target: Target) {
        match target {
            Target::Queue(id) => count_in(&mut self.queues, id),
            Target::Exchange(name) => count_in(&mut self.exchanges, name),
        }
    }

    pub(super) fn remove(&mut self, target: &Target) {
        match target {
            Target::Queue(id) => count_out(&mut self.queues, id),
            Target::Exchange(name) => count_out(&mut self.exchanges, name),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.exchanges.is_empty()
    }

    pub(super) fn find<'a>(&'a self, found: &mut Found<'a, '_>) {
        found.queues.extend(self.queues.iter().map(|(id, _)| *id));
        found.exchanges.extend(self.exchanges.iter().map(|(name, _)| &**name));
    }
}

impl<'a> Found<'a, '_> {
    pub(super) fn add(&mut self, target: &'a Target) {
        match target {
            Target::Queue(id) => self.queues.push(*id),
            Target::Exchange(name) => self.exchanges.push(name),
        }
    }
}

/// The lists are kept in order, so that thousands of targets are found in a few steps.
fn count_in<T: Ord>(counted: &mut Vec<(T, u32)>, item: T) {
    match counted.binary_search_by(|(found, _)| found.cmp(&item)) {
        Ok(at) => counted[at].1 += 1,
        Err(at) => counted.insert(at, (item, 1)),
    }
}

fn count_out<T: Ord>(counted: &mut Vec<(T, u32)>, item: &T) {
    let Ok(at) = counted.binary_search_by(|(found, _)| found.cmp(item)) else { return };
    counted[at].1 -= 1;
    if counted[at].1 == 0 {
        counted.remove(at);
    }
}
