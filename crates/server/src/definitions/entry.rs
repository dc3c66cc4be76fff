//! One entry of a definitions file: reads its fields, and says which entry it was when one is wrong.
//!
//! RabbitMQ keeps some objects as Erlang property lists, and writes those as lists of pairs: `[["max-queues", 100]]`.
//! Where it has nothing to say it writes nothing, `null`, or the word `undefined`, as its versions differ.

use super::DefinitionsError;
use leveret_core::wire::{ShortStr, Table, Value as Field};
use serde_json::Value;
use std::collections::BTreeMap;

/// How deep arguments may nest; AMQP's own limit.
const DEPTH: usize = leveret_core::limits::TABLE_DEPTH;

/// The field by which a file of one vhost names it.
const ONE_VHOST: &str = "original_vhost_name";

/// An object of the file, or the file itself.
pub(super) struct Entry<'a> {
    place: String,
    /// The vhost of entries that name none.
    home: &'a str,
    fields: Fields<'a>,
}

/// The fields of an object, by their names.
type Fields<'a> = BTreeMap<&'a str, &'a Value>;

impl<'a> Entry<'a> {
    /// The whole file.
    ///
    /// # Errors
    /// [`DefinitionsError::Shape`] if it is not an object.
    pub(super) fn file(file: &'a Value) -> Result<Entry<'a>, DefinitionsError> {
        let mut file = Entry::new("the file".into(), "/", file)?;
        file.home = file.optional_text(ONE_VHOST)?.unwrap_or(file.home);
        Ok(file)
    }

    /// The vhost of a file that describes only one.
    pub(super) fn one_vhost(&self) -> Option<Entry<'a>> {
        let name = self.said(ONE_VHOST)?;
        let mut fields = self.fields.clone();
        fields.insert("name", name);
        Some(Entry { place: "the file's vhost".into(), home: self.home, fields })
    }

    /// The entries of a list; none if it is not there.
    pub(super) fn entries(&self, list: &'static str) -> Result<Vec<Entry<'a>>, DefinitionsError> {
        let Some(value) = self.said(list) else { return Ok(Vec::new()) };
        let values = value
            .as_array()
            .ok_or_else(|| DefinitionsError::Shape { place: list.into(), expected: "a list" })?;
        let entry = |(index, value)| Entry::new(format!("{list}[{index}]"), self.home, value);
        values.iter().enumerate().map(entry).collect()
    }

    /// Which entry it is, for people.
    pub(super) fn describe(&self) -> String {
        let field = |name: &str| self.fields.get(name).and_then(|value| value.as_str());
        let name = ["name", "user", "source", "component"].into_iter().find_map(field);
        let mut text = self.place.clone();
        if let Some(name) = name {
            text.push_str(&format!(" '{name}'"));
        }
        if let Some(vhost) = field("vhost") {
            text.push_str(&format!(" in vhost '{vhost}'"));
        }
        text
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &'static str) -> Result<&'a str, DefinitionsError> {
        self.fields.get(name).and_then(|value| value.as_str()).ok_or_else(|| self.wrong(name, "a text"))
    }

    /// A text that may be missing or null. It may say `undefined`, too: a routing key can be any word.
    pub(super) fn text_or(&self, name: &'static str, default: &'a str) -> Result<&'a str, DefinitionsError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.wrong(name, "a text")),
        }
    }

    /// A text, if it is said.
    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<&'a str>, DefinitionsError> {
        self.said(name).map(|value| value.as_str().ok_or_else(|| self.wrong(name, "a text"))).transpose()
    }

    /// The vhost it belongs to; files of one vhost do not name it in their entries.
    pub(super) fn vhost(&self) -> Result<&'a str, DefinitionsError> {
        self.text_or("vhost", self.home)
    }

    /// `true` or `false`, if it is said.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, DefinitionsError> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| self.wrong(name, "true or false"));
        self.said(name).map(flag).transpose()
    }

    /// A whole number, if it is said.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<i64>, DefinitionsError> {
        let number = |value: &Value| value.as_i64().ok_or_else(|| self.wrong(name, "a whole number"));
        self.said(name).map(number).transpose()
    }

    /// A list of texts, or a text of words with commas between them, as older versions of RabbitMQ wrote tags.
    pub(super) fn words(&self, name: &'static str) -> Result<Option<Vec<&'a str>>, DefinitionsError> {
        let wrong = || self.wrong(name, "a list of texts");
        match self.said(name) {
            None => Ok(None),
            Some(Value::String(text)) => {
                Ok(Some(text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()))
            }
            Some(Value::Array(words)) => {
                words.iter().map(|word| word.as_str().ok_or_else(wrong)).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A limit: a number that is not negative, or none.
    pub(super) fn limit(&self, name: &'static str) -> Result<Option<u32>, DefinitionsError> {
        let number = self.number(name)?.filter(|number| *number >= 0);
        Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// An object in the entry as an entry of its own, if it is said.
    pub(super) fn nested(&self, name: &'static str) -> Result<Option<Entry<'a>>, DefinitionsError> {
        let place = || format!("{}, {name}", self.describe());
        let entry = |fields| Entry { place: place(), home: self.home, fields };
        Ok(self.object(name)?.map(entry))
    }

    /// The entry, and what its object of that name says where the entry itself says nothing: RabbitMQ has moved fields
    /// of vhosts into their `metadata` and back.
    pub(super) fn merged_with(&self, name: &'static str) -> Result<Entry<'a>, DefinitionsError> {
        let mut fields = self.object(name)?.unwrap_or_default();
        fields.extend(self.fields.iter().filter(|(_, value)| says(value)));
        Ok(Entry { place: self.place.clone(), home: self.home, fields })
    }

    /// An object as an AMQP table: whole numbers become signed 64-bit ones, texts long strings.
    pub(super) fn table(&self, name: &'static str) -> Result<Table, DefinitionsError> {
        let Some(object) = self.object(name)? else { return Ok(Table::new()) };
        table(object.into_iter(), DEPTH)
            .ok_or_else(|| self.wrong(name, "names of at most 255 bytes, not nested too deep"))
    }

    /// Any value, as it stands in the file.
    pub(super) fn raw(&self, name: &'static str) -> Vec<u8> {
        self.fields.get(name).map(|value| value.to_string().into_bytes()).unwrap_or_default()
    }

    /// The error for a field that is not what was expected.
    pub(super) fn wrong(&self, name: &'static str, expected: &'static str) -> DefinitionsError {
        DefinitionsError::Shape { place: format!("{}, {name}", self.describe()), expected }
    }

    fn new(place: String, home: &'a str, value: &'a Value) -> Result<Entry<'a>, DefinitionsError> {
        match value.as_object() {
            Some(object) => {
                let fields = object.iter().map(|(name, value)| (name.as_str(), value)).collect();
                Ok(Entry { place, home, fields })
            }
            None => Err(DefinitionsError::Shape { place, expected: "an object" }),
        }
    }

    /// The value of a field, unless it is one of those that say nothing.
    fn said(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).copied().filter(|value| says(value))
    }

    /// The fields of an object in the entry, if it is said.
    fn object(&self, name: &'static str) -> Result<Option<Fields<'a>>, DefinitionsError> {
        self.said(name).map(|value| fields(value).ok_or_else(|| self.wrong(name, "an object"))).transpose()
    }
}

fn says(value: &Value) -> bool {
    !value.is_null() && value != "undefined"
}

/// The fields of an object, which may be a list of pairs.
fn fields(value: &Value) -> Option<Fields<'_>> {
    match value {
        Value::Object(object) => Some(object.iter().map(|(name, value)| (name.as_str(), value)).collect()),
        Value::Array(pairs) => pairs
            .iter()
            .map(|pair| match pair.as_array()?.as_slice() {
                [Value::String(name), value] => Some((name.as_str(), value)),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn table<'v>(fields: impl Iterator<Item = (&'v str, &'v Value)>, depth: usize) -> Option<Table> {
    let depth = depth.checked_sub(1)?;
    fields.map(|(name, value)| Some((ShortStr::try_from(name).ok()?, field(value, depth)?))).collect()
}

fn field(value: &Value, depth: usize) -> Option<Field> {
    Some(match value {
        Value::Null => Field::Void,
        Value::Bool(value) => Field::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Field::I64(whole),
            None => Field::F64(number.as_f64()?),
        },
        Value::String(text) => Field::LongStr(text.as_bytes().to_vec()),
        Value::Array(values) => {
            let depth = depth.checked_sub(1)?;
            Field::Array(values.iter().map(|value| field(value, depth)).collect::<Option<_>>()?)
        }
        Value::Object(object) => {
            Field::Table(table(object.iter().map(|(name, value)| (name.as_str(), value)), depth)?)
        }
    })
}
