//! One condition on one value.

mod network;
mod number;
mod parse;
mod wildcard;

pub(super) use number::Number;

use network::Network;
use number::Range;
use serde_json::Value as Json;
use wildcard::Wildcard;

/// A value of a message, of the kinds that a condition can be put on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(Number),
    Bool(bool),
    Null,
}

impl<'a> Value<'a> {
    /// The value, unless it is an array or an object.
    pub(super) fn of_json(json: &'a Json) -> Option<Value<'a>> {
        Some(match json {
            Json::String(text) => Value::Text(text),
            Json::Number(number) => Value::Number(Number::of_json(number)),
            Json::Bool(is) => Value::Bool(*is),
            Json::Null => Value::Null,
            Json::Array(_) | Json::Object(_) => return None,
        })
    }
}

/// A condition. Values have types: the string `1` is not the number 1.
pub(super) enum Rule {
    Text(Box<str>),
    Number(Number),
    Bool(bool),
    Null,
    /// Whether there must be a value at all.
    Exists(bool),
    Prefix(Box<str>),
    Suffix(Box<str>),
    /// A string in lower case.
    IgnoringCase(Box<str>),
    Wildcard(Wildcard),
    Range(Range),
    Network(Network),
    /// None of these, of whatever type.
    AnythingBut(Box<[Rule]>),
}

impl Rule {
    /// Whether a value meets it.
    pub(super) fn holds(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Rule::Exists(wanted), _) => *wanted,
            (Rule::AnythingBut(excluded), _) => !excluded.iter().any(|rule| rule.holds(value)),
            (Rule::Text(wanted), Value::Text(text)) => **wanted == *text,
            (Rule::Prefix(prefix), Value::Text(text)) => text.starts_with(&**prefix),
            (Rule::Suffix(suffix), Value::Text(text)) => text.ends_with(&**suffix),
            (Rule::IgnoringCase(lower), Value::Text(text)) => lowered(text).eq(lower.chars()),
            (Rule::Wildcard(wildcard), Value::Text(text)) => wildcard.matches(text),
            (Rule::Network(network), Value::Text(text)) => network.contains(text),
            (Rule::Number(wanted), Value::Number(number)) => *wanted == number,
            (Rule::Range(range), Value::Number(number)) => range.contains(number),
            (Rule::Bool(wanted), Value::Bool(is)) => *wanted == is,
            (Rule::Null, Value::Null) => true,
            _ => false,
        }
    }

    /// How many comparisons it stands for.
    pub(super) fn size(&self) -> usize {
        match self {
            Rule::AnythingBut(excluded) => excluded.len(),
            _ => 1,
        }
    }
}

/// The characters of a text in lower case.
fn lowered(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}
