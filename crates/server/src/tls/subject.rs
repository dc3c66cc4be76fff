//! The common name in a certificate's subject: the few steps through its DER that lead there (RFC 5280, 4.1).
//!
//! The certificate was verified by rustls before; what does not look like one here has no name.

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
/// `[0]`, explicit: the version of a certificate.
const VERSION: u8 = 0xa0;
/// The kinds of string whose bytes are UTF-8 or a part of it: UTF8String, PrintableString, IA5String.
const STRINGS: [u8; 3] = [0x0c, 0x13, 0x16];
/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// The last common name of the subject, the most specific one.
pub(super) fn common_name(certificate: &[u8]) -> Option<String> {
    let mut certificate = Der(Der(certificate).content(SEQUENCE)?);
    let mut body = Der(certificate.content(SEQUENCE)?);
    if body.0.first() == Some(&VERSION) {
        body.next()?;
    }
    // Serial number, signature algorithm, issuer, validity.
    for _ in 0..4 {
        body.next()?;
    }
    let mut subject = Der(body.content(SEQUENCE)?);
    let mut name = None;
    while let Some(set) = subject.content(SET) {
        let mut attributes = Der(set);
        while let Some(attribute) = attributes.content(SEQUENCE) {
            let mut attribute = Der(attribute);
            if attribute.content(OBJECT_ID)? == COMMON_NAME {
                let (kind, text) = attribute.next()?;
                let text = STRINGS.contains(&kind).then(|| std::str::from_utf8(text).ok()).flatten();
                name = text.map(str::to_owned).or(name);
            }
        }
    }
    name
}

/// DER values, one behind the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
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
    fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}
