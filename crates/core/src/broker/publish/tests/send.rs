//! Messages for one queue, and one message for many.

use super::*;
use crate::ShardIndex;
use crate::broker::rig::Broker;
use crate::wire::Properties;

const KNOWN: Deduplication = Deduplication { key: 9, message_id: 77 };

fn message(queue: QueueId) -> Send<'static> {
    Send { queue, name: "q", properties: &[0, 0], body: b"body", delay_ms: None, deduplication: None }
}

fn fan(deduplication: Option<Deduplication>) -> FanOut<'static> {
    FanOut { exchange: "topic", properties: &[0, 0], body: b"body", deduplication }
}

fn logs(waits: &Waits) -> Vec<LogId> {
    waits.as_slice().iter().map(|wait| wait.log).collect()
}

#[test]
fn a_message_is_safe_when_its_log_and_the_catalog_are() {
    let mut broker = Broker::new();
    let (_, queue) = broker.queue_in(1, "q", &[]);
    let sent = send(&mut broker, &message(queue)).unwrap();
    assert!(logs(&sent.waits).contains(&LogId::Shard(ShardIndex(1))));
    assert!(logs(&sent.waits).contains(&LogId::Catalog), "the queue was made a moment ago");
    broker.finish();
    broker.sync_catalog();
    let sent = send(&mut broker, &message(queue)).unwrap();
    assert_eq!(logs(&sent.waits), [LogId::Shard(ShardIndex(1))]);
    broker.finish();
    assert_eq!(broker.stats(queue).ready, 2);
}

#[test]
fn a_message_says_how_long_it_waits_or_its_queue_does() {
    let mut broker = Broker::new();
    let (_, queue) = broker.queue_in(0, "q", &[("DelaySeconds", "10")]);
    for delay_ms in [None, Some(0), Some(5_000)] {
        send(&mut broker, &Send { delay_ms, ..message(queue) }).unwrap();
    }
    broker.finish();
    assert_eq!((broker.stats(queue).ready, broker.stats(queue).delayed), (1, 2));
    broker.now = broker.now.plus_ms(5_000);
    assert_eq!(broker.receive(queue, 1_000).len(), 2);
    assert_eq!(broker.stats(queue).delayed, 1);
}

#[test]
fn a_duplicate_is_answered_with_the_place_of_the_first() {
    let mut broker = Broker::new();
    let (_, queue) = broker.queue_in(0, "fifo", &[("VisibilityTimeout", "30")]);
    let known = Send { deduplication: Some(KNOWN), ..message(queue) };
    let first = send(&mut broker, &known).unwrap();
    assert_eq!(first.duplicate_of, None);
    let second = send(&mut broker, &known).unwrap();
    assert_eq!(second.duplicate_of.map(|first| first.message_id), Some(77));
    assert_eq!(second.position, first.position);
    assert!(!second.waits.is_empty(), "the first one may not be safe yet");
    broker.finish();
    assert_eq!(broker.stats(queue).ready, 1);
}

#[test]
fn malformed_properties_are_refused() {
    let mut broker = Broker::new();
    let (_, queue) = broker.queue_in(0, "q", &[]);
    let properties = &[0xff, 0xff];
    let refusal = send(&mut broker, &Send { properties, ..message(queue) }).unwrap_err();
    assert_eq!(refusal.cause, Cause::PreconditionFailed);
    let fan = FanOut { properties, ..fan(None) };
    assert_eq!(fan_out(&mut broker, &mut [queue], &fan).unwrap_err().cause, Cause::PreconditionFailed);
    assert_eq!(broker.stats(queue).ready, 0);
}

#[test]
fn a_log_that_failed_refuses() {
    let mut broker = Broker::new();
    let (_, queue) = broker.queue_in(0, "q", &[]);
    broker.shards[0].0.tail().unwrap().fail();
    assert_eq!(send(&mut broker, &message(queue)).unwrap_err().cause, Cause::Internal);
    assert_eq!(fan_out(&mut broker, &mut [queue], &fan(None)).unwrap_err().cause, Cause::Internal);
}

#[test]
fn a_fan_out_reaches_every_shard_and_is_stored_once_in_each() {
    let mut broker = Broker::new();
    let mut queues: Vec<QueueId> =
        [(1, "a"), (0, "b"), (1, "c")].map(|(shard, name)| broker.queue_in(shard, name, &[]).1).into();
    let sent = fan_out(&mut broker, &mut queues, &fan(None)).unwrap();
    broker.finish();
    for shard in [0, 1] {
        assert!(logs(&sent.waits).contains(&LogId::Shard(ShardIndex(shard))));
    }
    let mut positions = Vec::new();
    for queue in &queues {
        let received = broker.receive(*queue, 1_000);
        assert_eq!(broker.stored(&received[0]), (Properties::default(), b"body".to_vec()));
        positions.push((queue.shard(), received[0].delivery.position));
    }
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(positions.len(), 2);
}

#[test]
fn a_fan_out_goes_to_those_that_have_not_had_it() {
    let mut broker = Broker::new();
    let fifo = [("VisibilityTimeout", "30")];
    let queues = [broker.queue_in(0, "fifo-a", &fifo).1, broker.queue_in(1, "fifo-b", &fifo).1];
    send(&mut broker, &Send { deduplication: Some(KNOWN), ..message(queues[0]) }).unwrap();
    let again = Deduplication { message_id: 78, ..KNOWN };
    let sent = fan_out(&mut broker, &mut queues.clone(), &fan(Some(again))).unwrap();
    assert_eq!(sent.duplicate_of.map(|first| first.message_id), Some(77));
    broker.finish();
    assert_eq!((broker.stats(queues[0]).ready, broker.stats(queues[1]).ready), (1, 1));
}

#[test]
fn a_fan_out_to_nobody_is_safe_at_once() {
    let mut broker = Broker::new();
    let sent = fan_out(&mut broker, &mut [], &fan(None)).unwrap();
    assert_eq!((sent.refused, sent.waits.is_empty()), (false, true));
}
