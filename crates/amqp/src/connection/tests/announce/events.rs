//! Events: what happens to connections, channels, consumers and the catalog, as messages.

use crate::codec::Method;
use crate::codec::frame::PROTOCOL_HEADER;
use crate::codec::method::{basic, channel, queue};
use crate::connection::DoorSettings;
use crate::connection::tests::client::{Client, consume, method_of, peer};
use crate::connection::tests::world::World;
use leveret_core::broker::Access;
use leveret_core::event::EVENT_EXCHANGE;
use leveret_core::wire::{Properties, RawTable, Table, Value};

/// A client that consumes events from the queue `ears` on channel 1.
fn listener(world: &mut World, key: &str) -> Client {
    world.change(|catalog| catalog.announce_events()).0.unwrap();
    let mut listener = Client::open(world);
    listener.channel(world, 1);
    listener.queue(world, 1, "idle");
    listener.queue(world, 1, "ears");
    let (exchange, arguments) = (EVENT_EXCHANGE, RawTable::default());
    let bind = queue::Bind { ticket: 0, queue: "ears", exchange, routing_key: key, nowait: true, arguments };
    listener.send(world, 1, &bind);
    listener
}

/// Everything that was told until now: the names of the events and their headers.
fn told(world: &mut World, listener: &mut Client) -> Vec<(String, Table)> {
    let mut events = Vec::new();
    for _ in 0..world.ready("ears") {
        listener.send(world, 1, &basic::Get { ticket: 0, queue: "ears", no_ack: true });
        let frame = listener.next_frame();
        let name = match method_of(&frame) {
            (1, Method::Basic(basic::Method::GetOk(got))) => got.routing_key.to_owned(),
            other => panic!("expected basic.get-ok, got {other:?}"),
        };
        let content = listener.content(1);
        assert!(content.body.is_empty());
        let Properties { headers, delivery_mode, timestamp, .. } = content.properties;
        let mut headers = headers.unwrap();
        assert_eq!((delivery_mode, timestamp), (Some(2), Some(world.now.0 / 1000)));
        assert_eq!(headers.remove("timestamp_in_ms"), Some(Value::I64(world.now.0.cast_signed())));
        events.push((name, headers));
    }
    events
}

fn names(events: &[(String, Table)]) -> Vec<&str> {
    events.iter().map(|(name, _)| &**name).collect()
}

fn text<'a>(event: &'a (String, Table), header: &str) -> Option<&'a str> {
    event.1.get(header).and_then(Value::as_str)
}

#[test]
fn a_connection_is_told_from_its_login_to_its_end() {
    let mut world = World::new();
    let mut ears = listener(&mut world, "#");
    let mut client = Client::open_with(&mut world, DoorSettings::default(), 60);
    client.channel(&mut world, 7);
    client.send(&mut world, 7, &consume("idle", "t", true));
    client.send(&mut world, 7, &basic::Cancel { consumer_tag: "t", nowait: true });
    let events = told(&mut world, &mut ears);
    let expected = [
        "user.authentication.success",
        "connection.created",
        "channel.created",
        "consumer.created",
        "consumer.deleted",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(text(&events[0], "name"), Some("guest"));
    assert_eq!(text(&events[0], "auth_mechanism"), Some("PLAIN"));
    let connection = &events[1];
    let said = ["name", "peer_host", "user", "vhost", "node"].map(|header| text(connection, header));
    assert_eq!(said, ["127.0.0.1:4000", "127.0.0.1", "guest", "/", "leveret"].map(Some));
    assert_eq!(connection.1.get("peer_port"), Some(&Value::I64(4000)));
    assert!(connection.1.get("client_properties").is_some_and(|table| table.as_table().is_some()));
    let said = ["consumer_tag", "queue", "connection", "vhost", "user_who_performed_action"];
    let said = said.map(|header| text(&events[3], header));
    assert_eq!(said, ["t", "idle", "127.0.0.1:4000", "/", "guest"].map(Some));
    assert_eq!(events[3].1.get("ack_required"), Some(&Value::Bool(false)));
    assert_eq!(events[3].1.get("channel"), Some(&Value::I64(7)));
    assert_eq!(text(&events[4], "queue"), Some("idle"));
    client.lose(&mut world);
    assert_eq!(names(&told(&mut world, &mut ears)), ["channel.closed", "connection.closed"]);
}

#[test]
fn a_refused_login_is_told_with_its_reason() {
    let mut world = World::new();
    let mut ears = listener(&mut world, "user.#");
    let mut client = Client::unopened(&mut world, DoorSettings::default(), peer());
    client.bytes(&mut world, &PROTOCOL_HEADER);
    client.start_ok(&mut world, "PLAIN", b"\0guest\0wrong");
    let events = told(&mut world, &mut ears);
    assert_eq!(names(&events), ["user.authentication.failure"]);
    assert_eq!(text(&events[0], "error"), Some("wrong password"));
}

#[test]
fn what_a_client_declares_is_told_and_what_goes_with_it() {
    let mut world = World::new();
    let mut ears = listener(&mut world, "#");
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.queue(&mut world, 1, "q");
    client.send(&mut world, 1, &consume("q", "t", false));
    told(&mut world, &mut ears);
    let delete = queue::Delete { ticket: 0, queue: "q", if_unused: false, if_empty: false, nowait: true };
    ears.send(&mut world, 1, &delete);
    client.pump(&mut world);
    let events = told(&mut world, &mut ears);
    assert_eq!(names(&events), ["queue.deleted", "consumer.deleted"]);
    assert_eq!((text(&events[0], "name"), text(&events[0], "vhost")), (Some("q"), Some("/")));
    client.send(&mut world, 1, &channel::Close { reply_code: 0, reply_text: "", class_id: 0, method_id: 0 });
    assert_eq!(names(&told(&mut world, &mut ears)), ["channel.closed"]);
}
