//! Tables: the encoding against bytes written out by hand, and what happens to malformed ones.

use crate::limits::{TABLE_BYTES, TABLE_DEPTH};
use crate::wire::{RawTable, RawValue, ShortStr, Table, Value, WireError, find_in_table};

fn name(text: &'static str) -> ShortStr {
    ShortStr::literal(text)
}

/// One entry of each type, with the bytes that the specification's grammar and RabbitMQ's tags give it.
fn one_of_each() -> Vec<(Value, Vec<u8>)> {
    let nested: Table = [(name("k"), Value::Void)].into_iter().collect();
    vec![
        (Value::Bool(true), b"t\x01".to_vec()),
        (Value::I8(-2), b"b\xfe".to_vec()),
        (Value::U8(254), b"B\xfe".to_vec()),
        (Value::I16(-2), b"s\xff\xfe".to_vec()),
        (Value::U16(0xfffe), b"u\xff\xfe".to_vec()),
        (Value::I32(-2), b"I\xff\xff\xff\xfe".to_vec()),
        (Value::U32(0xffff_fffe), b"i\xff\xff\xff\xfe".to_vec()),
        (Value::I64(-2), b"l\xff\xff\xff\xff\xff\xff\xff\xfe".to_vec()),
        (Value::F32(1.5), b"f\x3f\xc0\x00\x00".to_vec()),
        (Value::F64(-1.5), b"d\xbf\xf8\x00\x00\x00\x00\x00\x00".to_vec()),
        (Value::Decimal { scale: 2, value: 314 }, b"D\x02\x00\x00\x01\x3a".to_vec()),
        (Value::LongStr(vec![0xff, 0x00]), b"S\x00\x00\x00\x02\xff\x00".to_vec()),
        (Value::Array(vec![Value::Void, Value::U8(1)]), b"A\x00\x00\x00\x03VB\x01".to_vec()),
        (Value::Timestamp(1), b"T\x00\x00\x00\x00\x00\x00\x00\x01".to_vec()),
        (Value::Table(nested), b"F\x00\x00\x00\x03\x01kV".to_vec()),
        (Value::Void, b"V".to_vec()),
        (Value::Binary(vec![7]), b"x\x00\x00\x00\x01\x07".to_vec()),
    ]
}

#[test]
fn every_type_is_encoded_and_read_back_as_rabbitmq_does() {
    for (value, bytes) in one_of_each() {
        let mut encoded = Vec::new();
        value.encode(&mut encoded);
        assert_eq!(encoded, bytes, "{value:?}");

        let entries = [b"\x01k", bytes.as_slice()].concat();
        let table = Table::decode(&entries).unwrap();
        assert_eq!(table.get("k"), Some(&value));
        let mut again = Vec::new();
        table.encode_entries(&mut again);
        assert_eq!(again, entries);
    }
}

#[test]
fn both_spellings_of_a_64_bit_integer_are_read() {
    let table = Table::decode(b"\x01kL\x00\x00\x00\x00\x00\x00\x00\x05").unwrap();
    assert_eq!(table.get("k"), Some(&Value::I64(5)));
}

#[test]
fn a_table_is_encoded_with_its_length_and_keeps_its_order() {
    let mut table = Table::new();
    table.insert(name("b"), Value::from(true));
    table.insert(name("a"), Value::from("x"));
    table.insert(name("b"), Value::from(false));
    let mut encoded = Vec::new();
    table.encode(&mut encoded);
    assert_eq!(encoded, b"\x00\x00\x00\x0c\x01bt\x00\x01aS\x00\x00\x00\x01x");
}

#[test]
fn integers_of_any_width_are_read_as_one_type() {
    use Value::{I8, I16, I32, I64, U8, U16, U32};
    for number in [I8(7), U8(7), I16(7), U16(7), I32(7), U32(7), I64(7)] {
        assert_eq!(number.as_i64(), Some(7));
        let table: Table = [(name("n"), number)].into_iter().collect();
        let mut entries = Vec::new();
        table.encode_entries(&mut entries);
        assert_eq!(find_in_table(&entries, "n").unwrap().as_i64(), Some(7));
    }
    assert_eq!(Value::from("7").as_i64(), None);
    assert_eq!(Value::Timestamp(7).as_i64(), None);
}

#[test]
fn removing_takes_all_entries_of_that_name() {
    let mut table = Table::decode(b"\x01aB\x01\x01bB\x02\x01aB\x03").unwrap();
    assert_eq!(table.remove("a"), Some(Value::U8(1)));
    assert_eq!(table.remove("a"), None);
    assert_eq!((table.len(), table.get("b")), (1, Some(&Value::U8(2))));
}

#[test]
fn names_need_not_be_text() {
    let entries = b"\x02\xff\xfeB\x01";
    let table = Table::decode(entries).unwrap();
    let mut again = Vec::new();
    table.encode_entries(&mut again);
    assert_eq!(again, entries);
}

#[test]
fn a_lazy_lookup_reads_no_further_than_the_name() {
    let entries = b"\x01aB\x05\x01b?broken from here";
    assert_eq!(find_in_table(entries, "a"), Some(RawValue::U8(5)));
    assert_eq!(find_in_table(entries, "b"), None);
    assert_eq!(find_in_table(entries, "c"), None);
    // The value itself is checked through and through before it is handed out.
    assert_eq!(find_in_table(b"\x01aA\x00\x00\x00\x01?", "a"), None);
}

#[test]
fn what_is_wrong_with_a_table_has_a_name() {
    let truncated = |needed, left| Err(WireError::Truncated { needed, left });
    let cases: [(&[u8], Result<RawTable<'_>, WireError>); 7] = [
        (b"\x05ab", truncated(5, 2)),
        (b"\x01k", truncated(1, 0)),
        (b"\x01kI\x00\x00", truncated(4, 2)),
        (b"\x01kS\x00\x00\x00\x09abc", truncated(9, 3)),
        (b"\x01kS\xff\xff\xff\xff", truncated(0xffff_ffff, 0)),
        (b"\x01k?", Err(WireError::UnknownFieldType(b'?'))),
        (b"\x01kF\x00\x00\x00\x03\x01jZ", Err(WireError::UnknownFieldType(b'Z'))),
    ];
    for (entries, expected) in cases {
        assert_eq!(RawTable::parse(entries), expected, "{}", entries.escape_ascii());
        assert_eq!(Table::decode(entries).err(), expected.err());
    }
}

/// A table that holds a table, and so on, `levels` tables in all.
fn nested(levels: usize) -> Vec<u8> {
    let mut entries = Vec::new();
    for _ in 1..levels {
        let length = (entries.len() as u32).to_be_bytes();
        entries = [b"\x01kF", length.as_slice(), &entries].concat();
    }
    entries
}

#[test]
fn nesting_is_bounded() {
    assert!(RawTable::parse(&nested(TABLE_DEPTH)).is_ok());
    assert_eq!(RawTable::parse(&nested(TABLE_DEPTH + 1)), Err(WireError::TooDeep));
    assert_eq!(RawTable::parse(&nested(10_000)), Err(WireError::TooDeep));
}

#[test]
fn size_is_bounded() {
    let mut table = Table::new();
    table.insert(name("k"), Value::LongStr(vec![0; TABLE_BYTES]));
    let mut entries = Vec::new();
    table.encode_entries(&mut entries);
    assert_eq!(RawTable::parse(&entries), Err(WireError::TableTooLarge { bytes: entries.len() }));
}

#[test]
fn a_short_string_holds_at_most_255_bytes() {
    assert!(ShortStr::new(&[b'a'; 255]).is_ok());
    assert_eq!(ShortStr::new(&[b'a'; 256]), Err(WireError::ShortStrTooLong { bytes: 256 }));
    assert_eq!(ShortStr::try_from("a".repeat(256)), Err(WireError::ShortStrTooLong { bytes: 256 }));
}
