//! From the first byte to the open connection, and its end.

mod login;

use super::client::{Client, method_of, peer};
use super::world::World;
use crate::codec::frame::PROTOCOL_HEADER;
use crate::codec::method::{Method, access, basic, channel, connection};
use crate::connection::{DoorSettings, Notice, Peer, State};
use leveret_core::broker::Access;
use leveret_core::catalog::VhostLimits;
use leveret_core::wire::{RawValue, ShortStr, Table, Value};

fn unopened(world: &mut World) -> Client {
    Client::unopened(world, DoorSettings::default(), peer())
}

/// A client that has seen connection.start.
fn started(world: &mut World) -> Client {
    let mut client = unopened(world);
    client.bytes(world, &PROTOCOL_HEADER);
    client.next_frame();
    client
}

/// A client that has seen connection.tune.
fn tuning(world: &mut World) -> Client {
    let mut client = started(world);
    client.start_ok(world, "PLAIN", b"\0guest\0guest");
    client.expect(0, &connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 });
    client
}

fn tune_ok(channel_max: u16, frame_max: u32) -> connection::TuneOk {
    connection::TuneOk { channel_max, frame_max, heartbeat: 0 }
}

fn open(virtual_host: &str) -> connection::Open<'_> {
    connection::Open { virtual_host, capabilities: "", insist: false }
}

fn close() -> connection::Close<'static> {
    connection::Close { reply_code: 200, reply_text: "bye", class_id: 0, method_id: 0 }
}

#[test]
fn another_protocol_is_answered_with_ours() {
    let mut world = World::new();
    let mut client = unopened(&mut world);
    client.bytes(&mut world, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.next_frame(), PROTOCOL_HEADER);
    assert_eq!(client.door.state(), State::Closed);
    client.expect_silence();
}

#[test]
fn the_header_of_amqp_0_9_is_taken_and_one_in_pieces_too() {
    let mut world = World::new();
    for header in [b"AMQP\x01\x01\x00\x09", &PROTOCOL_HEADER] {
        let mut client = unopened(&mut world);
        for byte in header {
            client.bytes(&mut world, &[*byte]);
        }
        assert!(matches!(
            method_of(&client.next_frame()),
            (0, Method::Connection(connection::Method::Start(_)))
        ));
    }
}

#[test]
fn the_broker_introduces_itself() {
    let mut world = World::new();
    let mut client = unopened(&mut world);
    client.bytes(&mut world, &PROTOCOL_HEADER);
    let frame = client.next_frame();
    let (_, Method::Connection(connection::Method::Start(start))) = method_of(&frame) else {
        panic!("{frame:?}");
    };
    assert_eq!((start.version_major, start.version_minor), (0, 9));
    assert_eq!((start.mechanisms, start.locales), (&b"PLAIN AMQPLAIN ANONYMOUS"[..], &b"en_US"[..]));
    assert_eq!(start.server_properties.get("product").unwrap().as_str(), Some("Leveret"));
    for name in ["version", "platform", "cluster_name", "copyright", "information"] {
        assert!(start.server_properties.get(name).unwrap().as_str().is_some(), "{name}");
    }
    let Some(RawValue::Table(capabilities)) = start.server_properties.get("capabilities") else {
        panic!("no capabilities");
    };
    assert_eq!(capabilities.iter().count(), 9);
    assert!(capabilities.iter().all(|(_, value)| value.as_bool() == Some(true)));
}

#[test]
fn limits_are_agreed_or_refused() {
    let mut world = World::new();
    for (ok, text) in [
        (
            tune_ok(0, 131_072),
            "negotiated channel_max = 0 (no limit) is higher than the maximum allowed value (2047)",
        ),
        (
            tune_ok(2048, 131_072),
            "negotiated channel_max = 2048 is higher than the maximum allowed value (2047)",
        ),
        (
            tune_ok(2047, 0),
            "negotiated frame_max = 0 (no limit) is higher than the maximum allowed value (131072)",
        ),
        (
            tune_ok(2047, 131_073),
            "negotiated frame_max = 131073 is higher than the maximum allowed value (131072)",
        ),
        (tune_ok(2047, 4095), "negotiated frame_max = 4095 is lower than the minimum allowed value (4096)"),
    ] {
        let mut client = tuning(&mut world);
        client.send(&mut world, 0, &ok);
        client.expect_connection_close(530, &format!("NOT_ALLOWED - {text}"));
    }
}

#[test]
fn a_vhost_must_be_there_and_admit_the_user() {
    let mut world = World::new();
    let mut client = tuning(&mut world);
    client.send(&mut world, 0, &tune_ok(10, 4096));
    client.send(&mut world, 0, &open("nowhere"));
    client.expect_connection_close(530, "NOT_ALLOWED - vhost nowhere not found");

    let mut stranger = started(&mut world);
    stranger.start_ok(&mut world, "PLAIN", b"\0stranger\0stranger");
    stranger.next_frame();
    stranger.send(&mut world, 0, &tune_ok(10, 4096));
    stranger.send(&mut world, 0, &open("/"));
    stranger.expect_connection_close(530, "NOT_ALLOWED - access to vhost '/' refused for user 'stranger'");
}

#[test]
fn limits_of_connections_and_channels_are_kept() {
    let mut world = World::new();
    let limits = VhostLimits { max_connections: Some(3), ..VhostLimits::default() };
    world.change(|catalog| catalog.set_vhost_limits("/", limits)).0.unwrap();
    world.beside.connections_of_vhost = 3;
    let mut client = tuning(&mut world);
    client.send(&mut world, 0, &tune_ok(10, 4096));
    client.send(&mut world, 0, &open("/"));
    client.expect_connection_close(
        530,
        "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (3) is reached",
    );

    world.beside.connections_of_vhost = 2;
    let mut client = tuning(&mut world);
    client.send(&mut world, 0, &tune_ok(1, 4096));
    client.send(&mut world, 0, &open("/"));
    client.expect(0, &connection::OpenOk { known_hosts: "" });
    client.channel(&mut world, 1);
    client.send(&mut world, 2, &channel::Open { out_of_band: "" });
    let text = "NOT_ALLOWED - number of channels opened (1) has reached the negotiated channel_max (1)";
    client.expect_connection_close(530, text);
}

#[test]
fn a_handshake_that_takes_too_long_is_cut_off() {
    let mut world = World::new();
    let mut client = started(&mut world);
    let due = client.door.next_tick().unwrap();
    assert_eq!(due, world.now.plus_ms(10_000));
    client.door.tick(world.now.plus_ms(9_999));
    assert_eq!(client.door.state(), State::Handshake);
    client.door.tick(due);
    assert_eq!(client.door.state(), State::Closed);
    assert_eq!(client.door.next_tick(), None);
}

#[test]
fn methods_out_of_order_close_the_connection() {
    let mut world = World::new();
    let mut client = tuning(&mut world);
    client.send(&mut world, 0, &open("/"));
    client.expect_connection_close(504, "CHANNEL_ERROR - unexpected method in connection state tuning");
    // Whoever has not logged in is told nothing.
    let mut client = started(&mut world);
    client.send(&mut world, 0, &open("/"));
    client.expect_silence();
    assert_eq!(client.door.state(), State::Closing);
    let mut client = started(&mut world);
    client.send(&mut world, 1, &channel::Open { out_of_band: "" });
    client.expect_silence();
    let mut client = Client::open(&mut world);
    client.send(&mut world, 0, &basic::Ack { delivery_tag: 1, multiple: false });
    client.expect_connection_close(504, "CHANNEL_ERROR - unexpected method in connection state running");
}

#[test]
fn a_client_closes_its_connection() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.send(&mut world, 0, &close());
    client.expect(0, &connection::CloseOk {});
    assert_eq!(client.door.state(), State::Closed);
    client.expect_silence();
}

#[test]
fn the_broker_closes_a_connection_and_ignores_the_rest() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.door.shut_down();
    client.pump(&mut world);
    client.expect_connection_close(320, "CONNECTION_FORCED - broker forced connection closure");
    client.send(&mut world, 1, &basic::Qos { prefetch_size: 0, prefetch_count: 1, global: false });
    client.send(&mut world, 0, &close());
    client.expect(0, &connection::CloseOk {});
    assert_eq!(client.door.state(), State::Closing);
    client.send(&mut world, 0, &connection::CloseOk {});
    assert_eq!(client.door.state(), State::Closed);
    client.expect_silence();
}

#[test]
fn a_client_that_does_not_answer_a_close_is_cut_off() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.door.shut_down();
    let due = client.door.next_tick().unwrap();
    client.door.tick(due);
    assert_eq!(client.door.state(), State::Closed);
}

#[test]
fn channels_open_and_close() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 7);
    client.send(&mut world, 7, &channel::Flow { active: true });
    client.expect(7, &channel::FlowOk { active: true });
    let request = access::Request {
        realm: "/data",
        exclusive: false,
        passive: true,
        active: true,
        write: true,
        read: true,
    };
    client.send(&mut world, 7, &request);
    client.expect(7, &access::RequestOk { ticket: 1 });
    client.send(
        &mut world,
        7,
        &channel::Close { reply_code: 200, reply_text: "", class_id: 0, method_id: 0 },
    );
    client.expect(7, &channel::CloseOk {});
    client.channel(&mut world, 7);
    client.send(&mut world, 7, &channel::Open { out_of_band: "" });
    client.expect_connection_close(504, "CHANNEL_ERROR - second 'channel.open' seen");
}

#[test]
fn a_channel_must_be_open() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.send(&mut world, 1, &basic::Recover { requeue: true });
    client.expect_connection_close(504, "CHANNEL_ERROR - expected 'channel.open'");
}

#[test]
fn a_closed_channel_is_deaf_until_the_client_agrees() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.send(&mut world, 1, &basic::Ack { delivery_tag: 3, multiple: false });
    let text = "PRECONDITION_FAILED - unknown delivery tag 3";
    client.expect_channel_close(1, 406, text);
    let opened = Notice::Opened { user: "guest".into(), vhost: "/".into() };
    let fault = Notice::ChannelFault { channel: 1, text: text.into() };
    assert_eq!(client.door.notices(), [opened, fault]);
    assert_eq!(client.door.notices(), []);
    client.publish(&mut world, 1, "q", b"into the void");
    client.send(&mut world, 1, &basic::Qos { prefetch_size: 0, prefetch_count: 1, global: false });
    client.send(&mut world, 1, &channel::Open { out_of_band: "" });
    client.expect_silence();
    client.send(
        &mut world,
        1,
        &channel::Close { reply_code: 200, reply_text: "", class_id: 0, method_id: 0 },
    );
    client.expect(1, &channel::CloseOk {});
    client.send(&mut world, 1, &channel::CloseOk {});
    client.channel(&mut world, 1);
}

#[test]
fn what_is_not_offered_is_said_so() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.send(&mut world, 1, &channel::Flow { active: false });
    client.expect_connection_close(540, "NOT_IMPLEMENTED - active=false");
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.send(&mut world, 1, &basic::GetEmpty { cluster_id: "" });
    client.expect_connection_close(503, "COMMAND_INVALID - unimplemented method");
}

#[test]
fn an_operator_sees_the_connection() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 3);
    client.send(&mut world, 3, &basic::Qos { prefetch_size: 0, prefetch_count: 5, global: false });
    client.next_frame();
    client.queue(&mut world, 3, "q");
    client.consume(&mut world, 3, "q", "t", false);
    let overview = client.door.overview();
    assert_eq!((overview.user.as_deref(), overview.vhost.as_deref()), (Some("guest"), Some("/")));
    assert_eq!((overview.state, overview.blocked, overview.frame_max), (State::Open, false, 131_072));
    assert!(overview.client_properties.get("capabilities").is_some());
    assert_eq!(overview.channels.len(), 1);
    assert_eq!((overview.channels[0].number, overview.channels[0].prefetch), (3, 5));
    let consumer = &overview.channels[0].consumers[0];
    assert_eq!((&*consumer.tag, consumer.acks, consumer.exclusive, consumer.prefetch), ("t", true, false, 5));
}

#[test]
fn whoever_was_asked_to_go_is_sent_nothing_more() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.queue(&mut world, 1, "q");
    client.confirms(&mut world, 1);
    client.consume(&mut world, 1, "q", "t", false);
    client.stalled = true;
    client.publish(&mut world, 1, "q", b"one");
    client.door.shut_down();
    let mut other = Client::open(&mut world);
    other.channel(&mut world, 1);
    other.publish(&mut world, 1, "q", b"two");
    world.sync();
    client.stalled = false;
    client.pump(&mut world);
    client.content_of_delivery();
    client.expect_connection_close(320, "CONNECTION_FORCED - broker forced connection closure");
    client.expect_silence();
    client.lose(&mut world);
    assert_eq!((world.ready("q"), world.leases()), (2, 0));
}
