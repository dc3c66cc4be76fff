//! What a reply promises is durable before it may leave.

use super::client::Client;
use serde_json::json;

#[test]
fn a_reply_waits_until_what_it_promises_is_on_the_disk() {
    let mut client = Client::new();
    let url = client.queue("q", json!({}));
    assert!(!client.holds(), "a queue that was made");
    client.world.sync();
    assert!(client.holds());
    client.done("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "x" }));
    assert!(!client.holds(), "a message that was sent");
    client.world.sync();
    assert!(client.holds());
    let handle = client.receive(&url).unwrap()["ReceiptHandle"].clone();
    assert!(!client.holds(), "a receipt, which has to hold after a crash");
    client.world.sync();
    assert!(client.holds());
    let held = json!({ "QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 60 });
    client.done("ChangeMessageVisibility", &held);
    assert!(!client.holds(), "a lease that ends later");
    client.world.sync();
    client.done("DeleteMessage", &held);
    assert!(!client.holds(), "a message that is deleted");
    client.world.sync();
    assert!(client.holds());
}

#[test]
fn a_duplicate_waits_for_the_first_one() {
    let mut client = Client::new();
    let url = client.queue("q.fifo", json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" }));
    client.world.sync();
    let message = json!({ "QueueUrl": url, "MessageBody": "x", "MessageGroupId": "g" });
    let first = client.done("SendMessage", &message);
    let again = client.done("SendMessage", &message);
    assert_eq!(
        (&first["MessageId"], &first["SequenceNumber"]),
        (&again["MessageId"], &again["SequenceNumber"])
    );
    assert!(!client.holds(), "the first is not safe yet");
    client.world.sync();
    assert!(client.holds());
    assert_eq!(client.world.ready("q.fifo"), 1);
}

#[test]
fn nothing_is_taken_in_while_there_is_no_room() {
    let mut client = Client::new();
    let url = client.queue("q", json!({}));
    let message = json!({ "QueueUrl": url, "MessageBody": "x" });
    client.done("SendMessage", &message);
    client.blocked = Some("low on disk");
    let (status, said) = client.json("SendMessage", &message);
    assert_eq!((status, said["__type"].as_str()), (503, Some("com.amazonaws.sqs#ServiceUnavailable")));
    assert!(client.receive(&url).is_some(), "consumers go on");
}
