//! SQS's minute of rest, for a door that insists on it.

use super::client::Client;
use serde_json::json;

fn strict() -> Client {
    let mut client = Client::new();
    client.settings.cooldowns = true;
    client
}

#[test]
fn a_name_rests_for_a_minute_after_its_queue_was_deleted() {
    let mut client = strict();
    let url = client.queue("q", json!({}));
    client.done("DeleteQueue", &json!({ "QueueUrl": url }));
    let again = json!({ "QueueName": "q" });
    assert_eq!(client.error("CreateQueue", &again), "QueueDeletedRecently");
    client.queue("another", json!({}));
    client.world.pass(59_999);
    assert_eq!(client.error("CreateQueue", &again), "QueueDeletedRecently");
    client.world.pass(1);
    client.done("CreateQueue", &again);
    assert_eq!(client.done("CreateQueue", &again)["QueueUrl"], json!(url), "one that is there is no new one");
}

#[test]
fn without_the_rule_a_name_is_free_at_once() {
    let mut client = Client::new();
    let url = client.queue("q", json!({}));
    client.done("DeleteQueue", &json!({ "QueueUrl": url }));
    client.queue("q", json!({}));
    client.settings.cooldowns = true;
    client.done("DeleteQueue", &json!({ "QueueUrl": url }));
    client.settings.cooldowns = false;
    client.queue("q", json!({}));
}
