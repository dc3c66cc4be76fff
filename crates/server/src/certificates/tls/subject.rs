//! The common name in a certificate's subject: the few steps through its DER that lead there (RFC 5280, 4.1).
//!
//! The certificate was verified by rustls before; what does not look like one here has no name.

use crate::certificates::der::{OBJECT_ID, Reader, SEQUENCE, SET};

/// `[0]`, explicit: the version of a certificate.
const VERSION: u8 = 0xa0;
/// The kinds of string whose bytes are UTF-8 or a part of it: UTF8String, PrintableString, IA5String.
const STRINGS: [u8; 3] = [0x0c, 0x13, 0x16];
/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// The last common name of the subject, the most specific one.
pub(super) fn common_name(certificate: &[u8]) -> Option<String> {
    let mut certificate = Reader(Reader(certificate).content(SEQUENCE)?);
    let mut body = Reader(certificate.content(SEQUENCE)?);
    if body.0.first() == Some(&VERSION) {
        body.next()?;
    }
    // Serial number, signature algorithm, issuer, validity.
    for _ in 0..4 {
        body.next()?;
    }
    let mut subject = Reader(body.content(SEQUENCE)?);
    let mut name = None;
    while let Some(set) = subject.content(SET) {
        let mut attributes = Reader(set);
        while let Some(attribute) = attributes.content(SEQUENCE) {
            let mut attribute = Reader(attribute);
            if attribute.content(OBJECT_ID)? == COMMON_NAME {
                let (kind, text) = attribute.next()?;
                let text = STRINGS.contains(&kind).then(|| std::str::from_utf8(text).ok()).flatten();
                name = text.map(str::to_owned).or(name);
            }
        }
    }
    name
}
