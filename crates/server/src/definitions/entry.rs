//! One entry of a definitions file: reads its fields, and says which entry it was when one is wrong.

use super::DefinitionsError;
use leveret_core::wire::{ShortStr, Table, Value as Field};
use serde_json::{Map, Value};

/// How deep arguments may nest; AMQP's own limit.
const DEPTH: usize = leveret_core::limits::TABLE_DEPTH;

/// An object of one of the lists.
pub(super) struct Entry<'a> {
    place: String,
    fields: &'a Map<String, Value>,
}

/// The entries of a list of the file; none if the file does not have it.
pub(super) fn entries<'a>(
    file: &'a Map<String, Value>,
    list: &'static str,
) -> Result<Vec<Entry<'a>>, DefinitionsError> {
    let shape = |place: String, expected| DefinitionsError::Shape { place, expected };
    let Some(value) = file.get(list) else { return Ok(Vec::new()) };
    let values = value.as_array().ok_or_else(|| shape(list.into(), "a list"))?;
    let entry = |(index, value): (usize, &'a Value)| {
        let place = format!("{list}[{index}]");
        match value.as_object() {
            Some(fields) => Ok(Entry { place, fields }),
            None => Err(shape(place, "an object")),
        }
    };
    values.iter().enumerate().map(entry).collect()
}

impl<'a> Entry<'a> {
    /// Which entry it is, for people.
    pub(super) fn describe(&self) -> String {
        let field = |name: &str| self.fields.get(name).and_then(Value::as_str);
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
        self.fields.get(name).and_then(Value::as_str).ok_or_else(|| self.wrong(name, "a text"))
    }

    /// A text that may be missing or null.
    pub(super) fn text_or(&self, name: &'static str, default: &'a str) -> Result<&'a str, DefinitionsError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.wrong(name, "a text")),
        }
    }

    /// The vhost it belongs to; files of one vhost do not name it.
    pub(super) fn vhost(&self) -> Result<&'a str, DefinitionsError> {
        self.text_or("vhost", "/")
    }

    /// `true` or `false`; the latter if it is missing.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, DefinitionsError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(name, "true or false")),
        }
    }

    /// A whole number; 0 if it is missing.
    pub(super) fn number(&self, name: &'static str) -> Result<i64, DefinitionsError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(0),
            Some(value) => value.as_i64().ok_or_else(|| self.wrong(name, "a whole number")),
        }
    }

    /// A list of texts, or a text of words with commas between them, as older versions of RabbitMQ wrote tags.
    pub(super) fn words(&self, name: &'static str) -> Result<Vec<&'a str>, DefinitionsError> {
        let wrong = || self.wrong(name, "a list of texts");
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => {
                Ok(text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect())
            }
            Some(Value::Array(words)) => words.iter().map(|word| word.as_str().ok_or_else(wrong)).collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// A limit: a number that is not negative, or none.
    pub(super) fn limit(
        &self,
        of: Option<&Map<String, Value>>,
        name: &'static str,
    ) -> Result<Option<u32>, DefinitionsError> {
        match of.and_then(|limits| limits.get(name)) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) if number < 0 => Ok(None),
                Some(number) => Ok(Some(u32::try_from(number).unwrap_or(u32::MAX))),
                None => Err(self.wrong(name, "a whole number")),
            },
        }
    }

    /// An object in the entry, if it is there. RabbitMQ writes an empty one as `[]`.
    pub(super) fn object(
        &self,
        name: &'static str,
    ) -> Result<Option<&'a Map<String, Value>>, DefinitionsError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(empty)) if empty.is_empty() => Ok(None),
            Some(value) => value.as_object().map(Some).ok_or_else(|| self.wrong(name, "an object")),
        }
    }

    /// An object in the entry as an entry of its own.
    pub(super) fn nested(&self, name: &'static str) -> Result<Entry<'a>, DefinitionsError> {
        let fields = self.object(name)?.ok_or_else(|| self.wrong(name, "an object"))?;
        Ok(Entry { place: format!("{}, {name}", self.describe()), fields })
    }

    /// An object as an AMQP table: whole numbers become signed 64-bit ones, texts long strings.
    pub(super) fn table(&self, name: &'static str) -> Result<Table, DefinitionsError> {
        let Some(object) = self.object(name)? else { return Ok(Table::new()) };
        table(object, DEPTH)
            .ok_or_else(|| self.wrong(name, "names of at most 255 bytes, not nested too deep"))
    }

    /// Any value, as it stands in the file.
    pub(super) fn raw(&self, name: &'static str) -> Vec<u8> {
        self.fields.get(name).map(|value| value.to_string().into_bytes()).unwrap_or_default()
    }

    fn wrong(&self, name: &'static str, expected: &'static str) -> DefinitionsError {
        DefinitionsError::Shape { place: format!("{}, {name}", self.describe()), expected }
    }
}

fn table(object: &Map<String, Value>, depth: usize) -> Option<Table> {
    let depth = depth.checked_sub(1)?;
    let pair = |(name, value): (&String, &Value)| {
        Some((ShortStr::try_from(name.as_str()).ok()?, field(value, depth)?))
    };
    object.iter().map(pair).collect()
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
        Value::Object(object) => Field::Table(table(object, depth)?),
    })
}
