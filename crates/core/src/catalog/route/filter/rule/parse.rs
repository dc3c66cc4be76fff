//! From an element of an array of conditions to a [`Rule`].

use super::super::error::{AnythingButError, FilterError, clipped};
use super::network::Network;
use super::number::{Number, Range};
use super::wildcard::Wildcard;
use super::{Rule, lowered};
use serde_json::{Map, Value as Json};

impl Rule {
    /// Parses a condition: a plain value, or an object of one operator.
    pub(in super::super) fn parse(json: &Json) -> Result<Rule, FilterError> {
        Ok(match json {
            Json::String(text) => Rule::Text(text.as_str().into()),
            Json::Number(number) => Rule::Number(Number::of_json(number)),
            Json::Bool(is) => Rule::Bool(*is),
            Json::Null => Rule::Null,
            Json::Array(_) => return Err(FilterError::MatchValue),
            Json::Object(members) => {
                let (operator, operand) = single(members)?;
                return operation(operator, operand);
            }
        })
    }
}

/// The one member of an object.
fn single(members: &Map<String, Json>) -> Result<(&str, &Json), FilterError> {
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((name, member)), None) => Ok((name, member)),
        (Some(_), Some(_)) => Err(FilterError::SeveralOperators),
        (None, _) => Err(FilterError::NoOperator),
    }
}

fn operation(operator: &str, operand: &Json) -> Result<Rule, FilterError> {
    if let Some(pattern) = Pattern::named(operator) {
        return pattern.rule(operand);
    }
    match operator {
        "anything-but" => anything_but(operand),
        "numeric" => Range::parse(operand).map_err(FilterError::Numeric),
        "exists" => operand.as_bool().map(Rule::Exists).ok_or(FilterError::NotBool),
        // AWS's message for what is no string names the wrong operator.
        "cidr" => Network::parse(text(operand, "prefix")?).map(Rule::Network).map_err(FilterError::Cidr),
        unknown => Err(FilterError::UnknownOperator(clipped(unknown))),
    }
}

/// The operators on strings, which `anything-but` takes too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Prefix,
    Suffix,
    IgnoringCase,
    Wildcard,
}

impl Pattern {
    const ALL: [Pattern; 4] = [Pattern::Prefix, Pattern::Suffix, Pattern::IgnoringCase, Pattern::Wildcard];

    fn named(name: &str) -> Option<Pattern> {
        Pattern::ALL.into_iter().find(|pattern| pattern.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Pattern::Prefix => "prefix",
            Pattern::Suffix => "suffix",
            Pattern::IgnoringCase => "equals-ignore-case",
            Pattern::Wildcard => "wildcard",
        }
    }

    fn rule(self, operand: &Json) -> Result<Rule, FilterError> {
        let text = text(operand, self.name())?;
        Ok(match self {
            Pattern::Prefix => Rule::Prefix(text.into()),
            Pattern::Suffix => Rule::Suffix(text.into()),
            Pattern::IgnoringCase => Rule::IgnoringCase(lowered(text).collect()),
            Pattern::Wildcard => Rule::Wildcard(Wildcard::parse(text).map_err(FilterError::Wildcard)?),
        })
    }
}

fn text<'a>(json: &'a Json, operator: &'static str) -> Result<&'a str, FilterError> {
    json.as_str().ok_or(FilterError::NotText(operator))
}

/// `anything-but` excludes a string or a number, a list of either, or what one of the patterns, or a list of them, matches.
fn anything_but(operand: &Json) -> Result<Rule, FilterError> {
    let excluded = match operand {
        Json::String(_) | Json::Number(_) => vec![Rule::parse(operand)?],
        Json::Array(elements) => excluded_values(elements)?,
        Json::Object(members) => excluded_patterns(members)?,
        Json::Bool(_) | Json::Null => return Err(FilterError::AnythingBut(AnythingButError::Kind)),
    };
    Ok(Rule::AnythingBut(excluded.into()))
}

fn excluded_values(elements: &[Json]) -> Result<Vec<Rule>, FilterError> {
    if !elements.iter().all(|element| element.is_string() || element.is_number()) {
        return Err(FilterError::AnythingBut(AnythingButError::Element));
    }
    if elements.iter().any(Json::is_string) == elements.iter().any(Json::is_number) {
        return Err(FilterError::AnythingBut(AnythingButError::Mixed));
    }
    elements.iter().map(Rule::parse).collect()
}

fn excluded_patterns(members: &Map<String, Json>) -> Result<Vec<Rule>, FilterError> {
    let (operator, operand) = single(members)?;
    let unknown = || FilterError::AnythingBut(AnythingButError::Operator(clipped(operator)));
    let pattern = Pattern::named(operator).ok_or_else(unknown)?;
    let operands = match operand {
        Json::Array(operands) => operands.as_slice(),
        one => std::slice::from_ref(one),
    };
    if operands.is_empty() {
        return Err(FilterError::EmptyArray);
    }
    let affix = matches!(pattern, Pattern::Prefix | Pattern::Suffix);
    if affix && operands.iter().any(|operand| operand.as_str() == Some("")) {
        return Err(FilterError::AnythingBut(AnythingButError::EmptyAffix));
    }
    operands.iter().map(|operand| pattern.rule(operand)).collect()
}
