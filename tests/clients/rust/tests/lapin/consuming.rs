//! Deliveries: settled, returned, limited, shared, cancelled.

use futures_lite::StreamExt;
use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::FieldTable;
use leveret_client_tests::{Session, WAIT, quiet, receive, table, text, texts, wait_until};

fn requeue() -> BasicNackOptions {
    BasicNackOptions { requeue: true, ..Default::default() }
}

fn no_ack() -> BasicConsumeOptions {
    BasicConsumeOptions { no_ack: true, ..Default::default() }
}

#[tokio::test]
async fn ack_nack_and_reject() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    session.fill(&queue, 4).await;
    session.prefetch(1).await;
    let mut consumer = session.consume(&queue, Default::default(), Default::default()).await;
    receive(&mut consumer, 1).await[0].ack(BasicAckOptions::default()).await.unwrap();
    receive(&mut consumer, 1).await[0].nack(requeue()).await.unwrap();
    let again = receive(&mut consumer, 1).await.remove(0);
    assert_eq!((text(&again), again.redelivered), ("1".to_string(), true));
    again.ack(BasicAckOptions::default()).await.unwrap();
    receive(&mut consumer, 1).await[0].reject(BasicRejectOptions { requeue: false }).await.unwrap();
    receive(&mut consumer, 1).await[0].reject(BasicRejectOptions { requeue: true }).await.unwrap();
    let again = receive(&mut consumer, 1).await.remove(0);
    assert_eq!((text(&again), again.redelivered), ("3".to_string(), true));
    again.ack(BasicAckOptions::default()).await.unwrap();
    assert_eq!(session.depth(&queue).await, 0);
    session.clean().await;
}

#[tokio::test]
async fn one_ack_settles_all_before_it() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    session.fill(&queue, 5).await;
    let mut consumer = session.consume(&queue, Default::default(), Default::default()).await;
    let deliveries = receive(&mut consumer, 5).await;
    deliveries[2].ack(BasicAckOptions { multiple: true }).await.unwrap();
    session.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await.unwrap();
    session.channel.basic_recover(BasicRecoverOptions { requeue: true }).await.unwrap();
    assert_eq!(session.drain(&queue).await, ["3", "4"]);
    session.clean().await;
}

#[tokio::test]
async fn a_tag_that_was_never_given_closes_the_channel() {
    let session = Session::open().await;
    let settle = async |channel: lapin::Channel| {
        // An ack has no answer, so the channel's end is seen in the answer to what is sent behind it.
        let (acked, asked) = tokio::join!(
            channel.basic_ack(9, BasicAckOptions::default()),
            channel.basic_qos(1, BasicQosOptions::default()),
        );
        acked.and(asked)
    };
    session.refused(406, "PRECONDITION_FAILED - unknown delivery tag 9", settle).await;
    session.clean().await;
}

#[tokio::test]
async fn a_prefetch_is_never_passed() {
    let mut session = Session::open().await;
    for prefetch in [1, 10] {
        let queue = session.queue(&format!("q{prefetch}"), FieldTable::default()).await;
        session.fill(&queue, 15).await;
        session.prefetch(prefetch).await;
        let mut consumer = session.consume(&queue, Default::default(), Default::default()).await;
        let held = receive(&mut consumer, prefetch.into()).await;
        quiet(&mut consumer).await;
        held[0].ack(BasicAckOptions::default()).await.unwrap();
        assert_eq!(texts(&receive(&mut consumer, 1).await), [prefetch.to_string()]);
    }
    session.clean().await;
}

#[tokio::test]
async fn a_prefetch_of_0_is_no_limit() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    let sent = session.fill(&queue, 500).await;
    session.prefetch(0).await;
    let mut consumer = session.consume(&queue, Default::default(), Default::default()).await;
    assert_eq!(texts(&receive(&mut consumer, 500).await), sent);
    session.clean().await;
}

#[tokio::test]
async fn two_workers_share_the_work_evenly() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    let mut first = session.consume(&queue, no_ack(), Default::default()).await;
    let mut second = session.consume(&queue, no_ack(), Default::default()).await;
    session.fill(&queue, 100).await;
    receive(&mut first, 50).await;
    receive(&mut second, 50).await;
    session.clean().await;
}

#[tokio::test]
async fn a_connection_that_ends_gives_back_what_it_held_in_place() {
    let (mut session, worker) = (Session::open().await, Session::open().await);
    let queue = session.queue("q", FieldTable::default()).await;
    session.fill(&queue, 15).await;
    worker.prefetch(10).await;
    let mut consumer = worker.consume(&queue, Default::default(), Default::default()).await;
    receive(&mut consumer, 10).await;
    worker.close().await;
    wait_until(async || session.depth(&queue).await == 15).await;
    let mut consumer = session.consume(&queue, Default::default(), Default::default()).await;
    for (number, delivery) in receive(&mut consumer, 15).await.iter().enumerate() {
        assert_eq!((text(delivery), delivery.redelivered), (number.to_string(), number < 10));
    }
    session.clean().await;
}

#[tokio::test]
async fn a_consumer_ends_when_its_queue_is_deleted() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    let mut consumer = session.consume(&queue, Default::default(), Default::default()).await;
    let sweeper = session.open_channel().await;
    sweeper.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    let next = tokio::time::timeout(WAIT, consumer.next()).await.expect("the notice comes");
    assert!(next.is_none(), "cancelled, and no error: {next:?}");
    session.clean().await;
}

#[tokio::test]
async fn a_consumer_of_higher_priority_is_served_first() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    let mut low = session.consume(&queue, no_ack(), table([("x-priority", 1.into())])).await;
    let mut high = session.consume(&queue, no_ack(), table([("x-priority", 5.into())])).await;
    session.fill(&queue, 5).await;
    receive(&mut high, 5).await;
    quiet(&mut low).await;
    session.clean().await;
}

#[tokio::test]
async fn of_many_consumers_a_single_one_is_active_and_the_next_takes_over() {
    let mut session = Session::open().await;
    let queue = session.queue("q", table([("x-single-active-consumer", true.into())])).await;
    let mut first = session.consume(&queue, no_ack(), Default::default()).await;
    let mut second = session.consume(&queue, no_ack(), Default::default()).await;
    session.fill(&queue, 3).await;
    receive(&mut first, 3).await;
    quiet(&mut second).await;
    session.channel.basic_cancel(first.tag(), BasicCancelOptions::default()).await.unwrap();
    session.send(&queue, "next").await;
    assert_eq!(texts(&receive(&mut second, 1).await), ["next"]);
    session.clean().await;
}

#[tokio::test]
async fn a_request_is_answered_over_direct_reply_to() {
    let (mut session, server) = (Session::open().await, Session::open().await);
    let queue = session.queue("q", FieldTable::default()).await;
    let mut replies = session.consume("amq.rabbitmq.reply-to", no_ack(), Default::default()).await;
    let request = BasicProperties::default().with_reply_to("amq.rabbitmq.reply-to".into());
    session.publish("", &queue, b"ping", request).await;
    let request = server.wait_get(&queue).await;
    request.ack(BasicAckOptions::default()).await.unwrap();
    let address = request.properties.reply_to().clone().expect("the broker sets it");
    // RabbitMQ before 4 also returns a mandatory reply, though it delivers it: only the ack counts here.
    let confirmation = server.publish("", address.as_str(), b"pong", BasicProperties::default()).await;
    assert!(confirmation.is_ack());
    assert_eq!(texts(&receive(&mut replies, 1).await), ["pong"]);
    server.close().await;
    session.clean().await;
}

#[tokio::test]
async fn a_new_secret_is_accepted() {
    let session = Session::open().await;
    session.connection.update_secret("guest".into(), "rotation".into()).await.unwrap();
    session.clean().await;
}
