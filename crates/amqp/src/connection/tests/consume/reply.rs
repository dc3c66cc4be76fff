//! Direct reply-to.

use crate::codec::method::{Method, basic, queue};
use crate::connection::tests::client::{Client, consume, declare, delivery, method_of, persistent, to_queue};
use crate::connection::tests::world::World;
use leveret_core::wire::{Properties, ShortStr, Table};

const PSEUDO: &str = "amq.rabbitmq.reply-to";

fn request() -> Properties {
    Properties { reply_to: Some(ShortStr::literal(PSEUDO)), ..persistent() }
}

/// A server on queue `q`, and a client that consumes its replies.
fn pair(world: &mut World) -> (Client, Client) {
    let mut server = Client::open(world);
    server.channel(world, 1);
    server.queue(world, 1, "q");
    server.consume(world, 1, "q", "s", true);
    let mut client = Client::open(world);
    client.channel(world, 1);
    client.send(world, 1, &consume(PSEUDO, "r", true));
    client.expect(1, &basic::ConsumeOk { consumer_tag: "r" });
    (server, client)
}

/// Sends a request, and answers the name under which its reply is awaited.
fn requested(world: &mut World, server: &mut Client, client: &mut Client) -> String {
    client.publish_with(world, 1, &to_queue("q"), &request(), b"request");
    server.pump(world);
    let content = server.content_of_delivery();
    let name = content.properties.reply_to.unwrap();
    name.as_str().unwrap().to_owned()
}

/// Whether a declaration says that the reply queue is there.
fn is_alive(world: &mut World, name: &str) -> bool {
    let mut asker = Client::open(world);
    asker.channel(world, 1);
    asker.send(world, 1, &declare(name, &Table::new()).method());
    let frame = asker.next_frame();
    match method_of(&frame).1 {
        Method::Queue(queue::Method::DeclareOk(ok)) => {
            assert_eq!((ok.message_count, ok.consumer_count), (0, 1));
            true
        }
        Method::Channel(_) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_finds_its_request() {
    let mut world = World::new();
    let (mut server, mut client) = pair(&mut world);
    let name = requested(&mut world, &mut server, &mut client);
    assert!(name.starts_with("amq.rabbitmq.reply-to.") && name.len() > 40);
    server.publish(&mut world, 1, &name, b"reply");
    client.pump(&mut world);
    client.expect_content(1, &delivery("r", 1, &name, false), b"reply");
    // The next request may carry the same name, and another reply_to is left alone.
    assert_eq!(requested(&mut world, &mut server, &mut client), name);
    let other = Properties { reply_to: Some(ShortStr::literal("mine")), ..persistent() };
    client.publish_with(&mut world, 1, &to_queue("q"), &other, b"request");
    server.pump(&mut world);
    assert_eq!(server.content_of_delivery().properties, other);
}

#[test]
fn a_reply_queue_lives_as_long_as_its_consumer() {
    let mut world = World::new();
    let (mut server, mut client) = pair(&mut world);
    let name = requested(&mut world, &mut server, &mut client);
    assert!(is_alive(&mut world, &name));
    client.send(&mut world, 1, &basic::Cancel { consumer_tag: "r", nowait: false });
    client.expect(1, &basic::CancelOk { consumer_tag: "r" });
    assert!(!is_alive(&mut world, &name));
    client.publish_with(&mut world, 1, &to_queue("q"), &request(), b"request");
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - fast reply consumer does not exist");
}

#[test]
fn a_reply_queue_goes_with_its_connection() {
    let mut world = World::new();
    let (mut server, mut client) = pair(&mut world);
    let name = requested(&mut world, &mut server, &mut client);
    client.lose(&mut world);
    assert!(!is_alive(&mut world, &name));
}

#[test]
fn a_reply_consumer_that_cannot_be() {
    let mut world = World::new();
    let (_, mut client) = pair(&mut world);
    client.send(&mut world, 1, &consume(PSEUDO, "again", true));
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - reply consumer already set");
    client.channel(&mut world, 2);
    client.send(&mut world, 2, &consume(PSEUDO, "r", false));
    client.expect_channel_close(2, 406, "PRECONDITION_FAILED - reply consumer cannot acknowledge");
    client.channel(&mut world, 3);
    client.publish_with(&mut world, 3, &to_queue("q"), &request(), b"request");
    client.expect_channel_close(3, 406, "PRECONDITION_FAILED - fast reply consumer does not exist");
    client.channel(&mut world, 4);
    let bind = queue::Bind {
        ticket: 0,
        queue: PSEUDO,
        exchange: "amq.direct",
        routing_key: "k",
        nowait: false,
        arguments: leveret_core::wire::RawTable::default(),
    };
    client.send(&mut world, 4, &bind);
    client.expect_channel_close(
        4,
        403,
        "ACCESS_REFUSED - cannot bind or unbind to a volatile (direct reply-to) queue",
    );
}
