//! A bounded reader of big-endian values.

use super::WireError;

/// Reads AMQP's primitive types from the front of a slice. Each call either takes a whole value or
/// fails and takes nothing; none of them allocates or reads past the end.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes the next `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let Some((head, rest)) = self.rest.split_at_checked(count) else {
            return Err(WireError::Truncated { needed: count, left: self.rest.len() });
        };
        self.rest = rest;
        Ok(head)
    }

    /// Takes the next `N` bytes as an array, the form from which integers are made.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(WireError::Truncated { needed: N, left: self.rest.len() });
        };
        self.rest = rest;
        Ok(*head)
    }

    /// An octet.
    #[inline]
    pub fn octet(&mut self) -> Result<u8, WireError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// A short: 16 bits, unsigned.
    #[inline]
    pub fn short(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// A long: 32 bits, unsigned.
    #[inline]
    pub fn long(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A longlong: 64 bits, unsigned.
    #[inline]
    pub fn longlong(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// The bytes of a shortstr: an octet with the length, then as many bytes.
    #[inline]
    pub fn short_str(&mut self) -> Result<&'a [u8], WireError> {
        let mut ahead = *self;
        let length = usize::from(ahead.octet()?);
        let bytes = ahead.take(length)?;
        *self = ahead;
        Ok(bytes)
    }

    /// The bytes of a longstr, a table or an array: a long with the length, then as many bytes.
    #[inline]
    pub fn long_str(&mut self) -> Result<&'a [u8], WireError> {
        let mut ahead = *self;
        let length = ahead.long()? as usize;
        let bytes = ahead.take(length)?;
        *self = ahead;
        Ok(bytes)
    }

    /// Fails unless everything has been read.
    #[inline]
    pub fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(WireError::TrailingBytes { bytes }),
        }
    }
}
