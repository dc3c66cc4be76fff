//! Recent-history exchanges: what was published of late reaches whatever is bound later.

use crate::codec::Method;
use crate::codec::method::{basic, exchange, queue};
use crate::connection::tests::client::{Client, method_of};
use crate::connection::tests::world::World;
use leveret_core::wire::{Properties, RawTable, ShortStr, Table, Value};

/// A client with an exchange `recent` that remembers three messages, and queues `q` and `later`.
fn open(world: &mut World) -> Client {
    let mut client = Client::open(world);
    client.channel(world, 1);
    declare(world, &mut client, "recent", "x-recent-history");
    client.queue(world, 1, "q");
    client.queue(world, 1, "later");
    client
}

fn declare(world: &mut World, client: &mut Client, name: &str, kind: &str) {
    let arguments = [(ShortStr::literal("x-recent-history-length"), Value::I32(3))];
    let mut entries = Vec::new();
    arguments.into_iter().collect::<Table>().encode_entries(&mut entries);
    let declare = exchange::Declare {
        ticket: 0,
        exchange: name,
        kind,
        passive: false,
        durable: true,
        auto_delete: false,
        internal: false,
        nowait: true,
        arguments: RawTable::parse(&entries).unwrap(),
    };
    client.send(world, 1, &declare);
}

fn publish(world: &mut World, client: &mut Client, exchange: &str, text: &str, stored: bool) {
    let no_store = [(ShortStr::literal("x-recent-history-no-store"), Value::Bool(!stored))];
    let headers = Some(no_store.into_iter().collect());
    let properties = Properties { headers, ..Properties::default() };
    let publish =
        basic::Publish { ticket: 0, exchange, routing_key: text, mandatory: false, immediate: false };
    client.publish_with(world, 1, &publish, &properties, text.as_bytes());
}

fn bind(world: &mut World, client: &mut Client, queue: &str, exchange: &str, routing_key: &str) {
    let arguments = RawTable::default();
    let bind = queue::Bind { ticket: 0, queue, exchange, routing_key, nowait: true, arguments };
    client.send(world, 1, &bind);
}

fn bind_exchange(world: &mut World, client: &mut Client, source: &str, destination: &str) {
    let arguments = RawTable::default();
    let bind = exchange::Bind { ticket: 0, destination, source, routing_key: "", nowait: true, arguments };
    client.send(world, 1, &bind);
}

/// Gets all that a queue holds: exchange, routing key and body of each.
fn drain(world: &mut World, client: &mut Client, queue: &str) -> Vec<String> {
    let mut found = Vec::new();
    for _ in 0..world.ready(queue) {
        client.send(world, 1, &basic::Get { ticket: 0, queue, no_ack: true });
        let frame = client.next_frame();
        let key = match method_of(&frame) {
            (1, Method::Basic(basic::Method::GetOk(got))) => format!("{}/{}", got.exchange, got.routing_key),
            other => panic!("expected basic.get-ok, got {other:?}"),
        };
        assert!(key.ends_with(&*String::from_utf8(client.content(1).body).unwrap()));
        found.push(key);
    }
    found
}

#[test]
fn a_queue_that_is_bound_later_gets_the_last_messages_in_their_order() {
    let mut world = World::new();
    let mut client = open(&mut world);
    bind(&mut world, &mut client, "q", "recent", "");
    for text in ["a", "b", "c", "d"] {
        publish(&mut world, &mut client, "recent", text, true);
    }
    publish(&mut world, &mut client, "recent", "secret", false);
    bind(&mut world, &mut client, "later", "recent", "");
    let all = ["recent/a", "recent/b", "recent/c", "recent/d", "recent/secret"];
    assert_eq!(drain(&mut world, &mut client, "q"), all, "it sends as fanout does");
    assert_eq!(drain(&mut world, &mut client, "later"), all[1..4]);
    publish(&mut world, &mut client, "recent", "e", true);
    bind(&mut world, &mut client, "later", "recent", "");
    assert_eq!(drain(&mut world, &mut client, "later"), ["recent/e"], "a binding that is there is none anew");
}

#[test]
fn an_exchange_that_is_bound_later_passes_them_on() {
    let mut world = World::new();
    let mut client = open(&mut world);
    // What passes another exchange on its way is remembered, too.
    bind_exchange(&mut world, &mut client, "amq.fanout", "recent");
    publish(&mut world, &mut client, "amq.fanout", "a", true);
    bind(&mut world, &mut client, "later", "amq.direct", "");
    bind(&mut world, &mut client, "q", "amq.topic", "#");
    for destination in ["amq.direct", "amq.topic"] {
        bind_exchange(&mut world, &mut client, "recent", destination);
    }
    assert!(drain(&mut world, &mut client, "later").is_empty(), "its key is another");
    assert_eq!(drain(&mut world, &mut client, "q"), ["amq.fanout/a"]);
}

#[test]
fn an_exchange_that_is_made_anew_remembers_nothing() {
    let mut world = World::new();
    let mut client = open(&mut world);
    publish(&mut world, &mut client, "recent", "a", true);
    let delete = exchange::Delete { ticket: 0, exchange: "recent", if_unused: false, nowait: true };
    client.send(&mut world, 1, &delete);
    declare(&mut world, &mut client, "recent", "x-recent-history");
    bind(&mut world, &mut client, "later", "recent", "");
    assert!(drain(&mut world, &mut client, "later").is_empty());
    publish(&mut world, &mut client, "recent", "b", true);
    bind(&mut world, &mut client, "q", "recent", "");
    assert_eq!(drain(&mut world, &mut client, "q"), ["recent/b"]);
}
