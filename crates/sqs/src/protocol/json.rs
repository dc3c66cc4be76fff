//! JSON bodies: what AWS JSON comes in. A body is read into a tree whose size has a bound: otherwise a few bytes such as
//! `{"":0}` become hundreds in memory, before anybody has looked who sends them. The depth is bounded by `serde_json`.

use serde_core::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;

/// Values in a body, at most, those in lists and structures counted one by one. Ten messages with ten attributes each
/// are fewer than 500.
const VALUES: usize = 10_000;

/// The object that a body is.
///
/// # Errors
/// What is wrong, for people, if it is none: not JSON, not UTF-8, half of a surrogate pair, too deep, too many values,
/// something behind it.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    let left = Cell::new(VALUES);
    let mut input = serde_json::Deserializer::from_slice(body);
    let value = Tree { left: &left }.deserialize(&mut input)?;
    input.end()?;
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(Error::custom("expected an object")),
    }
}

/// Reads a value, as long as there are any left to be read.
#[derive(Clone, Copy)]
struct Tree<'a> {
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| D::Error::custom(format_args!("more than {VALUES} values")))?);
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    /// Of a name that is given twice the last counts, as in most parsers.
    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = input.next_key()? {
            fields.insert(name, input.next_value_seed(self)?);
        }
        Ok(Value::Object(fields))
    }
}
