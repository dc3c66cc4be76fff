//! Where in a message the values of a key are, and whether one of them meets its conditions.

use super::rule::{Number, Rule, Value};
use super::{Attribute, Field};
use serde_json::{Map, Value as Json};

/// A body that is a JSON object, parsed.
#[derive(Clone, Debug)]
pub struct JsonBody(Map<String, Json>);

impl JsonBody {
    /// Parses a body; nothing if it is no JSON object, or one that nests deeper than 127 levels.
    pub fn parse(body: &[u8]) -> Option<JsonBody> {
        serde_json::from_slice(body).ok().map(JsonBody)
    }
}

/// Whether the attribute of the field's name meets the field's conditions. It is there or not, whatever is in it.
pub(super) fn attribute(field: &Field, attribute: Option<Attribute<'_>>) -> bool {
    match attribute {
        None | Some(Attribute::Binary) => field.holds_without_value(false),
        Some(Attribute::Text(text)) => field.holds_for(Value::Text(text)),
        Some(Attribute::Number(text)) => match Number::parse(text) {
            Some(number) => field.holds_for(Value::Number(number)),
            None => field.holds_without_value(true),
        },
        Some(Attribute::TextArray(text)) => {
            field.holds_without_value(true)
                || serde_json::from_str::<Vec<Json>>(text).is_ok_and(|elements| {
                    elements.iter().filter_map(Value::of_json).any(|value| field.holds_for(value))
                })
        }
    }
}

/// Whether a value at the field's path in the body meets the field's conditions. Only what is at the end of a path is a
/// value: an object is none, and an array stands for its elements, so that an empty one is as if it were not there.
pub(super) fn body(field: &Field, body: &JsonBody) -> bool {
    let mut search = Search { field, found: false };
    search.in_object(&body.0, &field.path) || (!search.found && field.holds_without_value(false))
}

impl Field {
    fn holds_for(&self, value: Value<'_>) -> bool {
        self.rules.iter().any(|rule| rule.holds(value))
    }

    /// Whether it is enough that the key is there, or not there.
    fn holds_without_value(&self, there: bool) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Exists(wanted) if *wanted == there))
    }
}

/// A walk over what of a body lies on the path of a field. It meets each part of the body at most once: the keys that
/// lead to a part say which part of the path they are.
struct Search<'a> {
    field: &'a Field,
    /// A value was at the end of the path.
    found: bool,
}

impl Search<'_> {
    /// A dot of the path can be a step or a part of a name: `a.b` finds both `{"a":{"b":1}}` and `{"a.b":1}`.
    fn in_object(&mut self, object: &Map<String, Json>, path: &str) -> bool {
        object.iter().any(|(name, member)| match path.strip_prefix(name.as_str()) {
            Some("") => self.at_end(member),
            Some(rest) => rest.strip_prefix('.').is_some_and(|rest| self.on_the_way(member, rest)),
            None => false,
        })
    }

    fn on_the_way(&mut self, json: &Json, path: &str) -> bool {
        match json {
            Json::Object(object) => self.in_object(object, path),
            Json::Array(elements) => elements.iter().any(|element| self.on_the_way(element, path)),
            _ => false,
        }
    }

    fn at_end(&mut self, json: &Json) -> bool {
        if let Json::Array(elements) = json {
            return elements.iter().any(|element| self.at_end(element));
        }
        let Some(value) = Value::of_json(json) else { return false };
        self.found = true;
        self.field.holds_for(value)
    }
}
