//! Messages out: consumers, acks and their opposites, get, and what happens when a client goes.

mod prefetch;
mod reply;

use super::client::{Client, consume, declare, delivery, encoded, method_of, peer, persistent, to_queue};
use super::world::World;
use crate::codec::frame::PROTOCOL_HEADER;
use crate::codec::method::{Arguments, Method, basic, channel, connection, queue};
use crate::codec::write_content;
use crate::connection::{DoorSettings, State};
use leveret_core::limits::{CONNECTION_WINDOW_BYTES, CONNECTION_WINDOW_MESSAGES};
use leveret_core::wire::{RawTable, ShortStr, Table, Value};

fn with_queue(world: &mut World) -> Client {
    let mut client = Client::open(world);
    client.channel(world, 1);
    client.queue(world, 1, "q");
    client
}

/// A client with so many messages in its queue, whose bodies are their numbers from 1.
fn with_messages(world: &mut World, count: u8) -> Client {
    let mut client = with_queue(world);
    for number in 1..=count {
        client.publish(world, 1, "q", &[number]);
    }
    client
}

fn ack(delivery_tag: u64, multiple: bool) -> basic::Ack {
    basic::Ack { delivery_tag, multiple }
}

fn nack(delivery_tag: u64, multiple: bool, requeue: bool) -> basic::Nack {
    basic::Nack { delivery_tag, multiple, requeue }
}

fn qos(prefetch_count: u16, global: bool) -> basic::Qos {
    basic::Qos { prefetch_size: 0, prefetch_count, global }
}

fn get(queue: &str, no_ack: bool) -> basic::Get<'_> {
    basic::Get { ticket: 0, queue, no_ack }
}

fn got(delivery_tag: u64, redelivered: bool, message_count: u32) -> basic::GetOk<'static> {
    basic::GetOk { delivery_tag, redelivered, exchange: "", routing_key: "q", message_count }
}

fn arguments(name: &'static str, value: Value) -> Vec<u8> {
    let table: Table = [(ShortStr::literal(name), value)].into_iter().collect();
    let mut entries = Vec::new();
    table.encode_entries(&mut entries);
    entries
}

#[test]
fn deliveries_are_acked_one_by_one_or_together() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 5);
    client.consume(&mut world, 1, "q", "t", false);
    for number in 1..=5 {
        client.expect_content(1, &delivery("t", number, "q", false), &[number as u8]);
    }
    assert_eq!(world.leases(), 5);
    client.send(&mut world, 1, &ack(2, false));
    assert_eq!(world.leases(), 4);
    client.send(&mut world, 1, &ack(4, true));
    assert_eq!((world.leases(), client.door.overview().channels[0].unacked), (1, 1));
    client.send(&mut world, 1, &ack(0, true));
    assert_eq!((world.leases(), world.ready("q")), (0, 0));
    client.send(&mut world, 1, &ack(0, true));
    client.expect_silence();
}

#[test]
fn an_unknown_tag_closes_the_channel() {
    let mut world = World::new();
    for (method, tag) in [(ack(1, false), 1), (ack(7, false), 7), (ack(7, true), 7), (ack(0, false), 0)] {
        let mut client = with_messages(&mut world, 0);
        client.consume(&mut world, 1, "q", "t", false);
        client.publish(&mut world, 1, "q", b"x");
        client.content_of_delivery();
        client.send(&mut world, 1, &ack(1, false));
        client.send(&mut world, 1, &method);
        let text = format!("PRECONDITION_FAILED - unknown delivery tag {tag}");
        client.expect_channel_close(1, 406, &text);
        client.send(
            &mut world,
            0,
            &connection::Close { reply_code: 200, reply_text: "", class_id: 0, method_id: 0 },
        );
    }
}

#[test]
fn a_rejected_message_comes_again_with_its_counts_or_never() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 1);
    client.consume(&mut world, 1, "q", "t", false);
    let first = client.expect_content(1, &delivery("t", 1, "q", false), &[1]);
    assert_eq!(first.properties, persistent());
    client.send(&mut world, 1, &basic::Reject { delivery_tag: 1, requeue: true });
    let second = client.expect_content(1, &delivery("t", 2, "q", true), &[1]);
    let headers = second.properties.headers.unwrap();
    assert_eq!(headers.get("x-delivery-count"), Some(&Value::I64(1)));
    assert_eq!(headers.get("x-acquired-count"), Some(&Value::I64(1)));
    client.send(&mut world, 1, &nack(0, true, true));
    let third = client.expect_content(1, &delivery("t", 3, "q", true), &[1]);
    assert_eq!(third.properties.headers.unwrap().get("x-delivery-count"), Some(&Value::I64(2)));
    client.send(&mut world, 1, &nack(3, false, false));
    client.expect_silence();
    assert_eq!((world.ready("q"), world.leases()), (0, 0));
}

#[test]
fn what_comes_back_takes_its_old_place() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 3);
    client.consume(&mut world, 1, "q", "t", false);
    (1..=3).for_each(|_| drop(client.content_of_delivery()));
    client.send(&mut world, 1, &basic::Recover { requeue: true });
    client.expect(1, &basic::RecoverOk {});
    for number in 1..=3 {
        client.expect_content(1, &delivery("t", 3 + number, "q", true), &[number as u8]);
    }
    client.send(&mut world, 1, &basic::RecoverAsync { requeue: false });
    client.expect_connection_close(540, "NOT_IMPLEMENTED - requeue=false");
}

#[test]
fn consumers_that_cannot_be() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.send(&mut world, 1, &consume("nowhere", "t", false));
    client.expect_channel_close(1, 404, "NOT_FOUND - no queue 'nowhere' in vhost '/'");
    client.channel(&mut world, 2);
    client.send(&mut world, 2, &consume("", "t", false));
    client.expect_channel_close(2, 404, "NOT_FOUND - no previously declared queue");
    client.channel(&mut world, 3);
    let entries = arguments("x-priority", Value::from("high"));
    let arguments = RawTable::parse(&entries).unwrap();
    client.send(&mut world, 3, &basic::Consume { arguments, ..consume("q", "t", false) });
    assert!(
        format!("{:?}", method_of(&client.next_frame())).contains("invalid arg 'x-priority' for queue 'q'")
    );
    client.channel(&mut world, 4);
    client.send(&mut world, 4, &basic::Consume { exclusive: true, ..consume("q", "t", false) });
    client.expect(4, &basic::ConsumeOk { consumer_tag: "t" });
    client.channel(&mut world, 5);
    client.send(&mut world, 5, &consume("q", "t", false));
    client.expect_channel_close(5, 403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use");
    client.send(&mut world, 4, &consume("q", "t", false));
    client.expect_connection_close(530, "NOT_ALLOWED - attempt to reuse consumer tag 't'");
}

#[test]
fn the_number_of_consumers_has_a_limit() {
    let mut world = World::new();
    let settings = DoorSettings { consumers_per_channel: 2, ..DoorSettings::default() };
    let mut client = Client::open_with(&mut world, settings, 0);
    client.channel(&mut world, 1);
    client.queue(&mut world, 1, "q");
    client.consume(&mut world, 1, "q", "a", false);
    client.consume(&mut world, 1, "q", "b", false);
    client.send(&mut world, 1, &consume("q", "c", false));
    client.expect_connection_close(530, "NOT_ALLOWED - reached maximum (2) of consumers per channel");
}

#[test]
fn a_consumer_without_a_tag_gets_one() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.send(&mut world, 1, &consume("", "", false));
    let frame = client.next_frame();
    let (1, Method::Basic(basic::Method::ConsumeOk(ok))) = method_of(&frame) else { panic!("{frame:?}") };
    assert!(ok.consumer_tag.starts_with("amq.ctag-") && ok.consumer_tag.len() == 41);
    client.publish(&mut world, 1, "q", b"x");
    client.expect_content(1, &delivery(ok.consumer_tag, 1, "q", false), b"x");
}

#[test]
fn a_cancelled_consumer_gets_nothing_and_may_still_ack() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 1);
    client.consume(&mut world, 1, "q", "t", false);
    client.content_of_delivery();
    client.send(&mut world, 1, &basic::Cancel { consumer_tag: "t", nowait: false });
    client.expect(1, &basic::CancelOk { consumer_tag: "t" });
    client.publish(&mut world, 1, "q", b"x");
    client.expect_silence();
    client.send(&mut world, 1, &ack(1, false));
    assert_eq!((world.leases(), world.ready("q")), (0, 1));
    client.send(&mut world, 1, &basic::Cancel { consumer_tag: "unknown", nowait: false });
    client.expect(1, &basic::CancelOk { consumer_tag: "unknown" });
}

#[test]
fn a_delivery_that_crosses_a_cancel_goes_back_uncounted() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.consume(&mut world, 1, "q", "t", false);
    // Both frames are handled in one turn: the message is on its way when the consumer goes.
    let mut bytes = Vec::new();
    write_content(&mut bytes, 1, 0, &to_queue("q"), &encoded(&persistent()), b"x");
    let mut other = Client::open(&mut world);
    other.channel(&mut world, 1);
    other.bytes(&mut world, &bytes);
    basic::Cancel { consumer_tag: "t", nowait: false }.write_frame(1, &mut Vec::new());
    client.send(&mut world, 1, &basic::Cancel { consumer_tag: "t", nowait: false });
    client.expect(1, &basic::CancelOk { consumer_tag: "t" });
    client.expect_silence();
    assert_eq!((world.leases(), world.ready("q")), (0, 1));
    client.send(&mut world, 1, &get("q", false));
    let content = client.expect_content(1, &got(1, true, 0), b"x");
    assert_eq!(content.properties.headers.unwrap().get("x-delivery-count"), Some(&Value::I64(0)));
}

#[test]
fn a_deleted_queue_cancels_its_consumers() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.consume(&mut world, 1, "q", "t", false);
    let mut deaf = deaf_client(&mut world);
    deaf.consume(&mut world, 1, "q", "t", false);
    client.send(&mut world, 1, &delete("q"));
    world.sync();
    client.pump(&mut world);
    deaf.pump(&mut world);
    let mut seen =
        [client.next_frame(), client.next_frame()].map(|frame| format!("{:?}", method_of(&frame).1));
    seen.sort();
    assert!(seen[0].contains("Cancel { consumer_tag: \"t\", nowait: true }"), "{seen:?}");
    assert!(seen[1].contains("DeleteOk"), "{seen:?}");
    client.expect_silence();
    deaf.expect_silence();
    client.queue(&mut world, 1, "q");
    client.consume(&mut world, 1, "q", "t", false);
}

/// A client that can hear nothing beyond the specification, with an open channel.
fn deaf_client(world: &mut World) -> Client {
    let mut client = Client::unopened(world, DoorSettings::default(), peer());
    client.bytes(world, &PROTOCOL_HEADER);
    client.next_frame();
    client.start_ok_with(world, "PLAIN", b"\0guest\0guest", Table::new());
    client.next_frame();
    client.send(world, 0, &connection::TuneOk { channel_max: 10, frame_max: 4096, heartbeat: 0 });
    client.send(world, 0, &connection::Open { virtual_host: "/", capabilities: "", insist: false });
    client.next_frame();
    client.channel(world, 1);
    client
}

fn delete(queue: &str) -> queue::Delete<'_> {
    queue::Delete { ticket: 0, queue, if_unused: false, if_empty: false, nowait: false }
}

#[test]
fn a_delivery_that_is_held_too_long_cancels_its_consumer() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 1);
    let entries = arguments("x-consumer-timeout", Value::I64(1000));
    let arguments = RawTable::parse(&entries).unwrap();
    client.send(&mut world, 1, &basic::Consume { arguments, ..consume("q", "t", false) });
    client.expect(1, &basic::ConsumeOk { consumer_tag: "t" });
    client.content_of_delivery();
    world.pass(1001);
    client.pump(&mut world);
    client.expect(1, &basic::Cancel { consumer_tag: "t", nowait: true });
    assert_eq!((world.leases(), world.ready("q")), (0, 1));
    // The client did not know: its ack is late, not wrong.
    client.send(&mut world, 1, &ack(1, false));
    client.expect_silence();
    assert_eq!(world.ready("q"), 1);
    client.send(&mut world, 1, &ack(1, false));
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1");
}

#[test]
fn a_client_that_cannot_hear_of_a_timeout_loses_its_channel() {
    let mut world = World::new();
    with_messages(&mut world, 1);
    let mut client = deaf_client(&mut world);
    let entries = arguments("x-consumer-timeout", Value::I64(1000));
    let arguments = RawTable::parse(&entries).unwrap();
    client.send(&mut world, 1, &basic::Consume { arguments, ..consume("q", "t", false) });
    client.expect(1, &basic::ConsumeOk { consumer_tag: "t" });
    client.content_of_delivery();
    world.pass(1001);
    client.pump(&mut world);
    client.expect_channel_close(
        1,
        406,
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1000 ms. \
         This timeout value can be configured, see consumers doc guide to learn more",
    );
}

#[test]
fn get_fetches_one_message_or_says_that_there_is_none() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 2);
    client.send(&mut world, 1, &get("", true));
    client.expect_content(1, &got(1, false, 1), &[1]);
    client.send(&mut world, 1, &get("q", false));
    client.expect_content(1, &got(2, false, 0), &[2]);
    client.send(&mut world, 1, &get("q", false));
    client.expect(1, &basic::GetEmpty { cluster_id: "" });
    client.send(&mut world, 1, &nack(2, false, true));
    client.send(&mut world, 1, &get("q", false));
    client.expect_content(1, &got(3, true, 0), &[2]);
    client.send(&mut world, 1, &get("nowhere", false));
    client.expect_channel_close(1, 404, "NOT_FOUND - no queue 'nowhere' in vhost '/'");
}

#[test]
fn get_finds_a_message_of_its_own_batch() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    let mut bytes = Vec::new();
    write_content(&mut bytes, 1, 0, &to_queue("q"), &encoded(&persistent()), b"x");
    get("q", true).write_frame(1, &mut bytes);
    client.bytes(&mut world, &bytes);
    client.expect_content(1, &got(1, false, 0), b"x");
}

#[test]
fn a_closed_channel_gives_its_deliveries_back() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 3);
    client.consume(&mut world, 1, "q", "t", false);
    assert_eq!(client.deliveries(), 3);
    client.send(&mut world, 1, &ack(2, false));
    client.send(
        &mut world,
        1,
        &channel::Close { reply_code: 200, reply_text: "", class_id: 0, method_id: 0 },
    );
    client.expect(1, &channel::CloseOk {});
    assert_eq!((world.leases(), world.ready("q")), (0, 2));
    client.channel(&mut world, 1);
    client.consume(&mut world, 1, "q", "t", false);
    client.expect_content(1, &delivery("t", 1, "q", true), &[1]);
    client.expect_content(1, &delivery("t", 2, "q", true), &[3]);
}

#[test]
fn a_lost_connection_leaves_nothing_leased() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 9);
    client.channel(&mut world, 2);
    client.send(&mut world, 1, &qos(2, false));
    client.send(&mut world, 2, &qos(3, false));
    client.consume_only(&mut world, 1, "a");
    client.consume_only(&mut world, 2, "b");
    assert_eq!(client.deliveries(), 5);
    // More is on its way that the door never sees while it lives.
    let mut other = Client::open(&mut world);
    other.channel(&mut world, 1);
    other.publish(&mut world, 1, "q", &[10]);
    client.lose(&mut world);
    assert_eq!((world.leases(), world.ready("q")), (0, 10));
    other.consume(&mut world, 1, "q", "t", true);
    for number in 1..=10 {
        other.expect_content(1, &delivery("t", number, "q", number <= 5), &[number as u8]);
    }
}

#[test]
fn effects_in_the_mailbox_of_a_lost_connection_are_given_back() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.consume(&mut world, 1, "q", "t", false);
    let mut other = Client::open(&mut world);
    other.channel(&mut world, 1);
    other.publish(&mut world, 1, "q", b"x");
    assert_eq!(world.leases(), 1);
    client.lose(&mut world);
    assert_eq!((world.leases(), world.ready("q")), (0, 1));
    other.consume(&mut world, 1, "q", "t", true);
    let content = other.expect_content(1, &delivery("t", 1, "q", true), b"x");
    assert_eq!(content.properties.headers.unwrap().get("x-delivery-count"), Some(&Value::I64(0)));
}

#[test]
fn a_client_that_does_not_read_is_sent_no_more_than_its_window() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.stalled = true;
    client.send(&mut world, 1, &consume("q", "t", true));
    let mut other = Client::open(&mut world);
    other.channel(&mut world, 1);
    let count = CONNECTION_WINDOW_MESSAGES as usize + 100;
    for _ in 0..count {
        other.publish(&mut world, 1, "q", b"x");
    }
    client.pump(&mut world);
    assert_eq!(world.ready("q"), 100);
    client.stalled = false;
    client.pump(&mut world);
    assert_eq!((world.ready("q"), client.deliveries()), (0, count));
    client.stalled = true;
    let body = vec![0; 200_000];
    (0..10).for_each(|_| other.publish(&mut world, 1, "q", &body));
    client.pump(&mut world);
    let sent = (CONNECTION_WINDOW_BYTES as usize).div_ceil(body.len());
    assert_eq!(world.ready("q"), 10 - sent as u64);
    client.stalled = false;
    client.pump(&mut world);
    assert_eq!((world.ready("q"), client.deliveries()), (0, 10));
}

#[test]
fn a_message_that_cannot_be_read_ends_the_connection_and_stays() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 1);
    client.messages.broken = true;
    client.send(&mut world, 1, &get("q", false));
    let frame = client.next_frame();
    assert!(format!("{:?}", method_of(&frame)).contains("INTERNAL_ERROR - the message at"));
    assert_eq!(client.door.state(), State::Closing);
    assert_eq!((world.leases(), world.ready("q")), (0, 1));
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.messages.broken = true;
    client.consume(&mut world, 1, "q", "t", false);
    let frame = client.next_frame();
    assert!(format!("{:?}", method_of(&frame)).contains("INTERNAL_ERROR - the message at"));
    assert_eq!((world.leases(), world.ready("q")), (0, 1));
}

#[test]
fn a_single_active_consumer_excludes_get() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    let arguments: Table =
        [(ShortStr::literal("x-single-active-consumer"), Value::Bool(true))].into_iter().collect();
    client.send(&mut world, 1, &declare("single", &arguments).method());
    world.sync();
    client.pump(&mut world);
    client.next_frame();
    client.send(&mut world, 1, &get("single", false));
    let frame = client.next_frame();
    assert!(format!("{:?}", method_of(&frame)).contains("reply_code: 405"));
}
