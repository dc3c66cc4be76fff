//! Frames and the opening of a connection.

use crate::codec::frame::{FrameFault, HEARTBEAT, Opening, PROTOCOL_HEADER, check_opening, parse_frame};
use crate::codec::{Frame, FrameError, FrameKind, ReplyCode};

#[test]
fn only_the_header_of_0_9_1_and_of_0_9_opens_a_connection() {
    assert_eq!(check_opening(b"AMQP\x00\x00\x09\x01"), Opening::Amqp);
    assert_eq!(check_opening(b"AMQP\x01\x01\x00\x09"), Opening::Amqp);
    assert_eq!(check_opening(b"AMQP\x00\x00\x09\x01\x01\x00"), Opening::Amqp);
    for length in 0..PROTOCOL_HEADER.len() {
        assert_eq!(check_opening(&PROTOCOL_HEADER[..length]), Opening::Incomplete);
    }
    // AMQP 1.0 with and without SASL, AMQP 0-8, HTTP, TLS, and a beginning that cannot become right.
    let others: [&[u8]; 6] = [
        b"AMQP\x03\x01\x00\x00",
        b"AMQP\x00\x01\x00\x00",
        b"AMQP\x01\x01\x08\x00",
        b"GET / HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01",
        b"AMQX",
    ];
    for other in others {
        assert_eq!(check_opening(other), Opening::Refused, "{}", other.escape_ascii());
    }
}

#[test]
fn a_frame_is_read_once_it_is_whole() {
    let bytes = b"\x03\x01\x02\x00\x00\x00\x03abc\xce\x08";
    for length in 0..11 {
        assert_eq!(parse_frame(&bytes[..length], 4096), Ok(None));
    }
    let frame = Frame { kind: FrameKind::Body, channel: 0x0102, payload: b"abc" };
    assert_eq!(parse_frame(bytes, 4096), Ok(Some(frame)));
    assert_eq!(frame.encoded_bytes(), 11);

    let heartbeat = Frame { kind: FrameKind::Heartbeat, channel: 0, payload: b"" };
    assert_eq!(parse_frame(&HEARTBEAT, 4096), Ok(Some(heartbeat)));
}

#[test]
fn what_is_wrong_with_a_frame_has_a_name_and_closes_with_501() {
    let too_large = FrameFault::TooLarge { payload_bytes: 4097, frame_max_bytes: 4096 };
    let cases: [(&[u8], FrameFault); 5] = [
        (b"\x03\x00\x01\x00\x00\x00\x01a\xcd", FrameFault::BadEnd { octet: 0xcd }),
        (b"\x04\x00\x01\x00\x00\x00\x01", FrameFault::UnknownKind),
        (b"\x00\x00\x01\x00\x00\x00\x01", FrameFault::UnknownKind),
        (b"\x03\x00\x01\x00\x00\x10\x01", too_large),
        (b"\x08\x00\x01\x00\x00\x00\x01", FrameFault::HeartbeatWithPayload),
    ];
    for (bytes, fault) in cases {
        let error = parse_frame(bytes, 4096).unwrap_err();
        assert_eq!(error, FrameError { kind: bytes[0], channel: 1, fault });
        assert_eq!(error.reply_code(), ReplyCode::FrameError);
    }
}

#[test]
fn the_limit_is_on_the_payload_and_zero_is_none() {
    assert_eq!(parse_frame(b"\x03\x00\x01\x00\x00\x10\x00", 4096), Ok(None));
    assert_eq!(parse_frame(b"\x03\x00\x01\xff\xff\xff\xff", 0), Ok(None));
}
