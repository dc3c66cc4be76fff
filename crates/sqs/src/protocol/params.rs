//! The parameters of a call, read the same way from a JSON object and from a form.

use super::ApiError;
use super::error::Code;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Entries of a list or map in a form, at most.
const FORM_ENTRIES: usize = 1_000;

/// The parameters of a call, or of an entry of a batch.
#[derive(Debug)]
pub struct Params(Source);

#[derive(Debug)]
enum Source {
    Json(Map<String, Value>),
    /// In the order of their names: `Attribute.1.Name`, `Attribute.1.Value`, ...
    Form(BTreeMap<String, String>),
}

/// A message attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, and perhaps a dot and a label.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// The value of a message attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttributeValue {
    /// That of a text, and that of a number as it was written.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Params {
    pub(super) fn json(fields: Map<String, Value>) -> Params {
        Params(Source::Json(fields))
    }

    /// Of a name that is given twice the first counts.
    pub(super) fn form(fields: Vec<(String, String)>) -> Params {
        let mut form = BTreeMap::new();
        for (name, value) in fields {
            form.entry(name).or_insert(value);
        }
        Params(Source::Form(form))
    }

    /// A text.
    ///
    /// # Errors
    /// [`Code::SERIALIZATION`] for a JSON value of another type.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match &self.0 {
            Source::Form(form) => Ok(form.get(name).map(String::as_str)),
            Source::Json(fields) => match fields.get(name) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text)),
                Some(_) => Err(wrong_type(name, "a string")),
            },
        }
    }

    /// A text that has to be there and not to be empty.
    ///
    /// # Errors
    /// As [`Params::text`], and [`Code::MISSING_PARAMETER`].
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| ApiError::missing(name))
    }

    /// A whole number. In JSON a text of digits does as well.
    ///
    /// # Errors
    /// [`Code::INVALID_PARAMETER`] for a text that is no number, [`Code::SERIALIZATION`] for a JSON value of another
    /// type.
    pub fn int(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let text = match &self.0 {
            Source::Form(form) => form.get(name).map(String::as_str),
            Source::Json(fields) => match fields.get(name) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text.as_str()),
                Some(value) => {
                    return value.as_i64().map(Some).ok_or_else(|| wrong_type(name, "an integer"));
                }
            },
        };
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        let parsed = text.trim().parse().map(Some);
        parsed.map_err(|_| {
            ApiError::invalid(format!(
                "Value {text} for parameter {name} is invalid. Reason: Must be an integer."
            ))
        })
    }

    /// A list of structures: in JSON by its name, in a form `QUERY_NAME.N.FIELD` or `QUERY_NAME.member.N.FIELD`.
    ///
    /// # Errors
    /// [`Code::SERIALIZATION`] for a JSON value of another type.
    pub fn list(&self, name: &str, query_name: &str) -> Result<Vec<Params>, ApiError> {
        match &self.0 {
            Source::Json(fields) => {
                let values = array(fields, name)?;
                let object = |value: &Value| match value {
                    Value::Object(fields) => Ok(Params::json(fields.clone())),
                    _ => Err(wrong_type(name, "a list of structures")),
                };
                values.iter().map(object).collect()
            }
            Source::Form(form) => {
                Ok(numbered(form, query_name).into_iter().map(|entry| Params(Source::Form(entry))).collect())
            }
        }
    }

    /// A list of texts: in a form `QUERY_NAME.N` or `QUERY_NAME.member.N`.
    ///
    /// # Errors
    /// [`Code::SERIALIZATION`] for a JSON value of another type.
    pub fn texts(&self, name: &str, query_name: &str) -> Result<Vec<String>, ApiError> {
        match &self.0 {
            Source::Json(fields) => {
                let text = |value: &Value| {
                    value.as_str().map(str::to_owned).ok_or_else(|| wrong_type(name, "a list of strings"))
                };
                array(fields, name)?.iter().map(text).collect()
            }
            Source::Form(form) => {
                let mut texts: Vec<String> =
                    numbered(form, query_name).into_iter().filter_map(|mut entry| entry.remove("")).collect();
                // A list of one may come without a number.
                if texts.is_empty() {
                    texts.extend(form.get(query_name).cloned());
                }
                Ok(texts)
            }
        }
    }

    /// A map of texts: in a form `QUERY_NAME.N.KEY` and `QUERY_NAME.N.VALUE`, with `.entry` before the number in SNS.
    ///
    /// # Errors
    /// [`Code::SERIALIZATION`] for a JSON value of another type.
    pub fn map(
        &self,
        name: &str,
        query_name: &str,
        key: &str,
        value: &str,
    ) -> Result<Vec<(String, String)>, ApiError> {
        match &self.0 {
            Source::Json(fields) => {
                let pair = |(name, value): (&String, &Value)| match value {
                    Value::String(text) => Ok((name.clone(), text.clone())),
                    // Some SDKs of old sent attributes as numbers.
                    Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
                    _ => Err(wrong_type(name, "a string")),
                };
                object(fields, name)?.into_iter().flatten().map(pair).collect()
            }
            Source::Form(form) => {
                let pair = |mut entry: BTreeMap<String, String>| {
                    Some((entry.remove(key)?, entry.remove(value).unwrap_or_default()))
                };
                Ok(numbered(form, query_name).into_iter().filter_map(pair).collect())
            }
        }
    }

    /// Message attributes, in the order of the request.
    ///
    /// # Errors
    /// [`Code::INVALID_PARAMETER`] for one without a type or a value, or with a list of values; and as
    /// [`Params::list`].
    pub fn attributes(
        &self,
        name: &str,
        query_name: &str,
    ) -> Result<Vec<(String, MessageAttribute)>, ApiError> {
        match &self.0 {
            Source::Json(fields) => {
                let attribute = |(name, value): (&String, &Value)| {
                    let fields = value.as_object().ok_or_else(|| wrong_type(name, "a structure"))?;
                    let text = |field: &str| fields.get(field).and_then(Value::as_str);
                    let lists = ["StringListValues", "BinaryListValues"];
                    let listed = lists.iter().any(|list| {
                        fields.get(*list).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
                    });
                    attribute(name, text("DataType"), text("StringValue"), text("BinaryValue"), listed)
                };
                object(fields, name)?.into_iter().flatten().map(attribute).collect()
            }
            Source::Form(form) => {
                let each = |entry: BTreeMap<String, String>| {
                    let text = |field: &str| entry.get(field).map(String::as_str);
                    let name = text("Name").unwrap_or_default();
                    attribute(
                        name,
                        text("Value.DataType"),
                        text("Value.StringValue"),
                        text("Value.BinaryValue"),
                        false,
                    )
                };
                numbered(form, query_name).into_iter().map(each).collect()
            }
        }
    }

    /// Whether the parameter is there at all, be it alone or as a list or map.
    pub fn has(&self, name: &str) -> bool {
        match &self.0 {
            Source::Json(fields) => fields.get(name).is_some_and(|value| !value.is_null()),
            Source::Form(form) => form.contains_key(name),
        }
    }
}

fn attribute(
    name: &str,
    data_type: Option<&str>,
    text: Option<&str>,
    binary: Option<&str>,
    listed: bool,
) -> Result<(String, MessageAttribute), ApiError> {
    if listed {
        return Err(ApiError::new(
            Code::UNSUPPORTED,
            "Message attribute list values in SendMessage operation are not supported.",
        ));
    }
    let data_type = data_type.unwrap_or_default().to_owned();
    let value = match (text, binary) {
        (Some(text), None) => AttributeValue::Text(text.to_owned()),
        (None, Some(binary)) => AttributeValue::Binary(STANDARD.decode(binary).map_err(|_| {
            ApiError::invalid(format!(
                "Message (user) attribute '{name}' has a binary value that is not base64."
            ))
        })?),
        (None, None) => AttributeValue::Text(String::new()),
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(format!(
                "Message (user) attribute '{name}' has more than one value."
            )));
        }
    };
    Ok((name.to_owned(), MessageAttribute { data_type, value }))
}

fn wrong_type(name: &str, expected: &str) -> ApiError {
    ApiError::new(Code::SERIALIZATION, format!("The value of {name} is not {expected}."))
}

fn array<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(wrong_type(name, "a list")),
    }
}

fn object<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(fields)) => Ok(Some(fields)),
        Some(_) => Err(wrong_type(name, "a map")),
    }
}

/// The entries `NAME.N.REST`, `NAME.member.N.REST` and `NAME.entry.N.REST` of a form, by N; what is behind N is the
/// name of a field, empty for a plain text. Gaps in the numbers do not matter.
fn numbered(form: &BTreeMap<String, String>, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut entries: BTreeMap<u32, BTreeMap<String, String>> = BTreeMap::new();
    let prefix = format!("{name}.");
    for (field, value) in form.range(prefix.clone()..) {
        let Some(rest) = field.strip_prefix(&prefix) else { break };
        let rest = rest.strip_prefix("member.").or(rest.strip_prefix("entry.")).unwrap_or(rest);
        let (number, field) = rest.split_once('.').unwrap_or((rest, ""));
        let Ok(number) = number.parse() else { continue };
        if entries.len() < FORM_ENTRIES || entries.contains_key(&number) {
            entries.entry(number).or_default().insert(field.to_owned(), value.clone());
        }
    }
    entries.into_values().collect()
}
