//! A crash: receipts go on, with their times and counts; what AMQP's consumers hold comes back.

use super::*;

#[test]
fn receipts_survive_and_leases_of_consumers_do_not() {
    for checkpoint_at in 0..4 {
        let mut rig = Rig::new();
        let queue = rig.queue(standard());
        let mut step = 0;
        let mut cut = |rig: &mut Rig| {
            if step == checkpoint_at {
                rig.checkpoint();
            }
            step += 1;
        };
        rig.publish(queue, 4);
        let received_at = rig.now;
        let short = rig.receive_for(queue, 2, 10_000);
        let long = rig.receive_for(queue, 1, 20_000);
        cut(&mut rig);
        rig.pass(1_000);
        assert_eq!(rig.extend(queue, &short[0], 60_000), Ok(Extended::Held));
        cut(&mut rig);
        rig.subscribe(queue, ALICE, 0);
        assert_eq!(rig.delivered(), [3]);
        cut(&mut rig);
        rig.crash();
        assert_eq!((rig.stats(queue).leased, rig.stats(queue).ready), (3, 1));
        let lost = rig.receive_for(queue, 10, 100_000);
        assert_eq!(rig.serials_of(&lost), [3]);
        assert_eq!((lost[0].delivery.failures, lost[0].receipt.receive), (1, 2));
        assert_eq!(rig.delete(queue, &short[1]), Ok(()), "the receipt is as good as before");
        rig.pass(18_999);
        assert!(rig.receive(queue, 10).is_empty());
        rig.pass(1);
        let again = rig.receive_for(queue, 10, 100_000);
        assert_eq!((again[0].receipt.position, again[0].receipt.receive), (long[0].receipt.position, 2));
        assert_eq!((again.len(), again[0].first_received), (1, received_at));
        rig.pass(40_999);
        assert!(rig.receive(queue, 10).is_empty());
        rig.pass(1);
        assert_eq!(rig.receive_serials(queue, 10), [0], "the extension counts");
        rig.check();
    }
}

#[test]
fn a_lease_may_last_no_longer_after_a_crash() {
    for checkpoint in [false, true] {
        let mut rig = Rig::new();
        let queue = rig.queue(standard());
        rig.publish(queue, 1);
        let received = rig.receive(queue, 1);
        rig.pass(10_000);
        if checkpoint {
            rig.checkpoint();
        }
        rig.crash();
        let receipt = received[0].receipt;
        let mut extend = |ms| rig.turn(|shard| shard.extend(queue, receipt, ms, 100_000));
        assert_eq!(extend(90_001), Err(ReceiptError::TooLong));
        assert_eq!(extend(90_000), Ok(Extended::Held));
        rig.crash();
        assert_eq!(rig.delete(queue, &received[0]), Ok(()));
        assert_eq!(rig.shard.live_bytes(), 0);
        rig.crash();
        assert_eq!(rig.delete(queue, &received[0]), Ok(()), "it is gone for good");
    }
}

#[test]
fn a_lease_that_ended_while_the_broker_was_down_is_over() {
    for settings in [standard(), exclusive_groups(), fair_groups()] {
        let mut rig = Rig::new();
        let queue = rig.queue(settings);
        rig.publish_groups(queue, &[5, 5]);
        rig.receive(queue, 1);
        rig.check();
        rig.now = rig.now.plus_ms(VISIBILITY_MS);
        rig.kill();
        rig.pass(0);
        let again = rig.receive(queue, 2);
        assert_eq!(rig.serials_of(&again), [0, 1]);
        assert_eq!(again[0].receipt.receive, 2);
        rig.check();
    }
}

#[test]
fn receives_are_counted_over_crashes() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 1);
    let first_at = rig.now;
    for receive in 1..6 {
        let received = rig.receive(queue, 1);
        assert_eq!((received[0].receipt.receive, received[0].first_received), (receive, first_at));
        if receive % 2 == 0 {
            rig.checkpoint();
        }
        rig.crash();
        rig.pass(VISIBILITY_MS);
        rig.crash();
    }
}

#[test]
fn an_exclusive_group_stays_held() {
    for checkpoint in [false, true] {
        let mut rig = Rig::new();
        let queue = rig.queue(exclusive_groups());
        rig.publish_groups(queue, &[5, 5, 5, 6]);
        let received = rig.receive(queue, 2);
        assert_eq!(rig.serials_of(&received), [0, 1]);
        if checkpoint {
            rig.checkpoint();
        }
        rig.delete(queue, &received[0]).unwrap();
        rig.crash();
        assert_eq!(rig.receive_serials(queue, 10), [3], "group 5 is held by the second message");
        rig.delete(queue, &received[1]).unwrap();
        assert_eq!(rig.receive_serials(queue, 10), [2]);
        rig.crash();
        rig.publish_groups(queue, &[5, 6]);
        assert!(rig.receive(queue, 10).is_empty());
        rig.pass(VISIBILITY_MS);
        assert_eq!(rig.receive_serials(queue, 10), [2, 4, 3, 5]);
        rig.check();
    }
}

#[test]
fn a_noisy_group_stays_noisy() {
    for checkpoint in [false, true] {
        let mut rig = Rig::with_segments(8 << 10);
        let queue = rig.queue(fair_groups());
        rig.publish_groups(queue, &[1; 40]);
        assert_eq!(rig.receive(queue, 35).len(), 35);
        if checkpoint {
            rig.checkpoint();
        }
        rig.publish_groups(queue, &[2, 0, 2]);
        rig.crash();
        let first = rig.receive(queue, 4);
        assert_eq!(rig.serials_of(&first), [40, 41, 42, 35]);
        rig.check();
    }
}
