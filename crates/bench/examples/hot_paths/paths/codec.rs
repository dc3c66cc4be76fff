//! AMQP's frames: what publishers and consumers send most, and what they are sent most.

use super::HotPath;
use crate::flow::publishes;
use leveret_amqp::codec::method::{Arguments, basic};
use leveret_amqp::codec::{Delivered, Method, Published, parse_frame};
use leveret_core::limits::FRAME_BYTES;
use leveret_core::wire::{Properties, RawProperties, ShortStr, Table, Value};
use std::hint::black_box;

pub(super) const PATHS: &[HotPath] = &[
    HotPath { name: "codec: a publish of 100 B is read", operations: 50_000, walk: read_publishes },
    HotPath { name: "codec: properties with headers are read", operations: 20_000, walk: read_properties },
    HotPath { name: "codec: a delivery of 100 B is written", operations: 50_000, walk: write_deliveries },
    HotPath { name: "codec: an ack is read", operations: 50_000, walk: read_acks },
];

/// How many lie behind each other in a buffer.
const BATCH: u64 = 100;

fn read_publishes(count: u64) {
    let buffer = publishes(BATCH, "q", true, 100);
    for _ in 0..count / BATCH {
        let mut rest = buffer.as_slice();
        while let Some(published) = Published::read(rest, FRAME_BYTES as u32) {
            let properties = RawProperties::parse(published.properties).expect("they were encoded here");
            black_box((published.method, properties.is_persistent(), published.body));
            rest = &rest[published.encoded_bytes..];
        }
        assert!(rest.is_empty(), "all of them are whole");
    }
}

fn read_properties(count: u64) {
    let text = |text: &str| Value::from(text);
    let headers: Table = [
        (ShortStr::literal("attempt"), Value::I32(3)),
        (ShortStr::literal("task"), text("resize")),
        (ShortStr::literal("x-group-key"), text("customer-17")),
    ]
    .into_iter()
    .collect();
    let properties = Properties {
        content_type: Some(ShortStr::literal("application/json")),
        headers: Some(headers),
        delivery_mode: Some(2),
        priority: Some(4),
        ..Properties::default()
    };
    let mut encoded = Vec::new();
    properties.encode(&mut encoded).expect("a few properties are within the bounds");
    for _ in 0..count {
        let parsed = RawProperties::parse(black_box(&encoded)).expect("they were encoded here");
        black_box((parsed.priority, parsed.header("x-group-key")));
    }
}

fn write_deliveries(count: u64) {
    let body = [b'x'; 100];
    // Only a delivery mode, 2.
    let properties = [0x10, 0, 2];
    let mut out = Vec::new();
    for delivery_tag in 1..=count {
        let method = basic::Deliver {
            consumer_tag: "consumer",
            delivery_tag,
            redelivered: false,
            exchange: "",
            routing_key: "q",
        };
        let properties = black_box(&properties);
        Delivered { channel: 1, method, properties, body: &body }.write(FRAME_BYTES as u32, &mut out);
        if delivery_tag % BATCH == 0 {
            black_box(&out);
            out.clear();
        }
    }
}

fn read_acks(count: u64) {
    let mut buffer = Vec::new();
    for delivery_tag in 1..=BATCH {
        basic::Ack { delivery_tag, multiple: false }.write_frame(1, &mut buffer);
    }
    for _ in 0..count / BATCH {
        let mut rest = buffer.as_slice();
        while let Ok(Some(frame)) = parse_frame(rest, FRAME_BYTES as u32) {
            black_box(Method::read(frame.payload)).expect("it was written here");
            rest = &rest[frame.encoded_bytes()..];
        }
        assert!(rest.is_empty(), "all of them are whole");
    }
}
