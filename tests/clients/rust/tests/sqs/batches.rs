//! Up to ten messages in one request.

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message};

use crate::session::{Session, bodies, entry, handle};

#[tokio::test]
async fn a_batch_is_sent_received_held_and_deleted() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let texts: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let entries = texts.iter().map(|text| entry(text, text)).collect();
    let send = session.client.send_message_batch().queue_url(&queue).set_entries(Some(entries));
    let sent = send.send().await.unwrap();
    assert_eq!((sent.successful().len(), sent.failed().len()), (10, 0));

    let messages = session.receive(&queue, 10, 20).await;
    assert_eq!(bodies(&messages), texts);
    let longer = numbered(&messages, |id, message| {
        let change =
            ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(handle(message));
        change.visibility_timeout(60).build().unwrap()
    });
    let change = session.client.change_message_visibility_batch().queue_url(&queue);
    assert_eq!(change.set_entries(Some(longer)).send().await.unwrap().successful().len(), 10);
    let done = numbered(&messages, |id, message| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle(message)).build().unwrap()
    });
    let delete = session.client.delete_message_batch().queue_url(&queue);
    assert_eq!(delete.set_entries(Some(done)).send().await.unwrap().successful().len(), 10);
    assert_eq!(session.counts(&queue).await, (0, 0));
    session.clean().await;
}

#[tokio::test]
async fn a_bad_entry_fails_alone() {
    let mut session = Session::open();
    let queue = session.queue("q", []).await;
    let send = session.client.send_message_batch().queue_url(&queue);
    let sent = send.entries(entry("good", "x")).entries(entry("bad", "\u{1}")).send().await.unwrap();
    let [good] = sent.successful() else { panic!("one is sent: {sent:?}") };
    let [bad] = sent.failed() else { panic!("one fails: {sent:?}") };
    assert_eq!((good.id(), bad.id()), ("good", "bad"));
    assert_eq!((bad.code(), bad.sender_fault()), ("InvalidMessageContents", true));
    assert_eq!(session.counts(&queue).await, (1, 0));
    session.clean().await;
}

/// An entry for each message, with its number as its id.
fn numbered<Entry>(messages: &[Message], entry: impl Fn(String, &Message) -> Entry) -> Vec<Entry> {
    messages.iter().enumerate().map(|(number, message)| entry(number.to_string(), message)).collect()
}
