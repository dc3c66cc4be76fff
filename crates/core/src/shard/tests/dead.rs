//! Dead messages: transfers, refusals, messages kept aside, purge and drop.

use super::*;

fn lettered() -> QueueSettings {
    QueueSettings { delivery_limit: Some(0), dead_letter: dead_letters(), ..QueueSettings::default() }
}

/// Publishes and kills `count` messages.
fn kill(rig: &mut Rig, queue: QueueId, count: u64, how: Settle) {
    rig.publish(queue, count);
    let consumer = rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    rig.turn(|shard| shard.unsubscribe(consumer));
    rig.settle_all(&held, how);
}

fn report(rig: &mut Rig, queue: QueueId, dead: &DeadLetter, transfer: Transfer) {
    rig.turn(|shard| shard.transferred(queue, dead.position, transfer));
}

#[test]
fn a_dead_message_stays_until_its_target_has_it() {
    let mut rig = Rig::new();
    let queue = rig.queue(lettered());
    kill(&mut rig, queue, 3, Settle::Never);
    let dead = std::mem::take(&mut rig.dead);
    assert_eq!((dead.len(), rig.stats(queue).dying), (3, 3));
    assert!(rig.shard.live_bytes() > 0);
    report(&mut rig, queue, &dead[0], Transfer::Arrived);
    report(&mut rig, queue, &dead[1], Transfer::NoTarget);
    report(&mut rig, queue, &dead[1], Transfer::Arrived);
    assert_eq!(rig.stats(queue).counters.dead_lettered, [1, 0, 0, 0]);
    assert_eq!((rig.stats(queue).counters.dropped, rig.stats(queue).dying), (1, 1));
    rig.crash();
    assert_eq!(positions(&rig.dead), [dead[2].position]);
    assert_eq!(rig.dead[0].at, dead[2].at, "the time of death survives");
}

/// A transfer that is asked for twice arrives twice.
#[test]
fn only_refused_transfers_are_asked_for_again() {
    let mut rig = Rig::new();
    let queue = rig.queue(lettered());
    kill(&mut rig, queue, 3, Settle::Never);
    let dead = std::mem::take(&mut rig.dead);
    rig.turn(Shard::retry_transfers);
    assert!(rig.dead.is_empty(), "all are under way");
    report(&mut rig, queue, &dead[1], Transfer::Refused);
    assert!(rig.dead.is_empty(), "not before the next retry");
    rig.turn(Shard::retry_transfers);
    assert_eq!(positions(&rig.dead), [dead[1].position]);
    rig.dead.clear();
    rig.turn(Shard::retry_transfers);
    assert!(rig.dead.is_empty());
    rig.crash();
    assert_eq!(positions(&rig.dead), positions(&dead));
    rig.dead.clear();
    rig.turn(Shard::retry_transfers);
    assert!(rig.dead.is_empty());
}

#[test]
fn the_limit_without_a_target_keeps_messages_aside() {
    let mut rig = Rig::new();
    let plain = rig.queue(QueueSettings { delivery_limit: Some(0), ..QueueSettings::default() });
    let targetless = rig.queue(lettered());
    for queue in [plain, targetless] {
        kill(&mut rig, queue, 2, Settle::Again);
    }
    for dead in std::mem::take(&mut rig.dead) {
        report(&mut rig, targetless, &dead, Transfer::NoTarget);
    }
    for queue in [plain, targetless] {
        assert_eq!((rig.stats(queue).parked, rig.stats(queue).dying, rig.stats(queue).ready), (2, 0, 0));
    }
    rig.checkpoint();
    rig.crash();
    assert_eq!(rig.turn(|shard| shard.unpark(plain)), 2);
    assert_eq!((rig.stats(plain).parked, rig.stats(plain).ready), (0, 2));
    rig.check();
    rig.subscribe(plain, ALICE, 0);
    let held = rig.deliveries();
    assert_eq!(rig.serials(&held), [0, 1]);
    assert_eq!((held[0].failures, held[0].redelivered), (0, true));
    rig.check();
}

#[test]
fn a_purge_takes_what_waits_and_leaves_the_rest() {
    let mut rig = Rig::new();
    let queue = rig.queue(lettered());
    kill(&mut rig, queue, 1, Settle::Never);
    rig.publish(queue, 500);
    rig.publish_with(&[queue], Traits { delay_ms: Some(50), ..Traits::default() });
    rig.subscribe(queue, ALICE, 2);
    let held = rig.deliveries();
    let serial = rig.next_serial;
    let purged = rig.turn(|shard| {
        let purged = shard.purge(queue);
        // Published after the purge, in the same turn.
        put(shard, &[queue], serial, Traits::default());
        purged
    });
    assert_eq!(purged, 499, "498 ready ones and the delayed one");
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).leased, rig.stats(queue).dying), (1, 2, 1));
    rig.check();
    rig.settle_all(&held, Settle::Done);
    assert_eq!(rig.delivered(), [serial]);
    rig.crash();
    assert_eq!((rig.stats(queue).ready, rig.stats(queue).dying), (0, 2), "held at the crash: over the limit");
}

#[test]
fn pages_cut_after_a_purge_stay() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 300);
    rig.turn(|shard| {
        assert_eq!(shard.purge(queue), 300);
        for serial in 1_000..1_200 {
            put(shard, &[queue], serial, Traits::default());
        }
    });
    rig.crash();
    rig.subscribe(queue, ALICE, 0);
    assert_eq!(rig.delivered(), (1_000..1_200).collect::<Vec<_>>());
}

#[test]
fn a_dropped_queue_gives_its_channel_the_credit_back() {
    let mut rig = Rig::new();
    let queues = [rig.queue(QueueSettings::default()), rig.queue(QueueSettings::default())];
    let pool = rig.turn(|shard| shard.open_pool(2));
    for queue in queues {
        rig.subscribe_with(&Subscription { pool: Some(pool), ..subscription(queue, ALICE) });
        rig.publish(queue, 5);
    }
    assert_eq!(rig.delivered().len(), 2);
    rig.turn(|shard| shard.drop_queue(queues[0]));
    assert_eq!(rig.delivered(), [5, 6]);
}

#[test]
fn a_dropped_queue_leaves_nothing() {
    let mut rig = Rig::new();
    let queue = rig.queue(lettered());
    kill(&mut rig, queue, 1, Settle::Never);
    rig.publish(queue, 500);
    rig.publish_with(&[queue], Traits { delay_ms: Some(50), ..Traits::default() });
    let consumer = rig.subscribe(queue, ALICE, 2);
    let held = rig.deliveries();
    assert_eq!(rig.turn(|shard| shard.drop_queue(queue)), 498);
    let reason = CancelReason::QueueDeleted;
    assert_eq!(rig.effects, [(ALICE, Effect::ConsumerCancelled { consumer, reason })]);
    assert!(!rig.settle(&held[0], Settle::Done));
    assert_eq!((rig.shard.live_bytes(), rig.shard.lease_count(), rig.shard.next_wake()), (0, 0, None));
    assert!(rig.unused.is_empty());
    let published = rig.publish_with(&[queue], Traits::default());
    assert!(!published.durable && !published.refused);
    rig.queues.clear();
    rig.crash();
}

/// The end of the queue is a fact of the catalog, in another log. Where that did not become durable, nobody was
/// told that the queue is gone.
#[test]
fn a_queue_that_the_catalog_still_knows_lives_on() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 500);
    rig.subscribe(queue, ALICE, 2);
    rig.turn(|shard| shard.drop_queue(queue));
    rig.commit();
    rig.kill();
    assert_eq!(rig.stats(queue), QueueStats::default());
    rig.publish(queue, 1);
    rig.crash();
    assert_eq!(rig.stats(queue).ready, 1);
}

#[test]
fn what_a_transient_queue_held_is_gone_after_a_crash() {
    let mut rig = Rig::new();
    let transient = rig.queue(QueueSettings { durable: false, ..QueueSettings::default() });
    let durable = rig.queue(QueueSettings::default());
    assert!(!rig.publish_with(&[transient], Traits::default()).durable);
    assert!(rig.publish_with(&[transient, durable], Traits::default()).durable);
    rig.publish(transient, 200);
    rig.checkpoint();
    rig.publish(transient, 200);
    rig.crash();
    assert!(rig.shard.stats(transient).is_none());
    assert_eq!(rig.stats(durable).ready, 1);
    rig.check();
}
