//! Policies that are refused, and how.

use super::*;

fn refusal(policy: &str, scope: Scope) -> String {
    match FilterPolicy::parse(policy, scope) {
        Ok(_) => panic!("{policy} is taken"),
        Err(error) => error.to_string(),
    }
}

/// The key `key` with these conditions is refused with this message, whatever the scope.
fn refuses(conditions: &str, message: &str) {
    for scope in [Scope::Attributes, Scope::Body] {
        let policy = format!(r#"{{"key":{conditions}}}"#);
        assert_eq!(refusal(&policy, scope), format!("FilterPolicy: {message}"), "{policy}");
    }
}

#[test]
fn messages_recorded_from_aws() {
    let must_be = "must be an object or an array";
    for (conditions, message) in [
        (r#"[["value"]]"#, "Match value must be String, number, true, false, or null"),
        (r#"[{"wrong-operator":true}]"#, "Unrecognized match type wrong-operator"),
        (r#"[{"suffix":"value","prefix":"value2"}]"#, "Only one key allowed in match expression"),
        ("[]", "Empty arrays are not allowed"),
        (r#"[{"suffix":100}]"#, "suffix match pattern must be a string"),
        (r#"[{"suffix":null}]"#, "suffix match pattern must be a string"),
        (r#"[{"suffix":[]}]"#, "suffix match pattern must be a string"),
        (r#"[{"suffix":["test","test2"]}]"#, "suffix match pattern must be a string"),
        (r#"{"suffix":"value"}"#, &format!("\"suffix\" {must_be}")),
        (r#"{"not-an-operator":"value"}"#, &format!("\"not-an-operator\" {must_be}")),
        (r#""value_one""#, &format!("\"key\" {must_be}")),
        (r#"[{"cidr":["bad-filter"]}]"#, "prefix match pattern must be a string"),
        (r#"[{"cidr":"bad-filter"}]"#, "Malformed CIDR, one '/' required"),
        (r#"[{"cidr":"bad-filter/64"}]"#, "Nonstandard IP address: bad-filter"),
        (r#"[{"cidr":"bad-/64filter"}]"#, "Malformed CIDR, mask bits must be an integer"),
        (r#"[{"cidr":"xx.11.xx/8"}]"#, "Nonstandard IP address: xx.11.xx"),
        (r#"[{"cidr":"xxxx:db8:1234:1a00::/64"}]"#, "Nonstandard IP address: xxxx:db8:1234:1a00::"),
        (r#"[{"exists":null}]"#, "exists match pattern must be either true or false."),
        (r#"[{"exists":"no"}]"#, "exists match pattern must be either true or false."),
        (r#"[{"anything-but":{"wrong-operator":null}}]"#, "Unsupported anything-but pattern: wrong-operator"),
        (r#"[{"anything-but":{"exists":false}}]"#, "Unsupported anything-but pattern: exists"),
        (r#"[{"anything-but":{"prefix":false}}]"#, "prefix match pattern must be a string"),
    ] {
        refuses(conditions, message);
    }
}

#[test]
fn messages_on_numeric_recorded_from_aws() {
    for (operand, message) in [
        ("[]", "Invalid member in numeric match: ]"),
        (r#"["operator"]"#, "Unrecognized numeric range operator: operator"),
        (r#"[1,"<="]"#, "Invalid member in numeric match: 1"),
        (r#"["=","000"]"#, "Value of equals must be numeric"),
        (r#"[">="]"#, "Value of >= must be numeric"),
        (r#"["<",100,">",10]"#, "Too many elements in numeric expression"),
        (r#"[">=",1,">",2]"#, "Bad numeric range operator: >"),
        (r#"[">",3,"<",1]"#, "Bottom must be less than top"),
        (r#"[">",20,"<="]"#, "Value of <= must be numeric"),
        (r#"[">",20,30]"#, "Bad value in numeric range: 30"),
        (r#"[">",20,"test"]"#, "Bad numeric range operator: test"),
        (r#"[">","20","<","30"]"#, "Value of > must be numeric"),
        (r#"[">",20,"<","30"]"#, "Value of < must be numeric"),
        (r#"[">",20,"<",30,"<",50]"#, "Too many terms in numeric range expression"),
    ] {
        refuses(&format!(r#"[{{"numeric":{operand}}}]"#), message);
    }
}

#[test]
fn messages_of_the_public_matcher() {
    for (conditions, message) in [
        ("[{}]", "Match expression name not found"),
        ("{}", "Empty objects are not allowed"),
        (r#"[{"numeric":5}]"#, "Value of numeric must be an array."),
        (r#"[{"numeric":[[1]]}]"#, "Invalid member in numeric match: ["),
        (r#"[{"numeric":[{}]}]"#, "Invalid member in numeric match: {"),
        (r#"[{"numeric":["=",1,2]}]"#, "Too many elements in numeric expression"),
        (r#"[{"numeric":["<=",1,2]}]"#, "Too many elements in numeric expression"),
        (r#"[{"numeric":[">",1,"<",1]}]"#, "Bottom must be less than top"),
        (r#"[{"numeric":[">",1,null]}]"#, "Bad value in numeric range: null"),
        (r#"[{"cidr":"10.0.0.0/"}]"#, "Malformed CIDR, one '/' required"),
        (r#"[{"cidr":"10.0.0.0/8/8"}]"#, "Malformed CIDR, one '/' required"),
        (r#"[{"cidr":"10.0.0.0/-1"}]"#, "Malformed CIDR, mask bits must not be negative"),
        (r#"[{"cidr":"10.0.0.0/32"}]"#, "IPv4 mask bits must be < 32"),
        (r#"[{"cidr":"::1/128"}]"#, "IPv6 mask bits must be < 128"),
        (r#"[{"cidr":"10.0.0.0/99999999999"}]"#, "Malformed CIDR, mask bits must be an integer"),
        (r#"[{"wildcard":1}]"#, "wildcard match pattern must be a string"),
        (r#"[{"wildcard":"a**"}]"#, "Consecutive wildcard characters at pos 2"),
        (r#"[{"wildcard":"*\\a"}]"#, "Invalid escape character at pos 2"),
        (r#"[{"wildcard":"\\"}]"#, "Invalid escape character at pos 1"),
        (r#"[{"anything-but":{"wildcard":"**"}}]"#, "Consecutive wildcard characters at pos 1"),
        (r#"[{"anything-but":{"prefix":["a",""]}}]"#, "Null prefix/suffix not allowed"),
        (r#"[{"anything-but":{"suffix":[]}}]"#, "Empty arrays are not allowed"),
        (r#"[{"anything-but":{}}]"#, "Match expression name not found"),
        (
            r#"[{"anything-but":null}]"#,
            "Value of anything-but must be an array or single string/number value.",
        ),
        (
            r#"[{"anything-but":["a",true]}]"#,
            "Inside anything but list, start|null|boolean is not supported.",
        ),
        (
            r#"[{"anything-but":["a",1]}]"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
    ] {
        refuses(conditions, message);
    }
}

#[test]
fn what_or_takes() {
    for (or, message) in [
        (r#"{"a":["x"]}"#, "It must be an Array followed with $or."),
        (r#"[]"#, "There must have at least 2 Objects in $or relationship."),
        (r#"[{"a":["x"]}]"#, "There must have at least 2 Objects in $or relationship."),
        (r#"[{"a":["x"]},"b"]"#, "Only JSON object is allowed in array of $or relationship."),
        (r#"[{"a":["x"]},{}]"#, "Empty objects are not allowed"),
        (
            r#"[{"a":["x"]},{"b":{"prefix":["x"]}}]"#,
            "prefix is Ruler reserved fieldName which cannot be used inside $or.",
        ),
    ] {
        let policy = format!(r#"{{"$or":{or}}}"#);
        assert_eq!(refusal(&policy, Scope::Body), format!("FilterPolicy: {message}"), "{policy}");
    }
    // Outside it the names of operators are names like others.
    assert!(
        on_attributes(r#"{"prefix":["x"]}"#)
            .matches_attributes(&Message(vec![("prefix", Attribute::Text("x"))]))
    );
}

#[test]
fn what_is_no_policy() {
    for text in ["", "{", "{k:1}", r#"{"k":["v"]} x"#, r#"{"k":[1e999]}"#] {
        assert!(refusal(text, Scope::Body).starts_with("FilterPolicy: failed to parse JSON. "), "{text}");
    }
    for text in ["[]", "null", r#""{}""#, "1"] {
        assert_eq!(refusal(text, Scope::Body), "FilterPolicy: Filter is not an object");
    }
}

#[test]
fn attributes_do_not_nest() {
    let message = "Filter policy scope MessageAttributes does not support nested filter policy";
    for policy in [r#"{"object":{"key":[{"prefix":"auto-"}]}}"#, r#"{"$or":[{"a":{"b":["x"]}},{"c":["x"]}]}"#]
    {
        assert_eq!(refusal(policy, Scope::Attributes), message);
        on_body(policy);
    }
}
