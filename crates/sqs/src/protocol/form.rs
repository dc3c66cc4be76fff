//! Forms and percent-encoding: what AWS's Query protocol comes in.

use std::borrow::Cow;

/// The pairs of a form or of a URL's query, decoded; `None` if an escape or a text is malformed.
pub(super) fn pairs(form: &str) -> Option<Vec<(String, String)>> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((field(name)?.into_owned(), field(value)?.into_owned()))
    };
    form.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// A form's field: `+` is a blank.
fn field(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        return percent_decoded(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned()));
    }
    percent_decoded(text)
}

/// Text without its percent escapes; `None` if one is malformed, or the result is not UTF-8.
pub fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
            decoded.push((digit(at + 1)? << 4 | digit(at + 2)?) as u8);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}
