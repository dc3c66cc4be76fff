//! The deliveries of a channel that wait for their ack, by delivery tag.

use leveret_core::{LeaseId, QueueId, ShardIndex};
use std::collections::VecDeque;

/// Settled deliveries between unacked ones that are tolerated before they are cleared out.
const GAPS: usize = 256;

/// Deliveries in the order of their tags, which is the order in which clients ack.
#[derive(Debug, Default)]
pub(super) struct Unacked {
    deliveries: VecDeque<Unsettled>,
    /// How many of them were settled out of order and are only gaps.
    gaps: usize,
}

/// A delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unsettled {
    pub(super) tag: u64,
    pub(super) queue: QueueId,
    pub(super) lease: LeaseId,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Held,
    /// The lease ended at its deadline; the client does not know.
    Expired,
    /// Settled; a gap.
    Settled,
}

impl Unsettled {
    /// Whether there is still something to settle.
    pub(super) fn is_held(&self) -> bool {
        self.state == State::Held
    }
}

impl Unacked {
    /// How many deliveries wait.
    pub(super) fn len(&self) -> usize {
        self.deliveries.len() - self.gaps
    }

    /// Adds the latest delivery. Tags only grow.
    #[inline]
    pub(super) fn push(&mut self, tag: u64, queue: QueueId, lease: LeaseId) {
        self.deliveries.push_back(Unsettled { tag, queue, lease, state: State::Held });
    }

    /// Takes one delivery out; `None` for a tag that is unknown or was settled.
    #[inline]
    pub(super) fn take(&mut self, tag: u64) -> Option<Unsettled> {
        if self.deliveries.front().is_some_and(|first| first.tag == tag) {
            let first = self.deliveries.pop_front();
            self.trim();
            return first;
        }
        let index = self.find(tag)?;
        let found = &mut self.deliveries[index];
        let taken = *found;
        found.state = State::Settled;
        self.gaps += 1;
        self.clear_gaps();
        Some(taken)
    }

    /// Takes out all deliveries up to a tag, which must be one of them (0 stands for the last); `false` if it
    /// is not.
    #[inline]
    pub(super) fn take_through(&mut self, tag: u64, mut each: impl FnMut(Unsettled)) -> bool {
        let count = match tag {
            0 => self.deliveries.len(),
            _ => match self.find(tag) {
                Some(index) => index + 1,
                None => return false,
            },
        };
        for delivery in self.deliveries.drain(..count) {
            match delivery.state {
                State::Settled => self.gaps -= 1,
                State::Held | State::Expired => each(delivery),
            }
        }
        self.trim();
        true
    }

    /// A lease has ended at its deadline.
    pub(super) fn expire(&mut self, shard: ShardIndex, lease: LeaseId) {
        let expired = self.deliveries.iter_mut().find(|delivery| {
            delivery.lease == lease && delivery.queue.shard() == shard && delivery.state == State::Held
        });
        if let Some(delivery) = expired {
            delivery.state = State::Expired;
        }
    }

    /// Puts deliveries back that were taken out, each to its place.
    pub(super) fn restore(&mut self, taken: impl Iterator<Item = Unsettled>) {
        let mut all: Vec<Unsettled> =
            self.deliveries.drain(..).filter(|d| d.state != State::Settled).collect();
        all.extend(taken);
        all.sort_unstable_by_key(|delivery| delivery.tag);
        self.deliveries = all.into();
        self.gaps = 0;
    }

    /// Takes out all deliveries and hands on those that can be settled.
    pub(super) fn drain(&mut self, mut each: impl FnMut(QueueId, LeaseId)) {
        for delivery in self.deliveries.drain(..).filter(Unsettled::is_held) {
            each(delivery.queue, delivery.lease);
        }
        self.gaps = 0;
    }

    fn find(&self, tag: u64) -> Option<usize> {
        let index = self.deliveries.binary_search_by_key(&tag, |delivery| delivery.tag).ok()?;
        (self.deliveries[index].state != State::Settled).then_some(index)
    }

    /// Drops gaps at the front: the first delivery is never one.
    fn trim(&mut self) {
        while self.deliveries.front().is_some_and(|delivery| delivery.state == State::Settled) {
            self.deliveries.pop_front();
            self.gaps -= 1;
        }
    }

    /// Drops all gaps once they are more than what is unacked: a delivery that stays unacked for ever must not
    /// keep the memory of all that came after it.
    fn clear_gaps(&mut self) {
        if self.gaps > GAPS && self.gaps > self.deliveries.len() / 2 {
            self.deliveries.retain(|delivery| delivery.state != State::Settled);
            self.gaps = 0;
        }
    }
}

#[cfg(test)]
mod tests;
