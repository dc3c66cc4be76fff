//! Bytes in, bytes out, in both protocols.

mod render;

use super::*;
use crate::http::Request;

const FORM: &str = "application/x-www-form-urlencoded";

fn json_call(target: &str, body: &str) -> Result<Call, Malformed> {
    let headers: [(&str, &[u8]); 1] = [("x-amz-target", target.as_bytes())];
    parse(&Request { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() })
}

fn form_call(path: &str, query: &str, body: &str) -> Result<Call, Malformed> {
    let headers: [(&str, &[u8]); 1] = [("content-type", FORM.as_bytes())];
    parse(&Request { method: "POST", path, query, headers: &headers, body: body.as_bytes() })
}

#[test]
fn both_protocols_give_the_same_parameters() {
    let json = json_call(
        "AmazonSQS.SendMessageBatch",
        r#"{"QueueUrl":"http://h/0/q","Entries":[{"Id":"a","MessageBody":"x y","DelaySeconds":3,
            "MessageAttributes":{"n":{"DataType":"Number","StringValue":"1"},
                                 "b":{"DataType":"Binary","BinaryValue":"AP8="}}},
            {"Id":"b","MessageBody":"z"}]}"#,
    );
    let form = form_call(
        "/0/q",
        "",
        "Action=SendMessageBatch&Version=2012-11-05&QueueUrl=http%3A%2F%2Fh%2F0%2Fq\
         &SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=z\
         &SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x+y\
         &SendMessageBatchRequestEntry.1.DelaySeconds=3\
         &SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n\
         &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Number\
         &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=1\
         &SendMessageBatchRequestEntry.1.MessageAttribute.2.Name=b\
         &SendMessageBatchRequestEntry.1.MessageAttribute.2.Value.DataType=Binary\
         &SendMessageBatchRequestEntry.1.MessageAttribute.2.Value.BinaryValue=AP8%3D",
    );
    for call in [json.unwrap(), form.unwrap()] {
        assert_eq!((call.service, call.action.as_str()), (Service::Sqs, "SendMessageBatch"));
        assert_eq!(call.params.text("QueueUrl").unwrap(), Some("http://h/0/q"));
        let entries = call.params.list("Entries", "SendMessageBatchRequestEntry").unwrap();
        let ids: Vec<_> = entries.iter().map(|entry| entry.required("Id").unwrap()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(entries[0].text("MessageBody").unwrap(), Some("x y"));
        assert_eq!(entries[0].int("DelaySeconds").unwrap(), Some(3));
        let mut attributes = entries[0].attributes("MessageAttributes", "MessageAttribute").unwrap();
        attributes.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(attributes[0].1.value, AttributeValue::Binary(vec![0, 255]));
        assert_eq!(
            attributes[1].1,
            MessageAttribute { data_type: "Number".into(), value: AttributeValue::Text("1".into()) }
        );
    }
}

#[test]
fn lists_and_maps_come_in_the_forms_that_sdks_send() {
    let call = form_call(
        "/",
        "Action=X&Version=2010-03-31",
        "AttributeName.1=All&Names.member.1=a&Names.member.3=b&Attribute.1.Name=k&Attribute.1.Value=v\
         &Attributes.entry.1.key=K&Attributes.entry.1.value=V&One=alone",
    )
    .unwrap();
    assert_eq!(call.service, Service::Sns);
    let params = &call.params;
    assert_eq!(params.texts("AttributeNames", "AttributeName").unwrap(), ["All"]);
    assert_eq!(params.texts("Names", "Names").unwrap(), ["a", "b"]);
    assert_eq!(params.texts("One", "One").unwrap(), ["alone"]);
    let pair = |a: &str, b: &str| vec![(a.to_owned(), b.to_owned())];
    assert_eq!(params.map("Attributes", "Attribute", "Name", "Value").unwrap(), pair("k", "v"));
    assert_eq!(params.map("Attributes", "Attributes", "key", "value").unwrap(), pair("K", "V"));
}

#[test]
fn a_path_names_a_queue() {
    for (path, queue) in [
        ("/000000000000/orders.fifo", Some("orders.fifo")),
        ("/queue/a%20b", Some("a b")),
        ("/orders", Some("orders")),
        ("/", None),
    ] {
        let call = form_call(path, "Action=ReceiveMessage", "").unwrap();
        assert_eq!(call.path_queue.as_deref(), queue, "{path}");
    }
}

#[test]
fn what_is_neither_protocol_says_what_is_wrong() {
    let error = |result: Result<Call, Malformed>| result.map(|_| ()).unwrap_err().error.code;
    assert_eq!(error(form_call("/0/q", "", "")), Code::UNKNOWN_OPERATION);
    assert_eq!(error(form_call("/", "Action=%zz", "")), Code::SERIALIZATION);
    assert_eq!(error(json_call("AmazonSQS.SendMessage", "{\"a\":")), Code::SERIALIZATION);
    assert_eq!(error(json_call("AmazonSQS.SendMessage", "[]")), Code::SERIALIZATION);
    assert_eq!(error(json_call("DynamoDB.PutItem", "{}")), Code::UNKNOWN_OPERATION);
    let call = json_call("AmazonSQS.X", r#"{"a":[1],"n":"x","m":{"k":[]}}"#).unwrap();
    assert_eq!(call.params.text("a").unwrap_err().code, Code::SERIALIZATION);
    assert_eq!(call.params.int("n").unwrap_err().code, Code::INVALID_PARAMETER);
    assert_eq!(call.params.map("m", "", "", "").unwrap_err().code, Code::SERIALIZATION);
    assert_eq!(call.params.required("missing").unwrap_err().code, Code::MISSING_PARAMETER);
}

#[test]
fn control_characters_but_white_space_are_not_text() {
    for good in ["", "a\t\r\n", "\u{20}\u{d7ff}\u{e000}\u{fffd}\u{10ffff}", "\u{7f}"] {
        assert!(is_valid_text(good), "{good:?}");
    }
    for bad in ["\0", "a\u{1f}", "\u{fffe}", "x\u{ffff}"] {
        assert!(!is_valid_text(bad), "{bad:?}");
    }
}
