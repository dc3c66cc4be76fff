//! How a method's arguments are laid out, one after the other, by their type.
//!
//! | declared as | the specification's | on the wire |
//! |---|---|---|
//! | `u8`, `u16`, `u32`, `u64` | octet, short, long, longlong | big-endian |
//! | `bool` | bit | one bit of an octet; bits that follow each other share octets, lowest first |
//! | `&str` | shortstr | an octet with the length, then UTF-8 |
//! | `&[u8]` | longstr | 32 bits with the length, then any bytes |
//! | [`RawTable`] | table | 32 bits with the length, then the entries |

use leveret_core::wire::{RawTable, Reader, ShortStr, WireError};

use super::{MethodError, MethodFault};

/// Reads the arguments of one method in turn, and names the one that fails.
pub struct ArgumentReader<'a> {
    class_id: u16,
    method_id: u16,
    values: Reader<'a>,
    bits: Bits,
}

/// The octet that is being taken apart into bits: `next` is the mask of the next bit, 0 for none.
#[derive(Default)]
struct Bits {
    octet: u8,
    next: u8,
}

impl<'a> ArgumentReader<'a> {
    /// Starts at the first argument of that method.
    pub(super) fn new(class_id: u16, method_id: u16, values: Reader<'a>) -> Self {
        Self { class_id, method_id, values, bits: Bits::default() }
    }

    /// Takes the next argument, whose name is for the error.
    #[inline]
    pub(super) fn argument<T: Argument<'a>>(&mut self, name: &'static str) -> Result<T, MethodError> {
        T::read(self).map_err(|fault| match fault {
            ArgumentFault::Wire(cause) => self.error(MethodFault::Malformed { argument: name, cause }),
            ArgumentFault::NotUtf8 => self.error(MethodFault::NotUtf8 { argument: name }),
        })
    }

    /// Fails unless all bytes were arguments.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), MethodError> {
        match self.values.rest().len() {
            0 => Ok(()),
            bytes => Err(self.error(MethodFault::TrailingBytes { bytes })),
        }
    }

    fn error(&self, fault: MethodFault) -> MethodError {
        MethodError { class_id: self.class_id, method_id: self.method_id, fault }
    }

    /// Where the values are, for an argument that is not a bit and so ends a run of bits.
    #[inline]
    fn values(&mut self) -> &mut Reader<'a> {
        self.bits.next = 0;
        &mut self.values
    }

    #[inline]
    fn bit(&mut self) -> Result<bool, WireError> {
        if self.bits.next == 0 {
            self.bits = Bits { octet: self.values.octet()?, next: 1 };
        }
        let set = self.bits.octet & self.bits.next != 0;
        self.bits.next <<= 1;
        Ok(set)
    }
}

/// Appends the arguments of one method in turn.
pub struct ArgumentWriter<'o> {
    out: &'o mut Vec<u8>,
    /// The mask of the next bit in the last octet, 0 if the next bit needs an octet of its own.
    next_bit: u8,
}

impl<'o> ArgumentWriter<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, next_bit: 0 }
    }

    /// Appends the next argument.
    #[inline]
    pub(super) fn argument<'a>(&mut self, argument: &impl Argument<'a>) {
        argument.write(self);
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.next_bit = 0;
        self.out.extend_from_slice(bytes);
    }

    #[inline]
    fn bit(&mut self, set: bool) {
        if self.next_bit == 0 {
            self.out.push(0);
            self.next_bit = 1;
        }
        if let (true, Some(octet)) = (set, self.out.last_mut()) {
            *octet |= self.next_bit;
        }
        self.next_bit <<= 1;
    }
}

/// A type that an argument can be declared as.
pub trait Argument<'a>: Sized {
    /// Takes one from the front.
    fn read(reader: &mut ArgumentReader<'a>) -> Result<Self, ArgumentFault>;

    /// Appends it.
    fn write(&self, writer: &mut ArgumentWriter<'_>);
}

/// Why an argument cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentFault {
    /// It is cut short, or it is a malformed table.
    Wire(WireError),
    /// RabbitMQ refuses names that are not UTF-8 wherever it looks, which is not in basic.publish; here
    /// they are text everywhere.
    NotUtf8,
}

impl From<WireError> for ArgumentFault {
    fn from(cause: WireError) -> Self {
        Self::Wire(cause)
    }
}

/// Integers are their big-endian bytes.
macro_rules! integer_argument {
    ($($type:ty),*) => {$(
        impl Argument<'_> for $type {
            #[inline]
            fn read(reader: &mut ArgumentReader<'_>) -> Result<Self, ArgumentFault> {
                Ok(Self::from_be_bytes(reader.values().array()?))
            }

            #[inline]
            fn write(&self, writer: &mut ArgumentWriter<'_>) {
                writer.bytes(&self.to_be_bytes());
            }
        }
    )*};
}

integer_argument!(u8, u16, u32, u64);

impl Argument<'_> for bool {
    #[inline]
    fn read(reader: &mut ArgumentReader<'_>) -> Result<Self, ArgumentFault> {
        Ok(reader.bit()?)
    }

    #[inline]
    fn write(&self, writer: &mut ArgumentWriter<'_>) {
        writer.bit(*self);
    }
}

impl<'a> Argument<'a> for &'a str {
    #[inline]
    fn read(reader: &mut ArgumentReader<'a>) -> Result<Self, ArgumentFault> {
        std::str::from_utf8(reader.values().short_str()?).map_err(|_| ArgumentFault::NotUtf8)
    }

    #[inline]
    fn write(&self, writer: &mut ArgumentWriter<'_>) {
        let text = if self.len() > ShortStr::MAX_BYTES { cut(self) } else { self };
        writer.bytes(&[text.len() as u8]);
        writer.bytes(text.as_bytes());
    }
}

impl<'a> Argument<'a> for &'a [u8] {
    #[inline]
    fn read(reader: &mut ArgumentReader<'a>) -> Result<Self, ArgumentFault> {
        Ok(reader.values().long_str()?)
    }

    #[inline]
    fn write(&self, writer: &mut ArgumentWriter<'_>) {
        writer.bytes(&(self.len() as u32).to_be_bytes());
        writer.bytes(self);
    }
}

impl<'a> Argument<'a> for RawTable<'a> {
    #[inline]
    fn read(reader: &mut ArgumentReader<'a>) -> Result<Self, ArgumentFault> {
        Ok(RawTable::read(reader.values())?)
    }

    #[inline]
    fn write(&self, writer: &mut ArgumentWriter<'_>) {
        self.entries().write(writer);
    }
}

/// As much of a text as fits a short string. Names were bounded when they came in; only a reply text can
/// be longer, and RabbitMQ cuts those too.
#[cold]
fn cut(text: &str) -> &str {
    let fits = |end: &usize| text.is_char_boundary(*end);
    let end = (0..=ShortStr::MAX_BYTES).rev().find(fits).unwrap_or(0);
    &text[..end]
}
