//! Recovery: a checkpoint and the records behind it give the same state as all records do.

use super::*;

/// A queue with something in every list.
fn busy(rig: &mut Rig) -> QueueId {
    let settings = QueueSettings {
        max_priority: 1,
        delivery_limit: Some(0),
        dead_letter: dead_letters(),
        ..QueueSettings::default()
    };
    let queue = rig.queue(settings);
    rig.publish(queue, 12);
    let consumer = rig.subscribe(queue, ALICE, 10);
    let held = rig.deliveries();
    rig.turn(|shard| shard.unsubscribe(consumer));
    rig.settle(&held[0], Settle::Done);
    rig.settle(&held[1], Settle::Untouched);
    rig.settle_all(&held[2..5], Settle::Again);
    let dead = rig.dead.clone();
    rig.turn(|shard| shard.transferred(queue, dead[0].position, Transfer::NoTarget));
    rig.turn(|shard| shard.transferred(queue, dead[1].position, Transfer::Arrived));
    rig.publish_with(
        &[queue],
        Traits { delay_ms: Some(1_000), expiration_ms: Some(9_000), ..Traits::default() },
    );
    rig.publish_with(&[queue], Traits { priority: Some(1), ..Traits::default() });
    rig.publish(queue, 300);
    queue
}

#[test]
fn a_checkpoint_stands_for_the_records_before_it() {
    let mut rig = Rig::new();
    let queue = busy(&mut rig);
    let stats = rig.stats(queue);
    assert_eq!((stats.delayed, stats.dying, stats.parked, stats.leased), (1, 1, 1, 5));
    rig.check();
    rig.checkpoint();
    rig.check();
    rig.publish(queue, 50);
    rig.check();
    rig.crash();
    assert_eq!((rig.stats(queue).dying, rig.stats(queue).parked), (6, 1), "what was held has failed");
    rig.checkpoint();
    rig.crash();
    assert_eq!((rig.stats(queue).dying, rig.dead.len()), (6, 6));
}

#[test]
fn a_checkpoint_is_small_however_deep_the_queue() {
    let mut rig = Rig::with_segments(1 << 20);
    let queue = rig.queue(QueueSettings::default());
    rig.publish_batch(queue, 20_000);
    let (_, payload) = rig.shard.checkpoint();
    // A page of 16 messages takes some 35 bytes here; one of 1,024 no more.
    assert!(payload.len() < 50_000, "{}", payload.len());
}

#[test]
fn what_was_not_durable_is_not_there() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings::default());
    rig.publish(queue, 3);
    rig.commit();
    rig.publish(queue, 2);
    rig.subscribe(queue, ALICE, 1);
    rig.kill();
    assert_eq!(rig.stats(queue).ready, 3);
    rig.subscribe(queue, ALICE, 0);
    let held = rig.deliveries();
    assert!(held.iter().all(|delivery| !delivery.redelivered));
    rig.settle_all(&held, Settle::Done);
    rig.check();
}

#[test]
fn a_checkpoint_in_another_form_is_refused() {
    let mut rig = Rig::new();
    let queue = busy(&mut rig);
    let settings = rig.queues[0].1.clone();
    let (_, payload) = rig.shard.checkpoint();
    let restore = |payload: &[u8]| {
        let mut shard = Shard::new(ShardIndex(0), Geometry::new(SEGMENT_BYTES).unwrap());
        shard.open_queue(queue, settings.clone());
        shard.restore(payload)
    };
    assert_eq!(restore(&payload), Ok(()));
    for cut in 0..payload.len() {
        assert_eq!(restore(&payload[..cut]), Err(CheckpointError), "cut at {cut}");
    }
    let mut newer = payload.clone();
    newer[0] += 1;
    assert_eq!(restore(&newer), Err(CheckpointError));
    let mut longer = payload;
    longer.push(0);
    assert_eq!(restore(&longer), Err(CheckpointError));
}

#[test]
fn a_newer_record_is_refused_and_an_unknown_kind_passed_over() {
    let mut shard = Shard::new(ShardIndex(0), Geometry::new(SEGMENT_BYTES).unwrap());
    let mut replay = |kind, version, payload: &[u8]| {
        let record = leveret_log::Record {
            position: Position(64),
            tag: Tag { kind, version },
            payload,
            next: Position(128),
        };
        shard.replay(&record, &mut |_| None)
    };
    assert_eq!(replay(200, 1, b"?"), Ok(()));
    assert!(replay(FACTS, 2, b"").is_err());
    for kind in [16, 17, FACTS, PAGE, PAGE_COPY] {
        assert!(replay(kind, 1, b"nonsense").is_err(), "kind {kind}");
    }
}

#[test]
fn leases_of_one_message_in_two_queues_are_told_apart() {
    let mut rig = Rig::new();
    let queues = [rig.queue(QueueSettings::default()), rig.queue(QueueSettings::default())];
    rig.publish_with(&queues, Traits::default());
    for queue in queues {
        rig.subscribe(queue, ALICE, 0);
    }
    let held = rig.deliveries();
    rig.settle(&held[1], Settle::Done);
    rig.crash();
    let ready = queues.map(|queue| rig.stats(queue).ready);
    let finished = held[1].queue;
    assert_eq!(ready, queues.map(|queue| u64::from(queue != finished)));
}
