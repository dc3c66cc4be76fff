//! A queue's delay, and another one while messages wait.

use super::client::Client;
use serde_json::json;

fn send(client: &mut Client, url: &str, body: &str) {
    let group = url.ends_with(".fifo").then_some("g");
    let message = json!({
        "QueueUrl": url, "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": group.map(|_| body),
    });
    client.done("SendMessage", &message);
}

fn set_delay(client: &mut Client, url: &str, seconds: &str) {
    let attributes = json!({ "DelaySeconds": seconds });
    client.done("SetQueueAttributes", &json!({ "QueueUrl": url, "Attributes": attributes }));
}

#[test]
fn a_fifo_queues_new_delay_holds_for_what_waits() {
    let mut client = Client::new();
    let url = client.queue("q.fifo", json!({ "FifoQueue": "true", "DelaySeconds": "600" }));
    send(&mut client, &url, "a");
    set_delay(&mut client, &url, "30");
    assert_eq!(client.receive(&url), None);
    client.world.pass(29_999);
    assert_eq!(client.receive(&url), None);
    client.world.pass(1);
    assert_eq!(client.receive(&url).unwrap()["Body"], "a");
}

#[test]
fn a_fifo_queue_that_began_without_a_delay_takes_one() {
    let mut client = Client::new();
    let url = client.queue("q.fifo", json!({ "FifoQueue": "true" }));
    set_delay(&mut client, &url, "60");
    send(&mut client, &url, "a");
    assert_eq!(client.receive(&url), None);
    set_delay(&mut client, &url, "0");
    send(&mut client, &url, "b");
    assert_eq!(client.receive(&url).unwrap()["Body"], "a", "it is not overtaken");
}

#[test]
fn a_standard_queues_new_delay_is_for_what_comes() {
    let mut client = Client::new();
    let url = client.queue("q", json!({ "DelaySeconds": "60" }));
    send(&mut client, &url, "a");
    set_delay(&mut client, &url, "0");
    assert_eq!(client.receive(&url), None);
    send(&mut client, &url, "b");
    assert_eq!(client.receive(&url).unwrap()["Body"], "b");
    client.world.pass(60_000);
    assert_eq!(client.receive(&url).unwrap()["Body"], "a");
}
