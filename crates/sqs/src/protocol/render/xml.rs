//! An answer as XML 1.0, which any parser reads back as it was: by escapes, and without characters that XML cannot have.

use super::super::output::{Field, Item, MapValue, Output};
use super::escape;

/// Appends the fields of a structure.
pub(super) fn fields(body: &mut Vec<u8>, output: &Output) {
    for (name, field) in &output.fields {
        match field {
            Field::Text(value) => text(body, name, value),
            Field::Integer(number) => text(body, name, &number.to_string()),
            Field::Flag(flag) => text(body, name, if *flag { "true" } else { "false" }),
            Field::Structure(output) => element(body, name, |body| fields(body, output)),
            Field::List { element: one, items: all, flat: true } => items(body, one, all),
            Field::List { element: one, items: all, flat: false } => {
                element(body, name, |body| items(body, one, all));
            }
            Field::Map { entry, key, value, pairs: all, flat: true } => pairs(body, (entry, key, value), all),
            Field::Map { entry, key, value, pairs: all, flat: false } => {
                element(body, name, |body| pairs(body, (entry, key, value), all));
            }
        }
    }
}

/// Appends an element; one with nothing inside is `<name/>`, as AWS has it.
pub(super) fn element(body: &mut Vec<u8>, name: &str, inside: impl FnOnce(&mut Vec<u8>)) {
    body.push(b'<');
    body.extend_from_slice(name.as_bytes());
    body.push(b'>');
    let begin = body.len();
    inside(body);
    if body.len() == begin {
        body.truncate(begin - 1);
        body.extend_from_slice(b"/>");
        return;
    }
    close(body, name);
}

/// Appends the end of an element.
pub(super) fn close(body: &mut Vec<u8>, name: &str) {
    body.extend_from_slice(b"</");
    body.extend_from_slice(name.as_bytes());
    body.push(b'>');
}

/// Appends an element with a text.
pub(super) fn text(body: &mut Vec<u8>, name: &str, text: &str) {
    element(body, name, |body| escape::push(body, text, is_special, escaped));
}

fn items(body: &mut Vec<u8>, name: &str, items: &[Item]) {
    for item in items {
        match item {
            Item::Text(item) => text(body, name, item),
            Item::Structure(output) => element(body, name, |body| fields(body, output)),
        }
    }
}

fn pairs(body: &mut Vec<u8>, (entry, key, value): (&str, &str, &str), pairs: &[(String, MapValue)]) {
    for (name, of) in pairs {
        element(body, entry, |body| {
            text(body, key, name);
            match of {
                MapValue::Text(of) => text(body, value, of),
                MapValue::Structure(output) => element(body, value, |body| fields(body, output)),
            }
        });
    }
}

/// What has to be escaped, and what may be the beginning of a character that XML cannot have.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'&' | b'"' | 0xef) || (byte < 0x20 && byte != b'\n' && byte != b'\t')
}

fn escaped(body: &mut Vec<u8>, rest: &[u8]) -> usize {
    let (escape, taken): (&[u8], usize) = match rest {
        [b'<', ..] => (b"&lt;", 1),
        [b'>', ..] => (b"&gt;", 1),
        [b'&', ..] => (b"&amp;", 1),
        [b'"', ..] => (b"&quot;", 1),
        // A parser would make a line feed of it.
        [b'\r', ..] => (b"&#xD;", 1),
        // XML 1.0 has no way to write U+FFFE, U+FFFF and other control characters. A message cannot have them, but the
        // name of a queue that was declared over AMQP can, and so can a text that says what is wrong with a request.
        [0xef, 0xbf, 0xbe | 0xbf, ..] => ("\u{fffd}".as_bytes(), 3),
        [0xef, ..] => (&rest[..1], 1),
        _ => ("\u{fffd}".as_bytes(), 1),
    };
    body.extend_from_slice(escape);
    taken
}
