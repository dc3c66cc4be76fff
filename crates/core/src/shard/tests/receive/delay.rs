//! Another delay of a queue: for messages to come, or (SQS's FIFO queues) for those that wait as well.

use super::*;
use crate::Period;

fn delayed_by(ms: u64) -> QueueSettings {
    QueueSettings { delay: Period { ms, first_ms: 1_000 }, ..exclusive_groups() }
}

#[test]
fn another_delay_counts_from_when_a_message_was_sent() {
    for (ms, left) in [(3_000, 2_500), (800, 300)] {
        for crash in [false, true] {
            let mut rig = Rig::new();
            let queue = rig.queue(delayed_by(1_000));
            rig.publish_groups(queue, &[5]);
            rig.pass(500);
            rig.change(queue, delayed_by(ms));
            rig.publish_groups(queue, &[5]);
            if crash {
                rig.crash();
            }
            rig.pass(left - 1);
            assert_eq!(rig.stats(queue).delayed, 2, "{ms} ms");
            rig.pass(1);
            assert_eq!((rig.stats(queue).delayed, rig.stats(queue).ready), (1, 1), "{ms} ms");
            rig.pass(500);
            assert_eq!(rig.receive_serials(queue, 10), [0, 1], "{ms} ms");
            rig.check();
        }
    }
}

#[test]
fn without_a_delay_what_waits_is_ready_at_once() {
    let mut rig = Rig::new();
    let queue = rig.queue(delayed_by(1_000));
    rig.publish_groups(queue, &[5]);
    rig.turn(|shard| shard.wait(queue, ALICE, 1)).unwrap();
    rig.change(queue, delayed_by(0));
    assert!(rig.effects.iter().any(|(_, effect)| matches!(effect, Effect::Available { .. })));
    rig.publish_groups(queue, &[5]);
    assert_eq!(rig.receive_serials(queue, 10), [0, 1], "and before what came later");
    rig.check();
}

#[test]
fn what_has_been_ready_stays_ready() {
    let mut rig = Rig::new();
    let queue = rig.queue(delayed_by(0));
    rig.publish_groups(queue, &[5]);
    rig.change(queue, delayed_by(1_000));
    rig.publish_groups(queue, &[5]);
    assert_eq!(rig.receive_serials(queue, 10), [0]);
    rig.check();
}

#[test]
fn a_constant_delay_is_for_messages_to_come() {
    let constant = |ms| QueueSettings { delay: Period::constant(ms), ..standard() };
    let mut rig = Rig::new();
    let queue = rig.queue(constant(1_000));
    rig.publish(queue, 1);
    rig.change(queue, constant(0));
    rig.publish(queue, 1);
    assert_eq!(rig.receive_serials(queue, 10), [1]);
    rig.crash();
    rig.pass(1_000);
    assert_eq!(rig.receive_serials(queue, 10), [0]);
    rig.check();
}
