//! An answer as JSON.

use super::super::output::{Field, Item, MapValue, Output};
use super::escape;
use std::io::Write as _;

/// Appends a structure.
pub(super) fn structure(body: &mut Vec<u8>, output: &Output) {
    body.push(b'{');
    separated(body, &output.fields, |body, (name, field)| {
        text(body, name);
        body.push(b':');
        value(body, field);
    });
    body.push(b'}');
}

/// Appends a text in quotes.
pub(super) fn text(body: &mut Vec<u8>, text: &str) {
    body.push(b'"');
    escape::push(body, text, |byte| byte < 0x20 || byte == b'"' || byte == b'\\', escaped);
    body.push(b'"');
}

fn value(body: &mut Vec<u8>, field: &Field) {
    match field {
        Field::Text(value) => text(body, value),
        Field::Integer(number) => {
            let _in_memory = write!(body, "{number}");
        }
        Field::Flag(flag) => body.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Field::Structure(output) => structure(body, output),
        Field::List { items, .. } => {
            body.push(b'[');
            separated(body, items, |body, item| match item {
                Item::Text(item) => text(body, item),
                Item::Structure(output) => structure(body, output),
            });
            body.push(b']');
        }
        Field::Map { pairs, .. } => {
            body.push(b'{');
            separated(body, pairs, |body, (key, of)| {
                text(body, key);
                body.push(b':');
                match of {
                    MapValue::Text(of) => text(body, of),
                    MapValue::Structure(output) => structure(body, output),
                }
            });
            body.push(b'}');
        }
    }
}

fn separated<T>(body: &mut Vec<u8>, items: &[T], each: impl Fn(&mut Vec<u8>, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        each(body, item);
    }
}

fn escaped(body: &mut Vec<u8>, rest: &[u8]) -> usize {
    let short = match rest[0] {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        control @ 0..0x20 => {
            let _in_memory = write!(body, "\\u{control:04x}");
            return 1;
        }
        itself => itself,
    };
    body.extend_from_slice(&[b'\\', short]);
    1
}
