//! Publisher confirms: in order, after the log, many at once.

use crate::codec::method::{basic, confirm, queue};
use crate::codec::write_content;
use crate::connection::tests::client::{Client, declare, encoded, method_of, persistent, to_queue};
use crate::connection::tests::world::World;
use leveret_core::wire::{Properties, ShortStr, Table, Value};

fn ack(delivery_tag: u64, multiple: bool) -> basic::Ack {
    basic::Ack { delivery_tag, multiple }
}

/// A client in confirm mode on channel 1, with queues that are in both shards.
fn confirming(world: &mut World) -> Client {
    let mut client = Client::open(world);
    client.channel(world, 1);
    for name in ["a", "b", "c", "d"] {
        client.queue(world, 1, name);
    }
    client.confirms(world, 1);
    client
}

/// The frames of many publishes.
fn messages(count: usize, queue: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..count {
        write_content(&mut bytes, 1, 0, &to_queue(queue), &encoded(&persistent()), b"body");
    }
    bytes
}

#[test]
fn a_persistent_message_is_confirmed_when_it_is_durable() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    client.publish(&mut world, 1, "a", b"one");
    client.expect_silence();
    world.sync();
    client.pump(&mut world);
    client.expect(1, &ack(1, false));
    client.publish(&mut world, 1, "a", b"two");
    world.sync();
    client.pump(&mut world);
    client.expect(1, &ack(2, false));
}

#[test]
fn a_batch_is_confirmed_by_one_ack() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    client.bytes(&mut world, &messages(100, "a"));
    assert_eq!(client.door.overview().channels[0].unconfirmed, 100);
    client.bytes(&mut world, &messages(1, "a"));
    client.expect_silence();
    world.sync();
    client.pump(&mut world);
    client.expect(1, &ack(101, true));
    assert_eq!(client.door.overview().channels[0].unconfirmed, 0);
}

#[test]
fn a_transient_message_is_confirmed_at_once_but_not_before_those_in_front() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    client.publish_with(&mut world, 1, &to_queue("a"), &Properties::default(), b"transient");
    client.expect(1, &ack(1, false));
    client.publish(&mut world, 1, "a", b"persistent");
    client.publish_with(&mut world, 1, &to_queue("a"), &Properties::default(), b"transient");
    client.expect_silence();
    world.sync();
    client.pump(&mut world);
    client.expect(1, &ack(3, true));
}

#[test]
fn messages_of_both_shards_are_confirmed_in_order() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    let mut bytes = Vec::new();
    for name in ["a", "b", "c", "d"] {
        bytes.extend_from_slice(&messages(1, name));
    }
    client.bytes(&mut world, &bytes);
    client.expect_silence();
    world.sync();
    client.pump(&mut world);
    let mut confirmed = 0;
    while confirmed < 4 {
        // One log may be told before the other: the acks add up in order all the same.
        let frame = client.next_frame();
        match method_of(&frame).1 {
            crate::codec::Method::Basic(basic::Method::Ack(ack)) => {
                assert!(ack.delivery_tag > confirmed);
                confirmed = ack.delivery_tag;
            }
            other => panic!("{other:?}"),
        }
    }
    client.expect_silence();
}

#[test]
fn an_unroutable_message_is_returned_first_and_then_confirmed() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    let lost = basic::Publish { mandatory: true, ..to_queue("nowhere") };
    client.publish_with(&mut world, 1, &lost, &persistent(), b"lost");
    let back =
        basic::Return { reply_code: 312, reply_text: "NO_ROUTE", exchange: "", routing_key: "nowhere" };
    let content = client.expect_content(1, &back, b"lost");
    assert_eq!(content.properties, persistent());
    client.expect(1, &ack(1, false));
    client.publish(&mut world, 1, "nowhere", b"lost");
    client.expect(1, &ack(2, false));
}

#[test]
fn a_full_queue_refuses_in_the_midst_of_others() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    let arguments: Table = [
        (ShortStr::literal("x-max-length"), Value::I64(1)),
        (ShortStr::literal("x-overflow"), Value::from("reject-publish")),
    ]
    .into_iter()
    .collect();
    client.send(&mut world, 1, &declare("small", &arguments).method());
    world.sync();
    client.pump(&mut world);
    client.expect(1, &queue::DeclareOk { queue: "small", message_count: 0, consumer_count: 0 });
    let mut bytes = messages(3, "small");
    bytes.extend_from_slice(&messages(1, "a"));
    client.bytes(&mut world, &bytes);
    world.sync();
    client.pump(&mut world);
    client.expect(1, &ack(1, false));
    client.expect(1, &basic::Nack { delivery_tag: 3, multiple: true, requeue: false });
    client.expect(1, &ack(4, false));
    client.expect_silence();
}

#[test]
fn a_log_that_fails_is_a_nack() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    client.publish(&mut world, 1, "a", b"one");
    world.sync();
    client.pump(&mut world);
    client.expect(1, &ack(1, false));
    world.fail_logs();
    client.publish(&mut world, 1, "a", b"two");
    client.expect(1, &basic::Nack { delivery_tag: 2, multiple: false, requeue: false });
}

#[test]
fn without_confirms_a_log_that_fails_ends_the_connection() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.queue(&mut world, 1, "a");
    world.fail_logs();
    client.publish(&mut world, 1, "a", b"one");
    let frame = client.next_frame();
    assert!(format!("{:?}", method_of(&frame)).contains("INTERNAL_ERROR - the log refused"));
}

#[test]
fn confirm_select_is_idempotent_and_may_go_without_a_reply() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.send(&mut world, 1, &confirm::Select { nowait: true });
    client.expect_silence();
    client.publish(&mut world, 1, "nowhere", b"");
    client.expect(1, &ack(1, false));
    client.confirms(&mut world, 1);
    client.publish(&mut world, 1, "nowhere", b"");
    client.expect(1, &ack(2, false));
}

#[test]
fn confirms_of_a_closed_channel_are_not_sent() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    client.publish(&mut world, 1, "a", b"one");
    client.send(&mut world, 1, &basic::Ack { delivery_tag: 9, multiple: false });
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 9");
    world.sync();
    client.pump(&mut world);
    client.expect_silence();
}

#[test]
fn what_waited_for_a_log_that_fails_is_refused() {
    let mut world = World::new();
    let mut client = confirming(&mut world);
    client.bytes(&mut world, &messages(3, "a"));
    for log in World::logs() {
        client.door.log_failed(log);
    }
    client.pump(&mut world);
    client.expect(1, &basic::Nack { delivery_tag: 3, multiple: true, requeue: false });
    client.send(&mut world, 1, &declare("new", &Table::new()).method());
    client.expect_connection_close(541, "INTERNAL_ERROR - a log of the broker has failed");
}
