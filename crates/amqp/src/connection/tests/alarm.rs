//! Alarms that block publishers, and heartbeats.

use super::client::{Client, encoded, persistent, to_queue};
use super::world::World;
use crate::codec::frame::HEARTBEAT;
use crate::codec::method::{Arguments, basic, connection};
use crate::codec::write_content;
use crate::connection::{DoorSettings, State};

const REASON: &str = "low on disk";

fn publisher(world: &mut World) -> Client {
    let mut client = Client::open(world);
    client.channel(world, 1);
    client.queue(world, 1, "q");
    client
}

fn two_messages() -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..2 {
        write_content(&mut bytes, 1, 0, &to_queue("q"), &encoded(&persistent()), b"x");
    }
    bytes
}

#[test]
fn whoever_has_published_is_blocked_when_the_alarm_begins() {
    let mut world = World::new();
    let mut client = publisher(&mut world);
    client.publish(&mut world, 1, "q", b"x");
    client.door.alarm(Some(REASON));
    client.pump(&mut world);
    client.expect(0, &connection::Blocked { reason: REASON });
    assert!(!client.door.wants_input() && client.door.overview().blocked);
    client.door.alarm(Some("low on memory"));
    client.pump(&mut world);
    client.expect_silence();
    client.bytes(&mut world, &two_messages());
    assert_eq!((world.ready("q"), client.pending() > 0), (1, true));
    client.door.alarm(None);
    client.receive(&mut world);
    client.pump(&mut world);
    client.expect(0, &connection::Unblocked {});
    client.expect_silence();
    assert_eq!((world.ready("q"), client.pending()), (3, 0));
}

#[test]
fn whoever_publishes_during_an_alarm_is_blocked_by_that() {
    let mut world = World::new();
    let mut client = publisher(&mut world);
    client.door.alarm(Some(REASON));
    client.send(&mut world, 1, &basic::Qos { prefetch_size: 0, prefetch_count: 1, global: false });
    client.expect(1, &basic::QosOk {});
    client.bytes(&mut world, &two_messages());
    client.expect(0, &connection::Blocked { reason: REASON });
    assert_eq!((world.ready("q"), client.pending() > 0), (1, true));
    client.door.alarm(None);
    client.receive(&mut world);
    client.pump(&mut world);
    client.expect(0, &connection::Unblocked {});
    assert_eq!(world.ready("q"), 2);
}

#[test]
fn a_blocked_client_is_not_taken_for_dead() {
    let mut world = World::new();
    let mut client = publisher(&mut world);
    client.publish(&mut world, 1, "q", b"x");
    client.door.alarm(Some(REASON));
    for _ in 0..20 {
        world.now = client.door.next_tick().unwrap();
        client.door.tick(world.now);
    }
    assert_eq!(client.door.state(), State::Open);
    client.door.alarm(None);
    for _ in 0..5 {
        world.now = client.door.next_tick().unwrap_or(world.now);
        client.door.tick(world.now);
    }
    assert_eq!(client.door.state(), State::Closed);
}

#[test]
fn a_heartbeat_goes_out_when_nothing_else_did() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    assert_eq!(client.door.next_tick(), Some(world.now.plus_ms(30_000)));
    world.now = world.now.plus_ms(30_000);
    client.door.tick(world.now);
    client.pump(&mut world);
    // Something was written in the time before.
    client.expect_silence();
    world.now = world.now.plus_ms(30_000);
    client.door.tick(world.now);
    client.pump(&mut world);
    assert_eq!(client.next_frame(), HEARTBEAT);
}

#[test]
fn a_client_that_is_silent_for_two_heartbeats_is_dead() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    for _ in 0..10 {
        world.now = world.now.plus_ms(30_000);
        client.bytes(&mut world, &HEARTBEAT);
        client.door.tick(world.now);
        assert_eq!(client.door.state(), State::Open);
    }
    for _ in 0..3 {
        world.now = world.now.plus_ms(30_000);
        client.door.tick(world.now);
        assert_eq!(client.door.state(), State::Open);
    }
    world.now = world.now.plus_ms(30_000);
    client.door.tick(world.now);
    assert_eq!(client.door.state(), State::Closed);
}

#[test]
fn without_heartbeats_nobody_is_dead() {
    let mut world = World::new();
    let mut client = Client::open_with(&mut world, DoorSettings::default(), 0);
    assert_eq!(client.door.next_tick(), None);
    client.door.tick(world.now.plus_ms(1 << 40));
    assert_eq!(client.door.state(), State::Open);
}

#[test]
fn heartbeats_belong_to_channel_0() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.bytes(&mut world, &[8, 0, 1, 0, 0, 0, 0, 0xce]);
    client.expect_connection_close(505, "UNEXPECTED_FRAME - type 8, 0 octets on channel 1");
}

#[test]
fn a_client_that_asks_and_does_not_listen_is_held_back() {
    let mut world = World::new();
    let mut client = publisher(&mut world);
    client.publish(&mut world, 1, "q", &vec![0; 700_000]);
    client.stalled = true;
    let mut bytes = Vec::new();
    for _ in 0..100 {
        basic::Get { ticket: 0, queue: "q", no_ack: false }.write_frame(1, &mut bytes);
        basic::Nack { delivery_tag: 0, multiple: true, requeue: true }.write_frame(1, &mut bytes);
    }
    client.bytes(&mut world, &bytes);
    assert!(!client.door.wants_input() && !client.door.has_unhandled_input());
    assert!(client.door.output().len() < 2_000_000);
    client.stalled = false;
    let mut answers = 0;
    while client.pending() > 0 {
        client.pump(&mut world);
        answers += client.contents();
        assert!(client.door.has_unhandled_input());
        client.receive(&mut world);
    }
    client.pump(&mut world);
    // After its limit of 20 failures the message comes no more.
    assert_eq!(answers + client.contents(), 21);
}
