//! Receives that are repeated under their attempt id, as by a client that got no answer.

use super::*;
use crate::limits::RECEIVE_ATTEMPT_MS;

fn attempt(rig: &mut Rig, queue: QueueId, max: u32, id: u128) -> Vec<Received> {
    rig.receive_with(Receive { queue, max, visibility_ms: None, attempt: Some(id) })
}

/// Holds a message for longer than an attempt is known.
fn long_attempt(rig: &mut Rig, queue: QueueId, id: u128) -> Vec<Received> {
    let visibility_ms = Some(2 * RECEIVE_ATTEMPT_MS);
    rig.receive_with(Receive { queue, max: 1, visibility_ms, attempt: Some(id) })
}

#[test]
fn a_repeated_receive_gets_the_same_for_another_while() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5, 5]);
    let first = attempt(&mut rig, queue, 2, 7);
    rig.pass(10_000);
    assert_eq!(attempt(&mut rig, queue, 2, 7), first);
    assert_eq!((rig.stats(queue).leased, rig.stats(queue).counters.delivered), (2, 2));
    rig.crash();
    rig.pass(VISIBILITY_MS - 1);
    assert!(rig.receive(queue, 10).is_empty());
    rig.pass(1);
    assert_eq!(rig.receive_serials(queue, 10), [0, 1, 2]);
    rig.check();
}

#[test]
fn another_attempt_gets_others() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 3);
    attempt(&mut rig, queue, 1, 7);
    let other = attempt(&mut rig, queue, 1, 8);
    assert_eq!(rig.serials_of(&other), [1]);
    assert_eq!(rig.receive_serials(queue, 1), [2]);
}

#[test]
fn what_was_settled_or_extended_since_is_not_repeated() {
    type Change = fn(&mut Rig, QueueId, &Received);
    let changes: [Change; 3] = [
        |rig, queue, received| rig.delete(queue, received).unwrap(),
        |rig, queue, received| assert_eq!(rig.extend(queue, received, 70_000), Ok(Extended::Held)),
        |rig, queue, received| assert_eq!(rig.extend(queue, received, 0), Ok(Extended::Held)),
    ];
    for (change, next) in changes.into_iter().zip([2, 2, 1]) {
        let mut rig = Rig::new();
        let queue = rig.queue(standard());
        rig.publish(queue, 4);
        let first = attempt(&mut rig, queue, 2, 7);
        change(&mut rig, queue, &first[1]);
        let second = attempt(&mut rig, queue, 2, 7);
        assert_eq!(rig.serials_of(&second), [next, next + 1]);
        assert_eq!(attempt(&mut rig, queue, 2, 7), second, "the attempt is about these now");
        rig.check();
    }
}

#[test]
fn an_attempt_ends_with_its_leases() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 1);
    let first = attempt(&mut rig, queue, 1, 7);
    rig.pass(VISIBILITY_MS);
    let second = attempt(&mut rig, queue, 1, 7);
    assert_eq!((first[0].receipt.receive, second[0].receipt.receive), (1, 2));
}

#[test]
fn an_attempt_is_forgotten_after_five_minutes() {
    for (ms, next) in [(RECEIVE_ATTEMPT_MS - 1, 0), (RECEIVE_ATTEMPT_MS, 1)] {
        let mut rig = Rig::new();
        let queue = rig.queue(standard());
        rig.publish(queue, 2);
        long_attempt(&mut rig, queue, 7);
        rig.pass(ms);
        let second = long_attempt(&mut rig, queue, 7);
        assert_eq!(rig.serials_of(&second), [next]);
    }
}

#[test]
fn an_id_that_is_used_anew_is_known_for_five_minutes_from_then() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 3);
    let first = long_attempt(&mut rig, queue, 7);
    rig.delete(queue, &first[0]).unwrap();
    rig.pass(RECEIVE_ATTEMPT_MS - 1);
    let second = long_attempt(&mut rig, queue, 7);
    assert_eq!(rig.serials_of(&second), [1]);
    rig.pass(10);
    assert_eq!(long_attempt(&mut rig, queue, 7), second);
}

#[test]
fn a_receive_of_nothing_is_not_remembered() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    assert!(attempt(&mut rig, queue, 1, 7).is_empty());
    rig.publish(queue, 1);
    let received = attempt(&mut rig, queue, 1, 7);
    assert_eq!(rig.serials_of(&received), [0]);
}
