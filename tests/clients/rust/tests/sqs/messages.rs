//! The life of a message: sent, received, held longer, given back, deleted.

use std::time::{Duration, Instant};

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};

use crate::session::{Session, bodies, handle, system_attribute, text_attribute};

#[tokio::test]
async fn what_is_sent_is_received_as_it_was() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0, 1, 255]));
    let bytes = bytes.build().unwrap();
    let send = session.client.send_message().queue_url(&queue).message_body("grün\r\n<x> 🐇");
    let send = send
        .message_attributes("text", text_attribute("String", "ä"))
        .message_attributes("number", text_attribute("Number.int", "007"))
        .message_attributes("bytes", bytes.clone());
    let sent = send.send().await.unwrap();
    assert_eq!(session.counts(&queue).await, (1, 0));

    let message = session.wait_receive(&queue).await;
    assert_eq!(message.body(), Some("grün\r\n<x> 🐇"));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    let attributes = message.message_attributes().unwrap();
    assert_eq!(attributes.len(), 3);
    assert_eq!(attributes["text"], text_attribute("String", "ä"));
    assert_eq!(attributes["number"], text_attribute("Number.int", "007"));
    assert_eq!(attributes["bytes"], bytes);
    assert_eq!(system_attribute(&message, MessageSystemAttributeName::ApproximateReceiveCount), "1");

    assert_eq!(session.counts(&queue).await, (0, 1));
    session.delete(&queue, &message).await;
    assert_eq!(session.counts(&queue).await, (0, 0));
    session.clean().await;
}

#[tokio::test]
async fn attributes_have_the_sum_that_sqs_gives_them() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let send = session.client.send_message().queue_url(&queue).message_body("x");
    let sent =
        send.message_attributes("MyAttribute", text_attribute("String", "foobar")).send().await.unwrap();
    assert_eq!(sent.md5_of_message_attributes(), Some("adb59cd4678ea5a855436b949cd07ab6"));
    session.clean().await;
}

#[tokio::test]
async fn a_receive_that_waits_gets_what_is_sent_meanwhile() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let begun = Instant::now();
    let send_later = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        session.send(&queue, "now").await;
    };
    let (message, ()) = tokio::join!(session.wait_receive(&queue), send_later);
    assert_eq!(message.body(), Some("now"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    session.clean().await;
}

#[tokio::test]
async fn a_receive_that_is_dropped_takes_no_message_with_it() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let given_up = tokio::time::timeout(Duration::from_millis(300), session.wait_receive(&queue)).await;
    assert!(given_up.is_err());
    tokio::time::sleep(Duration::from_millis(200)).await;
    session.send(&queue, "kept").await;
    let message = session.wait_receive(&queue).await;
    assert_eq!(system_attribute(&message, MessageSystemAttributeName::ApproximateReceiveCount), "1");
    session.clean().await;
}

#[tokio::test]
async fn a_message_is_held_longer_and_given_back_at_once() {
    let mut session = Session::open();
    let queue = session.queue("q", [(QueueAttributeName::VisibilityTimeout, "2")]).await;
    session.send(&queue, "held").await;
    let message = session.wait_receive(&queue).await;
    session.hold(&queue, &message, 30).await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert_eq!(session.counts(&queue).await, (0, 1));
    session.hold(&queue, &message, 0).await;
    let again = session.wait_receive(&queue).await;
    assert_eq!(system_attribute(&again, MessageSystemAttributeName::ApproximateReceiveCount), "2");
    assert_ne!(handle(&again), handle(&message));
    session.clean().await;
}

#[tokio::test]
async fn a_hundred_consumers_share_the_messages() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let receive = session.client.receive_message().queue_url(&queue).wait_time_seconds(20);
        waiting.spawn(async move { receive.send().await.unwrap().messages.unwrap_or_default() });
    }
    let expected: Vec<String> = (0..100).map(|number| format!("{number:02}")).collect();
    for body in &expected {
        session.send(&queue, body).await;
    }
    let received = waiting.join_all().await.concat();
    let mut received = bodies(&received);
    received.sort_unstable();
    assert_eq!(received, expected, "each message goes to one of them");
    session.clean().await;
}
