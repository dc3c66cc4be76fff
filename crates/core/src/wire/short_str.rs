//! A string that is known to fit AMQP's short string.

use std::fmt;

use super::WireError;

/// At most 255 bytes, by construction: encoding one cannot fail. The bytes need not be UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShortStr(Box<[u8]>);

impl ShortStr {
    /// The most bytes that a short string can hold.
    pub const MAX_BYTES: usize = u8::MAX as usize;

    /// Copies `bytes`, or refuses more than [`Self::MAX_BYTES`] of them.
    pub fn new(bytes: &[u8]) -> Result<Self, WireError> {
        match bytes.len() {
            0..=Self::MAX_BYTES => Ok(Self(bytes.into())),
            bytes => Err(WireError::ShortStrTooLong { bytes }),
        }
    }

    /// A name that the program itself uses, such as a header that the broker sets.
    ///
    /// # Panics
    /// If the literal has more than [`Self::MAX_BYTES`] bytes, which is a mistake in the program.
    pub fn literal(text: &'static str) -> Self {
        assert!(text.len() <= Self::MAX_BYTES, "the literal {text:?} does not fit a short string");
        Self(text.as_bytes().into())
    }

    /// The bytes, as they came in.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Appends the encoded form: an octet with the length, then the bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.0.len() as u8);
        out.extend_from_slice(&self.0);
    }
}

impl TryFrom<&str> for ShortStr {
    type Error = WireError;

    fn try_from(text: &str) -> Result<Self, WireError> {
        Self::new(text.as_bytes())
    }
}

impl TryFrom<String> for ShortStr {
    type Error = WireError;

    fn try_from(text: String) -> Result<Self, WireError> {
        match text.len() {
            0..=Self::MAX_BYTES => Ok(Self(text.into_bytes().into())),
            bytes => Err(WireError::ShortStrTooLong { bytes }),
        }
    }
}

impl fmt::Display for ShortStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

impl fmt::Debug for ShortStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
