//! The limits, and that nothing takes longer than its size says.

use super::*;
use crate::limits::{FILTER_POLICY_BYTES, FILTER_POLICY_CONDITIONS};

fn values(count: usize) -> String {
    (0..count).map(|value| format!("\"v{value}\"")).collect::<Vec<_>>().join(",")
}

fn is_too_complex(policy: &str, scope: Scope) -> bool {
    match FilterPolicy::parse(policy, scope) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.to_string(), "FilterPolicy: Filter policy is too complex", "{policy}");
            true
        }
    }
}

#[test]
fn at_most_five_keys() {
    let keys = |count: usize| {
        let keys: Vec<_> = (0..count).map(|key| format!(r#""k{key}":["v"]"#)).collect();
        format!("{{{}}}", keys.join(","))
    };
    on_attributes(&keys(5));
    let error = FilterPolicy::parse(&keys(6), Scope::Attributes).unwrap_err();
    assert_eq!(error.to_string(), "FilterPolicy: Filter policy can not have more than 5 keys");
    // Of what nests, the outermost keys count.
    on_body(&format!(r#"{{"a":{}}}"#, r#"{"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"],"g":["1"]}"#));
}

#[test]
fn at_most_150_combinations() {
    let scope = Scope::Attributes;
    assert!(!is_too_complex(&format!(r#"{{"key":[{}]}}"#, values(150)), scope));
    assert!(is_too_complex(&format!(r#"{{"key":[{}]}}"#, values(151)), scope));
    assert!(!is_too_complex(&format!(r#"{{"a":[{}],"b":[{}]}}"#, values(10), values(15)), scope));
    assert!(is_too_complex(&format!(r#"{{"a":[{}],"b":[{}]}}"#, values(100), values(51)), scope));
}

#[test]
fn depth_multiplies() {
    // AWS's example: 4 x 3 (levels) x 3 x 2 (levels) is 72, and x 3 more is 216.
    let nested = r#""key_a":{"key_b":{"key_c":["1","2","3","4"]}},"key_d":{"key_e":["1","2","3"]}"#;
    assert!(!is_too_complex(&format!("{{{nested}}}"), Scope::Body));
    assert!(!is_too_complex(&format!(r#"{{{nested},"key_f":["1","2"]}}"#), Scope::Body));
    assert!(is_too_complex(&format!(r#"{{{nested},"key_f":["1","2","3"]}}"#), Scope::Body));
}

#[test]
fn branches_add() {
    let flat = |names: usize, metrics: usize, spaces: usize| {
        format!(
            r#"{{"source":[{}],"$or":[{{"metricName":[{}]}},
                {{"metricType":[1,2,3,4],"$or":[{{"metricId":[1,2,3,4]}},{{"spaceId":[{}]}}]}}]}}"#,
            values(names),
            values(metrics),
            values(spaces)
        )
    };
    // Recorded from AWS: 4x6 + 4x4x4 + 4x4x4 is 152, and 3x6 + 3x4x4 + 3x4x7 is 150.
    assert!(is_too_complex(&flat(4, 6, 4), Scope::Attributes));
    assert!(!is_too_complex(&flat(3, 6, 7), Scope::Attributes));
    // And 3x4x2 + 3x4x6 + 2x4x2 + 2x4x6 is 160.
    let nested = |names: usize| {
        format!(
            r#"{{"$or":[{{"metricName":[{}]}},{{"namespace":["1","2"]}}],
                "detail":{{"scope":["1","2"],"$or":[{{"source":["1"]}},{{"type":["1","2","3"]}}]}}}}"#,
            values(names)
        )
    };
    assert!(is_too_complex(&nested(3), Scope::Body));
    assert!(!is_too_complex(&nested(2), Scope::Body));
}

#[test]
fn conditions_are_bounded_where_combinations_are_not() {
    let excluding = |count| format!(r#"{{"k":[{{"anything-but":[{}]}}]}}"#, values(count));
    assert!(!is_too_complex(&excluding(FILTER_POLICY_CONDITIONS), Scope::Attributes));
    assert!(is_too_complex(&excluding(FILTER_POLICY_CONDITIONS + 1), Scope::Attributes));
    // Keys with one condition each multiply to one.
    let keys: Vec<_> = (0..=FILTER_POLICY_CONDITIONS).map(|key| format!(r#""k{key}":[1]"#)).collect();
    assert!(is_too_complex(&format!(r#"{{"$or":[{{{}}},{{"k":[1]}}]}}"#, keys.join(",")), Scope::Attributes));
}

#[test]
fn a_long_key_is_not_repeated_without_bound() {
    let long = "k".repeat(FILTER_POLICY_BYTES / 2);
    let nested = |keys: &str| format!(r#"{{"{long}":{{{keys}}}}}"#);
    // Its own path is one, the path of the key in it another.
    assert!(is_too_complex(&nested(r#""a":[1],"b":[1]"#), Scope::Body));
}

#[test]
fn the_text_is_bounded() {
    let padded = |bytes: usize| format!(r#"{{"k":["v"]{}}}"#, " ".repeat(bytes - 11));
    on_attributes(&padded(FILTER_POLICY_BYTES));
    let error = FilterPolicy::parse(&padded(FILTER_POLICY_BYTES + 1), Scope::Attributes).unwrap_err();
    assert_eq!(error, FilterError::TooLarge { bytes: FILTER_POLICY_BYTES + 1 });
}

#[test]
fn what_nests_too_deep_is_refused() {
    let deep = |levels: usize| format!("{}[1]{}", r#"{"k":"#.repeat(levels), "}".repeat(levels));
    on_body(&deep(126));
    let error = FilterPolicy::parse(&deep(50_000 / 6), Scope::Body).unwrap_err();
    assert!(matches!(error, FilterError::Json(_)), "{error}");
    assert!(!on_body(r#"{"k":[1]}"#).matches_body(deep(100_000).as_bytes()));
}

#[test]
fn a_message_quotes_only_the_beginning_of_a_name() {
    let long = "é".repeat(10_000);
    let error = FilterPolicy::parse(&format!(r#"{{"k":[{{"{long}":1}}]}}"#), Scope::Body).unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}

/// A matcher that goes back for each asterisk would take longer than anyone waits.
#[test]
fn wildcards_read_the_text_once() {
    let pattern = "a*".repeat(20_000);
    let policy = on_attributes(&format!(r#"{{"k":[{{"wildcard":"{pattern}b"}}]}}"#));
    let text = "a".repeat(200_000);
    assert!(!policy.matches_attributes(&Message(vec![("k", Attribute::Text(&text))])));
    let fits = format!("{text}b");
    assert!(policy.matches_attributes(&Message(vec![("k", Attribute::Text(&fits))])));
}

/// Keys that are prefixes of one another lead to each part of the body by one way only.
#[test]
fn a_path_of_many_dots_is_walked_once() {
    let step = ["a"; 60].join(".");
    let mut body = r#""v""#.to_owned();
    for _ in 0..60 {
        body = format!(r#"{{"a":{body},"a.a":{{"a":1,"a.a":2}},"a.a.a":[{{"a":1}},{{"a.a":2}}]}}"#);
    }
    assert!(on_body(&format!(r#"{{"{step}":["v"]}}"#)).matches_body(body.as_bytes()));
    assert!(!on_body(&format!(r#"{{"{step}":["w"]}}"#)).matches_body(body.as_bytes()));
}
