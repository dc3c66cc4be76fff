//! Patterns over names: regular expressions as RabbitMQ takes them, unanchored, in linear time.
//!
//! RabbitMQ's are PCRE. The one look-around that is common in its field, "everything but these"
//! (`^(?!amq\.).*`, from its own documentation), is understood; others are refused with a clear error.

use regex::{Regex, RegexBuilder};
use std::fmt;
use std::sync::Arc;

/// A compiled pattern and the text it came from.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    /// What must be found. `None` finds nothing.
    wanted: Option<Regex>,
    /// What must not be found: the inside of a leading `^(?!…)`.
    unwanted: Option<Regex>,
}

/// A text that is no pattern, or one that this broker cannot match in linear time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatternError {
    pattern: String,
    reason: String,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`PatternError`] if it is none, or has look-arounds or back-references.
    pub fn new(source: &str) -> Result<Pattern, PatternError> {
        let refused = |error: regex::Error| PatternError { pattern: source.into(), reason: reason(&error) };
        let (unwanted, wanted) = match split_exclusion(source) {
            Some((inside, rest)) => (Some(format!("^(?:{inside})")), format!("^(?:{rest})")),
            None => (None, source.to_string()),
        };
        let wanted = Some(compile(&wanted).map_err(refused)?);
        let unwanted = unwanted.map(|inside| compile(&inside)).transpose().map_err(refused)?;
        Ok(Pattern { source: source.into(), wanted, unwanted })
    }

    /// A pattern that was accepted when it was set. Should it not compile any more, it finds nothing: RabbitMQ,
    /// too, denies what a broken pattern guards.
    pub(in crate::catalog) fn accepted(source: Arc<str>) -> Pattern {
        Pattern::new(&source).unwrap_or(Pattern { source, wanted: None, unwanted: None })
    }

    /// A pattern for a permission: an empty one, which would find everything, finds nothing.
    pub(in crate::catalog) fn permission(source: Arc<str>) -> Pattern {
        if source.is_empty() {
            return Pattern { source, wanted: None, unwanted: None };
        }
        Pattern::accepted(source)
    }

    /// Whether the pattern is found anywhere in `text`.
    pub fn matches(&self, text: &str) -> bool {
        let found = |regex: &Option<Regex>| regex.as_ref().is_some_and(|regex| regex.is_match(text));
        found(&self.wanted) && !found(&self.unwanted)
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a pattern that can be used: {}", self.pattern, self.reason)
    }
}

impl std::error::Error for PatternError {}

fn compile(source: &str) -> Result<Regex, regex::Error> {
    // Without the tables for letters of all scripts, `(?i)` works on ASCII only, as it does in Erlang's PCRE.
    Regex::new(source).or_else(|error| RegexBuilder::new(source).unicode(false).build().map_err(|_| error))
}

/// The last line of a parser's message says what is wrong; those above draw where.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_string()
}

/// Splits `^(?!inside)rest`. A rest with an alternative at its top level would not be excluded from: not split.
fn split_exclusion(source: &str) -> Option<(&str, &str)> {
    let body = source.strip_prefix("^(?!")?;
    let end = closing_parenthesis(body)?;
    let (inside, rest) = (&body[..end], &body[end + 1..]);
    (!has_alternative(rest)).then_some((inside, rest))
}

/// Where the group that `body` is the inside of ends.
fn closing_parenthesis(body: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in outside_classes(body) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return Some(at),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether there is a `|` outside all groups.
fn has_alternative(source: &str) -> bool {
    let mut depth = 0usize;
    outside_classes(source).any(|(_, byte)| {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte == b'|' && depth == 0
    })
}

/// The bytes that are syntax: neither escaped nor within a character class.
fn outside_classes(source: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut escaped = false;
    let mut class_from = None;
    source.bytes().enumerate().filter(move |(at, byte)| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match (byte, class_from) {
            (b'\\', _) => escaped = true,
            (b'[', None) => class_from = Some(*at),
            // A bracket that opens the class, or its negation, is one of its members.
            (b']', Some(from)) if *at > from + 1 && &source[from..*at] != "[^" => class_from = None,
            (_, None) => return true,
            (_, Some(_)) => {}
        }
        false
    })
}
