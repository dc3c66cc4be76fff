//! Unacked deliveries against a plain list of tags, with dice.

use super::Unacked;
use leveret_core::{LeaseId, QueueId, ShardIndex};
use std::collections::BTreeSet;

const QUEUE: QueueId = QueueId(7);

fn lease(tag: u64) -> LeaseId {
    LeaseId { slot: tag as u32, generation: 1 }
}

#[test]
fn every_tag_is_taken_once_in_whatever_order() {
    for seed in 1..50u64 {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut roll = |sides: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            (dice >> 20) % sides
        };
        let mut unacked = Unacked::default();
        let mut expected = BTreeSet::new();
        let mut last = 0;
        for _ in 0..3000 {
            match roll(10) {
                0..5 => {
                    // Deliveries without a lease leave gaps between tags.
                    last += 1 + roll(2);
                    unacked.push(last, QUEUE, lease(last));
                    expected.insert(last);
                }
                5..9 => {
                    let tag = 1 + roll(last.max(1));
                    let taken = unacked.take(tag).map(|taken| (taken.tag, taken.lease));
                    assert_eq!(taken, expected.take(&tag).map(|tag| (tag, lease(tag))));
                }
                _ => {
                    let tag = 1 + roll(last.max(1));
                    let mut taken = Vec::new();
                    let known = unacked.take_through(tag, |delivery| taken.push(delivery.tag));
                    assert_eq!(known, expected.contains(&tag));
                    let left = if known { expected.split_off(&(tag + 1)) } else { expected.clone() };
                    let through: Vec<u64> = expected.difference(&left).copied().collect();
                    assert_eq!(taken, through);
                    expected = left;
                }
            }
            assert_eq!(unacked.len(), expected.len());
        }
        let mut left = Vec::new();
        unacked.drain(|_, lease| left.push(u64::from(lease.slot)));
        assert_eq!(left, expected.into_iter().collect::<Vec<_>>());
        assert_eq!(unacked.len(), 0);
    }
}

#[test]
fn one_delivery_that_is_never_acked_keeps_no_more_than_itself() {
    let mut unacked = Unacked::default();
    for tag in 1..=100_000 {
        unacked.push(tag, QUEUE, lease(tag));
        if tag > 1 {
            assert!(unacked.take(tag).is_some());
        }
    }
    assert_eq!(unacked.len(), 1);
    assert!(unacked.deliveries.len() <= 2 * super::GAPS + 2);
}

#[test]
fn an_expired_lease_can_be_acked_once_and_is_not_settled() {
    let mut unacked = Unacked::default();
    (1..=3).for_each(|tag| unacked.push(tag, QUEUE, lease(tag)));
    unacked.expire(ShardIndex(0), lease(2));
    unacked.expire(ShardIndex(1), lease(3));
    assert!(unacked.take(2).is_some_and(|taken| !taken.is_held()));
    assert!(unacked.take(2).is_none());
    assert!(unacked.take(3).is_some_and(|taken| taken.is_held()));
}

#[test]
fn what_is_restored_is_in_its_place_again() {
    let mut unacked = Unacked::default();
    (1..=6).for_each(|tag| unacked.push(tag, QUEUE, lease(tag)));
    let taken = [5, 2].map(|tag| unacked.take(tag).unwrap());
    unacked.take(4).unwrap();
    unacked.restore(taken.into_iter());
    let mut tags = Vec::new();
    assert!(unacked.take_through(0, |delivery| tags.push(delivery.tag)));
    assert_eq!(tags, [1, 2, 3, 5, 6]);
}
