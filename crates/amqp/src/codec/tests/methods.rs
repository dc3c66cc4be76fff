//! Methods: round trips, layouts written out by hand, and malformed arguments.

use super::samples::{all_methods, frame_of};
use crate::codec::method::{MethodFault, access, basic, channel, confirm, connection, exchange, queue, tx};
use crate::codec::{Method, MethodError, ReplyCode, parse_frame};
use leveret_core::wire::{RawTable, WireError};

/// The payload of the frame that a method is written as.
fn payload_of(method: &Method<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    method.write_frame(9, &mut out);
    let frame = parse_frame(&out, 0).unwrap().unwrap();
    assert_eq!((frame.channel, frame.encoded_bytes()), (9, out.len()));
    frame.payload.to_vec()
}

#[test]
fn the_samples_are_all_methods_of_all_classes() {
    let declared = [
        (connection::CLASS_ID, connection::METHOD_IDS),
        (channel::CLASS_ID, channel::METHOD_IDS),
        (access::CLASS_ID, access::METHOD_IDS),
        (exchange::CLASS_ID, exchange::METHOD_IDS),
        (queue::CLASS_ID, queue::METHOD_IDS),
        (basic::CLASS_ID, basic::METHOD_IDS),
        (confirm::CLASS_ID, confirm::METHOD_IDS),
        (tx::CLASS_ID, tx::METHOD_IDS),
    ];
    let mut declared: Vec<(u16, u16)> =
        declared.iter().flat_map(|(class, ids)| ids.iter().map(|id| (*class, *id))).collect();
    let mut sampled: Vec<(u16, u16)> = all_methods().iter().map(Method::id).collect();
    declared.sort_unstable();
    sampled.sort_unstable();
    assert_eq!(sampled, declared);
    assert_eq!(declared.len(), 66);
}

#[test]
fn every_method_is_read_as_it_was_written() {
    for method in all_methods() {
        let payload = payload_of(&method);
        assert_eq!(Method::read(&payload), Ok(method));
        let (class_id, method_id) = method.id();
        assert_eq!(payload[..4], [class_id.to_be_bytes(), method_id.to_be_bytes()].concat());
    }
}

#[test]
fn exactly_four_methods_carry_a_content() {
    let carriers: Vec<_> = all_methods().iter().filter(|m| m.carries_content()).map(Method::id).collect();
    assert_eq!(carriers, [(60, 40), (60, 50), (60, 60), (60, 71)]);
}

#[test]
fn arguments_lie_one_after_the_other() {
    let deliver = basic::Deliver {
        consumer_tag: "c1",
        delivery_tag: 258,
        redelivered: true,
        exchange: "",
        routing_key: "key",
    };
    assert_eq!(
        frame_of(&deliver, 3),
        b"\x01\x00\x03\x00\x00\x00\x15\x00\x3c\x00\x3c\x02c1\0\0\0\0\0\0\x01\x02\x01\x00\x03key\xce"
    );
    let start_ok = connection::StartOk {
        client_properties: RawTable::parse(b"\x01kV").unwrap(),
        mechanism: "PLAIN",
        response: b"\0u\0p",
        locale: "en",
    };
    assert_eq!(
        frame_of(&start_ok, 0),
        b"\x01\0\0\0\0\0\x1c\x00\x0a\x00\x0b\0\0\0\x03\x01kV\x05PLAIN\0\0\0\x04\0u\0p\x02en\xce"
    );
}

#[test]
fn neighbouring_bits_share_an_octet_lowest_first() {
    let declare = queue::Declare {
        ticket: 0,
        queue: "q",
        passive: true,
        durable: false,
        exclusive: true,
        auto_delete: false,
        nowait: true,
        arguments: RawTable::default(),
    };
    let frame = frame_of(&declare, 1);
    assert_eq!(frame[11..], *b"\0\0\x01q\x15\0\0\0\0\xce");

    // Bits that nobody declared are ignored, as RabbitMQ does.
    let payload = b"\x00\x3c\x00\x50\0\0\0\0\0\0\0\x07\xff";
    let ack = basic::Method::Ack(basic::Ack { delivery_tag: 7, multiple: true });
    assert_eq!(Method::read(payload), Ok(Method::Basic(ack)));
}

#[test]
fn reserved_arguments_are_read_whatever_they_hold() {
    let payload = b"\x00\x0a\x00\x28\x01v\x03cap\x01";
    let open = connection::Open { virtual_host: "v", capabilities: "cap", insist: true };
    assert_eq!(Method::read(payload), Ok(Method::Connection(connection::Method::Open(open))));
    let payload = b"\x00\x3c\x00\x48\x01x";
    let empty = basic::Method::GetEmpty(basic::GetEmpty { cluster_id: "x" });
    assert_eq!(Method::read(payload), Ok(Method::Basic(empty)));
}

#[test]
fn a_method_that_nobody_knows_is_not_implemented() {
    for id in [(10, 99), (11, 10), (40, 41), (60, 0), (0, 0), (0xffff, 0xffff)] {
        let payload = [u16::to_be_bytes(id.0), u16::to_be_bytes(id.1)].concat();
        let error = Method::read(&payload).unwrap_err();
        assert_eq!((error.class_id, error.method_id), id);
        assert_eq!(error.fault, MethodFault::UnknownMethod);
        assert_eq!(error.reply_code(), ReplyCode::NotImplemented);
    }
    let unnamed = Method::read(b"\x00\x0a\x00").unwrap_err();
    assert_eq!((unnamed.fault, unnamed.reply_code()), (MethodFault::NoId, ReplyCode::FrameError));
}

#[test]
fn every_method_that_is_cut_or_too_long_is_a_syntax_error() {
    for method in all_methods() {
        let mut payload = payload_of(&method);
        for length in 4..payload.len() {
            let error = Method::read(&payload[..length]).unwrap_err();
            assert!(matches!(error.fault, MethodFault::Malformed { .. }), "{error} in {method:?}");
            assert_eq!(error.reply_code(), ReplyCode::SyntaxError);
        }
        payload.push(0);
        let error = Method::read(&payload).unwrap_err();
        assert_eq!(error.fault, MethodFault::TrailingBytes { bytes: 1 }, "{method:?}");
    }
}

#[test]
fn an_error_names_the_argument_and_the_cause() {
    let error = |fault| Err(MethodError { class_id: 50, method_id: 10, fault });
    let not_utf8 = Method::read(b"\x00\x32\x00\x0a\0\0\x01\xff\0\0\0\0\0");
    assert_eq!(not_utf8, error(MethodFault::NotUtf8 { argument: "queue" }));
    let bad_table = Method::read(b"\x00\x32\x00\x0a\0\0\x01q\0\0\0\0\x03\x01k?");
    let cause = WireError::UnknownFieldType(b'?');
    assert_eq!(bad_table, error(MethodFault::Malformed { argument: "arguments", cause }));
    assert_eq!(
        bad_table.unwrap_err().to_string(),
        "malformed arguments in method 50.10: unknown field type 0x3f"
    );
}

#[test]
fn a_reply_text_that_is_too_long_is_cut_between_characters() {
    let reply_text = "ä".repeat(200);
    let close = connection::Close { reply_code: 541, reply_text: &reply_text, class_id: 0, method_id: 0 };
    let frame = frame_of(&close, 0);
    let payload = parse_frame(&frame, 0).unwrap().unwrap().payload;
    let cut = connection::Close { reply_text: &reply_text[..254], ..close };
    assert_eq!(Method::read(payload), Ok(Method::Connection(connection::Method::Close(cut))));
}

#[test]
fn reply_codes_have_the_numbers_and_reach_of_the_specification() {
    use crate::codec::reply_code::Severity;
    for code in ReplyCode::ALL {
        assert_eq!(ReplyCode::from_code(code.code()), Some(*code));
        let soft = [311, 312, 313, 403, 404, 405, 406].contains(&code.code());
        assert_eq!(code.severity() == Severity::Channel, soft, "{code}");
    }
    assert_eq!(ReplyCode::from_code(200), Some(ReplyCode::Success));
    assert_eq!(ReplyCode::from_code(999), None);
    assert_eq!(ReplyCode::NotFound.to_string(), "NOT_FOUND");
}
