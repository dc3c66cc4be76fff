//! Headers exchanges: a message goes where its headers are as the binding's arguments say.
//!
//! `x-match` is `all` (also where nothing is said) or `any`; both pass over arguments whose names begin with `x-`,
//! unless it is `all-with-x` or `any-with-x`. An argument without a value asks only whether the header is there.

use super::{Kind, Router};
use crate::Refusal;
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::Found;
use crate::catalog::state::{Binding, Target};
use crate::wire::{RawTable, RawValue, ShortStr, Table, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kind `headers`.
pub(super) struct Headers;

impl Kind for Headers {
    fn name(&self) -> &'static str {
        "headers"
    }

    fn router(&self, _arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        Ok(Box::new(HeadersRouter::default()))
    }
}

/// What `x-match` can be.
const WORDS: [&str; 4] = ["all", "any", "all-with-x", "any-with-x"];

#[derive(Debug, Default)]
struct HeadersRouter {
    bindings: BTreeMap<Arc<Binding>, Rule>,
}

#[derive(Debug)]
struct Rule {
    target: Target,
    /// Every wanted header must be there, not only one of them.
    all: bool,
    /// Wanted headers whose names begin with `x-` count too.
    with_x: bool,
}

impl Router for HeadersRouter {
    fn check(&self, binding: &Binding) -> Result<(), Refusal> {
        let Some(value) = binding.arguments.get("x-match") else { return Ok(()) };
        let (term, refused) = (value.term(), |text| Err(Refusal::precondition(text)));
        match value {
            Value::LongStr(word) if WORDS.iter().any(|known| known.as_bytes() == word) => Ok(()),
            Value::LongStr(_) => refused(format!(
                "Invalid x-match field value {term}; expected all, any, all-with-x, or any-with-x"
            )),
            other => refused(format!(
                "Invalid x-match field type {} (value {term}); expected longstr",
                other.type_name()
            )),
        }
    }

    fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        let word = binding.arguments.get("x-match").and_then(Value::as_str).unwrap_or("all");
        let rule = Rule { target, all: word.starts_with("all"), with_x: word.ends_with("-with-x") };
        self.bindings.insert(binding.clone(), rule);
    }

    fn remove(&mut self, binding: &Arc<Binding>, _target: &Target) {
        self.bindings.remove(binding);
    }

    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        let headers = message.properties.headers.unwrap_or_default();
        for (binding, rule) in &self.bindings {
            if rule.matches(&binding.arguments, &headers) {
                found.add(&rule.target);
            }
        }
    }

    fn varies(&self) -> bool {
        true
    }
}

impl Rule {
    /// Without wanted headers, all of them are there, and not one of them is.
    fn matches(&self, arguments: &Table, headers: &RawTable<'_>) -> bool {
        let mut wanted = arguments.iter().filter(|(name, _)| self.counts(name));
        let is_there = |(name, value)| has(headers, name, value);
        if self.all { wanted.all(is_there) } else { wanted.any(is_there) }
    }

    fn counts(&self, name: &ShortStr) -> bool {
        let name = name.as_bytes();
        if self.with_x { name != b"x-match" } else { !name.starts_with(b"x-") }
    }
}

fn has(headers: &RawTable<'_>, name: &ShortStr, wanted: &Value) -> bool {
    let header = headers.iter().find(|(found, _)| *found == name.as_bytes());
    header.is_some_and(|(_, value)| matches!(wanted, Value::Void) || same(&value, wanted))
}

/// Integers are compared by their value, whatever their width: clients choose it by the number's size. So are the two
/// types of bytes: RabbitMQ does not tell them apart here.
fn same(header: &RawValue<'_>, wanted: &Value) -> bool {
    match (header, wanted) {
        (RawValue::LongStr(a) | RawValue::Binary(a), Value::LongStr(b) | Value::Binary(b)) => *a == b,
        (RawValue::LongStr(_) | RawValue::Binary(_), _) => false,
        (RawValue::F32(a), Value::F64(b)) => f64::from(*a) == *b,
        (RawValue::F64(a), Value::F32(b)) => *a == f64::from(*b),
        _ => match (header.as_i64(), wanted.as_i64()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => Value::from(*header) == *wanted,
            _ => false,
        },
    }
}
