//! FIFO queues: order within a group, one holder of a group at a time, duplicates.

use aws_sdk_sqs::types::MessageSystemAttributeName;

use crate::session::{Session, bodies, system_attribute};

#[tokio::test]
async fn a_duplicate_is_answered_like_the_first_and_is_not_there_twice() {
    let mut session = Session::open();
    let queue = session.fifo().await;
    let (first, number) = session.send_to_group(&queue, "g", "same").await;
    let (second, _) = session.send_to_group(&queue, "g", "same").await;
    assert_eq!(first, second);
    assert!(number.len() == 20 && number.bytes().all(|digit| digit.is_ascii_digit()), "{number}");
    let messages = session.receive(&queue, 10, 20).await;
    assert_eq!(bodies(&messages), ["same"]);
    assert_eq!(system_attribute(&messages[0], MessageSystemAttributeName::SequenceNumber), number);
    session.clean().await;
}

#[tokio::test]
async fn a_group_has_one_holder_at_a_time_and_other_groups_go_on() {
    let mut session = Session::open();
    let queue = session.fifo().await;
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
        session.send_to_group(&queue, group, body).await;
    }
    let first = session.wait_receive(&queue).await;
    let other = session.wait_receive(&queue).await;
    assert_eq!((first.body(), other.body()), (Some("a1"), Some("b1")));
    assert_eq!(system_attribute(&other, MessageSystemAttributeName::MessageGroupId), "b");
    assert!(session.receive(&queue, 10, 0).await.is_empty(), "group a is held");
    let (next, ()) = tokio::join!(session.wait_receive(&queue), session.delete(&queue, &first));
    assert_eq!(next.body(), Some("a2"), "a receive that waits is told when a group is free");
    session.clean().await;
}

#[tokio::test]
async fn a_message_that_comes_back_takes_its_old_place() {
    let mut session = Session::open();
    let queue = session.fifo().await;
    for body in ["1", "2", "3"] {
        session.send_to_group(&queue, "g", body).await;
    }
    let first = session.wait_receive(&queue).await;
    session.hold(&queue, &first, 0).await;
    assert_eq!(bodies(&session.receive(&queue, 10, 20).await), ["1", "2", "3"]);
    session.clean().await;
}
