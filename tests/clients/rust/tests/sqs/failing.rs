//! Messages that fail too often, and the way back from the dead-letter queue.

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use leveret_client_tests::wait_until;

use crate::session::{Session, system_attribute};

#[tokio::test]
async fn what_fails_too_often_is_dead_lettered_and_can_be_moved_back() {
    let mut session = Session::open();
    let dead = session.queue("dead", []).await;
    let dead_arn = session.attribute(&dead, QueueAttributeName::QueueArn).await;
    let policy = format!(r#"{{"deadLetterTargetArn":"{dead_arn}","maxReceiveCount":"2"}}"#);
    let attributes =
        [(QueueAttributeName::RedrivePolicy, policy.as_str()), (QueueAttributeName::VisibilityTimeout, "0")];
    let queue = session.queue("q", attributes).await;
    session.send(&queue, "poison").await;
    for count in ["1", "2"] {
        let message = session.wait_receive(&queue).await;
        let counted = system_attribute(&message, MessageSystemAttributeName::ApproximateReceiveCount);
        assert_eq!(counted, count);
    }
    assert!(session.receive(&queue, 1, 0).await.is_empty());

    let message = session.wait_receive(&dead).await;
    assert_eq!(message.body(), Some("poison"));
    let source = system_attribute(&message, MessageSystemAttributeName::DeadLetterQueueSourceArn);
    assert_eq!(source, session.attribute(&queue, QueueAttributeName::QueueArn).await);
    session.hold(&dead, &message, 0).await;

    session.client.start_message_move_task().source_arn(&dead_arn).send().await.unwrap();
    wait_until(async || session.counts(&queue).await == (1, 0)).await;
    assert_eq!(session.counts(&dead).await, (0, 0));
    session.clean().await;
}
