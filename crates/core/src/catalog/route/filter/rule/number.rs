//! Numbers, and the ranges of `numeric`.

use super::super::error::{NumericError, clipped};
use super::Rule;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::ops::Bound;

/// A number of a policy or a message. Integers are exact, whatever their size (account numbers are compared as numbers).
/// The others are exact over what AWS promises: five decimals between -10^9 and 10^9, for which a double has room.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Number {
    Integer(i128),
    Double(f64),
}

impl Number {
    /// Reads the text of an attribute of type `Number`. Infinities are no numbers.
    pub(in super::super) fn parse(text: &str) -> Option<Number> {
        if let Ok(integer) = text.parse() {
            return Some(Number::Integer(integer));
        }
        text.parse().ok().filter(|double: &f64| double.is_finite()).map(Number::Double)
    }

    /// The number in a JSON text.
    pub(super) fn of_json(number: &serde_json::Number) -> Number {
        match number.as_i128() {
            Some(integer) => Number::Integer(integer),
            // What is too large for a double compares with nothing.
            None => Number::Double(number.as_f64().unwrap_or(f64::NAN)),
        }
    }

    fn double(self) -> f64 {
        match self {
            Number::Integer(integer) => integer as f64,
            Number::Double(double) => double,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Integer(one), Number::Integer(other)) => Some(one.cmp(other)),
            (one, other) => one.double().partial_cmp(&other.double()),
        }
    }
}

/// The numbers between two bounds.
pub(in super::super) struct Range {
    bottom: Bound<Number>,
    top: Bound<Number>,
}

impl Range {
    /// Whether a number is between the bounds.
    pub(super) fn contains(&self, number: Number) -> bool {
        let above = match self.bottom {
            Bound::Included(bottom) => number >= bottom,
            Bound::Excluded(bottom) => number > bottom,
            Bound::Unbounded => true,
        };
        above
            && match self.top {
                Bound::Included(top) => number <= top,
                Bound::Excluded(top) => number < top,
                Bound::Unbounded => true,
            }
    }

    /// Parses what `numeric` is given: one comparison, or two that are a range, the lower bound first.
    pub(super) fn parse(operand: &Json) -> Result<Rule, NumericError> {
        let Json::Array(members) = operand else { return Err(NumericError::NotAnArray) };
        let Some((Json::String(operator), members)) = members.split_first() else {
            return Err(NumericError::Member(shown(members.first())));
        };
        match operator.as_str() {
            "=" => only(value(members, "equals")?).map(Rule::Number),
            "<" => only(value(members, "<")?).map(|top| Rule::below(Bound::Excluded(top))),
            "<=" => only(value(members, "<=")?).map(|top| Rule::below(Bound::Included(top))),
            ">" => {
                let (bottom, rest) = value(members, ">")?;
                Range::upwards(Bound::Excluded(bottom), bottom, rest)
            }
            ">=" => {
                let (bottom, rest) = value(members, ">=")?;
                Range::upwards(Bound::Included(bottom), bottom, rest)
            }
            unknown => Err(NumericError::Operator(clipped(unknown))),
        }
    }

    /// Parses what follows a lower bound: nothing, or an upper one.
    fn upwards(bottom: Bound<Number>, lowest: Number, members: &[Json]) -> Result<Rule, NumericError> {
        let Some((operator, members)) = members.split_first() else {
            return Ok(Rule::Range(Range { bottom, top: Bound::Unbounded }));
        };
        let Json::String(operator) = operator else {
            return Err(NumericError::RangeMember(shown(Some(operator))));
        };
        let (highest, rest, top) = match operator.as_str() {
            "<" => value(members, "<").map(|(top, rest)| (top, rest, Bound::Excluded(top)))?,
            "<=" => value(members, "<=").map(|(top, rest)| (top, rest, Bound::Included(top)))?,
            other => return Err(NumericError::RangeOperator(clipped(other))),
        };
        if !rest.is_empty() {
            return Err(NumericError::RangeTooLong);
        }
        if lowest >= highest {
            return Err(NumericError::RangeEmpty);
        }
        Ok(Rule::Range(Range { bottom, top }))
    }
}

impl Rule {
    fn below(top: Bound<Number>) -> Rule {
        Rule::Range(Range { bottom: Bound::Unbounded, top })
    }
}

/// The number that must follow an operator, and what follows the number.
fn value<'a>(members: &'a [Json], operator: &'static str) -> Result<(Number, &'a [Json]), NumericError> {
    match members.split_first() {
        Some((Json::Number(number), rest)) => Ok((Number::of_json(number), rest)),
        _ => Err(NumericError::Value(operator)),
    }
}

/// The number, after which nothing may follow.
fn only((number, rest): (Number, &[Json])) -> Result<Number, NumericError> {
    if rest.is_empty() { Ok(number) } else { Err(NumericError::TooLong) }
}

/// What stands where something else should, as AWS shows it: the first token of it, and the bracket for the end.
fn shown(member: Option<&Json>) -> String {
    match member {
        None => "]".to_owned(),
        Some(Json::Array(_)) => "[".to_owned(),
        Some(Json::Object(_)) => "{".to_owned(),
        Some(scalar) => scalar.to_string(),
    }
}
