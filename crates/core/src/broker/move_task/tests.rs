//! Redrive to a dead-letter queue, and the tasks that move messages back.

use super::*;
use crate::broker::rig::Broker;
use crate::catalog::MoveStatus;
use crate::shard::{Received, Shard};
use crate::wire::Table;
use crate::{MessageId, ShardIndex, Time};

const SENT_AT: u64 = 1_000;
const DIED_AT: u64 = 5_000;
const RETENTION: &[(&str, &str)] = &[("MessageRetentionPeriod", "60")];

/// A queue and its dead-letter queue.
struct Scene {
    broker: Broker,
    source: QueueId,
    source_name: String,
    dead: QueueId,
    dead_name: String,
}

impl Scene {
    /// The source lies in shard 0, the dead-letter queue in a shard of the test's choice.
    fn new(dead_shard: u16, kind: &str) -> Scene {
        let mut broker = Broker::new();
        broker.now = Time(SENT_AT);
        let (dead_name, dead) = broker.queue_in(dead_shard, &format!("dead-{kind}"), RETENTION);
        let (source_name, source) =
            broker.queue_in(0, &format!("source-{kind}"), &[("RedrivePolicy", &policy(&dead_name))]);
        broker.sync_catalog();
        Scene { broker, source, source_name, dead, dead_name }
    }

    /// Sends a message, and receives it once too often.
    fn die(&mut self, properties: &Properties, body: &[u8]) {
        self.broker.send(self.source, properties, body);
        self.broker.now = Time(DIED_AT);
        exhaust(&mut self.broker, self.source);
    }

    fn step(&mut self, destination: Option<&str>) -> MoveStep {
        let task = task(&self.dead_name, destination);
        let step = move_messages(&mut self.broker, &task, 10);
        self.broker.finish();
        step
    }

    /// The only message of a queue.
    fn only(&mut self, queue: QueueId) -> (Received, Properties, Vec<u8>) {
        let received = self.broker.receive(queue, 60_000);
        assert_eq!(received.len(), 1);
        let (properties, body) = self.broker.stored(&received[0]);
        (received[0], properties, body)
    }
}

/// Receives the only message of a queue as often as may be, and once more.
fn exhaust(broker: &mut Broker, queue: QueueId) {
    assert_eq!(broker.receive(queue, 0).len(), 1);
    assert!(broker.receive(queue, 0).is_empty());
    broker.keep_house();
}

fn policy(queue: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:{queue}","maxReceiveCount":1}}"#)
}

fn task(source: &str, destination: Option<&str>) -> MoveTask {
    MoveTask {
        vhost: "/".into(),
        source: source.into(),
        destination: destination.map(Into::into),
        rate: None,
        started_at: SENT_AT,
        messages: 0,
        moved: 0,
        status: MoveStatus::Running,
        failure: None,
    }
}

fn named(id: &str) -> Properties {
    let mut headers = Table::new();
    headers.insert(ShortStr::literal("colour"), Value::LongStr(b"blue".to_vec()));
    Properties { message_id: ShortStr::try_from(id).ok(), headers: Some(headers), ..Properties::default() }
}

fn header<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    properties.headers.as_ref()?.get(name)?.as_str()
}

#[test]
fn a_redrive_keeps_the_id_and_says_where_it_came_from() {
    for shard in [0, 1] {
        let mut scene = Scene::new(shard, "plain");
        scene.die(&named("first-id"), b"body");
        assert_eq!(scene.broker.stats(scene.source).dying, 0);
        let (_, properties, body) = scene.only(scene.dead);
        assert_eq!(properties.message_id, ShortStr::try_from("first-id").ok());
        assert_eq!(header(&properties, "x-last-death-queue"), Some(&*scene.source_name));
        assert_eq!((header(&properties, "colour"), &*body), (Some("blue"), b"body".as_slice()));
    }
}

/// SQS's rule for FIFO queues: it was known by its deduplication id, and is known by its message id there.
#[test]
fn a_deduplication_id_gives_way_to_the_id() {
    const KNOWN_BY: &str = crate::message::DEDUPLICATION_HEADER;
    let mut scene = Scene::new(1, "fifo");
    let mut properties = named("first-id");
    let headers = properties.headers.as_mut().unwrap();
    headers.insert(ShortStr::literal(KNOWN_BY), Value::LongStr(b"once".to_vec()));
    scene.die(&properties, b"body");
    let (_, properties, _) = scene.only(scene.dead);
    assert_eq!(header(&properties, KNOWN_BY), Some("first-id"));
}

#[test]
fn a_message_without_an_id_keeps_that_of_its_place() {
    let mut scene = Scene::new(1, "plain");
    let position = scene.broker.send(scene.source, &Properties::default(), b"body").position;
    exhaust(&mut scene.broker, scene.source);
    let (_, properties, _) = scene.only(scene.dead);
    let id = MessageId::of_position(ShardIndex(0), position).to_string();
    assert_eq!(properties.message_id, ShortStr::try_from(id.as_str()).ok());
}

/// SQS: the time of sending stays with a message of a standard queue and begins anew on a FIFO queue.
#[test]
fn the_age_of_a_standard_message_goes_with_it() {
    for (kind, counts_from) in [("plain", SENT_AT), ("fifo", DIED_AT)] {
        let mut scene = Scene::new(1, kind);
        scene.die(&named("first-id"), b"body");
        scene.broker.now = Time(counts_from + 60_000);
        scene.broker.keep_house();
        assert_eq!(scene.broker.stats(scene.dead).ready, 1, "{kind}");
        scene.broker.now = Time(counts_from + 60_001);
        scene.broker.keep_house();
        assert_eq!(scene.broker.stats(scene.dead).ready, 0, "{kind}");
    }
}

#[test]
fn without_its_dead_letter_queue_a_message_stays() {
    let mut broker = Broker::new();
    let (_, source) = broker.queue_in(0, "source", &[("RedrivePolicy", &policy("later"))]);
    broker.send(source, &named("first-id"), b"body");
    exhaust(&mut broker, source);
    assert_eq!((broker.stats(source).ready, broker.stats(source).dying), (1, 0));
    assert_eq!(broker.receive(source, 0).len(), 1, "it can be received");
    let dead = broker.queue_with("later", &[]);
    broker.keep_house();
    assert_eq!(broker.stats(source).ready, 1, "it is tried again at the next retry");
    Shard::retry_transfers(broker.shard(ShardIndex(0)));
    assert!(broker.receive(source, 0).is_empty());
    broker.keep_house();
    assert_eq!((broker.stats(source).ready, broker.stats(source).dying, broker.stats(dead).ready), (0, 0, 1));
}

#[test]
fn what_moves_back_is_a_new_message() {
    let mut scene = Scene::new(0, "plain");
    scene.die(&named("first-id"), b"body");
    let step = scene.step(None);
    assert_eq!((step.moved, step.exhausted, step.failure), (1, false, None));
    assert!(step.pending.is_empty(), "one log orders both ends of the move");
    assert_eq!((scene.broker.stats(scene.dead).ready, scene.broker.stats(scene.dead).leased), (0, 0));
    let (received, properties, body) = scene.only(scene.source);
    assert_eq!((received.receipt.receive, &*body), (1, b"body".as_slice()));
    let id = properties.message_id.unwrap();
    assert_ne!(id.as_str(), Some("first-id"));
    assert!(id.as_str().and_then(MessageId::parse).is_some());
    let headers = properties.headers.unwrap();
    assert_eq!(headers.get("colour").and_then(Value::as_str), Some("blue"));
    let deaths = ["x-death", "x-first-death-queue", "x-last-death-queue", "x-last-death-reason"];
    assert!(deaths.iter().all(|name| headers.get(name).is_none()), "its history stays behind");
    let step = scene.step(None);
    assert_eq!((step.moved, step.exhausted), (0, true));
}

/// What goes to another log is deleted at its source by whoever waits for that log.
#[test]
fn a_move_to_another_log_leaves_the_end_to_the_caller() {
    let mut scene = Scene::new(1, "plain");
    scene.die(&named("first-id"), b"body");
    let step = scene.step(None);
    assert_eq!((step.moved, step.pending.len(), step.source), (1, 1, Some(scene.dead)));
    let (receipt, waits) = &step.pending[0];
    assert!(waits.as_slice().iter().any(|wait| wait.log == LogId::Shard(ShardIndex(0))));
    assert_eq!(scene.broker.stats(scene.dead).leased, 1);
    scene.broker.shard(ShardIndex(1)).delete(scene.dead, *receipt).unwrap();
    scene.broker.finish();
    assert_eq!((scene.broker.stats(scene.dead).leased, scene.broker.stats(scene.source).ready), (0, 1));
}

#[test]
fn a_destination_may_be_named() {
    let mut scene = Scene::new(0, "plain");
    let (name, other) = scene.broker.queue_in(0, "other", &[("DelaySeconds", "900")]);
    scene.die(&named("first-id"), b"body");
    assert_eq!(scene.step(Some(&name)).moved, 1);
    assert_eq!(scene.broker.stats(scene.source).ready, 0);
    assert_eq!(scene.broker.stats(other).ready, 1, "the delay of the destination is for what is sent to it");
}

#[test]
fn a_task_that_cannot_go_on_gives_back_what_it_holds() {
    const GONE: &str = "AWS.SimpleQueueService.NonExistentQueue";
    let mut scene = Scene::new(0, "plain");
    scene.die(&named("first-id"), b"body");
    let step = scene.step(Some("nowhere"));
    assert_eq!((step.moved, step.failure), (0, Some(GONE)));
    let stats = scene.broker.stats(scene.dead);
    assert_eq!((stats.ready, stats.leased), (1, 0));
    crate::broker::delete_queue(&mut scene.broker, scene.source).unwrap();
    assert_eq!(scene.step(None).failure, Some(GONE), "the queue in which it died is no more");
    crate::broker::delete_queue(&mut scene.broker, scene.dead).unwrap();
    let step = scene.step(None);
    assert_eq!((step.failure, step.source), (Some(GONE), None));
}

#[test]
fn what_never_died_has_nowhere_to_go_back_to() {
    let mut scene = Scene::new(0, "plain");
    scene.broker.send(scene.dead, &named("first-id"), b"body");
    assert_eq!(scene.step(None).failure, Some("CouldNotDetermineMessageSource"));
    assert_eq!(scene.broker.stats(scene.dead).ready, 1);
}

#[test]
fn a_full_destination_stops_the_task() {
    let mut scene = Scene::new(0, "plain");
    let (name, _) = scene.broker.queue_in(0, "other", &[]);
    scene.die(&named("first-id"), b"body");
    let queue = scene.broker.catalog.queue("/", &name).unwrap();
    let full = crate::QueueSettings {
        max_length: Some(0),
        overflow: crate::Overflow::RejectPublish,
        ..queue.settings.clone()
    };
    let id = queue.id;
    scene.broker.shard(ShardIndex(0)).open_queue(id, full);
    assert_eq!(scene.step(Some(&name)).failure, Some("OverLimit"));
    assert_eq!(scene.broker.stats(scene.dead).ready, 1);
}

/// A receive gets nothing while the next message is on its way from disk. That is not the end of the queue.
#[test]
fn a_deep_queue_is_emptied() {
    let mut scene = Scene::new(0, "plain");
    let (name, other) = scene.broker.queue_in(0, "other", &[]);
    for _ in 0..300 {
        scene.broker.send(scene.dead, &named("some-id"), b"body");
    }
    let (mut moved, mut idle) = (0, 0);
    loop {
        let step = scene.step(Some(&name));
        if step.exhausted {
            break;
        }
        moved += step.moved;
        idle += u32::from(step.moved == 0);
        // Pages are slow here: every other step finds none.
        if step.moved == 0 {
            scene.broker.keep_house();
        }
    }
    assert_eq!((moved, scene.broker.stats(other).ready), (300, 300));
    assert!(idle > 0);
}

#[test]
fn a_held_group_is_still_to_come() {
    let mut scene = Scene::new(0, "fifo");
    let mut properties = named("some-id");
    let headers = properties.headers.as_mut().unwrap();
    headers.insert(ShortStr::literal("x-group-key"), Value::LongStr(b"g".to_vec()));
    for body in [b"1", b"2"] {
        scene.broker.send(scene.dead, &properties, body);
    }
    let held = {
        let receive = Receive { queue: scene.dead, max: 1, visibility_ms: None, attempt: None };
        let mut received = Vec::new();
        scene.broker.shard(ShardIndex(0)).receive(&receive, &mut received).unwrap();
        received[0]
    };
    let name = scene.source_name.clone();
    let step = scene.step(Some(&name));
    assert_eq!((step.moved, step.exhausted), (0, false));
    scene.broker.shard(ShardIndex(0)).delete(scene.dead, held.receipt).unwrap();
    assert_eq!(scene.step(Some(&name)).moved, 1);
    assert!(scene.step(Some(&name)).exhausted);
}
