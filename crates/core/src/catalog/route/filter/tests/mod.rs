//! What a policy takes and what it refuses: by the tables of AWS's documentation, by what was recorded from AWS, and
//! against an evaluator that does everything the slow way.

mod attributes;
mod body;
mod bounds;
mod errors;
mod random;

use super::*;

/// The attributes of a message, in the order in which a test names them.
#[derive(Default)]
struct Message<'a>(Vec<(&'a str, Attribute<'a>)>);

impl Attributes for Message<'_> {
    fn get(&self, name: &str) -> Option<Attribute<'_>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, attribute)| *attribute)
    }
}

fn on_attributes(policy: &str) -> FilterPolicy {
    FilterPolicy::parse(policy, Scope::Attributes).unwrap_or_else(|error| panic!("{policy}: {error}"))
}

fn on_body(policy: &str) -> FilterPolicy {
    FilterPolicy::parse(policy, Scope::Body).unwrap_or_else(|error| panic!("{policy}: {error}"))
}

/// Whether a message with the one attribute `k` meets a policy whose key `k` has these conditions.
fn meets(conditions: &str, attribute: Attribute<'_>) -> bool {
    on_attributes(&format!(r#"{{"k":{conditions}}}"#)).matches_attributes(&Message(vec![("k", attribute)]))
}

/// The same with a value in the body.
fn body_meets(conditions: &str, json: &str) -> bool {
    on_body(&format!(r#"{{"k":{conditions}}}"#)).matches_body(format!(r#"{{"k":{json}}}"#).as_bytes())
}

#[test]
fn a_policy_is_known_by_its_text_and_scope() {
    let text = r#" {"k": ["v"]} "#;
    let policy = on_attributes(text);
    assert_eq!((policy.source(), policy.scope()), (text, Scope::Attributes));
    assert_eq!(policy.clone(), policy);
    assert_ne!(policy, on_attributes(r#"{"k":["v"]}"#));
    assert_ne!(policy, on_body(text));
    assert!(format!("{policy:?}").contains("Attributes"));
}

#[test]
fn an_empty_policy_takes_everything() {
    assert!(on_attributes("{}").matches_attributes(&Message::default()));
    assert!(on_body("{}").matches_body(b"no JSON"));
}

#[test]
fn a_policy_can_be_read_by_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<FilterPolicy>();
}
