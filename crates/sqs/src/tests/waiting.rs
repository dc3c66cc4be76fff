//! Receives that wait.

use super::client::Client;
use crate::Waiting;
use leveret_core::ConnectionId;
use leveret_core::broker::Access;
use leveret_core::shard::Effect;
use serde_json::{Value, json};

fn wait(client: &mut Client, url: &str) -> Box<Waiting> {
    let asked = json!({ "QueueUrl": url, "WaitTimeSeconds": 5, "MaxNumberOfMessages": 10 });
    client.try_json("ReceiveMessage", &asked).expect_err("it waits")
}

/// Whether the connection was told to look again.
fn told(client: &mut Client, connection: ConnectionId) -> bool {
    client.world.finish();
    let mail = client.world.mail(connection);
    mail.iter().any(|(_, effects)| effects.iter().any(|effect| matches!(effect, Effect::Available { .. })))
}

fn bodies(client: &mut Client, waiting: &Waiting, connection: ConnectionId) -> Option<Vec<String>> {
    let (response, waits) = waiting.look(&mut client.world, connection)?;
    client.world.finish();
    client.waits = waits;
    let answer: Value = serde_json::from_slice(&response.body).unwrap();
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    Some(messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn one_that_waits_is_told_of_a_message_and_gets_it() {
    let mut client = Client::new();
    let url = client.queue("q", json!({}));
    let connection = client.world.next_connection();
    let waiting = wait(&mut client, &url);
    assert_eq!(bodies(&mut client, &waiting, connection), None);
    assert!(!told(&mut client, connection));
    client.done("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "x" }));
    assert!(told(&mut client, connection));
    assert_eq!(bodies(&mut client, &waiting, connection), Some(vec!["x".to_owned()]));
    assert!(!client.holds(), "its receipt waits for the disk, too");
}

#[test]
fn one_that_goes_away_takes_nothing_along() {
    let mut client = Client::new();
    let url = client.queue("q", json!({}));
    let (first, second) = (client.world.next_connection(), client.world.next_connection());
    let (one, two) = (wait(&mut client, &url), wait(&mut client, &url));
    assert_eq!(bodies(&mut client, &one, first), None);
    assert_eq!(bodies(&mut client, &two, second), None);
    client.done("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "x" }));
    assert!(told(&mut client, first) && !told(&mut client, second));
    let shard = one.queue().shard();
    client.world.shard(shard).stop_waiting(first);
    assert!(told(&mut client, second), "the message is still there for the next");
    assert_eq!(bodies(&mut client, &two, second), Some(vec!["x".to_owned()]));
}

#[test]
fn one_whose_queue_is_deleted_is_told_so() {
    let mut client = Client::new();
    let url = client.queue("q", json!({}));
    let connection = client.world.next_connection();
    let waiting = wait(&mut client, &url);
    assert_eq!(bodies(&mut client, &waiting, connection), None);
    client.done("DeleteQueue", &json!({ "QueueUrl": url }));
    assert!(told(&mut client, connection));
    let (response, _) = waiting.look(&mut client.world, connection).unwrap();
    assert_eq!(response.status, 400);
    assert_eq!(waiting.nothing().body, b"{}");
}
