//! Field tables as slices of the bytes they came in.
//!
//! A [`RawTable`] is checked once, whole, when it is made; reading it afterwards cannot fail and
//! allocates nothing. The types and their tags are those that RabbitMQ sends and accepts, which differ
//! from the specification's table of them: `s` is a 16-bit integer, and both `l` and `L` are signed.

use super::{Reader, WireError};
use crate::limits::{TABLE_BYTES, TABLE_DEPTH};

/// One field's value. Strings, tables and arrays point into the bytes they came in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RawValue<'a> {
    /// `t`
    Bool(bool),
    /// `b`
    I8(i8),
    /// `B`
    U8(u8),
    /// `s`
    I16(i16),
    /// `u`
    U16(u16),
    /// `I`
    I32(i32),
    /// `i`
    U32(u32),
    /// `l` or `L`
    I64(i64),
    /// `f`
    F32(f32),
    /// `d`
    F64(f64),
    /// `D`: `value` divided by ten to the power of `scale`.
    Decimal {
        /// How many digits stand behind the decimal point.
        scale: u8,
        /// All digits.
        value: u32,
    },
    /// `S`: text by convention, but any bytes.
    LongStr(&'a [u8]),
    /// `A`
    Array(RawArray<'a>),
    /// `T`: seconds since 1970.
    Timestamp(u64),
    /// `F`
    Table(RawTable<'a>),
    /// `V`: a field without a value.
    Void,
    /// `x`: bytes that are not text.
    Binary(&'a [u8]),
}

impl<'a> RawValue<'a> {
    /// The number, if the value is an integer of any width.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::I8(number) => Some(number.into()),
            Self::U8(number) => Some(number.into()),
            Self::I16(number) => Some(number.into()),
            Self::U16(number) => Some(number.into()),
            Self::I32(number) => Some(number.into()),
            Self::U32(number) => Some(number.into()),
            Self::I64(number) => Some(number),
            _ => None,
        }
    }

    /// The text, if the value is a long string and UTF-8.
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Self::LongStr(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The truth value, if the value is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Reads a tag and its value. What is inside a table or an array is not looked at.
    fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        Ok(match reader.octet()? {
            b't' => Self::Bool(reader.octet()? != 0),
            b'b' => Self::I8(i8::from_be_bytes(reader.array()?)),
            b'B' => Self::U8(reader.octet()?),
            b's' => Self::I16(i16::from_be_bytes(reader.array()?)),
            b'u' => Self::U16(reader.short()?),
            b'I' => Self::I32(i32::from_be_bytes(reader.array()?)),
            b'i' => Self::U32(reader.long()?),
            b'l' | b'L' => Self::I64(i64::from_be_bytes(reader.array()?)),
            b'f' => Self::F32(f32::from_be_bytes(reader.array()?)),
            b'd' => Self::F64(f64::from_be_bytes(reader.array()?)),
            b'D' => Self::Decimal { scale: reader.octet()?, value: reader.long()? },
            b'S' => Self::LongStr(reader.long_str()?),
            b'A' => Self::Array(RawArray { items: reader.long_str()? }),
            b'T' => Self::Timestamp(reader.longlong()?),
            b'F' => Self::Table(RawTable { entries: reader.long_str()? }),
            b'V' => Self::Void,
            b'x' => Self::Binary(reader.long_str()?),
            tag => return Err(WireError::UnknownFieldType(tag)),
        })
    }

    /// Checks what is inside, `levels` deep at most.
    fn check(&self, levels: usize) -> Result<(), WireError> {
        let (bytes, named) = match self {
            Self::Table(table) => (table.entries, true),
            Self::Array(array) => (array.items, false),
            _ => return Ok(()),
        };
        let levels = levels.checked_sub(1).ok_or(WireError::TooDeep)?;
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            if named {
                reader.short_str()?;
            }
            Self::read(&mut reader)?.check(levels)?;
        }
        Ok(())
    }
}

/// A whole, well-formed table: a run of named values. Names may repeat; the first one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RawTable<'a> {
    entries: &'a [u8],
}

impl<'a> RawTable<'a> {
    /// Checks the entries of a table, without its length prefix.
    pub fn parse(entries: &'a [u8]) -> Result<Self, WireError> {
        if entries.len() > TABLE_BYTES {
            return Err(WireError::TableTooLarge { bytes: entries.len() });
        }
        let table = Self { entries };
        RawValue::Table(table).check(TABLE_DEPTH)?;
        Ok(table)
    }

    /// Takes a table with its length prefix from `reader`, and checks it.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        Self::parse(reader.long_str()?)
    }

    /// The encoded entries, without the length prefix.
    pub fn entries(&self) -> &'a [u8] {
        self.entries
    }

    /// Whether the table has no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of the first entry with that name.
    pub fn get(&self, name: &str) -> Option<RawValue<'a>> {
        self.iter().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    /// Names and values, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], RawValue<'a>)> + use<'a> {
        let mut reader = Reader::new(self.entries);
        // The whole table was checked when it was made: reading stops at its end and nowhere else.
        std::iter::from_fn(move || {
            let name = reader.short_str().ok()?;
            Some((name, RawValue::read(&mut reader).ok()?))
        })
    }

    /// Names and values as [`Self::iter`] gives them, each with all the bytes of its entry.
    pub(super) fn iter_encoded(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.entries);
        std::iter::from_fn(move || {
            let before = reader.rest();
            let name = reader.short_str().ok()?;
            RawValue::read(&mut reader).ok()?;
            Some((name, &before[..before.len() - reader.rest().len()]))
        })
    }
}

/// A whole, well-formed array: a run of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RawArray<'a> {
    items: &'a [u8],
}

impl<'a> RawArray<'a> {
    /// The values, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = RawValue<'a>> + use<'a> {
        let mut reader = Reader::new(self.items);
        std::iter::from_fn(move || RawValue::read(&mut reader).ok())
    }
}

/// Looks one name up in the entries of a table that nothing has checked yet, reading no further than
/// that name. A table that is malformed before it or in its value has no such name.
pub fn find_in_table<'a>(entries: &'a [u8], name: &str) -> Option<RawValue<'a>> {
    let value = RawTable { entries }.get(name)?;
    value.check(TABLE_DEPTH).ok()?;
    Some(value)
}
