//! Redrive: what was received too often goes to the dead-letter queue instead of being received once more.

use super::*;
use crate::Redrive;

fn redriven(settings: QueueSettings) -> QueueSettings {
    QueueSettings { redrive: Some(Redrive { queue: "dead".into(), max_receives: 2 }), ..settings }
}

/// Receives the only message as often as may be, and lets the leases end. Answers its last receipt.
fn wear_out(rig: &mut Rig, queue: QueueId) -> Received {
    rig.receive_for(queue, 1, 0);
    let last = rig.receive(queue, 1);
    rig.pass(VISIBILITY_MS);
    last[0]
}

/// Receives the only message once too often.
fn exhaust(rig: &mut Rig, queue: QueueId) {
    wear_out(rig, queue);
    assert!(rig.receive(queue, 10).is_empty());
}

fn report(rig: &mut Rig, queue: QueueId, transfer: Transfer) {
    for dead in std::mem::take(&mut rig.dead) {
        rig.turn(|shard| shard.transferred(queue, dead.position, transfer));
    }
}

#[test]
fn what_was_received_too_often_dies() {
    let mut rig = Rig::new();
    let queue = rig.queue(redriven(standard()));
    rig.publish(queue, 1);
    wear_out(&mut rig, queue);
    assert_eq!((rig.stats(queue).ready, rig.dead.len()), (1, 0), "nobody would get it once more yet");
    assert!(rig.receive(queue, 10).is_empty());
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).dying), (0, 1));
    assert_eq!((rig.dead.len(), rig.dead[0].reason), (1, DeadReason::DeliveryLimit));
    rig.crash();
    assert_eq!(rig.dead.len(), 1, "asked for again");
    report(&mut rig, queue, Transfer::Arrived);
    assert_eq!(rig.stats(queue).counters.dead_lettered, [0, 0, 0, 1]);
    assert_eq!(rig.shard.live_bytes(), 0);
    rig.check();
}

#[test]
fn until_then_a_late_receipt_deletes_it() {
    let mut rig = Rig::new();
    let queue = rig.queue(redriven(standard()));
    rig.publish(queue, 1);
    let last = wear_out(&mut rig, queue);
    rig.crash();
    assert_eq!(rig.delete(queue, &last), Ok(()));
    assert!(rig.receive(queue, 10).is_empty());
    assert_eq!((rig.dead.len(), rig.shard.live_bytes()), (0, 0));
}

/// The turn in which the last lease ends may be the one that receives.
#[test]
fn a_receive_passes_over_what_was_received_too_often() {
    let mut rig = Rig::new();
    let queue = rig.queue(redriven(standard()));
    rig.publish(queue, 2);
    let first = rig.receive_for(queue, 1, 0);
    let second = rig.receive(queue, 1);
    assert_eq!(second[0].receipt.position, first[0].receipt.position);
    let third = rig.turn(|shard| {
        shard.extend(queue, second[0].receipt, 0, MOST_MS).unwrap();
        let mut third = Vec::new();
        let receive = Receive { queue, max: 10, visibility_ms: None, attempt: None };
        shard.receive(&receive, &mut third).unwrap();
        third
    });
    assert_eq!(rig.serials_of(&third), [1]);
    assert_eq!(positions(&rig.dead), [first[0].receipt.position]);
    rig.check();
}

#[test]
fn deliveries_to_consumers_count_too() {
    let mut rig = Rig::new();
    let queue = rig.queue(redriven(standard()));
    rig.publish(queue, 1);
    rig.receive_for(queue, 1, 0);
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    assert_eq!(held[0].acquired, 1);
    rig.settle(&held[0], Settle::Again);
    assert_eq!((rig.delivered(), rig.dead.len()), (Vec::new(), 1));
    rig.check();
}

#[test]
fn the_next_of_a_group_follows() {
    let mut rig = Rig::new();
    let queue = rig.queue(redriven(exclusive_groups()));
    rig.publish_groups(queue, &[5, 5]);
    for _ in 0..2 {
        assert_eq!(rig.receive_serials(queue, 1), [0]);
        rig.pass(VISIBILITY_MS);
    }
    assert_eq!(rig.receive_serials(queue, 1), [1]);
    assert_eq!(rig.dead.len(), 1);
    rig.check();
}

#[test]
fn without_its_target_a_message_stays_and_can_be_received() {
    for settings in [standard(), exclusive_groups(), fair_groups()] {
        let mut rig = Rig::new();
        let queue = rig.queue(redriven(settings));
        rig.publish_groups(queue, &[5]);
        exhaust(&mut rig, queue);
        report(&mut rig, queue, Transfer::NoTarget);
        rig.pass(1_000);
        assert_eq!((rig.stats(queue).ready, rig.stats(queue).dying, rig.dead.len()), (1, 0, 0));
        let received = rig.receive(queue, 10);
        assert_eq!(received[0].receipt.receive, 3);
        rig.check();
        rig.pass(VISIBILITY_MS);
        assert!(rig.dead.is_empty(), "it does not go back and forth");
        rig.turn(Shard::retry_transfers);
        assert!(rig.receive(queue, 10).is_empty());
        assert_eq!(rig.dead.len(), 1, "after the next retry it is tried once more");
        report(&mut rig, queue, Transfer::NoTarget);
        assert_eq!((rig.stats(queue).ready, rig.dead.len()), (1, 0));
        rig.check();
    }
}

#[test]
fn a_new_redrive_is_tried_at_the_next_receive() {
    let mut rig = Rig::new();
    let queue = rig.queue(redriven(standard()));
    rig.publish(queue, 1);
    exhaust(&mut rig, queue);
    report(&mut rig, queue, Transfer::NoTarget);
    rig.change(queue, redriven(standard()));
    assert!(rig.receive(queue, 10).is_empty());
    assert_eq!(rig.dead.len(), 1);
    rig.check();
}

#[test]
fn a_target_that_refuses_is_asked_again_at_the_retry() {
    let mut rig = Rig::new();
    let queue = rig.queue(redriven(standard()));
    rig.publish(queue, 1);
    exhaust(&mut rig, queue);
    report(&mut rig, queue, Transfer::Refused);
    assert!(rig.receive(queue, 10).is_empty());
    assert_eq!((rig.stats(queue).dying, rig.dead.len()), (1, 0));
    rig.turn(Shard::retry_transfers);
    assert_eq!(rig.dead.len(), 1);
}
