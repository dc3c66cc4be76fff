//! Lending: a message leaves its queue, under a lease or for good, and becomes a delivery.

use super::super::Shard;
use super::super::durable::fact::{Facts, Op};
use super::super::durable::space::Space;
use super::super::queue::{Entry, Queue};
use super::super::slots::Slots;
use super::{Lease, PoolId, Receipt, Received};
use crate::shard::effect::Delivery;
use crate::{ConsumerId, LeaseId, Time};
use leveret_log::Position;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Nobody: the consumer of a message that was fetched with `get`.
const NOBODY: ConsumerId = ConsumerId { slot: u32::MAX, generation: u32::MAX };

/// Who gets a message, and on which terms.
pub(super) struct Holder {
    pub(super) consumer: ConsumerId,
    pub(super) no_ack: bool,
    pub(super) pool: Option<PoolId>,
    pub(super) timeout_ms: Option<u64>,
    /// It gets a receipt, and the lease ends then.
    pub(super) receipt_until: Option<Time>,
}

impl Holder {
    /// A client that asks for one message and holds it for as long as its connection lasts.
    pub(super) const NOBODY: Holder =
        Holder { consumer: NOBODY, no_ack: false, pool: None, timeout_ms: None, receipt_until: None };

    /// A client that gets a receipt for a lease until that time.
    pub(super) fn receipt(until: Time) -> Holder {
        Holder { receipt_until: Some(until), ..Holder::NOBODY }
    }
}

/// A queue and the books that its leases are in, borrowed apart: the queue is looked up once for all that leaves it.
pub(super) struct Lender<'a> {
    pub(super) now: Time,
    pub(super) slot: u32,
    pub(super) queue: &'a mut Queue,
    pub(super) receipts: &'a mut FxHashMap<(u32, Position), LeaseId>,
    pub(super) leases: &'a mut Slots<Lease>,
    pub(super) deadlines: &'a mut BTreeSet<(Time, u32, u32)>,
    pub(super) facts: &'a mut Facts,
    pub(super) space: &'a mut Space,
}

impl Shard {
    /// The lender of a queue.
    pub(super) fn lender(&mut self, slot: u32) -> Option<Lender<'_>> {
        let Shard { now, queues, receipts, leases, deadlines, facts, space, .. } = self;
        let queue = queues.at_mut(slot)?;
        Some(Lender { now: *now, slot, queue, receipts, leases, deadlines, facts, space })
    }
}

impl Lender<'_> {
    /// Turns an entry into a delivery: a lease, or, for no-ack, the end of the message.
    pub(super) fn hand_out(&mut self, mut entry: Entry, holder: &Holder) -> Delivery {
        let acquired = entry.acquired;
        let redelivered = acquired > 0;
        entry.count_delivery();
        let location = self.space.location(entry.position);
        let counters = &mut self.queue.counters;
        counters.delivered += 1;
        counters.redelivered += u64::from(redelivered);
        let lease = if holder.no_ack {
            counters.acked += 1;
            self.facts.message(self.queue.id, Op::Gone, entry.position);
            self.space.release(entry.position, entry.charge);
            LeaseId::NONE
        } else {
            self.lease(entry, holder)
        };
        Delivery {
            consumer: holder.consumer,
            lease,
            queue: self.queue.id,
            position: entry.position,
            location,
            size: entry.size,
            failures: entry.failures,
            acquired,
            redelivered,
        }
    }

    /// Hands an entry out under a receipt.
    pub(super) fn receive(&mut self, mut entry: Entry, holder: &Holder) -> Received {
        if entry.first_received == Entry::NOT_RECEIVED {
            entry.first_received = self.now;
        }
        let delivery = self.hand_out(entry, holder);
        let receipt = Receipt { position: entry.position, receive: entry.acquired.saturating_add(1) };
        Received { delivery, receipt, first_received: entry.first_received }
    }

    fn lease(&mut self, entry: Entry, holder: &Holder) -> LeaseId {
        self.queue.leased += 1;
        self.queue.leased_bytes += u64::from(entry.size);
        let timeout_ms = holder.timeout_ms.or(self.queue.settings.consumer_timeout_ms);
        let deadline = holder.receipt_until.or(timeout_ms.map(|ms| self.now.plus_ms(ms)));
        let op = match holder.receipt_until {
            None => Op::Leased,
            Some(until) => Op::Received { at: self.now, until },
        };
        self.facts.message(self.queue.id, op, entry.position);
        let Holder { consumer, pool, .. } = *holder;
        let received_at = holder.receipt_until.map(|_| self.now);
        let (slot, generation) =
            self.leases.insert(Lease { entry, queue: self.slot, consumer, pool, deadline, received_at });
        let id = LeaseId { slot, generation };
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, slot, generation));
        }
        if received_at.is_some() {
            self.receipts.insert((self.slot, entry.position), id);
        }
        id
    }
}
