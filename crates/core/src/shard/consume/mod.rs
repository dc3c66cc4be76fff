//! Who may get a queue's next message: consumers, their credit, and the order among them.

mod credit;
mod dispatch;
mod lease;
mod subscribe;

pub use credit::PoolId;
pub(super) use credit::{Connection, Pool};
pub(super) use lease::Lease;
pub use lease::Settle;
pub use subscribe::{ConsumerInfo, Subscription};

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

/// The consumers of one queue.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    /// All of them, by slot, in the order in which they came.
    pub(super) all: Vec<u32>,
    /// Those with credit, by priority, highest first; each ring turns with every delivery.
    pub(super) rings: BTreeMap<Reverse<i32>, VecDeque<u32>>,
    /// The one that gets everything, on a queue with a single active consumer.
    pub(super) active: Option<u32>,
    /// One of them is the only one allowed.
    pub(super) exclusive: bool,
}

impl Consumers {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

/// A consumer of a shard.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) queue: u32,
    pub(super) connection: u32,
    pub(super) pool: Option<PoolId>,
    pub(super) priority: i32,
    pub(super) no_ack: bool,
    /// How many more deliveries it may have unacked; `i64::MAX` for no limit.
    pub(super) credit: i64,
    /// Leases it holds.
    pub(super) leased: u32,
    pub(super) timeout_ms: Option<u64>,
    pub(super) in_ring: bool,
}
