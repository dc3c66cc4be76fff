//! Requests that are damaged anywhere: an error, never a panic, and nothing else is harmed.

use super::client::Client;
use super::random::Random;
use crate::http::Request;
use serde_json::json;

const JSON: [(&str, &str); 5] = [
    (
        "SendMessage",
        r#"{"QueueUrl":"q","MessageBody":"x","MessageAttributes":{"a":{"DataType":"Number","StringValue":"1"}}}"#,
    ),
    (
        "SendMessageBatch",
        r#"{"QueueUrl":"q","Entries":[{"Id":"1","MessageBody":"x","DelaySeconds":1},{"Id":"2","MessageBody":"y"}]}"#,
    ),
    (
        "ReceiveMessage",
        r#"{"QueueUrl":"q","MaxNumberOfMessages":2,"VisibilityTimeout":0,"AttributeNames":["All"]}"#,
    ),
    (
        "CreateQueue",
        r#"{"QueueName":"p","Attributes":{"DelaySeconds":"1","RedrivePolicy":"{\"a\":[1]}"},"tags":{"a":"b"}}"#,
    ),
    ("DeleteMessage", r#"{"QueueUrl":"q","ReceiptHandle":"AQAAAAAAAAAAAAAAAAAAAFgAAQBtAMw"}"#),
];

const FORMS: [&str; 3] = [
    "Action=SendMessage&QueueUrl=q&MessageBody=x%20y&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=b",
    "Action=Publish&Version=2010-03-31&TopicArn=arn:aws:sns:us-east-1:000000000000:t&Message=x&MessageAttributes.entry.1.Name=a",
    "Action=Subscribe&Version=2010-03-31&TopicArn=arn:aws:sns:us-east-1:000000000000:t&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:000000000000:q&Attributes.entry.1.key=FilterPolicy&Attributes.entry.1.value=%7B%22a%22:[1]%7D",
];

fn damaged(text: &str, random: &mut Random) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len().max(1));
        match random.below(4) {
            0 if !bytes.is_empty() => bytes[at] = random.below(256) as u8,
            1 if !bytes.is_empty() => bytes.truncate(at),
            2 => bytes.insert(at.min(bytes.len()), b"{}[]\":,%&=.0"[random.below(12)]),
            _ if !bytes.is_empty() => {
                bytes.remove(at);
            }
            _ => {}
        }
    }
    bytes
}

#[test]
fn damage_anywhere_is_an_error_and_harms_nobody() {
    let mut client = Client::new();
    let mine = client.queue("mine", json!({}));
    client.queue("q", json!({}));
    client.form("Action=CreateTopic&Version=2010-03-31&Name=t");
    client.done("SendMessage", &json!({ "QueueUrl": mine, "MessageBody": "mine" }));
    let mut random = Random(7);
    for seed in 0..4_000 {
        let (target, body) = if seed % 2 == 0 {
            let (action, body) = JSON[random.below(JSON.len())];
            (Some(format!("AmazonSQS.{action}")), damaged(body, &mut random))
        } else {
            (None, damaged(FORMS[random.below(FORMS.len())], &mut random))
        };
        let mut headers: Vec<(&str, &[u8])> = vec![("host", b"h")];
        headers.extend(target.as_ref().map(|target| ("x-amz-target", target.as_bytes())));
        let request = Request { method: "POST", path: "/", query: "", headers: &headers, body: &body };
        if let Ok(response) = client.send(&request) {
            assert!((200..600).contains(&response.status));
            assert!(response.status < 500, "{}", String::from_utf8_lossy(&body));
        }
    }
    let message = client.receive(&mine).unwrap();
    assert_eq!(message["Body"], "mine");
}
