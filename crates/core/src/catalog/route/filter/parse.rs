//! From the JSON of a policy to its tree. The conditions of a key are parsed in [`super::rule`].

use super::count::{combinations, depth};
use super::error::{FilterError, OrError, clipped};
use super::rule::Rule;
use super::{Field, Group, Scope};
use crate::limits::{
    FILTER_POLICY_BYTES, FILTER_POLICY_COMBINATIONS, FILTER_POLICY_CONDITIONS, FILTER_POLICY_KEYS,
};
use serde_json::{Map, Value as Json};

/// The key that joins objects by OR.
const OR: &str = "$or";

/// Keys that an object inside `$or` cannot have, so that no condition is taken for a key. AWS's list: what it matches by
/// now, and what it may later.
const RESERVED_IN_OR: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// Parses a policy and checks it against the limits.
pub(super) fn policy(text: &str, scope: Scope) -> Result<Group, FilterError> {
    if text.len() > FILTER_POLICY_BYTES {
        return Err(FilterError::TooLarge { bytes: text.len() });
    }
    // The parser of JSON refuses what nests deeper than 127 levels: no recursion here goes deeper.
    let json = serde_json::from_str(text).map_err(|error| FilterError::Json(error.to_string()))?;
    let Json::Object(members) = json else { return Err(FilterError::NotAnObject) };
    let mut root = Group::default();
    if members.is_empty() {
        return Ok(root);
    }
    let mut parser =
        Parser { conditions_left: FILTER_POLICY_CONDITIONS, path_bytes_left: FILTER_POLICY_BYTES };
    parser.object(&members, &Place { path: None, depth: 1, in_or: false }, &mut root)?;
    if members.len() > FILTER_POLICY_KEYS {
        return Err(FilterError::TooManyKeys);
    }
    if scope == Scope::Attributes && depth(&root) > 1 {
        return Err(FilterError::NestedAttributes);
    }
    if combinations(&root) > FILTER_POLICY_COMBINATIONS {
        return Err(FilterError::TooComplex);
    }
    Ok(root)
}

/// Where in the policy an object stands.
struct Place {
    /// The keys that lead to it, joined by dots; none for the outermost object.
    path: Option<String>,
    /// How deep its own keys are.
    depth: usize,
    in_or: bool,
}

/// What a policy may still take. Combinations do not bound it: a key with a single condition multiplies by one.
struct Parser {
    conditions_left: usize,
    /// A long key is repeated in the path of every key under it.
    path_bytes_left: usize,
}

impl Parser {
    fn object(
        &mut self,
        members: &Map<String, Json>,
        place: &Place,
        group: &mut Group,
    ) -> Result<(), FilterError> {
        if members.is_empty() {
            return Err(FilterError::EmptyObject);
        }
        for (name, member) in members {
            if name == OR {
                group.choices.push(self.choice(member, place)?);
                continue;
            }
            if place.in_or && RESERVED_IN_OR.contains(&name.as_str()) {
                return Err(FilterError::Or(OrError::Reserved(name.clone())));
            }
            match member {
                Json::Object(nested) => {
                    let path = Some(self.path(place, name)?);
                    let place = Place { path, depth: place.depth + 1, in_or: place.in_or };
                    self.object(nested, &place, group)?;
                }
                Json::Array(conditions) => {
                    let path = self.path(place, name)?.into();
                    group.fields.push(Field { path, depth: place.depth, rules: self.rules(conditions)? });
                }
                _ => return Err(FilterError::NeitherObjectNorArray(clipped(name))),
            }
        }
        Ok(())
    }

    /// The branches of a `$or`.
    fn choice(&mut self, member: &Json, place: &Place) -> Result<Vec<Group>, FilterError> {
        let Json::Array(branches) = member else { return Err(FilterError::Or(OrError::NotAnArray)) };
        let place = Place { path: place.path.clone(), depth: place.depth, in_or: true };
        let mut groups = Vec::new();
        for branch in branches {
            let Json::Object(members) = branch else { return Err(FilterError::Or(OrError::NotAnObject)) };
            let mut group = Group::default();
            self.object(members, &place, &mut group)?;
            groups.push(group);
        }
        if groups.len() < 2 {
            return Err(FilterError::Or(OrError::TooFew));
        }
        Ok(groups)
    }

    fn path(&mut self, place: &Place, name: &str) -> Result<String, FilterError> {
        let path = match &place.path {
            Some(path) => format!("{path}.{name}"),
            None => name.to_owned(),
        };
        self.path_bytes_left = self.path_bytes_left.checked_sub(path.len()).ok_or(FilterError::TooComplex)?;
        Ok(path)
    }

    fn rules(&mut self, conditions: &[Json]) -> Result<Vec<Rule>, FilterError> {
        if conditions.is_empty() {
            return Err(FilterError::EmptyArray);
        }
        let mut rules = Vec::new();
        for condition in conditions {
            let rule = Rule::parse(condition)?;
            self.conditions_left =
                self.conditions_left.checked_sub(rule.size()).ok_or(FilterError::TooComplex)?;
            rules.push(rule);
        }
        Ok(rules)
    }
}
