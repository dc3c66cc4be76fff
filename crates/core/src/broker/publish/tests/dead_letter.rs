//! Dead letters when something is wrong with their target. The simulator found what these tests keep.

use super::*;
use crate::ConnectionId;
use crate::broker::rig::{Broker, declare};
use crate::broker::{Session, housekeep};
use crate::shard::Settle;

/// A source with a dead letter of a persistent message, and its target, in two shards.
struct Scene {
    broker: Broker,
    source: QueueId,
    target: QueueId,
}

/// Rejects a message; `damage` is done before the housekeeper looks.
fn scene(damage: impl FnOnce(&mut Broker, QueueId)) -> (Scene, Vec<PendingTransfer>) {
    let mut broker = Broker::new();
    let mut session = Session::new(ConnectionId(1), "/".into(), "guest".into());
    // The catalog chooses the shards by the names: this one is tried until it lies elsewhere.
    let source_shard = declare(&mut broker, &mut session, "probe-source", &Table::new()).shard();
    let name = (0..)
        .map(|n| format!("target-{n}"))
        .find(|name| declare(&mut broker, &mut session, name, &Table::new()).shard() != source_shard);
    let name = name.unwrap();
    let mut arguments = Table::new();
    set(&mut arguments, "x-dead-letter-exchange", string(""));
    set(&mut arguments, "x-dead-letter-routing-key", string(&name));
    let source = (0..)
        .map(|n| declare(&mut broker, &mut session, &format!("source-{n}"), &arguments))
        .find(|queue| queue.shard() == source_shard)
        .unwrap();
    let found = broker.catalog.queue_by_id(source).unwrap().name.clone();
    let target = broker.catalog.queue("/", &name).unwrap().id;
    let properties = Properties { delivery_mode: Some(2), ..Properties::default() };
    let mut raw = Vec::new();
    properties.encode(&mut raw).unwrap();
    let publish = Publish { exchange: "", routing_key: &found, properties: &raw, body: b"body" };
    session.publish(&mut broker, &publish).unwrap();
    let (delivery, _) = session.get(&mut broker, &found, false).unwrap().unwrap();
    session.settle(&mut broker, source, delivery.lease, Settle::Never);
    broker.finish();
    damage(&mut broker, target);
    let pending = housekeep(&mut broker, source.shard());
    broker.finish();
    (Scene { broker, source, target }, pending)
}

#[test]
fn a_dead_letter_stays_at_its_source_when_the_log_of_its_target_has_failed() {
    let (scene, pending) = scene(|broker, target| {
        broker.shards[usize::from(target.shard().0)].0.tail().unwrap().fail();
    });
    assert!(pending.is_empty());
    assert_eq!(scene.broker.stats(scene.source).dying, 1);
    assert_eq!(scene.broker.stats(scene.target).ready, 0);
}

#[test]
fn a_dead_letter_waits_for_the_declaration_of_its_target() {
    let (mut scene, pending) = scene(|_, _| {});
    assert_eq!(scene.broker.stats(scene.target).ready, 1);
    let logs: Vec<LogId> = pending[0].waits.as_slice().iter().map(|wait| wait.log).collect();
    assert!(logs.contains(&LogId::Shard(scene.target.shard())));
    assert!(logs.contains(&LogId::Catalog));
    assert_eq!(scene.broker.stats(scene.source).dying, 1);
    scene.broker.sync_catalog();
    assert!(wait_for_declarations(&scene.broker, &mut Outcome::default()));
}

#[test]
fn a_dead_letter_whose_target_is_gone_is_dropped() {
    let (scene, pending) = scene(|broker, target| {
        crate::broker::delete_queue(broker, target).unwrap();
    });
    assert!(pending.is_empty());
    assert_eq!(scene.broker.stats(scene.source).dying, 0);
    assert_eq!(scene.broker.stats(scene.source).counters.dropped, 1);
}
