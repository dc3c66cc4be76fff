//! What a consumer got, and whether it may have been so.

use super::Latencies;
use crate::client::Stamp;

/// The most entries that one consumer keeps to check the order: 128 MiB of them.
const MAX_SEQUENCES: u64 = 1 << 24;

/// Every message of a consumer, counted and checked.
///
/// The messages of one publisher, queue and group come in the order of their numbers, at every consumer: when several
/// share a queue, each sees a part of it, in order. A message that the broker says it redelivers may come again.
pub(crate) struct Tally {
    /// Over how many queues each publisher spreads its messages.
    targets: Vec<u64>,
    groups: u64,
    /// Whether the order is to be checked.
    pub(crate) ordered: bool,
    /// By queue, publisher and group: the number after the last.
    next: Vec<u64>,
    /// How long messages took.
    pub(crate) latencies: Latencies,
    /// What was counted.
    pub(crate) counts: Counts,
    /// When the last message came.
    pub(crate) last_ns: u64,
}

/// Numbers of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All that came.
    pub(crate) received: u64,
    /// The sum of what [`fingerprint`] makes of each, wrapping: it tells one set of messages from another.
    pub(crate) fingerprint: u64,
    /// Those that came after one that was published later, or came again without a word of it.
    pub(crate) out_of_order: u64,
    /// Those that the broker said may have come before.
    pub(crate) redelivered: u64,
}

impl Counts {
    /// Counts what another one has.
    pub(crate) fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
        self.out_of_order += other.out_of_order;
        self.redelivered += other.redelivered;
    }
}

/// A number for one message of one publisher; sums of them differ if a message is missing and another is doubled.
#[inline]
pub(crate) fn fingerprint(publisher: u16, number: u64) -> u64 {
    (number + 1).wrapping_mul(2 * u64::from(publisher) + 1)
}

/// The sum of the fingerprints of a publisher's first `count` messages.
pub(crate) fn fingerprint_of_all(publisher: u16, count: u64) -> u64 {
    let (half, whole) =
        if count.is_multiple_of(2) { (count / 2, count + 1) } else { (count.div_ceil(2), count) };
    half.wrapping_mul(whole).wrapping_mul(2 * u64::from(publisher) + 1)
}

impl Tally {
    /// For a consumer of so many queues, and publishers that spread their messages over so many each; `None` if there
    /// is too much to keep in mind.
    pub(crate) fn new(queues: usize, targets: Vec<u64>, groups: u32, latencies: Latencies) -> Option<Self> {
        let groups = u64::from(groups.max(1));
        let entries = (queues as u64).checked_mul(targets.len() as u64)?.checked_mul(groups)?;
        (entries <= MAX_SEQUENCES).then(|| Self {
            targets,
            groups,
            ordered: true,
            next: vec![0; entries as usize],
            latencies,
            counts: Counts::default(),
            last_ns: 0,
        })
    }

    /// Takes a message that came at `now_ns` from the consumer's queue with that index.
    #[inline]
    pub(crate) fn take(&mut self, queue: usize, stamp: Stamp, redelivered: bool, now_ns: u64) {
        let Stamp { publisher, number, intended_ns } = stamp;
        self.counts.received += 1;
        self.counts.fingerprint = self.counts.fingerprint.wrapping_add(fingerprint(publisher, number));
        let excused = redelivered || !self.ordered;
        match self.next_of(queue, publisher, number) {
            Some(next) if number >= *next => *next = number + 1,
            _ if excused => {}
            // Also a message of a publisher or queue that there is not.
            _ => self.counts.out_of_order += 1,
        }
        self.counts.redelivered += u64::from(redelivered);
        if let Some(intended_ns) = intended_ns {
            self.latencies.take(intended_ns, now_ns);
        }
        self.last_ns = now_ns;
    }

    /// The number after the last one of the same publisher, queue and group; `None` if there are no such.
    #[inline]
    fn next_of(&mut self, queue: usize, publisher: u16, number: u64) -> Option<&mut u64> {
        let targets = *self.targets.get(usize::from(publisher))?;
        let group = if self.groups == 1 { 0 } else { number / targets % self.groups };
        let place = (queue * self.targets.len() + usize::from(publisher)) * self.groups as usize;
        self.next.get_mut(place + group as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(queues: usize, targets: &[u64], groups: u32) -> Tally {
        Tally::new(queues, targets.to_vec(), groups, Latencies::new(0)).unwrap()
    }

    fn stamp(publisher: u16, number: u64) -> Stamp {
        Stamp { publisher, number, intended_ns: None }
    }

    #[test]
    fn order_holds_within_a_publisher_and_a_queue() {
        let mut tally = tally(2, &[2, 2], 0);
        for (queue, publisher, number) in [(0, 0, 4), (1, 0, 1), (0, 1, 0), (0, 0, 6), (1, 0, 3)] {
            tally.take(queue, stamp(publisher, number), false, 0);
        }
        assert_eq!(tally.counts.out_of_order, 0);
        tally.take(0, stamp(0, 6), false, 0);
        assert_eq!(tally.counts.out_of_order, 1, "twice without a word of it");
        tally.take(0, stamp(0, 2), true, 0);
        assert_eq!((tally.counts.out_of_order, tally.counts.redelivered), (1, 1));
        tally.take(0, stamp(9, 0), false, 0);
        assert_eq!(tally.counts.out_of_order, 2, "there is no such publisher");
    }

    #[test]
    fn order_holds_within_a_group_where_there_are_groups() {
        let mut tally = tally(1, &[1], 2);
        for number in [0, 2, 1, 4, 3] {
            tally.take(0, stamp(0, number), false, 0);
        }
        assert_eq!(tally.counts.out_of_order, 0);
        tally.take(0, stamp(0, 2), false, 0);
        assert_eq!(tally.counts.out_of_order, 1);
    }

    #[test]
    fn one_missing_and_one_doubled_is_not_all() {
        for (publisher, count) in [(0, 0), (0, 7), (3, 8), (65_535, 1000)] {
            let sum = (0..count).fold(0u64, |sum, number| sum.wrapping_add(fingerprint(publisher, number)));
            assert_eq!(sum, fingerprint_of_all(publisher, count));
        }
        let doubled = fingerprint(1, 0).wrapping_add(fingerprint(1, 0));
        assert_ne!(doubled, fingerprint_of_all(1, 2));
        assert!(Tally::new(1 << 20, vec![1; 100], 100, Latencies::new(0)).is_none());
    }
}
