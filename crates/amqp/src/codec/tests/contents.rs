//! Contents: what is written for a message, and the fast path that reads one.

use super::samples::frame_of;
use crate::codec::method::basic;
use crate::codec::{
    ContentHeader, ContentHeaderError, Delivered, FrameKind, Published, ReplyCode, parse_frame, write_content,
};

const FRAME_MAX: u32 = 4096;
const PERSISTENT: &[u8] = b"\x10\x00\x02";

fn publish(body: &[u8], frame_max_bytes: u32) -> Vec<u8> {
    let method = basic::Publish {
        ticket: 0,
        exchange: "orders",
        routing_key: "new",
        mandatory: true,
        immediate: false,
    };
    let mut out = Vec::new();
    write_content(&mut out, 5, frame_max_bytes, &method, PERSISTENT, body);
    out
}

/// The payload sizes of the body frames that follow the first two frames.
fn body_frames(mut bytes: &[u8]) -> Vec<usize> {
    let mut sizes = Vec::new();
    while let Some(frame) = parse_frame(bytes, 0).unwrap() {
        if frame.kind == FrameKind::Body {
            sizes.push(frame.payload.len());
        }
        bytes = &bytes[frame.encoded_bytes()..];
    }
    assert!(bytes.is_empty());
    sizes
}

#[test]
fn a_delivery_is_a_method_a_header_and_a_body() {
    let deliver = basic::Deliver {
        consumer_tag: "c",
        delivery_tag: 1,
        redelivered: false,
        exchange: "",
        routing_key: "q",
    };
    let mut out = b"before".to_vec();
    write_content(&mut out, 2, FRAME_MAX, &deliver, PERSISTENT, b"hello");
    let header = b"\x02\x00\x02\0\0\0\x0f\x00\x3c\0\0\0\0\0\0\0\0\0\x05\x10\x00\x02\xce";
    let body = b"\x03\x00\x02\0\0\0\x05hello\xce";
    let expected = [b"before".as_slice(), &frame_of(&deliver, 2), header, body].concat();
    assert_eq!(out, expected);
}

#[test]
fn a_delivery_in_few_steps_is_the_same_as_any_content() {
    let names = ["", "q", &"n".repeat(86), &"n".repeat(255), &"n".repeat(300)];
    let frame_max = [0, 9, FRAME_MAX];
    for ((tag, exchange), routing_key) in
        names.iter().zip(names.iter().rev()).zip(names.iter().cycle().skip(2))
    {
        let method = basic::Deliver {
            consumer_tag: tag,
            delivery_tag: 0x0102_0304_0506_0708,
            redelivered: exchange.is_empty(),
            exchange,
            routing_key,
        };
        for body in [0, 1, 100, FRAME_MAX as usize - 8, FRAME_MAX as usize - 7] {
            for frame_max_bytes in frame_max {
                let body = vec![7; body];
                let (mut written, mut expected) = (b"before".to_vec(), b"before".to_vec());
                let delivered = Delivered { channel: 515, method, properties: PERSISTENT, body: &body };
                delivered.write(frame_max_bytes, &mut written);
                write_content(&mut expected, 515, frame_max_bytes, &method, PERSISTENT, &body);
                assert!(written == expected, "{method:?}, {} B, {frame_max_bytes}", body.len());
            }
        }
    }
}

#[test]
fn a_body_is_cut_to_the_size_of_a_frame() {
    let most = FRAME_MAX as usize - 8;
    let cases = [
        (0, vec![]),
        (1, vec![1]),
        (most, vec![most]),
        (most + 1, vec![most, 1]),
        (2 * most, vec![most, most]),
    ];
    for (bytes, sizes) in cases {
        let frames = publish(&vec![7; bytes], FRAME_MAX);
        assert_eq!(body_frames(&frames), sizes);
    }
    assert_eq!(body_frames(&publish(&[7; 100_000], 0)), [100_000]);
    assert_eq!(body_frames(&publish(&[7; 3], 8)), [1, 1, 1]);
}

#[test]
fn a_message_in_one_piece_is_read_in_one_step() {
    for body in [b"".as_slice(), b"x", &[9; 4088]] {
        let mut bytes = publish(body, FRAME_MAX);
        let encoded_bytes = bytes.len();
        bytes.extend_from_slice(b"\x01the next frame");
        let published = Published::read(&bytes, FRAME_MAX).unwrap();
        assert_eq!((published.channel, published.encoded_bytes), (5, encoded_bytes));
        assert_eq!((published.method.exchange, published.method.routing_key), ("orders", "new"));
        assert!(published.method.mandatory && !published.method.immediate);
        assert_eq!((published.properties, published.body), (PERSISTENT, body));
    }
}

#[test]
fn anything_else_is_left_to_the_general_path() {
    let whole = publish(b"hello", FRAME_MAX);
    for length in 0..whole.len() {
        assert_eq!(Published::read(&whole[..length], FRAME_MAX), None);
    }
    assert_eq!(Published::read(&publish(&[7; 5000], FRAME_MAX), FRAME_MAX), None);
    let ack = frame_of(&basic::Ack { delivery_tag: 1, multiple: false }, 5);
    assert_eq!(Published::read(&ack, FRAME_MAX), None);

    // No frame may be larger than was agreed, be it the method's, the header's or the body's.
    let frames = [publish(b"", FRAME_MAX), publish(&[7; 100], FRAME_MAX)];
    for (whole, longest) in frames.iter().zip([4 + 2 + 7 + 4 + 1, 100]) {
        assert_eq!(Published::read(whole, longest - 1), None);
        assert!(Published::read(whole, longest).is_some());
        assert!(Published::read(whole, 0).is_some());
    }

    // Each frame's kind, channel, end and size, and what the header says, all have to fit together.
    let header = whole.iter().position(|octet| *octet == 0xce).unwrap() + 1;
    let body = whole.len() - 13;
    for position in [0, 2, 6, header - 1, header, header + 2, header + 6, header + 18, body, body + 2] {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x04;
        assert_eq!(Published::read(&damaged, FRAME_MAX), None, "byte {position}");
    }
}

#[test]
fn a_header_that_cannot_be_read_says_why() {
    let read = ContentHeader::read(b"\x00\x3c\0\0\0\0\0\0\0\0\x01\x00\x10\x00\x02");
    assert_eq!(read, Ok(ContentHeader { body_bytes: 256, properties: PERSISTENT }));
    let cases: [(&[u8], ContentHeaderError, ReplyCode); 3] = [
        (b"\x00\x3c\0\0\0", ContentHeaderError::Truncated { bytes: 5 }, ReplyCode::FrameError),
        (
            b"\x00\x32\0\0\0\0\0\0\0\0\0\0",
            ContentHeaderError::Class { class_id: 50 },
            ReplyCode::UnexpectedFrame,
        ),
        (
            b"\x00\x3c\0\x01\0\0\0\0\0\0\0\0",
            ContentHeaderError::Weight { weight: 1 },
            ReplyCode::UnexpectedFrame,
        ),
    ];
    for (payload, error, code) in cases {
        assert_eq!(ContentHeader::read(payload), Err(error));
        assert_eq!(error.reply_code(), code);
    }
}
