//! DER, as far as keys and certificates need it (X.690): values that are walked through, and values that are put
//! together. It knows no certificate and checks no meaning.

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OBJECT_ID: u8 = 0x06;
pub const UTF8_STRING: u8 = 0x0c;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// DER values, one behind the other.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value's tag and content. `None` at the end, or if there is no whole value.
    pub fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, mut rest) = rest.split_first()?;
        let mut length = usize::from(*first);
        if length & 0x80 != 0 {
            let (bytes, after) = rest.split_at_checked(length & 0x7f)?;
            if bytes.len() > 4 {
                return None;
            }
            length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            rest = after;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    /// The next value's content, if it has this tag.
    pub fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// A value of these parts.
pub fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = vec![tag];
    if length < 0x80 {
        der.push(length as u8);
    } else {
        let bytes = trimmed(&length.to_be_bytes()).to_vec();
        der.push(0x80 | bytes.len() as u8);
        der.extend(bytes);
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

/// A number that is not negative, from its bytes, the highest first.
pub fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let bytes = trimmed(bytes);
    // The highest bit is the sign.
    let positive: &[u8] = if bytes.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    value(INTEGER, &[positive, bytes])
}

/// Whole bytes as a BIT STRING.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    const UNUSED_BITS: &[u8] = &[0];
    value(BIT_STRING, &[UNUSED_BITS, bytes])
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for (length, head) in [
            (0, &[SEQUENCE, 0][..]),
            (127, &[SEQUENCE, 127]),
            (128, &[SEQUENCE, 0x81, 128]),
            (256, &[SEQUENCE, 0x82, 1, 0]),
        ] {
            let content = vec![7; length];
            let der = value(SEQUENCE, &[&content]);
            assert_eq!(&der[..head.len()], head);
            let mut reader = Reader(&der);
            assert_eq!(reader.content(SEQUENCE), Some(&content[..]));
            assert_eq!(reader.next(), None);
        }
    }

    #[test]
    fn numbers_are_as_short_as_can_be_and_not_negative() {
        assert_eq!(unsigned(&[]), [INTEGER, 1, 0]);
        assert_eq!(unsigned(&[0, 0]), [INTEGER, 1, 0]);
        assert_eq!(unsigned(&[0, 1, 0]), [INTEGER, 2, 1, 0]);
        assert_eq!(unsigned(&[0x80]), [INTEGER, 2, 0, 0x80]);
    }

    #[test]
    fn what_is_cut_short_is_no_value() {
        let der = value(SEQUENCE, &[&[7; 300]]);
        for length in 0..der.len() {
            assert_eq!(Reader(&der[..length]).next(), None, "{length} bytes");
        }
    }
}
