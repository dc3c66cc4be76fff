//! Field tables that are kept, compared or built: the arguments of a queue, the x-death header.

use super::{RawTable, RawValue, ShortStr, WireError};

/// One field's value, owned. The variants are those of [`RawValue`], which says what each tag means.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
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
    /// `l`
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
    LongStr(Vec<u8>),
    /// `A`
    Array(Vec<Value>),
    /// `T`: seconds since 1970.
    Timestamp(u64),
    /// `F`
    Table(Table),
    /// `V`: a field without a value.
    Void,
    /// `x`: bytes that are not text.
    Binary(Vec<u8>),
}

impl Value {
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
    pub fn as_str(&self) -> Option<&str> {
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

    /// The items, if the value is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The table, if the value is one.
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Appends the type tag and the value.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(truth) => tagged(out, b't', &[u8::from(*truth)]),
            Self::I8(number) => tagged(out, b'b', &number.to_be_bytes()),
            Self::U8(number) => tagged(out, b'B', &number.to_be_bytes()),
            Self::I16(number) => tagged(out, b's', &number.to_be_bytes()),
            Self::U16(number) => tagged(out, b'u', &number.to_be_bytes()),
            Self::I32(number) => tagged(out, b'I', &number.to_be_bytes()),
            Self::U32(number) => tagged(out, b'i', &number.to_be_bytes()),
            Self::I64(number) => tagged(out, b'l', &number.to_be_bytes()),
            Self::F32(number) => tagged(out, b'f', &number.to_be_bytes()),
            Self::F64(number) => tagged(out, b'd', &number.to_be_bytes()),
            Self::Decimal { scale, value } => {
                tagged(out, b'D', &[*scale]);
                out.extend_from_slice(&value.to_be_bytes());
            }
            Self::LongStr(bytes) => tagged_and_sized(out, b'S', |out| out.extend_from_slice(bytes)),
            Self::Array(items) => {
                tagged_and_sized(out, b'A', |out| items.iter().for_each(|item| item.encode(out)));
            }
            Self::Timestamp(seconds) => tagged(out, b'T', &seconds.to_be_bytes()),
            Self::Table(table) => tagged_and_sized(out, b'F', |out| table.encode_entries(out)),
            Self::Void => out.push(b'V'),
            Self::Binary(bytes) => tagged_and_sized(out, b'x', |out| out.extend_from_slice(bytes)),
        }
    }
}

/// Copies the value; the nesting was bounded when the raw value was checked.
impl From<RawValue<'_>> for Value {
    fn from(raw: RawValue<'_>) -> Self {
        match raw {
            RawValue::Bool(truth) => Self::Bool(truth),
            RawValue::I8(number) => Self::I8(number),
            RawValue::U8(number) => Self::U8(number),
            RawValue::I16(number) => Self::I16(number),
            RawValue::U16(number) => Self::U16(number),
            RawValue::I32(number) => Self::I32(number),
            RawValue::U32(number) => Self::U32(number),
            RawValue::I64(number) => Self::I64(number),
            RawValue::F32(number) => Self::F32(number),
            RawValue::F64(number) => Self::F64(number),
            RawValue::Decimal { scale, value } => Self::Decimal { scale, value },
            RawValue::LongStr(bytes) => Self::LongStr(bytes.to_vec()),
            RawValue::Array(array) => Self::Array(array.iter().map(Self::from).collect()),
            RawValue::Timestamp(seconds) => Self::Timestamp(seconds),
            RawValue::Table(table) => Self::Table(table.into()),
            RawValue::Void => Self::Void,
            RawValue::Binary(bytes) => Self::Binary(bytes.to_vec()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::LongStr(text.as_bytes().to_vec())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::I64(number)
    }
}

impl From<Table> for Value {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

/// Named values in the order they were written. Tables are small: a lookup walks the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table(Vec<(ShortStr, Value)>);

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the entries of a table, without its length prefix.
    pub fn decode(entries: &[u8]) -> Result<Self, WireError> {
        Ok(RawTable::parse(entries)?.into())
    }

    /// The value of the first entry with that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key.as_bytes() == name.as_bytes()).map(|(_, value)| value)
    }

    /// Replaces the value of that name where it stands, or appends the pair.
    pub fn insert(&mut self, name: ShortStr, value: Value) {
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes every entry with that name out, and returns the first one's value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let position = self.0.iter().position(|(key, _)| key.as_bytes() == name.as_bytes())?;
        let (_, value) = self.0.remove(position);
        self.0.retain(|(key, _)| key.as_bytes() != name.as_bytes());
        Some(value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&ShortStr, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the table as a field of a method or a property list holds it: its length, then its entries.
    pub fn encode(&self, out: &mut Vec<u8>) {
        sized(out, |out| self.encode_entries(out));
    }

    /// Appends the entries without the length prefix: what [`Self::decode`] reads.
    pub fn encode_entries(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            name.encode(out);
            value.encode(out);
        }
    }
}

impl From<RawTable<'_>> for Table {
    fn from(raw: RawTable<'_>) -> Self {
        let entry = |(name, value)| {
            let name = ShortStr::new(name).expect("a name read from a table had a one-byte length");
            (name, Value::from(value))
        };
        Self(raw.iter().map(entry).collect())
    }
}

impl FromIterator<(ShortStr, Value)> for Table {
    fn from_iter<I: IntoIterator<Item = (ShortStr, Value)>>(entries: I) -> Self {
        let mut table = Self::new();
        for (name, value) in entries {
            table.insert(name, value);
        }
        table
    }
}

/// Appends a 32-bit length and what `write` appends, whose length it is.
pub(super) fn sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn tagged_and_sized(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    sized(out, write);
}
