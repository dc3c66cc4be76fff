//! The properties that a session's last message had, and what they say: most publishers send the same ones again.

use crate::message::Traits;
use crate::wire::RawProperties;

/// Encoded properties that are compared, in bytes at most: longer ones are hardly ever the same twice.
const COMPARED_BYTES: usize = 64;

/// The last plain properties. Plain are those that depend on nothing else: they have no headers and name no user.
#[derive(Debug, Default)]
pub(in crate::broker) struct PlainProperties {
    /// As they came; empty before the first, which no properties are.
    encoded: Vec<u8>,
    traits: Traits,
}

impl PlainProperties {
    /// What these properties say, if they are the last plain ones again.
    #[inline]
    pub(super) fn traits_of(&self, encoded: &[u8]) -> Option<Traits> {
        (!encoded.is_empty() && self.encoded == encoded).then_some(self.traits)
    }

    /// Keeps properties that were checked, if they are plain.
    pub(super) fn keep(&mut self, encoded: &[u8], properties: &RawProperties<'_>, traits: Traits) {
        let is_plain = properties.headers.is_none() && properties.user_id.is_none();
        if is_plain && encoded.len() <= COMPARED_BYTES {
            self.encoded.clear();
            self.encoded.extend_from_slice(encoded);
            self.traits = traits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Properties, ShortStr, Table, Value};

    fn encoded(properties: &Properties) -> Vec<u8> {
        let mut bytes = Vec::new();
        properties.encode(&mut bytes).unwrap();
        bytes
    }

    fn kept(properties: &Properties) -> Option<Traits> {
        let bytes = encoded(properties);
        let traits = Traits { persistent: true, priority: Some(3), ..Traits::default() };
        let mut plain = PlainProperties::default();
        assert_eq!(plain.traits_of(&bytes), None);
        plain.keep(&bytes, &RawProperties::parse(&bytes).unwrap(), traits);
        assert_eq!(
            plain.traits_of(&encoded(&Properties { priority: Some(9), ..Properties::default() })),
            None
        );
        assert_eq!(plain.traits_of(&[]), None);
        plain.traits_of(&bytes)
    }

    #[test]
    fn only_what_depends_on_nothing_else_is_known_again() {
        let plain = Properties { delivery_mode: Some(2), priority: Some(3), ..Properties::default() };
        assert_eq!(kept(&plain).and_then(|traits| traits.priority), Some(3));
        let headers: Table = [(ShortStr::literal("CC"), Value::Bool(true))].into_iter().collect();
        assert_eq!(kept(&Properties { headers: Some(headers), ..plain.clone() }), None);
        assert_eq!(kept(&Properties { user_id: Some(ShortStr::literal("guest")), ..plain.clone() }), None);
        let long = ShortStr::new("x".repeat(COMPARED_BYTES).as_bytes()).unwrap();
        assert_eq!(kept(&Properties { message_id: Some(long), ..plain }), None);
    }
}
