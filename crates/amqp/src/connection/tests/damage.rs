//! Bytes that no client should send: a clear error, never a panic, and nothing left behind.

use super::client::{Client, consume, declare, encoded, peer, persistent, to_queue};
use super::world::World;
use crate::codec::frame::{FRAME_END, PROTOCOL_HEADER};
use crate::codec::method::{Arguments, basic, channel, confirm, exchange, queue, tx};
use crate::codec::write_content;
use crate::connection::{DoorSettings, State};
use leveret_core::wire::{RawTable, Table};

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % sides
    }
}

#[test]
fn frames_that_cannot_be_read_end_the_connection() {
    let mut world = World::new();
    let cases: [(&[u8], u16, &str); 6] = [
        (&[9, 0, 0, 0, 0, 0, 0, 0xce], 501, "FRAME_ERROR - frame of type 9 on channel 0: unknown type"),
        (
            &[1, 0, 0, 0, 2, 0, 1, 0],
            501,
            "FRAME_ERROR - frame of type 1 on channel 0: a payload of 131073 bytes does not fit a frame of 131072",
        ),
        (
            &[1, 0, 0, 0, 0, 0, 0, 1],
            501,
            "FRAME_ERROR - frame of type 1 on channel 0: invalid frame end marker 1",
        ),
        (
            &[8, 0, 0, 0, 0, 0, 1, 0, 0xce],
            501,
            "FRAME_ERROR - frame of type 8 on channel 0: a heartbeat has no payload",
        ),
        (&[1, 0, 0, 0, 0, 0, 4, 0, 99, 0, 1, 0xce], 540, "NOT_IMPLEMENTED - unknown method 99.1"),
        (&[3, 0, 0, 0, 0, 0, 0, 0xce], 505, "UNEXPECTED_FRAME - type 3, 0 octets on channel 0"),
    ];
    for (bytes, code, text) in cases {
        let mut client = Client::open(&mut world);
        client.bytes(&mut world, bytes);
        client.expect_connection_close(code, text);
        client.bytes(&mut world, &PROTOCOL_HEADER);
        client.expect_silence();
        let due = client.door.next_tick().unwrap();
        client.door.tick(due);
        assert_eq!(client.door.state(), State::Closed);
    }
}

#[test]
fn a_frame_before_the_limits_are_agreed_must_be_small() {
    let mut world = World::new();
    let mut client = Client::unopened(&mut world, DoorSettings::default(), peer());
    client.bytes(&mut world, &PROTOCOL_HEADER);
    client.next_frame();
    client.bytes(&mut world, &[1, 0, 0, 0, 0, 0x20, 1, 0]);
    client.expect_silence();
    assert_eq!(client.door.state(), State::Closing);
}

/// Random bytes, frames of random payloads, and a real conversation with random damage.
#[test]
fn garbage_never_panics() {
    for seed in 1..=400 {
        let mut dice = Dice(seed * 0x9e37_79b9);
        let mut world = World::new();
        let mut client = Client::open(&mut world);
        client.channel(&mut world, 1);
        client.queue(&mut world, 1, "q");
        let mut bytes = match seed % 3 {
            0 => (0..2000).map(|_| dice.roll(256) as u8).collect(),
            1 => random_frames(&mut dice),
            _ => conversation(),
        };
        if seed % 3 == 2 {
            for _ in 0..1 + dice.roll(4) {
                let at = dice.roll(bytes.len());
                bytes[at] = dice.roll(256) as u8;
            }
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, left) = rest.split_at((1 + dice.roll(300)).min(rest.len()));
            client.bytes(&mut world, piece);
            if dice.roll(3) == 0 {
                world.sync();
                client.pump(&mut world);
            }
            rest = left;
        }
        client.lose(&mut world);
        assert_eq!(world.leases(), 0, "seed {seed}");
    }
}

fn random_frames(dice: &mut Dice) -> Vec<u8> {
    const CLASSES: [u8; 8] = [10, 20, 30, 40, 50, 60, 85, 90];
    let mut bytes = Vec::new();
    for _ in 0..40 {
        let length = 4 + dice.roll(40);
        bytes.extend_from_slice(&[
            [1, 1, 1, 2, 3, 8][dice.roll(6)],
            0,
            dice.roll(3) as u8,
            0,
            0,
            0,
            length as u8,
        ]);
        bytes.extend_from_slice(&[
            0,
            CLASSES[dice.roll(CLASSES.len())],
            0,
            (dice.roll(13) * 10 + dice.roll(2)) as u8,
        ]);
        bytes.extend((4..length).map(|_| [0, 0, 1, 2, dice.roll(256)][dice.roll(5)] as u8));
        bytes.push(FRAME_END);
    }
    bytes
}

fn conversation() -> Vec<u8> {
    let mut bytes = Vec::new();
    let out = &mut bytes;
    confirm::Select { nowait: false }.write_frame(1, out);
    declare("other", &Table::new()).method().write_frame(1, out);
    let arguments = RawTable::default();
    let bind = queue::Bind {
        ticket: 0,
        queue: "q",
        exchange: "amq.topic",
        routing_key: "#",
        nowait: false,
        arguments,
    };
    bind.write_frame(1, out);
    consume("q", "t", false).write_frame(1, out);
    for size in [0, 10, 100, 1000] {
        write_content(out, 1, 128, &to_queue("q"), &encoded(&persistent()), &vec![7; size]);
    }
    basic::Ack { delivery_tag: 1, multiple: false }.write_frame(1, out);
    basic::Nack { delivery_tag: 0, multiple: true, requeue: true }.write_frame(1, out);
    channel::Open { out_of_band: "" }.write_frame(2, out);
    tx::Select {}.write_frame(2, out);
    write_content(out, 2, 0, &to_queue("other"), &encoded(&persistent()), b"body");
    tx::Commit {}.write_frame(2, out);
    basic::Get { ticket: 0, queue: "other", no_ack: false }.write_frame(2, out);
    basic::Ack { delivery_tag: 1, multiple: true }.write_frame(2, out);
    tx::Rollback {}.write_frame(2, out);
    basic::Cancel { consumer_tag: "t", nowait: false }.write_frame(1, out);
    exchange::Delete { ticket: 0, exchange: "x", if_unused: false, nowait: false }.write_frame(1, out);
    queue::Purge { ticket: 0, queue: "q", nowait: false }.write_frame(1, out);
    channel::Close { reply_code: 200, reply_text: "", class_id: 0, method_id: 0 }.write_frame(1, out);
    bytes
}
