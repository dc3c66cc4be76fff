//! The parameters of a call, read the same way from a JSON object and from a form.

use super::ApiError;
use super::error::Code;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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

impl AttributeValue {
    /// The value's bytes: those of a text in UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            AttributeValue::Text(text) => text.as_bytes(),
            AttributeValue::Binary(bytes) => bytes,
        }
    }
}

impl Params {
    /// No parameters.
    pub(crate) fn none() -> Params {
        Params(Source::Form(BTreeMap::new()))
    }

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
            Source::Json(fields) => text(fields, name),
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
    /// [`Code::INVALID_PARAMETER`] for a form's text that is no number, [`Code::SERIALIZATION`] for such a JSON value.
    pub fn int(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match &self.0 {
            Source::Form(form) => {
                let Some(text) = form.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
                let number = text.trim().parse().map(Some);
                number.map_err(|_| invalid(name, text, "an integer"))
            }
            Source::Json(fields) => {
                let number = match fields.get(name) {
                    None | Some(Value::Null) => return Ok(None),
                    Some(Value::String(text)) => text.trim().parse().ok(),
                    Some(value) => value.as_i64(),
                };
                number.map(Some).ok_or_else(|| wrong_type(name, "an integer"))
            }
        }
    }

    /// `true` or `false`. In JSON a text does as well.
    ///
    /// # Errors
    /// [`Code::INVALID_PARAMETER`] for another text in a form, [`Code::SERIALIZATION`] for another JSON value.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let flag = |text: &str| match text {
            "true" | "True" => Some(true),
            "false" | "False" => Some(false),
            _ => None,
        };
        match &self.0 {
            Source::Form(form) => {
                let Some(text) = form.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
                flag(text).map(Some).ok_or_else(|| invalid(name, text, "true or false"))
            }
            Source::Json(fields) => {
                let flag = match fields.get(name) {
                    None | Some(Value::Null) => return Ok(None),
                    Some(Value::String(text)) => flag(text),
                    Some(value) => value.as_bool(),
                };
                flag.map(Some).ok_or_else(|| wrong_type(name, "true or false"))
            }
        }
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
                // A list of one may come without a number, and SDKs send one of none as an empty text.
                if texts.is_empty() {
                    texts.extend(form.get(query_name).filter(|text| !text.is_empty()).cloned());
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

    /// Message attributes, in the order of the request (of a JSON object: of their names).
    ///
    /// # Errors
    /// [`Code::UNSUPPORTED`] for one with a list of values, [`Code::INVALID_PARAMETER`] for one with two values or with
    /// one that is not base64, and as [`Params::list`].
    pub fn attributes(
        &self,
        name: &str,
        query_name: &str,
    ) -> Result<Vec<(String, MessageAttribute)>, ApiError> {
        match &self.0 {
            Source::Json(fields) => {
                let each = |(name, value): (&String, &Value)| {
                    let fields = value.as_object().ok_or_else(|| wrong_type(name, "a structure"))?;
                    let lists = [array(fields, "StringListValues")?, array(fields, "BinaryListValues")?];
                    attribute(Parts {
                        name,
                        data_type: text(fields, "DataType")?,
                        text: text(fields, "StringValue")?,
                        binary: text(fields, "BinaryValue")?,
                        listed: lists.iter().any(|list| !list.is_empty()),
                    })
                };
                object(fields, name)?.into_iter().flatten().map(each).collect()
            }
            Source::Form(form) => {
                let each = |entry: &BTreeMap<String, String>| {
                    let text = |field: &str| entry.get(field).map(String::as_str);
                    let list = |(field, value): (&String, &String)| {
                        let lists = ["Value.StringListValue", "Value.BinaryListValue"];
                        !value.is_empty() && lists.iter().any(|list| field.starts_with(list))
                    };
                    attribute(Parts {
                        name: text("Name").unwrap_or_default(),
                        data_type: text("Value.DataType"),
                        text: text("Value.StringValue"),
                        binary: text("Value.BinaryValue"),
                        listed: entry.iter().any(list),
                    })
                };
                numbered(form, query_name).iter().map(each).collect()
            }
        }
    }

    /// Whether the parameter is there at all. A list or map of a form is not found by its name alone.
    pub fn has(&self, name: &str) -> bool {
        match &self.0 {
            Source::Json(fields) => fields.get(name).is_some_and(|value| !value.is_null()),
            Source::Form(form) => form.contains_key(name),
        }
    }
}

/// A message attribute as it comes.
struct Parts<'a> {
    name: &'a str,
    data_type: Option<&'a str>,
    text: Option<&'a str>,
    /// In base64.
    binary: Option<&'a str>,
    /// Whether there is a list of values, which the services' models have and the services do not.
    listed: bool,
}

fn attribute(parts: Parts<'_>) -> Result<(String, MessageAttribute), ApiError> {
    let Parts { name, data_type, text, binary, listed } = parts;
    if listed {
        return Err(ApiError::new(
            Code::UNSUPPORTED,
            "Message attribute list values in SendMessage operation are not supported.",
        ));
    }
    let refuse =
        |what: &str| Err(ApiError::invalid(format!("Message (user) attribute '{name}' has {what}.")));
    let value = match (text, binary) {
        (text, None) => AttributeValue::Text(text.unwrap_or_default().to_owned()),
        (None, Some(binary)) => match STANDARD.decode(binary) {
            Ok(bytes) => AttributeValue::Binary(bytes),
            Err(_) => return refuse("a binary value that is not base64"),
        },
        (Some(_), Some(_)) => return refuse("more than one value"),
    };
    let data_type = data_type.unwrap_or_default().to_owned();
    Ok((name.to_owned(), MessageAttribute { data_type, value }))
}

/// The value of a form that cannot be one of its parameter.
fn invalid(name: &str, text: &str, expected: &str) -> ApiError {
    ApiError::invalid(format!("Value {text} for parameter {name} is invalid. Reason: Must be {expected}."))
}

/// A JSON value that cannot be one of its parameter.
fn wrong_type(name: &str, expected: &str) -> ApiError {
    ApiError::new(Code::SERIALIZATION, format!("The value of {name} is not {expected}."))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(name, "a string")),
    }
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
        entries.entry(number).or_default().insert(field.to_owned(), value.clone());
    }
    entries.into_values().collect()
}
