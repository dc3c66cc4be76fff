//! What the door refuses is a variant of the SDK's own error enums, with the code of SQS.

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::operation::create_queue::CreateQueueError;
use aws_sdk_sqs::operation::delete_message::DeleteMessageError;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::session::{Session, entry};

#[tokio::test]
async fn a_queue_that_does_not_exist() {
    let mut session = Session::open();
    let missing = format!("{}-missing", session.queue("q", []).await);
    let error = session.client.receive_message().queue_url(&missing).send().await.unwrap_err();
    assert_eq!(error.code(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    assert_eq!(error.message(), Some("The specified queue does not exist."));
    let error = error.into_service_error();
    assert!(matches!(error, ReceiveMessageError::QueueDoesNotExist(_)), "{error:?}");
    let named = session.client.get_queue_url().queue_name(session.name("missing")).send().await;
    assert!(named.unwrap_err().into_service_error().is_queue_does_not_exist());
    session.clean().await;
}

#[tokio::test]
async fn a_queue_that_exists_with_other_attributes() {
    let mut session = Session::open();
    session.queue("q", [(QueueAttributeName::DelaySeconds, "1")]).await;
    let create = session.client.create_queue().queue_name(session.name("q"));
    let error = create.attributes(QueueAttributeName::DelaySeconds, "2").send().await.unwrap_err();
    assert!(matches!(error.into_service_error(), CreateQueueError::QueueNameExists(_)));
    let create = session.client.create_queue().queue_name(session.name("other"));
    let error = create.attributes(QueueAttributeName::DelaySeconds, "901").send().await.unwrap_err();
    assert!(matches!(error.into_service_error(), CreateQueueError::InvalidAttributeValue(_)));
    session.clean().await;
}

#[tokio::test]
async fn messages_that_may_not_be() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let fifo = session.fifo().await;
    let send = |queue: &str, body: &str| session.client.send_message().queue_url(queue).message_body(body);
    let error = send(&queue, "\u{1}").send().await.unwrap_err();
    assert!(matches!(error.into_service_error(), SendMessageError::InvalidMessageContents(_)));
    let error = send(&queue, &"x".repeat(1024 * 1024 + 1)).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let error = send(&fifo, "of no group").send().await.unwrap_err();
    assert_eq!(error.code(), Some("MissingParameter"));
    session.clean().await;
}

#[tokio::test]
async fn batches_that_are_empty_too_long_or_named_wrongly() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let send = async |entries| {
        let batch = session.client.send_message_batch().queue_url(&queue).set_entries(Some(entries));
        batch.send().await.unwrap_err().into_service_error()
    };
    let many = (0..11).map(|number| entry(&number.to_string(), "x")).collect();
    assert!(matches!(send(vec![]).await, SendMessageBatchError::EmptyBatchRequest(_)));
    assert!(matches!(send(many).await, SendMessageBatchError::TooManyEntriesInBatchRequest(_)));
    let twice = vec![entry("a", "x"), entry("a", "y")];
    assert!(matches!(send(twice).await, SendMessageBatchError::BatchEntryIdsNotDistinct(_)));
    let badly_named = vec![entry("a b", "x")];
    assert!(matches!(send(badly_named).await, SendMessageBatchError::InvalidBatchEntryId(_)));
    let long = "x".repeat(600 * 1024);
    let too_long = vec![entry("a", &long), entry("b", &long)];
    assert!(matches!(send(too_long).await, SendMessageBatchError::BatchRequestTooLong(_)));
    session.clean().await;
}

#[tokio::test]
async fn a_receipt_that_is_none() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let delete = session.client.delete_message().queue_url(&queue).receipt_handle("nonsense");
    let error = delete.send().await.unwrap_err().into_service_error();
    assert!(matches!(error, DeleteMessageError::ReceiptHandleIsInvalid(_)), "{error:?}");
    session.clean().await;
}
