//! Who may get a queue's next message: consumers, their credit, and the order among them.

mod credit;
mod dispatch;
mod lease;
mod lend;
mod receipt;
mod receive;
mod subscribe;
mod wait;

pub use credit::PoolId;
pub(super) use credit::{Connection, Pool};
pub(super) use lease::Lease;
pub use lease::Settle;
pub use receipt::{Extended, Receipt, ReceiptError};
pub use receive::{Receive, Received};
pub use subscribe::{ConsumerInfo, Subscription};
pub(super) use wait::Receivers;

use std::collections::VecDeque;

/// The consumers of one queue.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    /// All of them, by slot, in the order in which they came.
    pub(super) all: Vec<u32>,
    /// Those with credit, one ring a priority, highest first.
    rings: Vec<Ring>,
    /// The one that gets everything, on a queue with a single active consumer.
    pub(super) active: Option<u32>,
    /// The active one gets nothing more: one of higher priority takes over as soon as it holds nothing.
    held: bool,
    /// One of them is the only one allowed.
    pub(super) exclusive: bool,
}

/// The consumers of one priority that have credit; it turns with every delivery. It may be empty: its room is
/// kept for when its consumers have credit again.
#[derive(Debug)]
struct Ring {
    priority: i32,
    members: VecDeque<u32>,
}

impl Consumers {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Puts a consumer at the back of the ring of its priority.
    fn enter_ring(&mut self, slot: u32, priority: i32) {
        let at = self.rings.partition_point(|ring| ring.priority > priority);
        if self.rings.get(at).is_none_or(|ring| ring.priority != priority) {
            self.rings.insert(at, Ring { priority, members: VecDeque::new() });
        }
        self.rings[at].members.push_back(slot);
    }

    /// Forgets a consumer that is gone, and a ring that only it could be in.
    fn forget(&mut self, slot: u32) {
        self.all.retain(|member| *member != slot);
        for ring in &mut self.rings {
            ring.members.retain(|member| *member != slot);
        }
        if self.all.is_empty() {
            self.rings.clear();
        }
        if self.active == Some(slot) {
            self.active = None;
            self.held = false;
        }
        self.exclusive = false;
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
