//! The scope `MessageBody`.

use super::*;

/// Bodies that meet a policy, and bodies that do not.
fn check(policy: &str, meet: &[&str], miss: &[&str]) {
    let compiled = on_body(policy);
    for body in meet {
        assert!(compiled.matches_body(body.as_bytes()), "{policy} takes {body}");
    }
    for body in miss {
        assert!(!compiled.matches_body(body.as_bytes()), "{policy} does not take {body}");
    }
}

#[test]
fn a_body_must_be_an_object() {
    check(
        r#"{"k":["v"]}"#,
        &[r#"{"k":"v"}"#, r#" {"x":1,"k":"v"} "#],
        &["", "v", r#""v""#, r#"["v"]"#, r#"[{"k":"v"}]"#, "{", r#"{"k":"v"}x"#, "null"],
    );
    assert!(!on_body(r#"{"k":["v"]}"#).matches_body(b"{\"k\":\"v\",\"x\":\"\xff\"}"));
    check(r#"{"k":[{"exists":false}]}"#, &["{}"], &["no JSON", "[]"]);
}

#[test]
fn values_have_types() {
    let values = [r#""1""#, "1", "1.0", "true", r#""true""#, "null", "{}", "[]"];
    for (conditions, expected) in [
        (r#"["1"]"#, [true, false, false, false, false, false, false, false]),
        ("[1]", [false, true, true, false, false, false, false, false]),
        ("[true]", [false, false, false, true, false, false, false, false]),
        ("[null]", [false, false, false, false, false, true, false, false]),
        (r#"[{"anything-but":"1"}]"#, [false, true, true, true, true, true, false, false]),
        (r#"[{"anything-but":1}]"#, [true, false, false, true, true, true, false, false]),
        (r#"[{"exists":true}]"#, [true, true, true, true, true, true, false, false]),
        (r#"[{"exists":false}]"#, [false, false, false, false, false, false, true, true]),
        (r#"[{"wildcard":"*"}]"#, [true, false, false, false, true, false, false, false]),
    ] {
        assert_eq!(values.map(|value| body_meets(conditions, value)), expected, "{conditions}");
    }
}

#[test]
fn objects_nest() {
    check(
        r#"{"object":{"key":[{"prefix":"auto-"},"hardcodedvalue"],"nested_key":[{"exists":false}]},"test":[{"exists":false}]}"#,
        &[r#"{"object":{"key":"auto-test"}}"#, r#"{"object":{"key":"hardcodedvalue"}}"#],
        &[
            r#"{"object":{"key":"test-auto"}}"#,
            r#"{"object":{"key":"auto-test"},"test":"just-exists"}"#,
            r#"{"object":{"key":"auto-test","nested_key":"just-exists"}}"#,
            r#"{"object":{"test":"auto-test"}}"#,
            r#"{"test":"auto-test"}"#,
            r#"{"object":"auto-test"}"#,
        ],
    );
}

#[test]
fn one_element_of_an_array_is_enough() {
    check(
        r#"{"f1":{"f2":{"f3":["v1"]}}}"#,
        &[
            r#"{"f1":{"f2":{"f3":"v1"}}}"#,
            r#"{"f1":{"f2":{"f3":["v0","v1"]}}}"#,
            r#"{"f1":{"f2":{"f3":[[["v1"]]]}}}"#,
            r#"{"f1":[{"f2":{"f3":"v1"}}]}"#,
            r#"{"f1":[{"f2":[[{"f3":"v2"},{"f3":"v1"}]]}]}"#,
            r#"{"f1":["x",{"f2":{"f3":"v1"}}]}"#,
        ],
        &[
            r#"{"f1":["v1"]}"#,
            r#"{"f1":{"f2":["v1"]}}"#,
            r#"{"f1":[{"f2":[{"f3":"v2"}]}]}"#,
            r#"{"f1":{"f2":{"f3":{"f4":"v1"}}}}"#,
            r#"{"f2":{"f3":"v1"}}"#,
        ],
    );
    // The records of S3, as in AWS's announcement: some record, and some record, not the same one.
    check(
        r#"{"Records":{"s3":{"object":{"key":[{"prefix":"auto-"}]}},"eventName":[{"prefix":"ObjectCreated:"}]}}"#,
        &[
            r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"auto-1.xml","size":17}}}]}"#,
            r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":[[{"key":"auto-1.xml"}]]}},
                {"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"home-1.xml"}}}]}"#,
            r#"{"Records":[{"eventName":"ObjectCreated:Put"},{"s3":{"object":{"key":"auto-1.xml"}}}]}"#,
        ],
        &[
            r#"{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"auto-1.xml"}}}]}"#,
            r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"home-1.xml"}}}]}"#,
            r#"{"Records":[]}"#,
        ],
    );
}

#[test]
fn a_dot_is_a_step_or_a_part_of_a_name() {
    check(
        r#"{"object.nested.test":["v"]}"#,
        &[
            r#"{"object":{"nested":{"test":"v"}}}"#,
            r#"{"object.nested.test":"v"}"#,
            r#"{"object.nested":{"test":"v"}}"#,
            r#"{"object":{"nested.test":"v"}}"#,
            r#"{"object":"v","object.nested":{"test":"v"}}"#,
        ],
        &[
            r#"{"object":{"nested":{"test":"w"}}}"#,
            r#"{"objectnested.test":"v"}"#,
            r#"{"object.nested":"v"}"#,
        ],
    );
    check(
        r#"{"detail":{"a.b":{"c":["v"]}}}"#,
        &[r#"{"detail":{"a":{"b":{"c":"v"}}}}"#, r#"{"detail.a.b.c":"v"}"#],
        &[r#"{"a.b.c":"v"}"#],
    );
    check(r#"{"":["v"]}"#, &[r#"{"":"v"}"#], &[r#"{"k":"v"}"#, r#"{"":{"":"v"}}"#]);
    check(r#"{"":{"":["v"]}}"#, &[r#"{"":{"":"v"}}"#, r#"{".":"v"}"#], &[r#"{"":"v"}"#]);
}

#[test]
fn exists_asks_for_a_value_at_the_end() {
    check(
        r#"{"a":{"b":[{"exists":true}]}}"#,
        &[r#"{"a":{"b":null}}"#, r#"{"a":{"b":[0]}}"#, r#"{"a":[{},{"b":""}]}"#],
        &["{}", r#"{"a":{}}"#, r#"{"a":{"b":{"c":1}}}"#, r#"{"a":{"b":[]}}"#, r#"{"a":{"b":[[],{"c":1}]}}"#],
    );
    check(
        r#"{"a":{"b":[{"exists":false}]}}"#,
        &["{}", r#"{"a":1}"#, r#"{"a":{"b":{"c":1}}}"#, r#"{"a":{"b":[]}}"#],
        &[r#"{"a":{"b":null}}"#, r#"{"a":[{},{"b":""}]}"#],
    );
    check(r#"{"detail":{"v":[""]}}"#, &[r#"{"resources":[],"detail":{"v":"","r":null}}"#], &[]);
}

#[test]
fn branches_stand_anywhere() {
    check(
        r#"{"$or":[{"metricName":["CPUUtilization","ReadLatency"]},{"namespace":["AWS/EC2","AWS/ES"]}],
            "detail":{"scope":["Service"],"$or":[{"source":["aws.cloudwatch"]},{"type":["Change"]}]}}"#,
        &[
            r#"{"metricName":"CPUUtilization","detail":{"scope":"Service","source":"aws.cloudwatch"}}"#,
            r#"{"metricName":"ReadLatency","detail":{"scope":"Service","source":"aws.cloudwatch"}}"#,
            r#"{"namespace":"AWS/ES","detail":{"scope":"Service","source":"aws.cloudwatch"}}"#,
            r#"{"metricName":"CPUUtilization","detail":{"scope":"Service","type":"Change"}}"#,
        ],
        &[
            r#"{"metricName":"CPUUtilization","detail":{"scope":"aws.cloudwatch","type":"Change"}}"#,
            r#"{"metricName":"CPUUtilization","detail":{"scope":"Service","type":"CPUUtilization"}}"#,
            r#"{"metricName":"CPUUtilization","detail":{"type":"Change"}}"#,
            r#"{"metricName":"CPUUtilization","detail":{"scope":"Service"}}"#,
            r#"{"metricName":"CPUUtilization","scope":"Service"}"#,
            r#"{"metricName":"AWS/EC2","detail":{"scope":"Service","type":"Change"}}"#,
            r#"{"namespace":"CPUUtilization","detail":{"scope":"Service","type":"Change"}}"#,
        ],
    );
    check(
        r#"{"detail":{"$or":[{"ip":[{"cidr":"10.0.0.0/24"}]},{"ip6":[{"cidr":"2001:db8:1234:1a00::/64"}]}]}}"#,
        &[r#"{"detail":{"ip":"10.0.0.255"}}"#, r#"{"detail":{"ip6":"2001:0db8:1234:1a00:0:0:0:0"}}"#],
        &[r#"{"detail":{"ip":"10.0.0.256"}}"#, r#"{"detail":{"ip6":"2001:0db8:123f:1a01:0:0:0:0"}}"#],
    );
}

#[test]
fn a_body_is_parsed_once_for_many_policies() {
    let body = JsonBody::parse(br#"{"k":"v"}"#).unwrap();
    assert!(on_body(r#"{"k":["v"]}"#).matches_json(&body));
    assert!(!on_body(r#"{"k":["w"]}"#).matches_json(&body));
    assert!(JsonBody::parse(b"[1]").is_none());
}
