//! Exchanges, queues and bindings; and that their replies wait for the catalog's log.

mod history;

use super::client::{Client, Declaration, consume, declare, delivery, method_of, persistent, to_queue};
use super::world::World;
use crate::codec::method::{Arguments, Method, basic, exchange, queue};
use leveret_core::wire::{RawTable, ShortStr, Table, Value};

fn opened(world: &mut World) -> Client {
    let mut client = Client::open(world);
    client.channel(world, 1);
    client
}

/// Sends a method, lets the logs catch up, and expects the reply.
#[track_caller]
fn ask(client: &mut Client, world: &mut World, method: &impl Arguments, reply: &impl Arguments) {
    client.send(world, 1, method);
    world.sync();
    client.pump(world);
    client.expect(1, reply);
}

fn exchange_declare<'a>(exchange: &'a str, kind: &'a str) -> exchange::Declare<'a> {
    exchange::Declare {
        ticket: 0,
        exchange,
        kind,
        passive: false,
        durable: true,
        auto_delete: false,
        internal: false,
        nowait: false,
        arguments: RawTable::default(),
    }
}

fn bind<'a>(queue: &'a str, exchange: &'a str, routing_key: &'a str) -> queue::Bind<'a> {
    queue::Bind { ticket: 0, queue, exchange, routing_key, nowait: false, arguments: RawTable::default() }
}

fn unbind<'a>(queue: &'a str, exchange: &'a str, routing_key: &'a str) -> queue::Unbind<'a> {
    queue::Unbind { ticket: 0, queue, exchange, routing_key, arguments: RawTable::default() }
}

fn delete(queue: &str) -> queue::Delete<'_> {
    queue::Delete { ticket: 0, queue, if_unused: false, if_empty: false, nowait: false }
}

fn declared(queue: &str, message_count: u32, consumer_count: u32) -> queue::DeclareOk<'_> {
    queue::DeclareOk { queue, message_count, consumer_count }
}

#[test]
fn the_reply_to_a_declaration_waits_for_the_log_and_holds_back_the_rest() {
    let mut world = World::new();
    let mut client = opened(&mut world);
    client.send(&mut world, 1, &declare("q", &Table::new()).method());
    client.send(&mut world, 1, &basic::Qos { prefetch_size: 0, prefetch_count: 1, global: false });
    client.send(&mut world, 1, &consume("q", "t", true));
    client.publish(&mut world, 1, "q", b"x");
    client.expect_silence();
    world.sync();
    client.pump(&mut world);
    client.expect(1, &declared("q", 0, 0));
    client.expect(1, &basic::QosOk {});
    client.expect(1, &basic::ConsumeOk { consumer_tag: "t" });
    client.expect_content(1, &delivery("t", 1, "q", false), b"x");
}

#[test]
fn queues_are_declared_asked_for_and_deleted() {
    let mut world = World::new();
    let mut client = opened(&mut world);
    client.queue(&mut world, 1, "q");
    client.publish(&mut world, 1, "q", b"x");
    client.consume(&mut world, 1, "q", "t", true);
    client.content_of_delivery();
    client.publish(&mut world, 1, "q", b"x");
    client.content_of_delivery();
    let passive = Declaration { passive: true, ..declare("q", &Table::new()) };
    ask(&mut client, &mut world, &passive.method(), &declared("q", 0, 1));
    let last = Declaration { passive: true, ..declare("", &Table::new()) };
    ask(&mut client, &mut world, &last.method(), &declared("q", 0, 1));
    client.send(&mut world, 1, &queue::Delete { if_unused: true, ..delete("q") });
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use");
    client = opened(&mut world);
    client.publish(&mut world, 1, "q", b"x");
    client.send(&mut world, 1, &queue::Delete { if_empty: true, ..delete("q") });
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty");
    client = opened(&mut world);
    ask(&mut client, &mut world, &delete("q"), &queue::DeleteOk { message_count: 1 });
    ask(&mut client, &mut world, &delete("q"), &queue::DeleteOk { message_count: 0 });
    let passive = Declaration { passive: true, ..declare("q", &Table::new()) };
    client.send(&mut world, 1, &passive.method());
    client.expect_channel_close(1, 404, "NOT_FOUND - no queue 'q' in vhost '/'");
}

#[test]
fn the_last_queue_of_a_channel_needs_no_name() {
    let mut world = World::new();
    let mut client = opened(&mut world);
    client.channel(&mut world, 2);
    client.send(&mut world, 1, &declare("", &Table::new()).method());
    world.sync();
    client.pump(&mut world);
    let frame = client.next_frame();
    let (1, Method::Queue(queue::Method::DeclareOk(ok))) = method_of(&frame) else { panic!("{frame:?}") };
    let name = ok.queue;
    assert!(name.starts_with("amq.gen-"));
    ask(&mut client, &mut world, &bind("", "amq.direct", ""), &queue::BindOk {});
    let by_name = basic::Publish { exchange: "amq.direct", ..to_queue(name) };
    client.publish_with(&mut world, 1, &by_name, &persistent(), b"x");
    assert_eq!(world.ready(name), 1);
    ask(
        &mut client,
        &mut world,
        &queue::Purge { ticket: 0, queue: "", nowait: false },
        &queue::PurgeOk { message_count: 1 },
    );
    ask(&mut client, &mut world, &unbind("", "amq.direct", ""), &queue::UnbindOk {});
    client.publish_with(&mut world, 1, &by_name, &persistent(), b"x");
    assert_eq!(world.ready(name), 0);
    ask(&mut client, &mut world, &delete(""), &queue::DeleteOk { message_count: 0 });
    // The other channel has declared nothing.
    client.send(&mut world, 2, &bind("", "amq.direct", ""));
    client.expect_channel_close(2, 404, "NOT_FOUND - no previously declared queue");
}

#[test]
fn exchanges_and_bindings_between_them() {
    let mut world = World::new();
    let mut client = opened(&mut world);
    client.queue(&mut world, 1, "q");
    ask(&mut client, &mut world, &exchange_declare("in", "fanout"), &exchange::DeclareOk {});
    ask(&mut client, &mut world, &exchange_declare("in", "fanout"), &exchange::DeclareOk {});
    ask(&mut client, &mut world, &exchange_declare("out", "topic"), &exchange::DeclareOk {});
    let passive = exchange::Declare { passive: true, ..exchange_declare("out", "") };
    ask(&mut client, &mut world, &passive, &exchange::DeclareOk {});
    let arguments = RawTable::default();
    let (destination, source, routing_key) = ("out", "in", "");
    let bind_out = exchange::Bind { ticket: 0, destination, source, routing_key, nowait: false, arguments };
    ask(&mut client, &mut world, &bind_out, &exchange::BindOk {});
    ask(&mut client, &mut world, &bind("q", "out", "a.#"), &queue::BindOk {});
    let publish = basic::Publish { exchange: "in", ..to_queue("a.b") };
    client.publish_with(&mut world, 1, &publish, &persistent(), b"x");
    assert_eq!(world.ready("q"), 1);
    let unbind_out =
        exchange::Unbind { ticket: 0, destination, source, routing_key, nowait: false, arguments };
    ask(&mut client, &mut world, &unbind_out, &exchange::UnbindOk {});
    ask(&mut client, &mut world, &unbind_out, &exchange::UnbindOk {});
    client.publish_with(&mut world, 1, &publish, &persistent(), b"x");
    assert_eq!(world.ready("q"), 1);
    let delete = exchange::Delete { ticket: 0, exchange: "out", if_unused: true, nowait: false };
    client.send(&mut world, 1, &delete);
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - exchange 'out' in vhost '/' in use");
    client = opened(&mut world);
    let delete = exchange::Delete { if_unused: false, ..delete };
    ask(&mut client, &mut world, &delete, &exchange::DeleteOk {});
    ask(&mut client, &mut world, &delete, &exchange::DeleteOk {});
    client.send(&mut world, 1, &passive);
    client.expect_channel_close(1, 404, "NOT_FOUND - no exchange 'out' in vhost '/'");
}

#[test]
fn what_cannot_be_declared() {
    let mut world = World::new();
    let cases = [
        (
            exchange_declare("", "direct"),
            403,
            "ACCESS_REFUSED - operation not permitted on the default exchange",
        ),
        (
            exchange_declare("amq.mine", "direct"),
            403,
            "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
        ),
        (exchange_declare("x", "rumour"), 406, "PRECONDITION_FAILED - invalid exchange type 'rumour'"),
        (
            exchange_declare("amq.direct", "topic"),
            406,
            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.direct' in vhost '/': received 'topic' \
             but current is 'direct'",
        ),
    ];
    for (method, code, text) in cases {
        let mut client = opened(&mut world);
        client.send(&mut world, 1, &method);
        client.expect_channel_close(1, code, text);
    }
    let mut client = opened(&mut world);
    client.send(&mut world, 1, &bind("nowhere", "amq.direct", "k"));
    client.expect_channel_close(1, 404, "NOT_FOUND - no queue 'nowhere' in vhost '/'");
    let mut client = opened(&mut world);
    client.queue(&mut world, 1, "q");
    let arguments: Table = [(ShortStr::literal("x-message-ttl"), Value::I64(5))].into_iter().collect();
    client.send(&mut world, 1, &declare("q", &arguments).method());
    client.expect_channel_close(
        1,
        406,
        "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '5' \
         of type 'long' but current is none",
    );
}

#[test]
fn an_exclusive_queue_is_its_connections_alone_and_goes_with_it() {
    let mut world = World::new();
    let mut owner = opened(&mut world);
    let exclusive = Declaration { exclusive: true, durable: false, ..declare("mine", &Table::new()) };
    ask(&mut owner, &mut world, &exclusive.method(), &declared("mine", 0, 0));
    let mut other = opened(&mut world);
    other.send(&mut world, 1, &consume("mine", "t", true));
    let frame = other.next_frame();
    assert!(format!("{:?}", method_of(&frame)).contains("reply_code: 405"));
    assert!(
        format!("{:?}", method_of(&frame)).contains("cannot obtain exclusive access to locked queue 'mine'")
    );
    owner.lose(&mut world);
    let mut other = opened(&mut world);
    other.send(&mut world, 1, &consume("mine", "t", true));
    other.expect_channel_close(1, 404, "NOT_FOUND - no queue 'mine' in vhost '/'");
}

#[test]
fn an_auto_delete_queue_goes_with_its_last_consumer() {
    let mut world = World::new();
    let mut client = opened(&mut world);
    let declaration = Declaration { auto_delete: true, ..declare("q", &Table::new()) };
    ask(&mut client, &mut world, &declaration.method(), &declared("q", 0, 0));
    client.consume(&mut world, 1, "q", "t", true);
    client.send(&mut world, 1, &basic::Cancel { consumer_tag: "t", nowait: true });
    client.send(&mut world, 1, &consume("q", "t", true));
    client.expect_channel_close(1, 404, "NOT_FOUND - no queue 'q' in vhost '/'");
}

#[test]
fn methods_without_a_reply_get_none() {
    let mut world = World::new();
    let mut client = opened(&mut world);
    let arguments = RawTable::default();
    client.send(&mut world, 1, &exchange::Declare { nowait: true, ..exchange_declare("x", "fanout") });
    client.send(&mut world, 1, &queue::Declare { nowait: true, ..declare("q", &Table::new()).method() });
    client.send(&mut world, 1, &queue::Bind { nowait: true, ..bind("q", "x", "") });
    let (source, destination, routing_key) = ("x", "amq.fanout", "");
    client.send(
        &mut world,
        1,
        &exchange::Bind { ticket: 0, destination, source, routing_key, nowait: true, arguments },
    );
    client.send(
        &mut world,
        1,
        &exchange::Unbind { ticket: 0, destination, source, routing_key, nowait: true, arguments },
    );
    client.send(&mut world, 1, &basic::Consume { nowait: true, ..consume("q", "t", true) });
    client.send(&mut world, 1, &basic::Cancel { consumer_tag: "t", nowait: true });
    client.send(&mut world, 1, &queue::Purge { ticket: 0, queue: "q", nowait: true });
    client.send(&mut world, 1, &queue::Delete { nowait: true, ..delete("q") });
    client.send(
        &mut world,
        1,
        &exchange::Delete { ticket: 0, exchange: "x", if_unused: false, nowait: true },
    );
    world.sync();
    client.pump(&mut world);
    client.expect_silence();
}
