//! Receipts: what they settle, and what one does whose lease has ended.

use super::*;
use crate::Cause;
use crate::limits::RECEIPTS_PER_QUEUE;

#[test]
fn the_oldest_come_first_and_every_receive_is_counted() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 5);
    let first_at = rig.now;
    let first = rig.receive(queue, 3);
    assert_eq!(rig.serials_of(&first), [0, 1, 2]);
    for received in &first {
        assert_eq!((received.delivery.acquired, received.delivery.redelivered), (0, false));
        assert_eq!((received.receipt.receive, received.first_received), (1, first_at));
    }
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased), (2, 3));
    rig.check();
    rig.pass(VISIBILITY_MS - 1);
    assert_eq!(rig.stats(queue).leased, 3);
    rig.pass(1);
    assert_eq!(rig.stats(queue).counters.leases_expired, 3);
    let second = rig.receive(queue, 10);
    assert_eq!(rig.serials_of(&second), [0, 1, 2, 3, 4], "what came back is at its place");
    let counts: Vec<u16> = second.iter().map(|received| received.delivery.acquired).collect();
    assert_eq!(counts, [1, 1, 1, 0, 0]);
    assert_eq!(second[0].receipt.receive, 2);
    assert_eq!((second[2].first_received, second[3].first_received), (first_at, rig.now));
    rig.check();
}

#[test]
fn what_is_received_for_no_time_is_ready_again_and_counted() {
    let mut rig = Rig::new();
    for settings in [standard(), exclusive_groups()] {
        let queue = rig.queue(settings);
        rig.publish_groups(queue, &[5, 5]);
        assert_eq!(rig.receive_for(queue, 1, 0).len(), 1);
        assert!(rig.shard.next_wake() <= Some(rig.now));
        let again = rig.receive(queue, 2);
        let counts: Vec<u16> = again.iter().map(|received| received.delivery.acquired).collect();
        assert_eq!(counts, [1, 0], "the group is not held either");
        rig.check();
    }
}

#[test]
fn an_extension_is_for_this_receive_only() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 1);
    let received = rig.receive(queue, 1);
    rig.pass(VISIBILITY_MS - 1);
    assert_eq!(rig.extend(queue, &received[0], 60_000), Ok(Extended::Held));
    rig.pass(59_999);
    assert!(rig.receive(queue, 1).is_empty());
    rig.pass(1);
    assert_eq!(rig.receive(queue, 1).len(), 1);
    rig.pass(VISIBILITY_MS);
    assert_eq!(rig.receive(queue, 1).len(), 1);
    rig.check();
}

#[test]
fn an_extension_may_be_shorter_than_what_is_left() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 1);
    let received = rig.receive(queue, 1);
    assert_eq!(rig.extend(queue, &received[0], 10), Ok(Extended::Held));
    assert_eq!(rig.shard.next_wake(), Some(rig.now.plus_ms(10)));
    rig.pass(10);
    assert_eq!(rig.receive_serials(queue, 1), [0]);
}

/// SQS counts the 12 hours from the receive, not from the extension.
#[test]
fn a_lease_has_a_longest_time_in_all() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 1);
    let receipt = rig.receive(queue, 1)[0].receipt;
    rig.pass(20_000);
    let mut extend = |ms| rig.turn(|shard| shard.extend(queue, receipt, ms, 100_000));
    assert_eq!(extend(80_001), Err(ReceiptError::TooLong));
    assert_eq!(extend(80_000), Ok(Extended::Held));
    assert_eq!(extend(80_001), Err(ReceiptError::TooLong));
    rig.pass(79_999);
    assert_eq!(rig.stats(queue).leased, 1, "a refused extension changes nothing");
    rig.pass(1);
    assert_eq!(rig.stats(queue).leased, 0);
}

#[test]
fn an_extension_of_no_time_ends_the_lease() {
    let mut rig = Rig::new();
    for (settings, late) in
        [(standard(), Ok(Extended::Late)), (exclusive_groups(), Err(ReceiptError::Expired))]
    {
        let queue = rig.queue(settings);
        rig.publish_groups(queue, &[5, 5]);
        let received = rig.receive(queue, 1);
        assert_eq!(rig.extend(queue, &received[0], 0), Ok(Extended::Held));
        assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased), (2, 0));
        assert_eq!(rig.extend(queue, &received[0], 0), late);
        rig.check();
        let again = rig.receive(queue, 1);
        assert_eq!(
            (again[0].delivery.position, again[0].receipt.receive),
            (received[0].delivery.position, 2)
        );
    }
}

#[test]
fn a_late_extension_hides_nothing() {
    let mut rig = Rig::new();
    for (settings, late) in
        [(standard(), Ok(Extended::Late)), (exclusive_groups(), Err(ReceiptError::Expired))]
    {
        let queue = rig.queue(settings);
        rig.publish_groups(queue, &[5]);
        let old = rig.receive(queue, 1);
        rig.pass(VISIBILITY_MS);
        assert_eq!(rig.extend(queue, &old[0], 60_000), late);
        assert_eq!(rig.stats(queue).ready, 1);
        let new = rig.receive(queue, 1);
        assert_eq!(rig.extend(queue, &old[0], 60_000), late, "another has it");
        assert_eq!(rig.extend(queue, &old[0], 0), late, "nor does it end the other's lease");
        assert_eq!(rig.stats(queue).leased, 1);
        rig.pass(VISIBILITY_MS - 1);
        assert_eq!(rig.extend(queue, &new[0], 0), Ok(Extended::Held));
        rig.check();
    }
}

#[test]
fn what_is_gone_can_be_deleted_again_and_not_extended() {
    let mut rig = Rig::new();
    for settings in [standard(), exclusive_groups()] {
        let queue = rig.queue(settings);
        rig.publish_groups(queue, &[5]);
        let received = rig.receive(queue, 1);
        assert_eq!(rig.delete(queue, &received[0]), Ok(()));
        assert_eq!(rig.delete(queue, &received[0]), Ok(()));
        assert_eq!(rig.extend(queue, &received[0], 10), Err(ReceiptError::Gone));
        assert_eq!(rig.stats(queue).counters.acked, 1);
        rig.check();
    }
    assert_eq!(rig.shard.live_bytes(), 0);
}

#[test]
fn an_old_receipt_deletes_on_a_standard_queue() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 2);
    let old = rig.receive(queue, 2);
    rig.pass(VISIBILITY_MS);
    assert_eq!(rig.delete(queue, &old[0]), Ok(()), "it is ready again");
    assert_eq!(rig.receive_serials(queue, 2), [1]);
    assert_eq!(rig.delete(queue, &old[1]), Ok(()), "another has it");
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased), (0, 0));
    assert_eq!(rig.shard.live_bytes(), 0);
    rig.crash();
    assert_eq!(rig.stats(queue).ready, 0);
}

#[test]
fn an_old_receipt_deletes_what_waits_for_its_retry() {
    let mut rig = Rig::new();
    let delayed_retry = Some(crate::DelayedRetry { on: crate::RetryOn::All, min_ms: 500, max_ms: 500 });
    let queue = rig.queue(QueueSettings { delayed_retry, ..standard() });
    rig.publish(queue, 1);
    let old = rig.receive(queue, 1);
    rig.pass(VISIBILITY_MS);
    assert_eq!(rig.stats(queue).delayed, 1);
    assert_eq!(rig.delete(queue, &old[0]), Ok(()));
    assert_eq!((rig.stats(queue).delayed, rig.shard.live_bytes()), (0, 0));
    rig.crash();
    assert_eq!(rig.stats(queue).delayed, 0);
}

#[test]
fn an_old_receipt_does_not_delete_where_groups_are_exclusive() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5]);
    let old = rig.receive(queue, 1);
    rig.pass(VISIBILITY_MS);
    assert_eq!(rig.delete(queue, &old[0]), Err(ReceiptError::Expired), "it is ready again");
    let new = rig.receive(queue, 1);
    assert_eq!(rig.delete(queue, &old[0]), Err(ReceiptError::Expired), "another has it");
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased), (1, 1));
    assert_eq!(rig.delete(queue, &new[0]), Ok(()));
    assert_eq!(rig.delete(queue, &old[0]), Ok(()), "it is gone");
    rig.check();
}

#[test]
fn receipts_of_a_queue_that_is_gone_say_so() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 1);
    let received = rig.receive(queue, 1);
    rig.turn(|shard| shard.drop_queue(queue));
    assert!(matches!(rig.delete(queue, &received[0]), Err(ReceiptError::NoQueue(_))));
    assert!(matches!(rig.extend(queue, &received[0], 10), Err(ReceiptError::NoQueue(_))));
    let receive = Receive { queue, max: 1, visibility_ms: None, attempt: None };
    let refusal = rig.turn(|shard| shard.receive(&receive, &mut Vec::new())).unwrap_err();
    assert_eq!(refusal.cause, Cause::NotFound);
    assert_eq!((rig.shard.lease_count(), rig.shard.next_wake()), (0, None));
}

#[test]
fn a_queue_has_so_many_receipts_and_no_more() {
    let mut rig = Rig::with_segments(1 << 20);
    // Without a group of their own they stand in memory all together.
    let queue = rig.queue(exclusive_groups());
    for _ in 0..=RECEIPTS_PER_QUEUE / 10_000 {
        rig.publish_batch(queue, 10_000);
        rig.commit();
    }
    let received = rig.receive(queue, u32::MAX);
    assert_eq!(received.len() as u64, RECEIPTS_PER_QUEUE);
    let receive = Receive { queue, max: 1, visibility_ms: None, attempt: None };
    let refusal = rig.turn(|shard| shard.receive(&receive, &mut Vec::new())).unwrap_err();
    assert_eq!(refusal.cause, Cause::NotAllowed);
    rig.delete(queue, &received[7]).unwrap();
    assert_eq!(rig.receive(queue, 10).len(), 1);
}

#[test]
fn a_purge_of_everything_takes_what_is_held_under_receipts() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 200);
    rig.publish_with(&[queue], Traits { delay_ms: Some(500), ..Traits::default() });
    let received = rig.receive(queue, 5);
    rig.turn(|shard| shard.get(queue, false)).unwrap();
    assert_eq!(rig.turn(|shard| shard.purge_all(queue)), 200, "all but what a client of AMQP holds");
    let stats = rig.stats(queue);
    assert_eq!((stats.ready, stats.delayed, stats.leased), (0, 0, 1));
    assert_eq!(rig.extend(queue, &received[0], 10), Err(ReceiptError::Gone));
    rig.crash();
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased), (1, 0));
}

/// The simulator found that it was told to be gone.
#[test]
fn a_receipt_is_late_for_what_a_connection_holds() {
    let mut rig = Rig::new();
    for (settings, strict) in [(standard(), false), (exclusive_groups(), true)] {
        let queue = rig.queue(settings);
        rig.publish_groups(queue, &[5]);
        let received = rig.receive_for(queue, 1, 1_000);
        rig.pass(1_000);
        let (fetched, _) = rig.turn(|shard| shard.get(queue, false)).unwrap();
        let late = if strict { Err(ReceiptError::Expired) } else { Ok(Extended::Late) };
        assert_eq!(rig.extend(queue, &received[0], 5_000), late);
        let deleted = if strict { Err(ReceiptError::Expired) } else { Ok(()) };
        assert_eq!(rig.delete(queue, &received[0]), deleted);
        assert_eq!(rig.stats(queue).leased, 1, "it is left to the connection");
        assert!(rig.settle(&fetched, Settle::Done));
        assert_eq!(rig.extend(queue, &received[0], 5_000), Err(ReceiptError::Gone));
        assert_eq!(rig.delete(queue, &received[0]), Ok(()));
        rig.check();
    }
}
