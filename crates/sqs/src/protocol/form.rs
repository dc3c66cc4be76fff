//! Forms and percent-encoding: what AWS's Query protocol comes in.

use std::borrow::Cow;

/// Fields of a form, at most. Ten messages with ten attributes each are fewer than 500.
const FIELDS: usize = 10_000;

/// What is wrong with a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FormError {
    /// An escape or a text is malformed.
    Malformed,
    /// More fields than a form may have.
    TooMany,
}

impl FormError {
    /// What is wrong, for people.
    pub(super) fn text(self) -> String {
        match self {
            FormError::Malformed => "The form of the request is not percent-encoded UTF-8.".to_owned(),
            FormError::TooMany => format!("The form of the request has more than {FIELDS} fields."),
        }
    }
}

/// Adds the pairs of a form or of a URL's query, decoded, to those that are there.
///
/// # Errors
/// [`FormError`].
pub(super) fn add_pairs(pairs: &mut Vec<(String, String)>, form: &[u8]) -> Result<(), FormError> {
    let form = std::str::from_utf8(form).map_err(|_| FormError::Malformed)?;
    for part in form.split('&').filter(|part| !part.is_empty()) {
        if pairs.len() == FIELDS {
            return Err(FormError::TooMany);
        }
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((field(name)?, field(value)?));
    }
    Ok(())
}

/// A form's field: `+` is a blank.
fn field(text: &str) -> Result<String, FormError> {
    let blanks = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_decoded(&blanks).map(Cow::into_owned).ok_or(FormError::Malformed)
}

/// Text without its percent escapes; `None` if one is malformed, or the result is not UTF-8.
pub fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut parts = text.as_bytes().split(|byte| *byte == b'%');
    decoded.extend_from_slice(parts.next()?);
    for part in parts {
        let ([high, low], plain) = part.split_first_chunk()?;
        let digit = |digit: u8| char::from(digit).to_digit(16);
        decoded.push((digit(*high)? << 4 | digit(*low)?) as u8);
        decoded.extend_from_slice(plain);
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// Percent-encodes all but RFC 3986's unreserved characters, with upper-case digits.
pub(crate) fn percent_encode(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*byte),
            _ => out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
        }
    }
}
