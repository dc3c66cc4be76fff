use super::*;
use crate::protocol::{AttributeValue, MessageAttribute};
use leveret_core::MessageId;
use leveret_core::wire::{Properties, RawProperties, ShortStr, Table, Value};

fn attribute(data_type: &str, value: &str) -> MessageAttribute {
    MessageAttribute { data_type: data_type.into(), value: AttributeValue::Text(value.into()) }
}

fn outgoing<'a>(attributes: &'a [(String, MessageAttribute)]) -> Outgoing<'a> {
    Outgoing {
        message_id: MessageId(7),
        attributes,
        group: Some("tenant 1"),
        deduplication_id: Some("d"),
        trace: None,
        sender: "guest",
    }
}

fn incoming<'a>(raw: &'a [u8], body: &'a [u8]) -> Incoming<'a> {
    Incoming { properties: RawProperties::parse(raw).unwrap(), body }
}

#[test]
fn attributes_come_back_as_they_were_sent() {
    let mut attributes = vec![
        ("amqp.content_type".to_owned(), attribute("String", "text/plain")),
        ("amqp.priority".to_owned(), attribute("Number", "3")),
        ("count".to_owned(), attribute("Number", "42")),
        ("custom".to_owned(), attribute("String.colour", "red")),
        ("exact".to_owned(), attribute("Number", "99.12")),
        ("large".to_owned(), attribute("Number.int", "123456789012345678901234567890")),
        ("padded".to_owned(), attribute("Number", "007.50")),
        ("plain".to_owned(), attribute("String", "foobar")),
        ("x-death".to_owned(), attribute("String", "mine")),
    ];
    let bytes = AttributeValue::Binary(vec![0, 255]);
    attributes.push(("zip".to_owned(), MessageAttribute { data_type: "Binary.gz".into(), value: bytes }));
    let raw = outgoing(&attributes).encode().unwrap();
    let message = incoming(&raw, b"body");
    assert_eq!(message.attributes(), attributes);
    assert_eq!(message.group().as_deref(), Some("tenant 1"));
    assert_eq!(message.deduplication_id(), Some("d"));
    assert_eq!((message.sender(), message.trace()), (Some("guest"), None));
    assert_eq!(message.message_id(), Some("00000000-0000-0000-0000-000000000007"));
}

#[test]
fn an_amqp_consumer_sees_headers_of_natural_types() {
    let attributes = [
        ("count".to_owned(), attribute("Number", "42")),
        ("ratio".to_owned(), attribute("Number", "0.5")),
        ("amqp.correlation_id".to_owned(), attribute("String", "c1")),
    ];
    let properties = Properties::decode(&outgoing(&attributes).encode().unwrap()).unwrap();
    let headers = properties.headers.unwrap();
    assert_eq!(headers.get("count"), Some(&Value::I64(42)));
    assert_eq!(headers.get("ratio"), Some(&Value::F64(0.5)));
    assert_eq!(headers.get(TYPES), None, "every type follows from its header");
    assert_eq!(properties.correlation_id, Some(ShortStr::literal("c1")));
    assert_eq!(properties.delivery_mode, Some(2));
}

#[test]
fn headers_of_every_type_become_attributes() {
    let mut nested = Table::new();
    nested.insert(ShortStr::literal("a"), Value::I32(1));
    let mut headers = Table::new();
    for (name, value) in [
        ("bool", Value::Bool(true)),
        ("small", Value::I8(-3)),
        ("float", Value::F64(1.25)),
        ("when", Value::Timestamp(1_700_000_000)),
        ("table", Value::Table(nested)),
        ("list", Value::Array(vec![Value::Void, Value::LongStr(b"x".to_vec())])),
        ("void", Value::Void),
        ("bytes", Value::LongStr(vec![0xff, 0xfe])),
        ("x-death", Value::Array(Vec::new())),
    ] {
        headers.insert(ShortStr::literal(name), value);
    }
    let mut raw = Vec::new();
    Properties { headers: Some(headers), ..Properties::default() }.encode(&mut raw).unwrap();
    let message = incoming(&raw, &[0xff, 0x00]);
    assert_eq!(message.body(), "/wA=");
    let bytes = AttributeValue::Binary(vec![0xff, 0xfe]);
    let expected = vec![
        ("amqp.body_encoding".to_owned(), attribute("String", "base64")),
        ("bool".to_owned(), attribute("String", "true")),
        ("bytes".to_owned(), MessageAttribute { data_type: "Binary".into(), value: bytes }),
        ("float".to_owned(), attribute("Number", "1.25")),
        ("list".to_owned(), attribute("String", r#"[null,"x"]"#)),
        ("small".to_owned(), attribute("Number", "-3")),
        ("table".to_owned(), attribute("String", r#"{"a":1}"#)),
        ("when".to_owned(), attribute("Number", "1700000000")),
    ];
    assert_eq!(message.attributes(), expected);
}
