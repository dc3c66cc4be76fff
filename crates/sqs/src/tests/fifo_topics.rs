//! A FIFO topic passes a message on once in five minutes, to whatever queues it leads.

use super::client::Client;
use leveret_core::broker::Access;
use leveret_core::catalog::{Caller, DeclareQueue, DestinationKind, NewBinding};
use leveret_core::wire::Table;
use serde_json::json;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t.fifo";

/// A FIFO topic with these further attributes of CreateTopic.
fn topic(attributes: &[(&str, &str)]) -> Client {
    let mut client = Client::new();
    make_topic(&mut client, attributes);
    client
}

fn make_topic(client: &mut Client, attributes: &[(&str, &str)]) {
    let mut form = String::from("Action=CreateTopic&Version=2010-03-31&Name=t.fifo");
    let all = [("FifoTopic", "true")].iter().chain(attributes);
    for (number, (name, value)) in all.enumerate() {
        let entry = format!("Attributes.entry.{}", number + 1);
        form.push_str(&format!("&{entry}.key={name}&{entry}.value={value}"));
    }
    done(client, &form);
}

fn done(client: &mut Client, form: &str) -> String {
    let (status, answer) = client.form(form);
    assert_eq!(status, 200, "{form}: {answer}");
    answer
}

/// Makes a queue and subscribes it, raw or not.
fn subscribe(client: &mut Client, queue: &str, raw: bool) {
    let fifo = queue.ends_with(".fifo");
    client.queue(queue, if fifo { json!({ "FifoQueue": "true" }) } else { json!({}) });
    let endpoint = format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
    done(
        client,
        &format!(
            "Action=Subscribe&Version=2010-03-31&TopicArn={TOPIC}&Protocol=sqs&Endpoint={endpoint}\
             &Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value={raw}"
        ),
    );
}

/// Publishes; the message's id and sequence number.
fn publish(client: &mut Client, id: &str, group: &str) -> (String, String) {
    let answer = done(
        client,
        &format!(
            "Action=Publish&Version=2010-03-31&TopicArn={TOPIC}&Message=m&MessageGroupId={group}\
             &MessageDeduplicationId={id}"
        ),
    );
    let field = |name: &str| {
        let text = answer.split_once(&format!("<{name}>")).unwrap().1;
        text.split_once("</").unwrap().0.to_owned()
    };
    (field("MessageId"), field("SequenceNumber"))
}

fn ready(client: &Client, queues: &[&str]) -> Vec<u64> {
    queues.iter().map(|queue| client.world.ready(queue)).collect()
}

#[test]
fn no_queue_behind_it_sees_a_duplicate() {
    let mut client = topic(&[]);
    let subscribed = ["raw", "enveloped", "raw.fifo", "enveloped.fifo"];
    for queue in subscribed {
        subscribe(&mut client, queue, queue.starts_with("raw"));
    }
    let declare = DeclareQueue {
        durable: true,
        exclusive: false,
        auto_delete: false,
        server_named: false,
        arguments: Table::new(),
    };
    let binding = NewBinding {
        source: "t.fifo",
        kind: DestinationKind::Queue,
        destination: "bound",
        routing_key: "",
        arguments: Table::new(),
    };
    let (bound, _) = client.world.change(|catalog| {
        let declared = catalog.declare_queue(Caller::BROKER, "/", "bound", declare).unwrap();
        catalog.bind(Caller::BROKER, "/", binding).unwrap();
        declared.queue
    });
    leveret_core::broker::apply_settings(&mut client.world, &[bound]);
    let first = publish(&mut client, "a", "g");
    assert_eq!(publish(&mut client, "a", "g"), first, "answered with the first one");
    assert_eq!(publish(&mut client, "a", "h"), first, "the scope is the topic");
    let second = publish(&mut client, "b", "g");
    assert!(second.0 != first.0 && second.1 > first.1, "{first:?} {second:?}");
    let all = ["raw", "enveloped", "raw.fifo", "enveloped.fifo", "bound"];
    assert_eq!(ready(&client, &all), [2; 5]);
    client.world.pass(300_000);
    assert_ne!(publish(&mut client, "a", "g").0, first.0);
    assert_eq!(ready(&client, &all), [3; 5]);
}

#[test]
fn the_scope_may_be_the_group() {
    let mut client = topic(&[("FifoThroughputScope", "MessageGroup")]);
    subscribe(&mut client, "q", true);
    for group in ["g", "h", "g", "h"] {
        publish(&mut client, "a", group);
    }
    assert_eq!(ready(&client, &["q"]), [2]);
}

#[test]
fn the_content_may_be_the_id() {
    let mut client = topic(&[("ContentBasedDeduplication", "true")]);
    subscribe(&mut client, "q", true);
    let form = format!("Action=Publish&Version=2010-03-31&TopicArn={TOPIC}&MessageGroupId=g&Message=");
    for text in ["x", "x", "y", "x"] {
        done(&mut client, &format!("{form}{text}"));
    }
    assert_eq!(ready(&client, &["q"]), [2]);
}

#[test]
fn what_nobody_took_is_known_to_the_topic_but_not_to_the_next_of_its_name() {
    let mut client = topic(&[]);
    let first = publish(&mut client, "a", "g");
    assert_eq!(publish(&mut client, "a", "g"), first);
    done(&mut client, &format!("Action=DeleteTopic&Version=2010-03-31&TopicArn={TOPIC}"));
    client.world.pass(1);
    make_topic(&mut client, &[]);
    subscribe(&mut client, "q", true);
    publish(&mut client, "a", "g");
    assert_eq!(ready(&client, &["q"]), [1]);
}

#[test]
fn a_topic_and_a_queue_that_have_an_id_in_common_do_not_share_it() {
    let mut client = topic(&[]);
    subscribe(&mut client, "q.fifo", true);
    let sent = json!({
        "QueueUrl": "q.fifo", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "a",
    });
    let sent = client.done("SendMessage", &sent);
    let published = publish(&mut client, "a", "g");
    assert_ne!(published.0, sent["MessageId"].as_str().unwrap());
    assert_eq!(ready(&client, &["q.fifo"]), [1], "the queue has had that id");
}

#[test]
fn a_duplicate_waits_for_what_it_repeats() {
    let mut client = topic(&[]);
    subscribe(&mut client, "q", true);
    client.world.sync();
    publish(&mut client, "a", "g");
    assert!(!client.holds());
    publish(&mut client, "a", "g");
    assert!(!client.holds(), "the first one is not safe yet");
    client.world.sync();
    assert!(client.holds());
}
