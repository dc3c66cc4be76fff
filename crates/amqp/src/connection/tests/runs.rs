//! Messages and acks that come in one behind the other: they are handled as if each had come alone.

use super::client::{Client, delivery, encoded, persistent, to_queue};
use super::world::World;
use crate::codec::method::{Arguments, basic};
use crate::codec::write_content;
use leveret_core::wire::{Properties, ShortStr};

/// More than what a run has.
const MANY: u64 = 3_000;

fn with_queue(world: &mut World) -> Client {
    let mut client = Client::open(world);
    client.channel(world, 1);
    client.queue(world, 1, "q");
    client
}

/// The frames of a message on channel 1.
fn message(bytes: &mut Vec<u8>, routing_key: &str, properties: &Properties, body: &[u8]) {
    write_content(bytes, 1, 4096, &to_queue(routing_key), &encoded(properties), body);
}

#[test]
fn a_run_may_be_long_and_of_all_sizes() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.confirms(&mut world, 1);
    client.consume(&mut world, 1, "q", "t", true);
    let mut bytes = Vec::new();
    let body = |number: u64| vec![number as u8; (number % 40) as usize];
    for number in 1..=MANY {
        message(&mut bytes, "q", &persistent(), &body(number));
    }
    client.bytes(&mut world, &bytes);
    for number in 1..=MANY {
        client.expect_content(1, &delivery("t", number, "q", false), &body(number));
    }
    world.sync();
    client.pump(&mut world);
    client.expect(1, &basic::Ack { delivery_tag: MANY, multiple: true });
    client.expect_silence();
}

#[test]
fn messages_of_a_run_that_are_not_plain_keep_their_place() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.consume(&mut world, 1, "q", "t", true);
    let expiring = Properties { expiration: Some(ShortStr::literal("60000")), ..persistent() };
    let mut bytes = Vec::new();
    message(&mut bytes, "q", &persistent(), b"1");
    message(&mut bytes, "q", &expiring, b"2");
    // In two frames.
    message(&mut bytes, "q", &persistent(), &[3; 5_000]);
    message(&mut bytes, "nowhere", &persistent(), b"lost");
    let mandatory = basic::Publish { mandatory: true, ..to_queue("q") };
    write_content(&mut bytes, 1, 4096, &mandatory, &encoded(&persistent()), b"4");
    message(&mut bytes, "q", &persistent(), b"5");
    client.bytes(&mut world, &bytes);
    let bodies: [&[u8]; 5] = [b"1", b"2", &[3; 5_000], b"4", b"5"];
    for (index, body) in bodies.into_iter().enumerate() {
        client.expect_content(1, &delivery("t", index as u64 + 1, "q", false), body);
    }
    client.expect_silence();
}

#[test]
fn what_stands_before_a_wrong_message_is_stored_and_what_stands_behind_is_not() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    let wrong = Properties { expiration: Some(ShortStr::literal("soon")), ..persistent() };
    let mut bytes = Vec::new();
    message(&mut bytes, "q", &persistent(), b"1");
    message(&mut bytes, "q", &persistent(), b"2");
    message(&mut bytes, "q", &wrong, b"wrong");
    message(&mut bytes, "q", &persistent(), b"3");
    client.bytes(&mut world, &bytes);
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - invalid expiration 'soon'");
    assert_eq!(world.ready("q"), 2);
}

#[test]
fn a_failed_log_refuses_all_of_a_run() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.confirms(&mut world, 1);
    client.publish(&mut world, 1, "q", b"the route is known from now on");
    world.sync();
    client.pump(&mut world);
    client.expect(1, &basic::Ack { delivery_tag: 1, multiple: false });
    world.fail_logs();
    let mut bytes = Vec::new();
    (0..3).for_each(|_| message(&mut bytes, "q", &persistent(), b"x"));
    client.bytes(&mut world, &bytes);
    client.expect(1, &basic::Nack { delivery_tag: 4, multiple: true, requeue: false });
}

#[test]
fn acks_in_one_piece_settle_what_each_names() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    let mut bytes = Vec::new();
    (0..MANY).for_each(|_| message(&mut bytes, "q", &persistent(), b"x"));
    client.bytes(&mut world, &bytes);
    client.consume(&mut world, 1, "q", "t", false);
    assert_eq!(client.deliveries() as u64, MANY);
    bytes.clear();
    for tag in 1..=MANY - 10 {
        basic::Ack { delivery_tag: tag, multiple: false }.write_frame(1, &mut bytes);
    }
    basic::Ack { delivery_tag: MANY - 2, multiple: true }.write_frame(1, &mut bytes);
    basic::Ack { delivery_tag: MANY, multiple: false }.write_frame(1, &mut bytes);
    client.bytes(&mut world, &bytes);
    client.expect_silence();
    assert_eq!(client.door.overview().channels[0].unacked, 1);
    client.lose(&mut world);
    assert_eq!(world.ready("q"), 1);
}

#[test]
fn deliveries_leave_before_the_last_of_many_acks_is_handled() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.send(&mut world, 1, &basic::Qos { prefetch_size: 0, prefetch_count: 600, global: false });
    client.expect(1, &basic::QosOk {});
    let mut bytes = Vec::new();
    (0..1200).for_each(|_| message(&mut bytes, "q", &persistent(), b"x"));
    client.bytes(&mut world, &bytes);
    client.consume(&mut world, 1, "q", "t", false);
    assert_eq!(client.deliveries(), 600);
    bytes.clear();
    for tag in 1..=600 {
        basic::Ack { delivery_tag: tag, multiple: false }.write_frame(1, &mut bytes);
    }
    client.arrive(&bytes);
    let mut delivered = Vec::new();
    for unhandled in [true, true, false] {
        client.receive(&mut world);
        assert_eq!(client.door.has_unhandled_input(), unhandled);
        client.pump(&mut world);
        delivered.push(client.deliveries());
    }
    assert_eq!(delivered, [256, 256, 88]);
    assert_eq!(client.pending(), 0);
}

#[test]
fn an_unknown_tag_within_acks_ends_the_channel_behind_those_before() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    for body in [b"1", b"2", b"3"] {
        client.publish(&mut world, 1, "q", body);
    }
    client.consume(&mut world, 1, "q", "t", false);
    assert_eq!(client.deliveries(), 3);
    let mut bytes = Vec::new();
    for tag in [1, 1, 2] {
        basic::Ack { delivery_tag: tag, multiple: false }.write_frame(1, &mut bytes);
    }
    client.bytes(&mut world, &bytes);
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1");
    assert_eq!(world.ready("q"), 2);
}
