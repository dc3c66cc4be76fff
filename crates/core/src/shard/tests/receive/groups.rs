//! Exclusive groups (SQS's FIFO queues): consecutive messages in one receive, and nothing more of a group that is held.

use super::*;
use crate::Redrive;

#[test]
fn a_receive_takes_consecutive_messages_of_a_group() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5, 6, 5, 0, 6, 5]);
    assert_eq!(rig.receive_serials(queue, 3), [0, 1, 3]);
    assert_eq!(rig.receive_serials(queue, 10), [2, 5, 4], "the last of group 5 waits");
    rig.check();
    rig.pass(VISIBILITY_MS);
    assert_eq!(rig.receive_serials(queue, 10), [0, 1, 3, 6, 2, 5, 4]);
    rig.check();
}

#[test]
fn a_group_is_held_until_all_of_it_are_settled() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5, 5]);
    let received = rig.receive(queue, 2);
    assert!(rig.receive(queue, 10).is_empty());
    rig.delete(queue, &received[0]).unwrap();
    rig.publish_groups(queue, &[5]);
    assert!(rig.receive(queue, 10).is_empty(), "what is new in the group does not free it");
    rig.delete(queue, &received[1]).unwrap();
    assert_eq!(rig.receive_serials(queue, 10), [2, 3]);
    rig.check();
}

/// Of three, the second is deleted and the first extended: the third is back and stays hidden.
#[test]
fn what_is_back_waits_for_those_before_it() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5, 5, 5]);
    let received = rig.receive(queue, 3);
    rig.delete(queue, &received[1]).unwrap();
    rig.extend(queue, &received[0], 60_000).unwrap();
    rig.pass(VISIBILITY_MS);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased), (2, 1));
    assert!(rig.receive(queue, 10).is_empty());
    rig.crash();
    assert!(rig.receive(queue, 10).is_empty());
    rig.pass(30_000);
    assert_eq!(rig.receive_serials(queue, 10), [0, 2, 3]);
    rig.check();
}

#[test]
fn consumers_and_receives_keep_out_of_each_others_groups() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5, 6, 6]);
    let received = rig.receive(queue, 1);
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [2]);
    assert!(rig.receive(queue, 10).is_empty());
    rig.delete(queue, &received[0]).unwrap();
    assert_eq!(rig.delivered(), [1]);
    rig.settle(&held[0], Settle::Done);
    assert_eq!(rig.delivered(), [3]);
    rig.check();
}

#[test]
fn a_run_ends_before_a_message_that_was_received_too_often() {
    let mut rig = Rig::new();
    let redrive = Some(Redrive { queue: "dead".into(), max_receives: 1 });
    let queue = rig.queue(QueueSettings { redrive, ..exclusive_groups() });
    rig.publish_groups(queue, &[5, 5, 5]);
    let received = rig.receive(queue, 2);
    let again = rig.turn(|shard| {
        shard.extend(queue, received[1].receipt, 0, MOST_MS).unwrap();
        shard.delete(queue, received[0].receipt).unwrap();
        let mut again = Vec::new();
        let receive = Receive { queue, max: 10, visibility_ms: None, attempt: None };
        shard.receive(&receive, &mut again).unwrap();
        again
    });
    assert_eq!(rig.serials_of(&again), [2]);
    assert_eq!(positions(&rig.dead), [received[1].receipt.position]);
    rig.check();
}

#[test]
fn a_purge_of_everything_frees_the_groups() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5, 6]);
    assert_eq!(rig.receive(queue, 1).len(), 1);
    assert_eq!(rig.turn(|shard| shard.purge_all(queue)), 3);
    rig.publish_groups(queue, &[5, 6]);
    rig.crash();
    assert_eq!(rig.receive_serials(queue, 10), [3, 4]);
}
