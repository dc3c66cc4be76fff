//! The firehose: copies of what is published and delivered in a traced vhost.

use crate::codec::Method;
use crate::codec::method::{basic, queue};
use crate::connection::DoorSettings;
use crate::connection::tests::client::{Client, delivery, method_of, to_queue};
use crate::connection::tests::world::World;
use leveret_core::limits::MESSAGE_PROPERTIES_BYTES;
use leveret_core::wire::{Properties, RawTable, ShortStr, Table, Value};

const TRACE: &str = "amq.rabbitmq.trace";

fn traced() -> DoorSettings {
    DoorSettings { traced_vhosts: vec!["/".into()], ..DoorSettings::default() }
}

/// A client with a queue `q` and a queue `trace` that is bound to the trace with this key.
fn open(world: &mut World, settings: DoorSettings, key: &str) -> Client {
    let mut client = Client::open_with(world, settings, 60);
    client.channel(world, 1);
    client.queue(world, 1, "q");
    client.queue(world, 1, "trace");
    let bind = queue::Bind {
        ticket: 0,
        queue: "trace",
        exchange: TRACE,
        routing_key: key,
        nowait: true,
        arguments: RawTable::default(),
    };
    client.send(world, 1, &bind);
    client
}

fn get<'a>(queue: &'a str) -> basic::Get<'a> {
    basic::Get { ticket: 0, queue, no_ack: true }
}

/// Gets a copy with this key from the queue `trace`; answers its headers.
#[track_caller]
fn copy(world: &mut World, client: &mut Client, key: &str, left: u32, body: &[u8]) -> Table {
    client.send(world, 1, &get("trace"));
    let frame = client.next_frame();
    match method_of(&frame) {
        (1, Method::Basic(basic::Method::GetOk(got))) => {
            assert_eq!((got.exchange, got.routing_key, got.message_count), (TRACE, key, left));
        }
        other => panic!("expected basic.get-ok, got {other:?}"),
    }
    let content = client.content(1);
    assert_eq!(content.body, body);
    assert_eq!(
        content.properties,
        Properties { headers: content.properties.headers.clone(), ..Properties::default() }
    );
    content.properties.headers.unwrap()
}

fn text(text: &str) -> Value {
    Value::LongStr(text.as_bytes().to_vec())
}

fn table<const N: usize>(entries: [(&'static str, Value); N]) -> Table {
    entries.into_iter().map(|(name, value)| (ShortStr::literal(name), value)).collect()
}

#[test]
fn a_publish_and_its_delivery_are_copied_with_what_rabbitmq_says_of_them() {
    let mut world = World::new();
    let mut client = open(&mut world, traced(), "#");
    let properties = Properties {
        content_type: Some(ShortStr::literal("text/plain")),
        delivery_mode: Some(2),
        headers: Some(table([("CC", Value::Array(vec![text("nowhere")]))])),
        timestamp: Some(1 << 40),
        ..Properties::default()
    };
    client.publish_with(&mut world, 1, &to_queue("q"), &properties, b"hello");
    client.send(&mut world, 1, &get("q"));
    client.next_frame();
    client.content(1);
    let common = [
        ("exchange_name", text("")),
        ("routing_keys", Value::Array(vec![text("q"), text("nowhere")])),
        (
            "properties",
            Value::Table(table([
                ("content_type", text("text/plain")),
                ("headers", Value::Table(table([("CC", Value::Array(vec![text("nowhere")]))]))),
                ("delivery_mode", Value::I32(2)),
                ("timestamp", Value::I64(1 << 40)),
            ])),
        ),
        ("node", text("leveret")),
        ("vhost", text("/")),
        ("connection", text("127.0.0.1:4000")),
        ("channel", Value::I32(1)),
        ("user", text("guest")),
    ];
    let with = |name, value| common.iter().cloned().chain([(name, value)]).collect::<Vec<_>>();
    for (key, left, expected) in [
        ("publish.", 1, with("routed_queues", Value::Array(vec![text("q")]))),
        ("deliver.q", 0, with("redelivered", Value::I32(0))),
    ] {
        let headers = copy(&mut world, &mut client, key, left, b"hello");
        let expected: Table =
            expected.into_iter().map(|(name, value)| (ShortStr::literal(name), value)).collect();
        assert_eq!(headers, expected);
    }
    client.expect_silence();
}

#[test]
fn what_is_pushed_is_copied_but_no_copy_is() {
    let mut world = World::new();
    let mut client = open(&mut world, traced(), "deliver.#");
    client.consume(&mut world, 1, "q", "t", true);
    client.publish(&mut world, 1, "q", b"one");
    client.expect_content(1, &delivery("t", 1, "q", false), b"one");
    assert_eq!(world.ready("trace"), 1);
    client.consume(&mut world, 1, "trace", "u", true);
    client.content_of_delivery();
    assert_eq!(world.ready("trace"), 0, "the delivery of the copy was not copied");
    client.expect_silence();
}

#[test]
fn a_copy_that_would_be_too_large_says_less() {
    let mut world = World::new();
    let mut client = open(&mut world, traced(), "publish.#");
    for (bytes, whole) in [(100, true), (MESSAGE_PROPERTIES_BYTES - 50, false)] {
        let headers = Some(table([("h", Value::LongStr(vec![7; bytes]))]));
        let properties = Properties { headers, ..Properties::default() };
        client.publish_with(&mut world, 1, &to_queue("q"), &properties, b"x");
        let headers = copy(&mut world, &mut client, "publish.", 0, b"x");
        assert_eq!(headers.get("properties").is_some(), whole);
        assert_eq!(headers.get("user"), Some(&text("guest")));
    }
}

#[test]
fn without_the_setting_or_in_another_vhost_nothing_is_copied() {
    let elsewhere = DoorSettings { traced_vhosts: vec!["other".into()], ..DoorSettings::default() };
    for settings in [DoorSettings::default(), elsewhere] {
        let mut world = World::new();
        let mut client = open(&mut world, settings, "#");
        client.publish(&mut world, 1, "q", b"one");
        assert_eq!((world.ready("q"), world.ready("trace")), (1, 0));
    }
}
