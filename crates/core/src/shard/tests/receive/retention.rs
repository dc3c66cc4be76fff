//! Retention: how long a message is kept from the time at which it was sent, whatever happens to it meanwhile.

use super::*;
use crate::Period;

fn kept_for(ms: u64) -> QueueSettings {
    QueueSettings { retention: Some(Period { ms, first_ms: 1_000 }), ..standard() }
}

#[test]
fn a_message_is_kept_for_the_period() {
    let mut rig = Rig::new();
    let queue = rig.queue(kept_for(1_000));
    rig.publish(queue, 1);
    rig.pass(600);
    rig.publish(queue, 1);
    rig.pass(399);
    assert_eq!(rig.stats(queue).ready, 2);
    rig.pass(2);
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).counters.dropped), (1, 1));
    rig.crash();
    assert_eq!(rig.receive_serials(queue, 10), [1]);
}

#[test]
fn another_period_holds_for_what_is_there() {
    for (ms, left) in [(3_000, 2_500), (800, 300)] {
        let mut rig = Rig::new();
        let queue = rig.queue(kept_for(1_000));
        rig.publish(queue, 1);
        rig.pass(500);
        rig.change(queue, kept_for(ms));
        rig.publish(queue, 1);
        rig.crash();
        rig.pass(left - 1);
        assert_eq!(rig.stats(queue).ready, 2, "{ms} ms");
        rig.pass(2);
        assert_eq!(rig.stats(queue).ready, 1, "{ms} ms");
        rig.pass(500);
        assert_eq!(rig.stats(queue).ready, 0, "{ms} ms");
        rig.check();
    }
}

#[test]
fn a_shorter_period_ends_what_is_too_old_at_once() {
    let mut rig = Rig::new();
    let queue = rig.queue(kept_for(1_000));
    rig.publish(queue, 1);
    rig.pass(500);
    rig.change(queue, kept_for(300));
    assert_eq!(rig.stats(queue).ready, 0);
    rig.check();
}

#[test]
fn a_message_expires_in_flight_too() {
    let mut rig = Rig::new();
    let queue = rig.queue(kept_for(1_000));
    rig.publish(queue, 2);
    let received = rig.receive_for(queue, 2, 5_000);
    rig.pass(1_001);
    assert_eq!(rig.extend(queue, &received[0], 0), Ok(Extended::Held));
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased), (0, 1));
    assert!(rig.receive(queue, 10).is_empty());
    assert_eq!(rig.delete(queue, &received[1]), Ok(()), "whoever works on it may finish");
    rig.crash();
    assert_eq!(rig.shard.live_bytes(), 0);
}

#[test]
fn a_moved_message_is_as_old_as_before() {
    let mut rig = Rig::new();
    let queue = rig.queue(kept_for(1_000));
    let sent_at = Some(Time(rig.now.0 - 800));
    rig.publish_with(&[queue], Traits { sent_at, ..Traits::default() });
    rig.crash();
    rig.pass(200);
    assert_eq!(rig.stats(queue).ready, 1);
    rig.pass(1);
    assert_eq!(rig.stats(queue).ready, 0);
}

#[test]
fn the_shorter_of_retention_and_time_to_live_counts() {
    let mut rig = Rig::new();
    let queue = rig.queue(kept_for(1_000));
    for expiration_ms in [Some(200), Some(5_000)] {
        rig.publish_with(&[queue], Traits { expiration_ms, ..Traits::default() });
    }
    rig.pass(201);
    assert_eq!(rig.stats(queue).ready, 1);
    rig.pass(800);
    assert_eq!(rig.stats(queue).ready, 0);
}
