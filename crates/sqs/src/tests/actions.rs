//! Every action, in one protocol or the other.

use super::client::Client;
use crate::http::Request;
use serde_json::{Value, json};

#[test]
fn the_life_of_a_message_in_json() {
    let mut client = Client::new();
    let dead = client.queue("dead", json!({}));
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#;
    let url = client.queue("q", json!({ "RedrivePolicy": redrive, "VisibilityTimeout": "5" }));
    assert_eq!(url, "http://broker:9324/000000000000/q");
    let attributes = json!({ "n": { "DataType": "Number", "StringValue": "1.50" } });
    let message = json!({ "QueueUrl": url, "MessageBody": "b", "MessageAttributes": attributes });
    let sent = client.done("SendMessage", &message);
    for count in ["1", "2"] {
        let received = client.receive(&url).unwrap();
        assert_eq!(received["MessageId"], sent["MessageId"]);
        assert_eq!(received["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
        assert_eq!(received["MessageAttributes"]["n"]["StringValue"], "1.50");
        assert_eq!(received["Attributes"]["ApproximateReceiveCount"], count);
        assert_eq!(client.receive(&url), None, "it is held");
        client.world.pass(5_001);
    }
    assert_eq!(client.receive(&url), None, "it was received too often");
    let buried = client.receive(&dead).unwrap();
    assert_eq!(buried["MessageId"], sent["MessageId"]);
    let source = "arn:aws:sqs:us-east-1:000000000000:q";
    assert_eq!(buried["Attributes"]["DeadLetterQueueSourceArn"], source);
    let handle = json!({ "QueueUrl": dead, "ReceiptHandle": buried["ReceiptHandle"] });
    client.done("DeleteMessage", &handle);
    client.done("DeleteMessage", &handle);
    assert_eq!((client.world.ready("q"), client.world.ready("dead")), (0, 0));
}

#[test]
fn a_message_in_the_query_protocol() {
    let mut client = Client::new();
    let (status, made) =
        client.form("Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=0");
    assert!(
        status == 200 && made.contains("<QueueUrl>http://broker:9324/000000000000/q</QueueUrl>"),
        "{made}"
    );
    let (_, sent) = client.form("Action=SendMessage&QueueUrl=q&MessageBody=a%26b");
    assert!(sent.contains("<MD5OfMessageBody>"), "{sent}");
    let (_, received) = client.form("Action=ReceiveMessage&QueueUrl=q&AttributeName.1=All");
    assert!(received.contains("<Body>a&amp;b</Body>") && received.contains("<Name>SentTimestamp</Name>"));
    let (status, failed) = client.form("Action=GetQueueUrl&QueueName=none");
    assert!(status == 400 && failed.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"));
    let (status, unknown) = client.form("Action=Nonsense");
    assert!(status == 400 && unknown.contains("<Code>InvalidAction</Code>"));
}

#[test]
fn every_action_answers() {
    let mut client = Client::new();
    client.queue("dead", json!({}));
    let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
    let redrive = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"3"}}"#);
    let url = client.queue("q", json!({ "RedrivePolicy": redrive }));
    let with = |more: Value| {
        let mut all = json!({ "QueueUrl": url });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    client.done("SendMessageBatch", &with(json!({ "Entries": [{ "Id": "1", "MessageBody": "x" }] })));
    let handle = client.receive(&url).unwrap()["ReceiptHandle"].clone();
    client.done("ChangeMessageVisibility", &with(json!({ "ReceiptHandle": handle, "VisibilityTimeout": 9 })));
    let entry = json!({ "Entries": [{ "Id": "1", "ReceiptHandle": handle, "VisibilityTimeout": 9 }] });
    client.done("ChangeMessageVisibilityBatch", &with(entry.clone()));
    let deleted = client.done("DeleteMessageBatch", &with(entry));
    assert_eq!(deleted["Successful"][0]["Id"], "1");
    client.done("TagQueue", &with(json!({ "Tags": { "a": "b" } })));
    assert_eq!(client.done("ListQueueTags", &with(json!({})))["Tags"], json!({ "a": "b" }));
    client.done("UntagQueue", &with(json!({ "TagKeys": ["a"] })));
    let permission = json!({ "Label": "l", "AWSAccountIds": ["guest"], "Actions": ["SendMessage"] });
    client.done("AddPermission", &with(permission));
    client.done("RemovePermission", &with(json!({ "Label": "l" })));
    client.done("SetQueueAttributes", &with(json!({ "Attributes": { "DelaySeconds": "1" } })));
    let shown = client.done("GetQueueAttributes", &with(json!({ "AttributeNames": ["DelaySeconds"] })));
    assert_eq!(shown["Attributes"], json!({ "DelaySeconds": "1" }));
    client.done("GetQueueUrl", &json!({ "QueueName": "q" }));
    assert_eq!(client.done("ListQueues", &json!({}))["QueueUrls"].as_array().unwrap().len(), 2);
    let sources = client.done("ListDeadLetterSourceQueues", &json!({ "QueueUrl": "dead" }));
    assert_eq!(sources["queueUrls"], json!([url]));
    assert_eq!(client.done("ListDeadLetterSourceQueues", &with(json!({}))), json!({ "queueUrls": [] }));
    let task = client.done("StartMessageMoveTask", &json!({ "SourceArn": arn }));
    let listed = client.done("ListMessageMoveTasks", &json!({ "SourceArn": arn }));
    assert_eq!(listed["Results"][0]["Status"], "RUNNING");
    client.done("CancelMessageMoveTask", &json!({ "TaskHandle": task["TaskHandle"] }));
    client.done("PurgeQueue", &with(json!({})));
    client.done("DeleteQueue", &with(json!({})));
    assert_eq!(client.error("PurgeQueue", &with(json!({}))), "QueueDoesNotExist");
}

#[test]
fn a_handle_of_another_queue_is_none() {
    let mut client = Client::new();
    let (a, b) = (client.queue("a", json!({})), client.queue("b", json!({})));
    client.done("SendMessage", &json!({ "QueueUrl": a, "MessageBody": "x" }));
    let handle = client.receive(&a).unwrap()["ReceiptHandle"].clone();
    let wrong = json!({ "QueueUrl": b, "ReceiptHandle": handle });
    assert_eq!(client.error("DeleteMessage", &wrong), "ReceiptHandleIsInvalid");
    client.done("DeleteMessage", &json!({ "QueueUrl": a, "ReceiptHandle": handle }));
}

#[test]
fn queues_are_not_made_or_listed_at_the_url_of_one() {
    let mut client = Client::new();
    let url = client.queue("q", json!({}));
    for action in ["CreateQueue&QueueName=r", "ListQueues"] {
        for path in ["/000000000000/q", "/q/"] {
            let query = format!("Action={action}");
            let request = Request { method: "GET", path, query: &query, headers: &[], body: b"" };
            let answer = client.send(&request).expect("it does not wait");
            let text = String::from_utf8(answer.body).unwrap();
            assert!(answer.status == 400 && text.contains("<Code>InvalidAction</Code>"), "{action}: {text}");
        }
    }
    assert_eq!(client.done("ListQueues", &json!({}))["QueueUrls"], json!([url]));
}

#[test]
fn the_names_of_message_attributes_are_ascii() {
    let mut client = Client::new();
    let url = client.queue("q", json!({}));
    client.form("Action=CreateTopic&Version=2010-03-31&Name=t");
    for name in ["\u{fc}", "a b", ".a", "a.", "a..b", "aws.a", "Amazon.b", &"a".repeat(257), ""] {
        let attributes = json!({ name: { "DataType": "String", "StringValue": "x" } });
        let message = json!({ "QueueUrl": url, "MessageBody": "b", "MessageAttributes": attributes });
        assert_eq!(client.error("SendMessage", &message), "InvalidParameterValueException", "{name:?}");
        let mut named = Vec::new();
        crate::protocol::percent_encode(name.as_bytes(), &mut named);
        let (status, text) = client.form(&format!(
            "Action=Publish&Version=2010-03-31&TopicArn=arn:aws:sns:us-east-1:000000000000:t&Message=m\
             &MessageAttributes.entry.1.Name={}&MessageAttributes.entry.1.Value.DataType=String\
             &MessageAttributes.entry.1.Value.StringValue=x",
            String::from_utf8(named).unwrap()
        ));
        assert!(status == 400 && text.contains("<Code>InvalidParameter</Code>"), "{name:?}: {text}");
    }
}
