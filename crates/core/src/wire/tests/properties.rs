//! Property lists: reading, writing back changed, and malformed ones.

use crate::wire::{HeaderEdit, Properties, RawProperties, RawValue, ShortStr, Table, Value, WireError};

/// All fourteen properties, as the specification lays them out.
const ALL: &[u8] = b"\xff\xfc\
    \x04text\x03utf\
    \x00\x00\x00\x08\x01aB\x01\x01bB\x02\
    \x02\x09\
    \x03cor\x05reply\x0560000\x02id\
    \x00\x00\x00\x00\x65\x00\x00\x00\
    \x04kind\x04user\x03app\x07cluster";

fn short(text: &'static str) -> Option<ShortStr> {
    Some(ShortStr::literal(text))
}

fn all() -> Properties {
    let header = |name, number| (ShortStr::literal(name), Value::U8(number));
    let headers: Table = [header("a", 1), header("b", 2)].into_iter().collect();
    Properties {
        content_type: short("text"),
        content_encoding: short("utf"),
        headers: Some(headers),
        delivery_mode: Some(2),
        priority: Some(9),
        correlation_id: short("cor"),
        reply_to: short("reply"),
        expiration: short("60000"),
        message_id: short("id"),
        timestamp: Some(0x6500_0000),
        kind: short("kind"),
        user_id: short("user"),
        app_id: short("app"),
        cluster_id: short("cluster"),
    }
}

fn rewritten(raw: &[u8], edits: &[HeaderEdit<'_>]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    RawProperties::parse(raw).unwrap().encode_with_headers(edits, &mut out).unwrap();
    out.split_off(6)
}

#[test]
fn all_properties_are_read_and_written_in_the_order_of_the_specification() {
    assert_eq!(Properties::decode(ALL).unwrap(), all());
    let mut encoded = Vec::new();
    all().encode(&mut encoded).unwrap();
    assert_eq!(encoded, ALL);
    assert_eq!(rewritten(ALL, &[]), ALL);
}

#[test]
fn each_flag_alone_names_its_property() {
    for index in 0..14 {
        let value: &[u8] = match index {
            2 => b"\0\0\0\0",
            3 | 4 => b"\x02",
            9 => b"\0\0\0\0\0\0\0\x01",
            _ => b"\x01a",
        };
        let flags = 0x8000u16 >> index;
        let raw = [flags.to_be_bytes().as_slice(), value].concat();
        assert_eq!(rewritten(&raw, &[]), raw);
        let mut owned = Vec::new();
        Properties::decode(&raw).unwrap().encode(&mut owned).unwrap();
        assert_eq!(owned, raw);
    }
}

#[test]
fn the_common_lists_are_read() {
    assert_eq!(RawProperties::parse(b"\x00\x00"), Ok(RawProperties::default()));
    let persistent = RawProperties::parse(b"\x10\x00\x02").unwrap();
    assert!(persistent.is_persistent());
    assert!(!RawProperties::parse(b"\x10\x00\x01").unwrap().is_persistent());
}

#[test]
fn texts_need_not_be_text() {
    let raw = b"\x04\x00\x02\xff\xfe";
    assert_eq!(RawProperties::parse(raw).unwrap().correlation_id, Some(b"\xff\xfe".as_slice()));
    assert_eq!(Properties::decode(raw).unwrap().correlation_id.unwrap().as_str(), None);
    assert_eq!(rewritten(raw, &[]), raw);
}

#[test]
fn headers_are_set_and_removed_and_all_else_stays() {
    let count = Value::I64(3);
    let edits = [HeaderEdit::Remove("a"), HeaderEdit::Set("n", &count), HeaderEdit::Remove("absent")];
    let out = rewritten(ALL, &edits);
    let parsed = RawProperties::parse(&out).unwrap();
    assert_eq!(parsed.header("a"), None);
    assert_eq!(parsed.header("b"), Some(RawValue::U8(2)));
    assert_eq!(parsed.header("n"), Some(RawValue::I64(3)));

    let mut owned = Properties::decode(&out).unwrap();
    owned.headers = all().headers;
    assert_eq!(owned, all());
}

#[test]
fn an_entry_that_no_edit_names_keeps_even_an_unusual_encoding() {
    // `L`, and a truth value that is neither 0 nor 1, would both come out different from an owned table.
    let kept = b"\x01kL\x00\x00\x00\x00\x00\x00\x00\x05\x01tt\x07";
    let raw = [b"\x20\x00\x00\x00\x00\x15\x01aB\x01".as_slice(), kept, b""].concat();
    let raw = [&raw[..2], &(kept.len() as u32 + 4).to_be_bytes(), &raw[6..]].concat();
    let out = rewritten(&raw, &[HeaderEdit::Remove("a")]);
    assert_eq!(&out[6..], kept);
}

#[test]
fn setting_a_header_makes_the_table_and_removing_does_not() {
    let value = Value::Bool(true);
    assert_eq!(rewritten(b"\x10\x00\x02", &[HeaderEdit::Remove("x")]), b"\x10\x00\x02");
    assert_eq!(
        rewritten(b"\x10\x00\x02", &[HeaderEdit::Set("x", &value)]),
        b"\x30\x00\x00\x00\x00\x04\x01xt\x01\x02"
    );
}

#[test]
fn a_header_that_is_set_replaces_all_of_that_name() {
    let value = Value::U8(9);
    let raw = b"\x20\x00\x00\x00\x00\x0c\x01aB\x01\x01bB\x02\x01aB\x03";
    let out = rewritten(raw, &[HeaderEdit::Set("a", &value)]);
    assert_eq!(out, b"\x20\x00\x00\x00\x00\x08\x01bB\x02\x01aB\x09");
}

#[test]
fn other_properties_are_changed_by_changing_the_fields() {
    let mut properties = RawProperties::parse(ALL).unwrap();
    properties.expiration = None;
    properties.reply_to = Some(b"elsewhere");
    let mut out = Vec::new();
    properties.encode(&mut out).unwrap();
    let expected = Properties { expiration: None, reply_to: short("elsewhere"), ..all() };
    assert_eq!(Properties::decode(&out).unwrap(), expected);
}

#[test]
fn what_cannot_be_encoded_leaves_the_output_as_it_was() {
    let long = [b'a'; 256];
    let properties = RawProperties { app_id: Some(&long), ..RawProperties::default() };
    let mut out = b"before".to_vec();
    assert_eq!(properties.encode(&mut out), Err(WireError::ShortStrTooLong { bytes: 256 }));
    assert_eq!(out, b"before");

    let huge = Value::LongStr(vec![0; crate::limits::TABLE_BYTES]);
    let set = [HeaderEdit::Set("h", &huge)];
    let refused = RawProperties::default().encode_with_headers(&set, &mut out);
    assert!(matches!(refused, Err(WireError::TableTooLarge { .. })));
    assert_eq!(out, b"before");
}

#[test]
fn what_is_wrong_with_a_list_has_a_name() {
    let truncated = |needed, left| WireError::Truncated { needed, left };
    let cases: [(&[u8], WireError); 8] = [
        (b"", truncated(2, 0)),
        (b"\x10", truncated(2, 1)),
        (b"\x10\x00", truncated(1, 0)),
        (b"\x80\x00\x05ab", truncated(5, 2)),
        (b"\x20\x00\x00\x00\x00\x03\x01k?", WireError::UnknownFieldType(b'?')),
        (b"\x10\x00\x02\x02", WireError::TrailingBytes { bytes: 1 }),
        (b"\x00\x01", WireError::UnknownPropertyFlags(1)),
        (b"\x00\x02", WireError::UnknownPropertyFlags(2)),
    ];
    for (raw, expected) in cases {
        assert_eq!(RawProperties::parse(raw), Err(expected), "{}", raw.escape_ascii());
    }
}

/// Every single-byte change and every cut of a full list is either refused or read, and what is read
/// can be written again.
#[test]
fn damaged_lists_never_panic() {
    for position in 0..ALL.len() {
        assert!(RawProperties::parse(&ALL[..position]).is_err());
        for byte in 0..=u8::MAX {
            let mut damaged = ALL.to_vec();
            damaged[position] = byte;
            if let Ok(properties) = RawProperties::parse(&damaged) {
                let mut out = Vec::new();
                properties.encode(&mut out).unwrap();
                assert_eq!(out, damaged);
                Properties::decode(&damaged).unwrap();
            }
        }
    }
}
