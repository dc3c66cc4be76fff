//! Topics of SNS: a message goes to every subscription whose filter policy it meets.
//!
//! A binding is a subscription. Its arguments hold the filter policy ([`FILTER`]) and what that looks at ([`SCOPE`]);
//! a message that comes in over AMQP is filtered by its headers, as one of SNS is by its attributes.

use super::{Kind, Router};
use crate::Refusal;
use crate::catalog::route::filter::{Attribute, Attributes, FilterPolicy, Scope};
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::Found;
use crate::catalog::state::{Binding, Target};
use crate::wire::{RawTable, RawValue, Table, Value};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The argument with the filter policy, JSON.
pub const FILTER: &str = "x-filter-policy";
/// The argument that says what the policy looks at: `MessageBody`, or by default the attributes.
pub const SCOPE: &str = "x-filter-policy-scope";

/// The kind `x-sns-topic`.
pub(super) struct Subscriptions;

impl Kind for Subscriptions {
    fn name(&self) -> &'static str {
        "x-sns-topic"
    }

    fn router(&self, _arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        Ok(Box::new(SubscriptionsRouter::default()))
    }
}

#[derive(Debug, Default)]
struct SubscriptionsRouter {
    bindings: BTreeMap<Arc<Binding>, (Target, Option<FilterPolicy>)>,
}

impl Router for SubscriptionsRouter {
    fn check(&self, binding: &Binding) -> Result<(), Refusal> {
        policy_of(&binding.arguments).map(|_| ()).map_err(Refusal::precondition)
    }

    fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        // It was checked before it came here; what a newer version wrote filters nothing.
        let policy = policy_of(&binding.arguments).ok().flatten();
        self.bindings.insert(binding.clone(), (target, policy));
    }

    fn remove(&mut self, binding: &Arc<Binding>, _target: &Target) {
        self.bindings.remove(binding);
    }

    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        // Looked at only if a policy asks for it.
        let headers = OnceCell::new();
        let make = || Headers::new(message.properties.headers.unwrap_or_default());
        for (target, policy) in self.bindings.values() {
            let meets = match policy {
                None => true,
                Some(policy) if policy.scope() == Scope::Body => policy.matches_body(message.body),
                Some(policy) => policy.matches_attributes(headers.get_or_init(make)),
            };
            if meets {
                found.add(target);
            }
        }
    }

    fn varies(&self) -> bool {
        self.bindings.values().any(|(_, policy)| policy.is_some())
    }
}

fn policy_of(arguments: &Table) -> Result<Option<FilterPolicy>, String> {
    let Some(text) = arguments.get(FILTER).and_then(Value::as_str) else { return Ok(None) };
    let scope = match arguments.get(SCOPE).and_then(Value::as_str) {
        Some("MessageBody") => Scope::Body,
        _ => Scope::Attributes,
    };
    FilterPolicy::parse(text, scope).map(Some).map_err(|error| error.to_string())
}

/// AMQP headers as attributes.
struct Headers<'a> {
    table: RawTable<'a>,
    /// The numbers among them, in decimal.
    numbers: Vec<(&'a [u8], String)>,
}

impl<'a> Headers<'a> {
    fn new(table: RawTable<'a>) -> Headers<'a> {
        let number = |value: RawValue<'a>| match value {
            RawValue::F32(number) => Some(number.to_string()),
            RawValue::F64(number) => Some(number.to_string()),
            whole => whole.as_i64().map(|number| number.to_string()),
        };
        let numbers = table.iter().filter_map(|(name, value)| Some((name, number(value)?))).collect();
        Headers { table, numbers }
    }
}

impl Attributes for Headers<'_> {
    fn get(&self, name: &str) -> Option<Attribute<'_>> {
        match self.table.get(name)? {
            RawValue::LongStr(bytes) => std::str::from_utf8(bytes).ok().map(Attribute::Text),
            RawValue::Binary(_) => Some(Attribute::Binary),
            _ => {
                let found = self.numbers.iter().find(|(known, _)| *known == name.as_bytes());
                found.map(|(_, number)| Attribute::Number(number))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Properties, RawProperties, ShortStr};

    fn headers(entries: &[(&'static str, Value)]) -> Vec<u8> {
        let table = entries.iter().map(|(name, value)| (ShortStr::literal(name), value.clone())).collect();
        let mut raw = Vec::new();
        Properties { headers: Some(table), ..Properties::default() }.encode(&mut raw).unwrap();
        raw
    }

    #[test]
    fn headers_of_amqp_meet_conditions_as_attributes_do() {
        let raw = headers(&[
            ("kind", Value::LongStr(b"order".to_vec())),
            ("count", Value::I32(7)),
            ("ratio", Value::F64(0.5)),
            ("on", Value::Bool(true)),
        ]);
        let parsed = RawProperties::parse(&raw).unwrap();
        let headers = Headers::new(parsed.headers.unwrap());
        let meets =
            |policy| FilterPolicy::parse(policy, Scope::Attributes).unwrap().matches_attributes(&headers);
        assert!(meets(r#"{"kind":["order"],"count":[{"numeric":[">",5]}]}"#));
        assert!(meets(r#"{"ratio":[{"numeric":["=",0.5]}]}"#));
        assert!(!meets(r#"{"count":[{"numeric":["<",5]}]}"#));
        assert!(!meets(r#"{"on":["true"]}"#), "an attribute cannot be a truth value");
    }
}
