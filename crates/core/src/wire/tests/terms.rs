//! Values as RabbitMQ's texts show them.

use crate::wire::{ShortStr, Table, Value};

#[test]
fn numbers_and_truths_stand_bare() {
    assert_eq!(Value::I8(-3).term(), "-3");
    assert_eq!(Value::U32(7).term(), "7");
    assert_eq!(Value::Timestamp(1_700_000_000).term(), "1700000000");
    assert_eq!(Value::F64(1.0).term(), "1.0");
    assert_eq!(Value::Bool(true).term(), "true");
    assert_eq!(Value::Decimal { scale: 2, value: 314 }.term(), "{2,314}");
    assert_eq!(Value::Void.term(), "undefined");
}

#[test]
fn texts_are_binaries() {
    assert_eq!(Value::from("text").term(), r#"<<"text">>"#);
    assert_eq!(Value::Binary(vec![]).term(), r#"<<"">>"#);
}

#[test]
fn what_is_inside_has_its_type() {
    let items = Value::Array(vec![Value::I32(1), Value::from("b")]);
    assert_eq!(items.term(), r#"[{signedint,1},{longstr,<<"b">>}]"#);
    let table: Table =
        [(ShortStr::literal("k"), Value::Bool(false)), (ShortStr::literal("l"), items)].into_iter().collect();
    assert_eq!(
        Value::Table(table).term(),
        r#"[{<<"k">>,bool,false},{<<"l">>,array,[{signedint,1},{longstr,<<"b">>}]}]"#
    );
    assert_eq!(Value::Array(vec![]).term(), "[]");
}
