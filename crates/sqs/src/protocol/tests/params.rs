//! Parameters as SDKs send them. The long requests are what botocore serialises: 1.34 for Query, 1.44 for JSON.

use super::*;
use crate::digest::md5_of_attributes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn text_attribute(data_type: &str, value: &str) -> MessageAttribute {
    MessageAttribute { data_type: data_type.into(), value: AttributeValue::Text(value.into()) }
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Code {
    result.unwrap_err().code
}

#[test]
fn a_batch_is_the_same_in_both_protocols() {
    let json = json_call(
        "AmazonSQS.SendMessageBatch",
        r#"{"QueueUrl": "http://localhost:9324/000000000000/q", "Entries": [{"Id": "a",
            "MessageBody": "a&b=c+d \u00e9\r\n%", "DelaySeconds": 3,
            "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "1"},
                                  "b": {"DataType": "Binary", "BinaryValue": "AP8="}},
            "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}},
            {"Id": "b", "MessageBody": "{\"x\":\"y\"}"}]}"#,
    );
    let entry = "&SendMessageBatchRequestEntry";
    let form = [
        "Action=SendMessageBatch&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%3A9324%2F000000000000%2Fq",
        ".1.Id=a",
        ".1.MessageBody=a%26b%3Dc%2Bd+%C3%A9%0D%0A%25",
        ".1.DelaySeconds=3",
        ".1.MessageAttribute.1.Name=n",
        ".1.MessageAttribute.1.Value.DataType=Number",
        ".1.MessageAttribute.1.Value.StringValue=1",
        ".1.MessageAttribute.2.Name=b",
        ".1.MessageAttribute.2.Value.DataType=Binary",
        ".1.MessageAttribute.2.Value.BinaryValue=AP8%3D",
        ".1.MessageSystemAttribute.1.Name=AWSTraceHeader",
        ".1.MessageSystemAttribute.1.Value.DataType=String",
        ".1.MessageSystemAttribute.1.Value.StringValue=Root%3D1",
        ".2.Id=b",
        ".2.MessageBody=%7B%22x%22%3A%22y%22%7D",
    ];
    for call in [json.unwrap(), form_call("/", "", form.join(entry)).unwrap()] {
        assert_eq!((call.service, call.action.as_str()), (Service::Sqs, "SendMessageBatch"));
        assert_eq!(call.params.required("QueueUrl").unwrap(), "http://localhost:9324/000000000000/q");
        let entries = call.params.list("Entries", "SendMessageBatchRequestEntry").unwrap();
        let [first, second] = &entries[..] else { panic!("{} entries", entries.len()) };
        assert_eq!((first.required("Id").unwrap(), second.required("Id").unwrap()), ("a", "b"));
        assert_eq!(first.text("MessageBody").unwrap(), Some("a&b=c+d é\r\n%"));
        assert_eq!(second.text("MessageBody").unwrap(), Some("{\"x\":\"y\"}"));
        assert_eq!(
            (first.int("DelaySeconds").unwrap(), second.int("DelaySeconds").unwrap()),
            (Some(3), None)
        );
        let mut attributes = first.attributes("MessageAttributes", "MessageAttribute").unwrap();
        attributes.sort_by(|a, b| a.0.cmp(&b.0));
        let bytes =
            MessageAttribute { data_type: "Binary".into(), value: AttributeValue::Binary(vec![0, 255]) };
        assert_eq!(attributes, [("b".to_owned(), bytes), ("n".to_owned(), text_attribute("Number", "1"))]);
        let system = first.attributes("MessageSystemAttributes", "MessageSystemAttribute").unwrap();
        assert_eq!(system, [("AWSTraceHeader".to_owned(), text_attribute("String", "Root=1"))]);
        assert_eq!(second.attributes("MessageAttributes", "MessageAttribute").unwrap(), []);
    }
}

#[test]
fn lists_of_texts_and_maps_of_sqs() {
    for params in [
        json(
            r#"{"AttributeNames": ["All"], "TagKeys": ["a.*", "b"], "Attributes": {"D": "1", "V": "2"}, "tags": {"k": ""}}"#,
        ),
        form(
            "AttributeName.1=All&TagKey.2=b&TagKey.1=a.%2A&Attribute.1.Name=D&Attribute.1.Value=1\
              &Attribute.2.Name=V&Attribute.2.Value=2&Tag.1.Key=k&Tag.1.Value=",
        ),
    ] {
        assert_eq!(params.texts("AttributeNames", "AttributeName").unwrap(), ["All"]);
        assert_eq!(params.texts("TagKeys", "TagKey").unwrap(), ["a.*", "b"]);
        assert_eq!(params.texts("Absent", "Absent").unwrap(), [""; 0]);
        let attributes = params.map("Attributes", "Attribute", "Name", "Value").unwrap();
        assert_eq!(attributes, pairs(&[("D", "1"), ("V", "2")]));
        assert_eq!(params.map("tags", "Tag", "Key", "Value").unwrap(), pairs(&[("k", "")]));
        assert_eq!(params.map("Absent", "Absent", "Key", "Value").unwrap(), []);
    }
}

#[test]
fn lists_and_maps_of_sns() {
    let subscribe = form(
        "Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true\
         &Attributes.entry.2.key=FilterPolicy&Attributes.entry.2.value=%7B%22a%22%3A%5B1%5D%7D\
         &ReturnSubscriptionArn=true&TagKeys.member.1=x&Tags.member.1.Key=k&Tags.member.1.Value=v",
    );
    let attributes = subscribe.map("Attributes", "Attributes", "key", "value").unwrap();
    assert_eq!(attributes, pairs(&[("RawMessageDelivery", "true"), ("FilterPolicy", "{\"a\":[1]}")]));
    assert_eq!(subscribe.flag("ReturnSubscriptionArn").unwrap(), Some(true));
    assert_eq!(subscribe.texts("TagKeys", "TagKeys").unwrap(), ["x"]);
    assert_eq!(subscribe.map("Tags", "Tags", "Key", "Value").unwrap(), pairs(&[("k", "v")]));
    let publish = form(
        "PublishBatchRequestEntries.member.1.Id=1&PublishBatchRequestEntries.member.1.Message=m\
         &PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Name=a\
         &PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.DataType=String\
         &PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.StringValue=v\
         &PublishBatchRequestEntries.member.2.Id=2&PublishBatchRequestEntries.member.2.Message=n",
    );
    let entries = publish.list("PublishBatchRequestEntries", "PublishBatchRequestEntries").unwrap();
    assert_eq!(entries.len(), 2);
    let attributes = entries[0].attributes("MessageAttributes", "MessageAttributes").unwrap();
    assert_eq!(attributes, [("a".to_owned(), text_attribute("String", "v"))]);
}

/// SDKs send a list of none as an empty text in the Query protocol, and as `[]` or null in JSON.
#[test]
fn lists_of_none() {
    for params in [
        form("Names=&Entries=&Map="),
        json(r#"{"Names":[],"Entries":[],"Map":{}}"#),
        json(r#"{"Names":null,"Entries":null,"Map":null}"#),
    ] {
        assert_eq!(params.texts("Names", "Names").unwrap(), [""; 0]);
        assert!(params.list("Entries", "Entries").unwrap().is_empty());
        assert_eq!(params.map("Map", "Map", "key", "value").unwrap(), []);
        assert_eq!(params.attributes("Map", "Map").unwrap(), []);
    }
    assert_eq!(
        form("Names=alone").texts("Names", "Names").unwrap(),
        ["alone"],
        "a list of one, without a number"
    );
}

#[test]
fn the_entries_of_a_form_are_in_the_order_of_their_numbers() {
    let params = form("N.10=j&N.9=i&N.2=b&N.x=no&N.-1=no&N.99999999999=no&N=no&NN.1=no&N.2.Sub=no");
    assert_eq!(params.texts("N", "N").unwrap(), ["b", "i", "j"], "and gaps do not matter");
    let many: Vec<String> = (1..=2_000).map(|n| format!("E.{n}.Id={n}")).collect();
    let entries = form(&many.join("&")).list("E", "E").unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| entry.int("Id").unwrap().unwrap()).collect();
    assert!(ids.iter().copied().eq(1..=2_000), "none is left out");
}

#[test]
fn numbers() {
    for params in [json(r#"{"a":-3,"b":"12","c":null,"d":0}"#), form("a=-3&b=12&c=&d=0")] {
        let number = |name| params.int(name).unwrap();
        assert_eq!(
            [number("a"), number("b"), number("c"), number("d"), number("e")],
            [Some(-3), Some(12), None, Some(0), None]
        );
    }
    for text in ["x", "1.5", "99999999999999999999", "1e3", "0x1"] {
        let error = form(&format!("n={text}")).int("n").unwrap_err();
        assert_eq!(error.code, Code::INVALID_PARAMETER);
        let message = format!("Value {text} for parameter n is invalid. Reason: Must be an integer.");
        assert_eq!(error.message, message);
    }
    // AWS: "STRING_VALUE can not be converted to an Integer", a SerializationException.
    for value in ["\"x\"", "\"\"", "1.5", "99999999999999999999", "true", "[]", "{}"] {
        assert_eq!(code(json(&format!("{{\"n\":{value}}}")).int("n")), Code::SERIALIZATION, "{value}");
    }
}

#[test]
fn flags() {
    for params in [json(r#"{"a":true,"b":"false","c":null}"#), form("a=true&b=False&c=")] {
        let flag = |name| params.flag(name).unwrap();
        assert_eq!([flag("a"), flag("b"), flag("c"), flag("d")], [Some(true), Some(false), None, None]);
    }
    assert_eq!(code(form("f=1").flag("f")), Code::INVALID_PARAMETER);
    for value in ["1", "\"yes\"", "[]"] {
        assert_eq!(code(json(&format!("{{\"f\":{value}}}")).flag("f")), Code::SERIALIZATION, "{value}");
    }
}

#[test]
fn what_has_to_be_there() {
    for params in [json(r#"{"a":"","b":null,"c":"x"}"#), form("a=&c=x")] {
        for name in ["a", "b", "d"] {
            let error = params.required(name).unwrap_err();
            assert_eq!(error.code, Code::MISSING_PARAMETER);
            assert_eq!(error.message, format!("The request must contain the parameter {name}."));
        }
        assert_eq!(params.required("c").unwrap(), "x");
        assert_eq!((params.has("a"), params.has("b"), params.has("d")), (true, false, false));
    }
}

#[test]
fn of_a_name_that_comes_twice_the_last_counts_in_json_and_the_first_in_a_form() {
    assert_eq!(json(r#"{"a":"1","a":"2"}"#).text("a").unwrap(), Some("2"));
    assert_eq!(form("a=1&a=2").text("a").unwrap(), Some("1"));
}

#[test]
fn json_values_of_other_types_are_refused() {
    let params = json(
        r#"{"s":"x","l":["x"],"m":{"k":["x"]},"n":1,"bad":{"a":{"StringValue":1}},"flat":{"a":"x"},
                          "lists":{"a":{"StringListValues":{}}}}"#,
    );
    for name in ["l", "m", "n"] {
        assert_eq!(code(params.text(name)), Code::SERIALIZATION, "{name}");
        assert_eq!(code(params.required(name)), Code::SERIALIZATION, "{name}");
    }
    for name in ["s", "m", "n"] {
        assert_eq!(code(params.texts(name, "")), Code::SERIALIZATION, "{name}");
        assert_eq!(code(params.list(name, "")), Code::SERIALIZATION, "{name}");
    }
    assert_eq!(code(params.list("l", "")), Code::SERIALIZATION);
    assert_eq!(code(json(r#"{"l":[1]}"#).texts("l", "")), Code::SERIALIZATION);
    for name in ["s", "l", "m", "n"] {
        assert_eq!(code(params.map(name, "", "", "")), Code::SERIALIZATION, "{name}");
    }
    for name in ["s", "l", "n", "bad", "flat", "lists"] {
        assert_eq!(code(params.attributes(name, "")), Code::SERIALIZATION, "{name}");
    }
    // Clients of old send attributes as numbers and truth values.
    let loose = json(r#"{"a":{"DelaySeconds":5,"FifoQueue":true}}"#).map("a", "", "", "").unwrap();
    assert_eq!(loose, pairs(&[("DelaySeconds", "5"), ("FifoQueue", "true")]));
}

#[test]
fn attributes_that_no_service_takes() {
    let json = |value: &str| json(&format!("{{\"m\":{{\"a\":{value}}}}}")).attributes("m", "");
    let form = |value: &str| form(&format!("m.1.Name=a&{value}")).attributes("", "m");
    for listed in [json(r#"{"StringListValues":["x"]}"#), json(r#"{"BinaryListValues":["eA=="]}"#)] {
        assert_eq!(code(listed), Code::UNSUPPORTED);
    }
    for list in ["StringListValue.1=x", "BinaryListValue.1=eA%3D%3D", "StringListValue.member.1=x"] {
        assert_eq!(code(form(&format!("m.1.Value.{list}"))), Code::UNSUPPORTED, "{list}");
    }
    for binary in ["*", "AP8", "AP8=="] {
        assert_eq!(
            code(json(&format!("{{\"BinaryValue\":\"{binary}\"}}"))),
            Code::INVALID_PARAMETER,
            "{binary}"
        );
        assert_eq!(
            code(form(&format!("m.1.Value.BinaryValue={binary}"))),
            Code::INVALID_PARAMETER,
            "{binary}"
        );
    }
    assert_eq!(code(json(r#"{"StringValue":"x","BinaryValue":"eA=="}"#)), Code::INVALID_PARAMETER);
    // Lists of none are no lists, and an attribute without anything is for the action to refuse.
    let empty = [("a".to_owned(), text_attribute("", ""))];
    assert_eq!(json(r#"{"StringListValues":[],"BinaryListValues":null}"#).unwrap(), empty);
    assert_eq!(form("m.1.Value.StringListValues=").unwrap(), empty);
}

/// Checksums that AWS answered to these attributes, in either protocol.
#[test]
fn attributes_have_the_checksums_that_aws_answers() {
    let trace = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01";
    let trace = STANDARD.encode(trace);
    let cases: [(&str, &[[&str; 4]]); 7] = [
        ("d302007e9aa062660afc85fd0a482472", &[["attr1", "Number", "StringValue", "99.12"]]),
        ("ae7155c6026991b6d54b11589678bf9c", &[["Foo", "String", "StringValue", "Bar"]]),
        ("8cbe4db156db8a94db8b801b7addb984", &[["attr1", "Binary", "BinaryValue", &trace]]),
        ("a311262e065454b75da111d535b8dacd", &[HELLO]),
        ("83fee93c1bcd8b9a5a923ffacdc636c7", &[HELP, HELLO]),
        ("fca026605781cb4126a1e9044df24232", &[HELLO, GENERAL]),
        ("4c360f3fdafd970e05fae2f149d997f5", &[HELP, GENERAL, HELLO]),
    ];
    for (checksum, attributes) in cases {
        let object = |[name, data_type, field, value]: &[&str; 4]| {
            format!(r#""{name}":{{"DataType":"{data_type}","{field}":"{value}"}}"#)
        };
        let objects: Vec<String> = attributes.iter().map(object).collect();
        let fields = |(index, [name, data_type, field, value]): (usize, &[&str; 4])| {
            let value = value.replace('=', "%3D").replace('+', "%2B");
            format!(
                "m.{index}.Name={name}&m.{index}.Value.DataType={data_type}&m.{index}.Value.{field}={value}"
            )
        };
        let forms: Vec<String> = attributes.iter().enumerate().map(fields).collect();
        for params in [json(&format!("{{\"m\":{{{}}}}}", objects.join(","))), form(&forms.join("&"))] {
            let attributes = params.attributes("m", "m").unwrap();
            let pairs = attributes.iter().map(|(name, attribute)| (name.as_str(), attribute));
            assert_eq!(md5_of_attributes(pairs), checksum);
        }
    }
}

const GENERAL: [&str; 4] = ["General", "String", "StringValue", "Kenobi"];
const HELLO: [&str; 4] = ["Hello", "String", "StringValue", "There"];
const HELP: [&str; 4] = ["Help.Me", "String", "StringValue", "Me"];
