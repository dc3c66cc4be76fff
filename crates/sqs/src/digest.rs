//! The checksums of bodies and attributes that SDKs compare with their own.

use crate::protocol::{AttributeValue, MessageAttribute};
use md5::{Digest, Md5};
use sha2::Sha256;

/// The MD5 of some bytes, in hexadecimal.
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// The MD5 of message attributes, in the order of their names: of each name, type and value with its length in front,
/// and of an octet that tells text from bytes (AWS's documented algorithm).
pub fn md5_of_attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a str, &'a MessageAttribute)>,
) -> String {
    let mut sorted: Vec<_> = attributes.into_iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut hash = Md5::new();
    for (name, attribute) in sorted {
        add(&mut hash, name.as_bytes());
        add(&mut hash, attribute.data_type.as_bytes());
        let (mark, value) = match &attribute.value {
            AttributeValue::Text(text) => (1, text.as_bytes()),
            AttributeValue::Binary(bytes) => (2, &bytes[..]),
        };
        hash.update([mark]);
        add(&mut hash, value);
    }
    hex(&hash.finalize())
}

/// The SHA-256 of some bytes, in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Half of the SHA-256 of a text: no two that anybody can find have it in common.
pub fn sha256_half(text: &str) -> u128 {
    Sha256::digest(text.as_bytes()).first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
}

fn add(hash: &mut Md5, bytes: &[u8]) {
    hash.update((bytes.len() as u32).to_be_bytes());
    hash.update(bytes);
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, data_type: &str, value: &str) -> String {
        let attribute =
            MessageAttribute { data_type: data_type.into(), value: AttributeValue::Text(value.into()) };
        md5_of_attributes([(name, &attribute)])
    }

    #[test]
    fn checksums_are_those_that_aws_answers() {
        assert_eq!(md5_hex(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(of("attr1", "Number", "99.12"), "d302007e9aa062660afc85fd0a482472");
        assert_eq!(of("MyAttribute", "String", "foobar"), "adb59cd4678ea5a855436b949cd07ab6");
    }
}
