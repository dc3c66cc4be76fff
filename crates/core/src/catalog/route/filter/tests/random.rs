//! Seeded random policies and messages: the answer is that of an evaluator that multiplies every `$or` out, writes every
//! value of the message down with its path, and tries every place for every asterisk.

use super::*;
use crate::random::Random;
use serde_json::{Map, Value as Json, json};

const SEEDS: u64 = 40_000;
const NAMES: [&str; 5] = ["a", "b", "a.b", "c", ""];
const TEXTS: [&str; 8] = ["", "a", "ab", "B", "aba", "1", "10.0.0.9", "true"];
const WILDCARDS: [&str; 6] = ["*", "a*", "*b", "a*a", "*a*b*", "ab"];

impl Random {
    fn text(&mut self) -> Json {
        self.pick(&TEXTS).into()
    }

    fn scalar(&mut self) -> Json {
        match self.below(6) {
            0 => Json::Null,
            1 => Json::Bool(self.below(2) == 0),
            2 | 3 => json!(self.below(4) as f64 / 2.0),
            _ => self.text(),
        }
    }

    fn condition(&mut self) -> Json {
        match self.below(12) {
            0 => json!({"prefix": self.text()}),
            1 => json!({"suffix": self.text()}),
            2 => json!({"equals-ignore-case": self.text()}),
            3 => json!({"wildcard": self.pick(&WILDCARDS)}),
            4 => json!({"anything-but": self.text()}),
            5 => json!({"anything-but": [self.below(3), self.below(3)]}),
            6 => json!({"anything-but": {"wildcard": [self.pick(&WILDCARDS), "B"]}}),
            7 => json!({"exists": self.below(2) == 0}),
            8 => json!({"numeric": [self.pick(&["<", "<=", "=", ">", ">="]), self.below(3)]}),
            9 => json!({"cidr": "10.0.0.0/24"}),
            _ => self.scalar(),
        }
    }

    /// An object of a policy. Each branch of a `$or` has names of its own, so that no path is there twice.
    fn policy(&mut self, depth: usize, nests: bool) -> Map<String, Json> {
        let mut members = Map::new();
        for _ in 0..=self.below(2) {
            let name = self.pick(&NAMES).to_owned();
            let nested = nests && depth < 3 && self.below(4) == 0;
            let member = if nested {
                Json::Object(self.policy(depth + 1, nests))
            } else {
                (0..=self.below(4)).map(|_| self.condition()).collect()
            };
            members.insert(name, member);
        }
        if depth < 3 && self.below(4) == 0 {
            let branches = (0..2 + self.below(2)).map(|_| Json::Object(self.policy(depth + 1, nests)));
            members.insert("$or".to_owned(), branches.collect());
        }
        members
    }

    fn body(&mut self, depth: usize) -> Json {
        match self.below(if depth > 3 { 2 } else { 4 }) {
            0 | 1 if depth > 0 => self.scalar(),
            2 if depth > 0 => (0..self.below(3)).map(|_| self.body(depth + 1)).collect(),
            _ => (0..self.below(8)).map(|_| (self.pick(&NAMES).to_owned(), self.body(depth + 1))).collect(),
        }
    }
}

/// A path with its conditions.
type Flat = Vec<(String, Vec<Json>)>;

/// The policies without `$or` of which one must hold.
fn multiplied_out(members: &Map<String, Json>, path: &str, mut so_far: Vec<Flat>) -> Vec<Flat> {
    for (name, member) in members {
        let inner = format!("{path}{name}");
        so_far = match member {
            Json::Array(branches) if name == "$or" => {
                let branch =
                    |branch: &Json| multiplied_out(branch.as_object().unwrap(), path, so_far.clone());
                branches.iter().flat_map(branch).collect()
            }
            Json::Array(conditions) => {
                so_far.iter_mut().for_each(|flat| flat.push((inner.clone(), conditions.clone())));
                so_far
            }
            nested => multiplied_out(nested.as_object().unwrap(), &format!("{inner}."), so_far),
        };
    }
    so_far
}

/// Every value of a body with its path.
fn written_down(json: &Json, path: Option<&str>, values: &mut Vec<(String, Json)>) {
    match json {
        Json::Object(members) => members.iter().for_each(|(name, member)| {
            let inner = path.map_or(name.clone(), |path| format!("{path}.{name}"));
            written_down(member, Some(&inner), values);
        }),
        Json::Array(elements) => elements.iter().for_each(|element| written_down(element, path, values)),
        value => values.push((path.unwrap_or_default().to_owned(), value.clone())),
    }
}

fn holds(flat: &Flat, values: &[(String, Json)]) -> bool {
    flat.iter().all(|(path, conditions)| {
        let mine: Vec<_> = values.iter().filter(|(at, _)| at == path).map(|(_, value)| value).collect();
        conditions.iter().any(|condition| match condition.get("exists").and_then(Json::as_bool) {
            Some(wanted) => wanted != mine.is_empty(),
            None => mine.iter().any(|value| condition_holds(condition, value)),
        })
    })
}

fn condition_holds(condition: &Json, value: &Json) -> bool {
    let Json::Object(members) = condition else { return same(condition, value) };
    let (operator, operand) = members.iter().next().unwrap();
    if operator == "anything-but" {
        return !match operand {
            Json::Array(list) => list.iter().any(|excluded| same(excluded, value)),
            Json::Object(pattern) => pattern["wildcard"]
                .as_array()
                .unwrap()
                .iter()
                .any(|wildcard| condition_holds(&json!({"wildcard": wildcard}), value)),
            excluded => same(excluded, value),
        };
    }
    if let (Some(number), "numeric") = (value.as_f64(), operator.as_str()) {
        let (sign, bound) = (operand[0].as_str().unwrap(), operand[1].as_f64().unwrap());
        return (sign.contains('<') && number < bound)
            || (sign.contains('>') && number > bound)
            || (sign.contains('=') && number == bound);
    }
    let (Some(text), Some(operand)) = (value.as_str(), operand.as_str()) else { return false };
    match operator.as_str() {
        "prefix" => text.get(..operand.len()) == Some(operand),
        "suffix" => text.len() >= operand.len() && &text[text.len() - operand.len()..] == operand,
        "equals-ignore-case" => text.to_lowercase() == operand.to_lowercase(),
        "wildcard" => fits(operand.as_bytes(), text.as_bytes()),
        "cidr" => text.starts_with("10.0.0."),
        other => panic!("{other}"),
    }
}

fn same(one: &Json, other: &Json) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skipped| fits(rest, &text[skipped..])),
        Some((first, rest)) => text.first() == Some(first) && fits(rest, &text[1..]),
    }
}

/// A policy and what it is multiplied out to, unless it is over a limit.
fn drawn(random: &mut Random, scope: Scope) -> Option<(FilterPolicy, Vec<Flat>)> {
    let members = random.policy(1, scope == Scope::Body);
    let text = Json::Object(members.clone()).to_string();
    match FilterPolicy::parse(&text, scope) {
        Ok(policy) => Some((policy, multiplied_out(&members, "", vec![Flat::new()]))),
        Err(FilterError::TooComplex) => None,
        Err(error) => panic!("{text}: {error}"),
    }
}

#[test]
fn bodies_are_taken_as_the_slow_way_takes_them() {
    let mut taken = 0;
    for seed in 1..SEEDS {
        let random = &mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let Some((policy, flat)) = drawn(random, Scope::Body) else { continue };
        let body = random.body(0);
        let mut values = Vec::new();
        written_down(&body, None, &mut values);
        let expected = flat.iter().any(|flat| holds(flat, &values));
        let actual = policy.matches_body(body.to_string().as_bytes());
        assert_eq!(actual, expected, "seed {seed}: {} on {body}", policy.source());
        taken += u64::from(actual);
    }
    assert!((SEEDS / 10..SEEDS * 9 / 10).contains(&taken), "{taken} of {SEEDS} show both answers");
}

#[test]
fn attributes_are_taken_as_the_slow_way_takes_them() {
    let mut taken = 0;
    for seed in 1..SEEDS {
        let random = &mut Random(seed.wrapping_mul(0xd134_2543_de82_ef95));
        let Some((policy, flat)) = drawn(random, Scope::Attributes) else { continue };
        let mut texts = Vec::new();
        let mut values = Vec::new();
        for name in NAMES {
            let value = random.scalar();
            let text = match &value {
                _ if random.below(3) == 0 => continue,
                Json::String(text) => text.clone(),
                Json::Number(number) => number.to_string(),
                other => json!([other]).to_string(),
            };
            texts.push((name, text, value.clone()));
            values.push((name.to_owned(), value));
        }
        let attributes = texts.iter().map(|(name, text, value)| match value {
            Json::String(_) => (*name, Attribute::Text(text)),
            Json::Number(_) => (*name, Attribute::Number(text)),
            _ => (*name, Attribute::TextArray(text)),
        });
        let expected = flat.iter().any(|flat| holds(flat, &values));
        let actual = policy.matches_attributes(&Message(attributes.collect()));
        assert_eq!(actual, expected, "seed {seed}: {} on {values:?}", policy.source());
        taken += u64::from(actual);
    }
    assert!((SEEDS / 10..SEEDS * 9 / 10).contains(&taken), "{taken} of {SEEDS} show both answers");
}

/// Whatever text comes, it is compiled or refused, and a compiled policy answers.
#[test]
fn no_text_is_too_strange() {
    const TOKENS: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"k\"",
        "\"$or\"",
        "\"prefix\"",
        "\"anything-but\"",
        "\"numeric\"",
        "\"<\"",
        "\"cidr\"",
        "\"1.2.3.4/8\"",
        "\"wildcard\"",
        "\"*\\\\\"",
        "\"exists\"",
        "true",
        "null",
        "1",
        "-0.5",
        "1e300",
        "\"\"",
        "\"é\"",
    ];
    let random = &mut Random(7);
    for _ in 0..SEEDS {
        let mut text: String = (0..random.below(12)).map(|_| random.pick(&TOKENS)).collect();
        if random.below(2) == 0 {
            text = format!(r#"{{"k":[{text}]}}"#);
        }
        if let Ok(policy) = FilterPolicy::parse(&text, Scope::Body) {
            policy.matches_body(text.as_bytes());
        }
    }
}
