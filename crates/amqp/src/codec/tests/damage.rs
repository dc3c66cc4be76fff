//! Damaged bytes are refused or read as something else; they never panic and never read past a buffer.

use super::samples::all_methods;
use crate::codec::method::basic;
use crate::codec::{ContentHeader, FrameKind, Method, Published, parse_frame, write_content};
use leveret_core::wire::{Properties, RawProperties, Table};

const FRAME_MAX: u32 = 1 << 16;

/// How many damaged streams are read. Each takes a few microseconds.
const ROUNDS: u64 = 20_000;

/// Marsaglia's xorshift: the same seed, the same damage.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Every method as a frame, the carriers of content with one.
fn corpus() -> Vec<Vec<u8>> {
    let properties = b"\xb0\x00\x04text\0\0\0\x0b\x01kA\0\0\0\x04VB\x01V\x02";
    let frames = all_methods().into_iter().map(|method| {
        let mut out = Vec::new();
        match method {
            Method::Basic(basic::Method::Publish(publish)) => {
                write_content(&mut out, 1, FRAME_MAX, &publish, properties, b"body");
            }
            Method::Basic(basic::Method::Deliver(deliver)) => {
                write_content(&mut out, 1, 11, &deliver, properties, b"a long body");
            }
            method => method.write_frame(1, &mut out),
        }
        out
    });
    frames.collect()
}

fn damage(bytes: &mut Vec<u8>, random: &mut Xorshift) {
    for _ in 0..=random.below(4) {
        let position = random.below(bytes.len().max(1));
        match random.below(4) {
            0 => bytes.truncate(position),
            1 => bytes.insert(position.min(bytes.len()), random.next() as u8),
            _ if bytes.is_empty() => {}
            2 => bytes[position] ^= 1 << random.below(8),
            _ => bytes[position] = [0x00, 0xff, 0x7f, 0xce][random.below(4)],
        }
    }
}

/// Reads a stream as both paths of a connection do. Returns how many frames made sense.
fn read_stream(mut bytes: &[u8]) -> usize {
    let mut understood = 0;
    loop {
        assert_eq!(Published::read(bytes, FRAME_MAX), published_by_frames(bytes));
        let Ok(Some(frame)) = parse_frame(bytes, FRAME_MAX) else {
            return understood;
        };
        understood += usize::from(match frame.kind {
            FrameKind::Method => Method::read(frame.payload).inspect(read_tables).is_ok(),
            FrameKind::Header => ContentHeader::read(frame.payload).is_ok_and(|header| {
                let whole = RawProperties::parse(header.properties);
                whole.is_ok_and(|whole| Properties::try_from(whole).is_ok())
            }),
            FrameKind::Body | FrameKind::Heartbeat => true,
        });
        bytes = &bytes[frame.encoded_bytes()..];
    }
}

/// A published message in one piece, read in the way of all frames.
fn published_by_frames(bytes: &[u8]) -> Option<Published<'_>> {
    let first = parse_frame(bytes, FRAME_MAX).ok()??;
    let method = (first.kind == FrameKind::Method).then(|| Method::read(first.payload))?.ok()?;
    let Method::Basic(basic::Method::Publish(method)) = method else { return None };
    let mut rest = &bytes[first.encoded_bytes()..];
    let mut next = |kind| {
        let frame = parse_frame(rest, FRAME_MAX).ok()??;
        rest = &rest[frame.encoded_bytes()..];
        (frame.kind == kind && frame.channel == first.channel).then_some(frame.payload)
    };
    let ContentHeader { body_bytes, properties } = ContentHeader::read(next(FrameKind::Header)?).ok()?;
    let body = if body_bytes == 0 { &[] } else { next(FrameKind::Body)? };
    let encoded_bytes = bytes.len() - rest.len();
    // The header frame's own seven bytes, and the fixed twelve of a content header.
    let head = &bytes[..first.encoded_bytes() + 7 + 12 + properties.len()];
    let published = Published { channel: first.channel, method, properties, body, encoded_bytes, head };
    (body.len() as u64 == body_bytes).then_some(published)
}

/// Reads through the tables that a method may have, and writes the method again.
fn read_tables(method: &Method<'_>) {
    let arguments = match method {
        Method::Queue(crate::codec::method::queue::Method::Declare(declare)) => declare.arguments,
        Method::Basic(basic::Method::Consume(consume)) => consume.arguments,
        _ => return,
    };
    let mut again = Vec::new();
    method.write_frame(1, &mut again);
    assert_eq!(Table::decode(arguments.entries()).unwrap().len(), arguments.iter().count());
}

#[test]
fn damaged_streams_never_panic() {
    let corpus = corpus();
    let mut random = Xorshift(0x1e7e_2e70_0d15_ea5e);
    let mut understood = 0;
    for _ in 0..ROUNDS {
        let mut stream = Vec::new();
        for _ in 0..3 {
            stream.extend_from_slice(&corpus[random.below(corpus.len())]);
        }
        damage(&mut stream, &mut random);
        understood += read_stream(&stream);
    }
    // Damage that leaves nothing to read would test nothing.
    assert!(understood > ROUNDS as usize / 2, "only {understood} frames were understood");
}

#[test]
fn what_is_read_as_alike_is_what_would_be_read_alone() {
    let publish = |body: &[u8]| {
        let method = basic::Publish {
            ticket: 0,
            exchange: "e",
            routing_key: "key",
            mandatory: false,
            immediate: false,
        };
        let mut out = Vec::new();
        write_content(&mut out, 1, FRAME_MAX, &method, b"\x10\x00\x02", body);
        out
    };
    let first = publish(b"first");
    let first = Published::read(&first, FRAME_MAX).unwrap();
    let mut random = Xorshift(5);
    let mut alike = 0;
    for _ in 0..ROUNDS {
        let mut next = publish(&[b'x'; 40][..random.below(40)]);
        let length = next.len() + random.below(20);
        next.resize(length, 0xce);
        if random.below(4) > 0 {
            damage(&mut next, &mut random);
        }
        let Some(read) = first.read_alike(&next, FRAME_MAX) else { continue };
        assert_eq!(
            Published::read(&next, FRAME_MAX),
            Some(Published { head: &next[..first.head.len()], ..read })
        );
        assert_eq!((read.channel, read.method, read.properties), (1, first.method, first.properties));
        alike += 1;
    }
    assert!(alike > ROUNDS as usize / 4, "only {alike} were alike");
    let long = publish(&[7; 1000]);
    assert!(first.read_alike(&long, 1000).is_some() && first.read_alike(&long, 999).is_none());
}

#[test]
fn noise_never_panics() {
    let mut random = Xorshift(77);
    for _ in 0..ROUNDS {
        let noise: Vec<u8> = (0..random.below(64)).map(|_| random.next() as u8).collect();
        read_stream(&noise);
        let _ = Method::read(&noise);
        let _ = RawProperties::parse(&noise);
        let _ = Table::decode(&noise);
    }
}
