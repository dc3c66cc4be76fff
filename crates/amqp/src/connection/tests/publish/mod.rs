//! Messages in: whole, in pieces, too large, refused.

mod confirm;
mod tx;

use super::client::{Client, delivery, encoded, persistent, to_queue};
use super::world::World;
use crate::codec::content::write_body;
use crate::codec::frame::{FRAME_END, FrameKind};
use crate::codec::method::{Arguments, basic};
use crate::codec::write_content;
use crate::connection::DoorSettings;
use leveret_core::wire::{Properties, ShortStr, Table, Value};

fn with_queue(world: &mut World) -> Client {
    let mut client = Client::open(world);
    client.channel(world, 1);
    client.queue(world, 1, "q");
    client
}

fn header(channel: u16, body_bytes: u64) -> Vec<u8> {
    let mut payload = vec![0, 60, 0, 0];
    payload.extend_from_slice(&body_bytes.to_be_bytes());
    payload.extend_from_slice(&[0, 0]);
    frame(FrameKind::Header, channel, &payload)
}

fn frame(kind: FrameKind, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind as u8];
    bytes.extend_from_slice(&channel.to_be_bytes());
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes.push(FRAME_END);
    bytes
}

fn publish_frame(channel: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    to_queue("q").write_frame(channel, &mut bytes);
    bytes
}

#[test]
fn a_message_comes_through_whole_or_in_pieces() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.consume(&mut world, 1, "q", "t", true);
    let body: Vec<u8> = (0..20_000u32).map(|n| n as u8).collect();
    for (tag, size) in [(1, 0), (2, 1), (3, 4088), (4, 4089), (5, 20_000)] {
        client.publish(&mut world, 1, "q", &body[..size]);
        client.expect_content(1, &delivery("t", tag, "q", false), &body[..size]);
    }
    // The same again, byte by byte.
    let mut bytes = Vec::new();
    write_content(&mut bytes, 1, 4096, &to_queue("q"), &encoded(&persistent()), &body[..10_000]);
    for byte in bytes {
        client.bytes(&mut world, &[byte]);
    }
    client.expect_content(1, &delivery("t", 6, "q", false), &body[..10_000]);
}

#[test]
fn messages_of_several_channels_may_be_interleaved() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.channel(&mut world, 2);
    let mut bytes = publish_frame(1);
    bytes.extend(publish_frame(2));
    bytes.extend(header(2, 3));
    bytes.extend(header(1, 4));
    bytes.extend(frame(FrameKind::Body, 1, b"on"));
    bytes.extend(frame(FrameKind::Body, 2, b"two"));
    bytes.extend(frame(FrameKind::Body, 1, b"e!"));
    client.bytes(&mut world, &bytes);
    client.consume(&mut world, 1, "q", "t", true);
    client.expect_content(1, &delivery("t", 1, "q", false), b"two");
    client.expect_content(1, &delivery("t", 2, "q", false), b"one!");
}

#[test]
fn contents_that_do_not_follow_the_rules_end_the_connection() {
    let mut world = World::new();
    let body = |bytes: &[u8]| frame(FrameKind::Body, 1, bytes);
    let cases = [
        (header(1, 1), 505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead"),
        (body(b"x"), 505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead"),
        (
            [publish_frame(1), body(b"x")].concat(),
            505,
            "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead",
        ),
        (
            [publish_frame(1), publish_frame(1)].concat(),
            505,
            "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead",
        ),
        (
            [publish_frame(1), header(1, 5), publish_frame(1)].concat(),
            505,
            "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
        ),
        (
            [publish_frame(1), header(1, 5), header(1, 5)].concat(),
            505,
            "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
        ),
        (
            [publish_frame(1), header(1, 2), body(b"xxx")].concat(),
            505,
            "UNEXPECTED_FRAME - content body frame exceeds remaining content size",
        ),
        (
            [publish_frame(1), frame(FrameKind::Header, 1, &[0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
                .concat(),
            505,
            "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead",
        ),
    ];
    for (bytes, code, text) in cases {
        let mut client = with_queue(&mut world);
        client.bytes(&mut world, &bytes);
        client.expect_connection_close(code, text);
    }
}

#[test]
fn a_message_that_is_too_large_closes_the_channel_only() {
    let mut world = World::new();
    let settings = DoorSettings { message_bytes: 10, ..DoorSettings::default() };
    let mut client = Client::open_with(&mut world, settings, 0);
    let text = "PRECONDITION_FAILED - message size 11 is larger than configured max size 10";
    for number in [1, 2] {
        client.channel(&mut world, number);
        let mut bytes = Vec::new();
        to_queue("q").write_frame(number, &mut bytes);
        bytes.extend(header(number, 11));
        // On the one channel in several frames, on the other in one.
        write_body(&mut bytes, number, if number == 1 { 12 } else { 0 }, b"eleven byte");
        client.bytes(&mut world, &bytes);
        client.expect_channel_close(number, 406, text);
    }
    client.channel(&mut world, 3);
    client.publish(&mut world, 3, "q", b"ten bytes!");
    client.expect_silence();
}

#[test]
fn the_memory_of_a_large_body_serves_whoever_sends_one_next() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.channel(&mut world, 2);
    client.consume(&mut world, 1, "q", "t", true);
    let mut memory = Vec::new();
    for (number, (channel, size)) in (1..).zip([(1, 300_000), (2, 280_000), (1, 20_000), (1, 300_000)]) {
        let body = vec![number as u8; size];
        let mut bytes = Vec::new();
        write_content(&mut bytes, channel, 4096, &to_queue("q"), &encoded(&persistent()), &body);
        client.bytes(&mut world, &bytes);
        client.expect_content(1, &delivery("t", number, "q", false), &body);
        memory.push(client.messages.buffers.iter().map(|buffer| buffer.as_ptr()).collect::<Vec<_>>());
    }
    // Given back and taken again, while smaller bodies stay with their channel.
    assert!(memory.iter().all(|buffers| buffers.len() == 1 && buffers == &memory[0]));
}

#[test]
fn unfinished_messages_have_a_limit() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    let piece = vec![0; 100_000];
    let mut closed = false;
    'channels: for number in 2..10 {
        client.channel(&mut world, number);
        let mut bytes = publish_frame(number);
        bytes.extend(header(number, 16 << 20));
        client.bytes(&mut world, &bytes);
        for _ in 0..160 {
            client.bytes(&mut world, &frame(FrameKind::Body, number, &piece));
            if client.door.state() != crate::connection::State::Open {
                closed = true;
                break 'channels;
            }
        }
    }
    assert!(closed);
    client.expect_connection_close(506, "RESOURCE_ERROR - more than 33554432 bytes of unfinished messages");
}

#[test]
fn what_the_broker_refuses_closes_the_channel() {
    let mut world = World::new();
    let cases = [
        (
            basic::Publish { exchange: "nowhere", ..to_queue("q") },
            persistent(),
            404,
            "NOT_FOUND - no exchange 'nowhere' in vhost '/'",
        ),
        (
            to_queue("q"),
            Properties { expiration: Some(ShortStr::literal("soon")), ..persistent() },
            406,
            "PRECONDITION_FAILED - invalid expiration 'soon'",
        ),
        (
            to_queue("q"),
            Properties { user_id: Some(ShortStr::literal("root")), ..persistent() },
            406,
            "PRECONDITION_FAILED - user_id property set to 'root' but authenticated user was 'guest'",
        ),
    ];
    for (method, properties, code, text) in cases {
        let mut client = with_queue(&mut world);
        client.publish_with(&mut world, 1, &method, &properties, b"body");
        client.expect_channel_close(1, code, text);
    }
    let mut client = with_queue(&mut world);
    let immediate = basic::Publish { immediate: true, ..to_queue("q") };
    client.publish_with(&mut world, 1, &immediate, &persistent(), b"body");
    client.expect_connection_close(540, "NOT_IMPLEMENTED - immediate=true");
}

#[test]
fn headers_come_through_and_bcc_does_not() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.queue(&mut world, 1, "copy");
    let headers: Table = [
        (ShortStr::literal("n"), Value::I64(5)),
        (ShortStr::literal("BCC"), Value::Array(vec![Value::from("copy")])),
    ]
    .into_iter()
    .collect();
    let properties = Properties { headers: Some(headers), ..persistent() };
    client.publish_with(&mut world, 1, &to_queue("q"), &properties, b"body");
    client.consume(&mut world, 1, "copy", "t", true);
    let content = client.expect_content(1, &delivery("t", 1, "q", false), b"body");
    let headers = content.properties.headers.unwrap();
    assert_eq!(headers.get("n"), Some(&Value::I64(5)));
    assert_eq!(headers.get("BCC"), None);
    assert_eq!(world.ready("q"), 1);
}

#[test]
fn properties_that_are_none_end_the_connection() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    let mut bytes = Vec::new();
    write_content(&mut bytes, 1, 0, &to_queue("q"), &[0x80, 0, 32, b'a'], b"body");
    client.bytes(&mut world, &bytes);
    let text = "malformed message properties: a value of 32 bytes is cut short after 1";
    client.expect_connection_close(502, &format!("SYNTAX_ERROR - {text}"));
}
