//! Messages that are rejected, expire, do not fit, or fail too often.

use std::time::Duration;

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable};
use leveret_client_tests::{Session, receive, string, table, text, wait_until};

/// Declares a queue whose dead letters go to a second one; returns both names.
async fn with_dead_letters<const N: usize>(
    session: &mut Session,
    arguments: [(&str, AMQPValue); N],
) -> (String, String) {
    let dead = session.queue("dead", FieldTable::default()).await;
    let mut arguments = table(arguments);
    arguments.insert("x-dead-letter-exchange".into(), string(""));
    arguments.insert("x-dead-letter-routing-key".into(), string(&dead));
    (session.queue("q", arguments).await, dead)
}

/// The first entry of x-death.
fn death(message: &Delivery) -> FieldTable {
    let headers = message.properties.headers().as_ref().expect("a dead letter has headers");
    let deaths = headers.inner()["x-death"].as_array().expect("x-death is an array");
    deaths.as_slice()[0].as_field_table().expect("of tables").clone()
}

fn reason(message: &Delivery) -> AMQPValue {
    death(message).inner()["reason"].clone()
}

#[tokio::test]
async fn a_rejected_message_is_dead_lettered_with_its_story() {
    let mut session = Session::open().await;
    let (queue, dead) = with_dead_letters(&mut session, []).await;
    session.send(&queue, "bad").await;
    session.wait_get(&queue).await.reject(BasicRejectOptions { requeue: false }).await.unwrap();
    let message = session.wait_get(&dead).await;
    let story = death(&message);
    assert_eq!(story.inner()["reason"], string("rejected"));
    assert_eq!(story.inner()["queue"], string(&queue));
    assert_eq!(story.inner()["exchange"], string(""));
    assert_eq!(story.inner()["count"], AMQPValue::LongLongInt(1));
    assert!(matches!(story.inner()["time"], AMQPValue::Timestamp(_)));
    session.clean().await;
}

#[tokio::test]
async fn an_expired_message_is_dead_lettered() {
    let mut session = Session::open().await;
    let (queue, dead) = with_dead_letters(&mut session, []).await;
    session.publish("", &queue, b"late", BasicProperties::default().with_expiration("50".into())).await;
    let message = session.wait_get(&dead).await;
    assert_eq!(reason(&message), string("expired"));
    assert_eq!(death(&message).inner()["original-expiration"], string("50"));
    assert!(message.properties.expiration().is_none());
    session.clean().await;
}

#[tokio::test]
async fn what_does_not_fit_drops_out_at_the_head() {
    let mut session = Session::open().await;
    let (queue, dead) = with_dead_letters(&mut session, [("x-max-length", 2.into())]).await;
    session.fill(&queue, 4).await;
    assert_eq!(session.drain(&queue).await, ["2", "3"]);
    let message = session.wait_get(&dead).await;
    assert_eq!((text(&message), reason(&message)), ("0".to_string(), string("maxlen")));
    session.clean().await;
}

#[tokio::test]
async fn a_poison_message_goes_after_its_limit() {
    let mut session = Session::open().await;
    let limited = [("x-queue-type", string("quorum")), ("x-delivery-limit", 3.into())];
    let (queue, dead) = with_dead_letters(&mut session, limited).await;
    session.send(&queue, "poison").await;
    session.send(&queue, "behind").await;
    session.prefetch(1).await;
    let mut consumer = session.consume(&queue, Default::default(), Default::default()).await;
    let mut deliveries = 0;
    loop {
        let delivery = receive(&mut consumer, 1).await.remove(0);
        if text(&delivery) == "behind" {
            delivery.ack(BasicAckOptions::default()).await.unwrap();
            break;
        }
        deliveries += 1;
        delivery.reject(BasicRejectOptions { requeue: true }).await.unwrap();
    }
    assert_eq!(deliveries, 4, "once, and again as often as the limit says");
    assert_eq!(reason(&session.wait_get(&dead).await.delivery), string("delivery_limit"));
    session.clean().await;
}

#[tokio::test]
async fn messages_of_higher_priority_come_first() {
    let mut session = Session::open().await;
    let queue = session.queue("q", table([("x-max-priority", 10.into())])).await;
    for priority in [1, 9, 5] {
        let properties = BasicProperties::default().with_priority(priority);
        session.publish("", &queue, priority.to_string().as_bytes(), properties).await;
    }
    assert_eq!(session.drain(&queue).await, ["9", "5", "1"]);
    session.clean().await;
}

#[tokio::test]
async fn a_queue_without_use_expires() {
    let mut session = Session::open().await;
    let queue = session.queue("q", table([("x-expires", 200.into())])).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let passive = async |channel: lapin::Channel| {
        let passive = QueueDeclareOptions::durable().passive();
        channel.queue_declare(queue.as_str().into(), passive, FieldTable::default()).await
    };
    session.refused(404, "NOT_FOUND", passive).await;
    session.clean().await;
}

#[tokio::test]
async fn the_queues_time_to_live_counts_for_every_message() {
    let mut session = Session::open().await;
    let (queue, dead) = with_dead_letters(&mut session, [("x-message-ttl", 100.into())]).await;
    session.fill(&queue, 3).await;
    wait_until(async || session.depth(&dead).await == 3).await;
    assert_eq!(session.drain(&dead).await, ["0", "1", "2"]);
    session.clean().await;
}
