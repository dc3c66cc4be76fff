//! The same frames through amq-protocol, the codec of the client library lapin: it must read what we
//! write, and write of that, byte for byte, what we wrote.

use amq_protocol::frame::{AMQPFrame, WriteContext, gen_frame, parse_frame};
use leveret_core::wire::{Properties, ShortStr, Table, Value};

use super::samples::all_methods;
use crate::codec::frame::HEARTBEAT;
use crate::codec::method::basic;
use crate::codec::write_content;

/// Reads one frame with the other codec and has it written again, which must give the same bytes.
/// Returns what it read, and the bytes after it.
fn agreed(bytes: &[u8]) -> (AMQPFrame, &[u8]) {
    let (rest, frame) = parse_frame(bytes).unwrap();
    let context = WriteContext::from(Vec::new());
    let (written, _) = gen_frame::<Vec<u8>>(&frame)(context).unwrap().into_inner();
    assert_eq!(written, bytes[..bytes.len() - rest.len()], "{frame:?}");
    (frame, rest)
}

#[test]
fn both_codecs_agree_on_every_method() {
    for method in all_methods() {
        let mut frame = Vec::new();
        method.write_frame(3, &mut frame);
        let (read, rest) = agreed(&frame);
        assert!(matches!(read, AMQPFrame::Method(3, _)), "{read:?}");
        assert!(rest.is_empty());
    }
}

/// All properties, with a header of each type. The other codec's tables are sorted, so the names are in
/// order here.
fn properties() -> Properties {
    let nested: Table = [(ShortStr::literal("k"), Value::Void)].into_iter().collect();
    let values = [
        Value::Bool(true),
        Value::I8(-1),
        Value::U8(255),
        Value::I16(-1),
        Value::U16(65_535),
        Value::I32(-1),
        Value::U32(u32::MAX),
        Value::I64(i64::MIN),
        Value::F32(0.5),
        Value::F64(-0.25),
        Value::Decimal { scale: 2, value: 314 },
        Value::LongStr(vec![0xff, 0]),
        Value::Array(vec![Value::from("a"), Value::Table(nested.clone())]),
        Value::Timestamp(1),
        Value::Table(nested),
        Value::Void,
        Value::Binary(vec![1, 2, 3]),
    ];
    let named = ('a'..).zip(values);
    let name = |letter: char| ShortStr::try_from(letter.to_string()).unwrap();
    let text = |text| Some(ShortStr::literal(text));
    Properties {
        content_type: text("text/plain"),
        content_encoding: text("gzip"),
        headers: Some(named.map(|(letter, value)| (name(letter), value)).collect()),
        delivery_mode: Some(2),
        priority: Some(4),
        correlation_id: text("c"),
        reply_to: text("r"),
        expiration: text("1000"),
        message_id: text("m"),
        timestamp: Some(1_700_000_000),
        kind: text("k"),
        user_id: text("guest"),
        app_id: text("a"),
        cluster_id: text(""),
    }
}

#[test]
fn both_codecs_agree_on_a_content() {
    let mut list = Vec::new();
    properties().encode(&mut list).unwrap();
    let publish =
        basic::Publish { ticket: 0, exchange: "e", routing_key: "k", mandatory: true, immediate: true };
    let mut frames = Vec::new();
    write_content(&mut frames, 1, 4096, &publish, &list, b"hello");

    let (_, rest) = agreed(&frames);
    let (header, rest) = agreed(rest);
    let AMQPFrame::Header(1, header) = header else { panic!("{header:?}") };
    assert_eq!((header.class_id, header.body_size), (60, 5));
    assert_eq!(header.properties.expiration().as_ref().unwrap().as_str(), "1000");
    assert_eq!(header.properties.headers().as_ref().unwrap().inner().len(), 17);
    let (body, rest) = agreed(rest);
    assert_eq!(body, AMQPFrame::Body(1, b"hello".to_vec()));
    assert!(rest.is_empty());
}

#[test]
fn both_codecs_agree_on_a_heartbeat() {
    assert_eq!(agreed(&HEARTBEAT).0, AMQPFrame::Heartbeat);
}
