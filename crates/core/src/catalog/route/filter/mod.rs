//! Filter policies of SNS subscriptions: which messages of a topic a subscription takes.
//!
//! A policy is JSON. Its keys are joined by AND, the conditions in the array of a key by OR, the objects in the array of
//! `$or` by OR again. [`FilterPolicy::parse`] compiles it once, when the subscription is made, and refuses what is no
//! policy, in AWS's words as far as they are known. Matching then reads one message and answers; it knows neither topics
//! nor subscriptions, and takes time in proportion to policy times message, whatever the two are.
//!
//! Sources: the SNS developer guide ("Amazon SNS subscription filter policies", "Filter policy constraints") and, for
//! what it leaves open, the rules of AWS's own matcher, which is public as Event Ruler.

mod count;
mod error;
mod matches;
mod parse;
mod rule;
#[cfg(test)]
mod tests;

pub use error::{AnythingButError, CidrError, FilterError, NumericError, OrError, WildcardError};
pub use matches::JsonBody;

use rule::Rule;
use std::fmt;
use std::sync::Arc;

/// What a policy looks at: the `FilterPolicyScope` of a subscription.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// `MessageAttributes`, the default. The policy cannot nest.
    #[default]
    Attributes,
    /// `MessageBody`: the body as a JSON object. A nested object of the policy looks into a nested object of the body.
    Body,
}

/// The attributes of a message, as the door that took it has them.
pub trait Attributes {
    /// The attribute of that name. Names are compared exactly.
    fn get(&self, name: &str) -> Option<Attribute<'_>>;
}

/// One attribute of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attribute<'a> {
    /// A `String`.
    Text(&'a str),
    /// A `Number`, in decimal. What is no number meets no condition but `exists`.
    Number(&'a str),
    /// A `String.Array`: the text of a JSON array of strings, numbers, booleans and nulls. One element that meets a
    /// condition is enough. What is no array meets no condition but `exists`.
    TextArray(&'a str),
    /// A `Binary`. Filtering treats it as if it were not there.
    Binary,
}

/// A compiled filter policy. To clone one is cheap; two are equal if their texts and scopes are.
#[derive(Clone)]
pub struct FilterPolicy {
    source: Arc<str>,
    scope: Scope,
    root: Arc<Group>,
}

impl FilterPolicy {
    /// Compiles the policy in `text`. `{}` is a policy without conditions, which every message meets.
    ///
    /// # Errors
    /// Text that is no policy, or one beyond the limits ([`crate::limits`]); the error shows as AWS words it.
    pub fn parse(text: &str, scope: Scope) -> Result<FilterPolicy, FilterError> {
        let root = parse::policy(text, scope)?;
        Ok(FilterPolicy { source: text.into(), scope, root: Arc::new(root) })
    }

    /// The text it was compiled from, unchanged.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it looks at.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether a message with these attributes meets the policy. Allocates only for a [`Attribute::TextArray`].
    pub fn matches_attributes(&self, attributes: &dyn Attributes) -> bool {
        self.root.holds(&|field| matches::attribute(field, attributes.get(&field.path)))
    }

    /// Whether a message with this body meets the policy. A body that is no JSON object meets none but `{}`.
    ///
    /// It parses the body each time: for several policies, parse once and use [`FilterPolicy::matches_json`].
    pub fn matches_body(&self, body: &[u8]) -> bool {
        self.root.is_empty() || JsonBody::parse(body).is_some_and(|body| self.matches_json(&body))
    }

    /// Whether a message with this body meets the policy.
    pub fn matches_json(&self, body: &JsonBody) -> bool {
        self.root.holds(&|field| matches::body(field, body))
    }
}

impl PartialEq for FilterPolicy {
    fn eq(&self, other: &FilterPolicy) -> bool {
        self.source == other.source && self.scope == other.scope
    }
}

impl Eq for FilterPolicy {}

impl fmt::Debug for FilterPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterPolicy").field("source", &self.source).field("scope", &self.scope).finish()
    }
}

/// Conditions that must all hold: an object of the policy, with the objects nested in it. It is evaluated as it stands:
/// to multiply the branches out into a list of flat policies would only repeat work.
#[derive(Default)]
struct Group {
    fields: Vec<Field>,
    /// For each `$or`, its branches.
    choices: Vec<Vec<Group>>,
}

impl Group {
    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.choices.is_empty()
    }

    fn holds(&self, field_holds: &dyn Fn(&Field) -> bool) -> bool {
        self.fields.iter().all(field_holds)
            && self.choices.iter().all(|branches| branches.iter().any(|branch| branch.holds(field_holds)))
    }
}

/// One key that has an array of conditions, of which one must hold.
struct Field {
    /// The keys from the outermost object to this one, joined by dots.
    path: Box<str>,
    /// How many keys those are.
    depth: usize,
    rules: Vec<Rule>,
}
