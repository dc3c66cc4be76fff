//! The scope `MessageAttributes`.

use super::Attribute::{Binary, Number, Text, TextArray};
use super::*;

/// Conditions, attributes that meet them, attributes that do not.
type Row<'a> = (&'a str, &'a [Attribute<'a>], &'a [Attribute<'a>]);

fn check(rows: &[Row<'_>]) {
    for (conditions, meet, miss) in rows {
        for attribute in *meet {
            assert!(meets(conditions, *attribute), "{conditions} takes {attribute:?}");
        }
        for attribute in *miss {
            assert!(!meets(conditions, *attribute), "{conditions} does not take {attribute:?}");
        }
    }
}

#[test]
fn plain_values() {
    check(&[
        (r#"["a"]"#, &[Text("a")], &[Text("A"), Text("ab"), Text(""), Number("1"), Binary]),
        (r#"["a","b"]"#, &[Text("a"), Text("b")], &[Text("c")]),
        (r#"[""]"#, &[Text("")], &[Text(" ")]),
        ("[1]", &[Number("1"), Number("1.0"), Number("1e0"), Number("+1")], &[Number("2"), Text("1")]),
        ("[301.5]", &[Number("301.5"), Number("3.015e2"), Number("301.50")], &[Number("301.51")]),
        (r#"["1"]"#, &[Text("1")], &[Number("1")]),
        ("[true]", &[TextArray("[true]")], &[Text("true"), TextArray("[false]"), TextArray(r#"["true"]"#)]),
        ("[null]", &[TextArray("[null]")], &[Text("null"), Text(""), TextArray("[]")]),
    ]);
}

#[test]
fn numbers_keep_their_digits() {
    check(&[
        ("[123456789012]", &[Number("123456789012")], &[Number("123456789013")]),
        ("[9007199254740993]", &[Number("9007199254740993")], &[Number("9007199254740992")]),
        ("[18446744073709551615]", &[Number("18446744073709551615")], &[Number("18446744073709551614")]),
        ("[999999999.99999]", &[Number("999999999.99999")], &[Number("999999999.99998")]),
        ("[-999999999.99999]", &[Number("-999999999.99999")], &[Number("-999999999.99998")]),
        ("[0]", &[Number("0"), Number("-0"), Number("-0.0")], &[Number("0.00001")]),
    ]);
}

#[test]
fn what_is_no_number_meets_no_condition_but_exists() {
    for text in ["", "x", "NaN", "inf", "-infinity", "1e999", "1 ", "0x1"] {
        let attribute = Number(text);
        assert!(!meets(r#"[0, {"numeric":[">",-1]}, {"anything-but":[5]}]"#, attribute), "{text}");
        assert!(meets(r#"[{"exists":true}]"#, attribute), "{text}");
    }
}

#[test]
fn patterns_of_strings() {
    check(&[
        (r#"[{"prefix":"bas"}]"#, &[Text("bas"), Text("baseball")], &[Text("ba"), Text("Base"), Number("1")]),
        (r#"[{"suffix":"ball"}]"#, &[Text("ball"), Text("baseball")], &[Text("all"), Text("balls")]),
        (r#"[{"prefix":""}]"#, &[Text(""), Text("a")], &[Number("1")]),
        (r#"[{"prefix":"1"}]"#, &[Text("12")], &[Number("12")]),
        (
            r#"[{"equals-ignore-case":"TenniS"}]"#,
            &[Text("tennis"), Text("TENNIS")],
            &[Text("tenni"), Text("tennis "), Number("1")],
        ),
        (r#"[{"equals-ignore-case":"ÀÉ"}]"#, &[Text("àé"), Text("Àé")], &[Text("ae")]),
    ]);
}

#[test]
fn wildcards() {
    check(&[
        (
            r#"[{"wildcard":"a*b"}]"#,
            &[Text("ab"), Text("a*b"), Text("axxb")],
            &[Text("a"), Text("abc"), Text("xab")],
        ),
        (r#"[{"wildcard":"*"}]"#, &[Text(""), Text("anything")], &[Number("1")]),
        (r#"[{"wildcard":"*.pdf"}]"#, &[Text(".pdf"), Text("x.pdf")], &[Text("x.pdf.gz")]),
        (r#"[{"wildcard":"x*"}]"#, &[Text("x"), Text("xy")], &[Text("yx")]),
        (r#"[{"wildcard":"a*a"}]"#, &[Text("aa"), Text("aba")], &[Text("a")]),
        (
            r#"[{"wildcard":"a*bc*bc*d"}]"#,
            &[Text("abcbcd"), Text("abcxbcxbcd")],
            &[Text("abcd"), Text("abcbc"), Text("abcbd")],
        ),
        (r#"[{"wildcard":"*ab*"}]"#, &[Text("aab"), Text("aabb")], &[Text("ba")]),
        (r#"[{"wildcard":"a\\*b"}]"#, &[Text("a*b")], &[Text("axb"), Text("a\\*b")]),
        (r#"[{"wildcard":"a\\\\*"}]"#, &[Text("a\\"), Text("a\\b")], &[Text("a*"), Text("a")]),
        (r#"[{"wildcard":"plain"}]"#, &[Text("plain")], &[Text("plainer")]),
        (r#"[{"wildcard":""}]"#, &[Text("")], &[Text("a")]),
        (r#"[{"wildcard":"é*é"}]"#, &[Text("éé"), Text("éaé")], &[Text("é")]),
    ]);
}

#[test]
fn numeric() {
    let numbers =
        [Number("-1"), Number("0"), Number("0.5"), Number("100"), Number("150"), Number("150.00001")];
    let rows = [
        (r#"["=",100]"#, [false, false, false, true, false, false]),
        (r#"["=",1e2]"#, [false, false, false, true, false, false]),
        (r#"["<",0]"#, [true, false, false, false, false, false]),
        (r#"["<=",0]"#, [true, true, false, false, false, false]),
        (r#"[">",100]"#, [false, false, false, false, true, true]),
        (r#"[">=",100]"#, [false, false, false, true, true, true]),
        (r#"[">",0,"<=",150]"#, [false, false, true, true, true, false]),
        (r#"[">=",0,"<",150]"#, [false, true, true, true, false, false]),
    ];
    for (operand, expected) in rows {
        let conditions = format!(r#"[{{"numeric":{operand}}}]"#);
        assert_eq!(numbers.map(|number| meets(&conditions, number)), expected, "{operand}");
        assert!(!meets(&conditions, Text("100")), "{operand} is for numbers");
    }
}

#[test]
fn anything_but() {
    check(&[
        (r#"[{"anything-but":"a"}]"#, &[Text("b"), Text(""), Number("1")], &[Text("a"), Binary]),
        (
            r#"[{"anything-but":["rugby","tennis"]}]"#,
            &[Text("baseball"), TextArray(r#"["rugby","baseball"]"#)],
            &[Text("rugby"), TextArray(r#"["rugby"]"#), TextArray("[]")],
        ),
        (r#"[{"anything-but":1}]"#, &[Number("1.5"), Text("1")], &[Number("1"), Number("1.0")]),
        (
            r#"[{"anything-but":[100,500]}]"#,
            &[Number("101"), TextArray("[100,50]")],
            &[Number("500"), Number("1e2")],
        ),
        (r#"[{"anything-but":{"prefix":"bas"}}]"#, &[Text("rugby")], &[Text("baseball"), Text("bas")]),
        (
            r#"[{"anything-but":{"suffix":["ball","by"]}}]"#,
            &[Text("tennis")],
            &[Text("baseball"), Text("rugby")],
        ),
        (r#"[{"anything-but":{"equals-ignore-case":["A","b"]}}]"#, &[Text("c")], &[Text("a"), Text("B")]),
        (r#"[{"anything-but":{"wildcard":"*/bin/*.jar"}}]"#, &[Text("/bin/.ja")], &[Text("/bin/.jar")]),
        (r#"[{"anything-but":{"wildcard":["a*","*b"]}}]"#, &[Text("c")], &[Text("ac"), Text("cb")]),
        // Each of two exclusions takes what the other excludes.
        (r#"[{"anything-but":"a"},{"anything-but":"b"}]"#, &[Text("a"), Text("b")], &[]),
        (r#"[{"anything-but":"a"},{"exists":false}]"#, &[Text("b"), Binary], &[Text("a")]),
    ]);
}

#[test]
fn exists() {
    let attributes = [Text(""), Number("1"), TextArray("[]"), TextArray("no array")];
    check(&[
        (r#"[{"exists":true}]"#, &attributes, &[Binary]),
        (r#"[{"exists":false}]"#, &[Binary], &attributes),
    ]);
    let none = Message::default();
    assert!(!on_attributes(r#"{"k":[{"exists":true}]}"#).matches_attributes(&none));
    assert!(on_attributes(r#"{"k":[{"exists":false}]}"#).matches_attributes(&none));
    // What is not there is neither null nor anything but something (recorded from AWS).
    assert!(!on_attributes(r#"{"k":[null,{"anything-but":"whatever"}]}"#).matches_attributes(&none));
}

#[test]
fn networks() {
    check(&[
        (
            r#"[{"cidr":"10.0.0.0/24"}]"#,
            &[Text("10.0.0.0"), Text("10.0.0.255")],
            &[Text("10.0.0.256"), Text("10.0.1.0"), Text("10.0.0"), Text("::a00:1"), Number("10")],
        ),
        (r#"[{"cidr":"10.0.0.77/24"}]"#, &[Text("10.0.0.1")], &[Text("10.0.1.77")]),
        (r#"[{"cidr":"0.0.0.0/0"}]"#, &[Text("255.1.2.3")], &[Text("::1"), Text("x")]),
        (
            r#"[{"cidr":"192.168.0.2/31"}]"#,
            &[Text("192.168.0.2"), Text("192.168.0.3")],
            &[Text("192.168.0.4")],
        ),
        (
            r#"[{"cidr":"2001:db8:1234:1a00::/64"}]"#,
            &[Text("2001:0db8:1234:1a00:0000:0000:0000:0000"), Text("2001:db8:1234:1a00::ffff")],
            &[Text("2001:0db8:123f:1a01:0000:0000:0000:0000"), Text("10.0.0.1")],
        ),
        (r#"[{"cidr":"::/0"}]"#, &[Text("::1"), Text("ffff::")], &[Text("1.2.3.4")]),
    ]);
}

#[test]
fn an_array_meets_what_one_of_its_elements_meets() {
    let array = TextArray(r#"["soccer", 7, true, null, ["nested"], {"k": "v"}]"#);
    for conditions in
        [r#"["soccer"]"#, r#"[{"suffix":"cer"}]"#, "[7]", r#"[{"numeric":["<",8]}]"#, "[true]", "[null]"]
    {
        assert!(meets(conditions, array), "{conditions}");
    }
    for conditions in [r#"["nested"]"#, r#"["v"]"#, "[8]", "[false]", r#"["7"]"#] {
        assert!(!meets(conditions, array), "{conditions}");
    }
    for text in ["", "['soccer']", r#""soccer""#, r#"{"a":"soccer"}"#, r#"["soccer""#] {
        assert!(!meets(r#"["soccer"]"#, TextArray(text)), "{text}");
    }
}

#[test]
fn keys_are_joined_by_and() {
    let policy = on_attributes(r#"{"n":[{"numeric":["=",300]}], "s":[{"prefix":"typ"}]}"#);
    let takes = |attributes: &[(&'static str, Attribute<'static>)]| {
        policy.matches_attributes(&Message(attributes.to_vec()))
    };
    assert!(takes(&[("n", Number("300")), ("s", Text("type1")), ("x", Text("y"))]));
    assert!(!takes(&[("n", Number("299")), ("s", Text("type1"))]));
    assert!(!takes(&[("n", Number("300"))]));
    assert!(!takes(&[("s", Text("type1"))]));
    assert!(!takes(&[("N", Number("300")), ("s", Text("type1"))]));
}

#[test]
fn a_name_with_a_dot_is_a_name() {
    let policy = on_attributes(r#"{"a.b":["v"]}"#);
    assert!(policy.matches_attributes(&Message(vec![("a.b", Text("v"))])));
    assert!(!policy.matches_attributes(&Message(vec![("a", Text("v"))])));
}

#[test]
fn branches_are_joined_by_or() {
    let policy = on_attributes(
        r#"{"f1":["v1"], "$or":[{"f2":["v2","v3"]}, {"f3":["v4"], "$or":[{"f4":["v5"]}, {"f5":["v7"]}]}]}"#,
    );
    let takes = |attributes: &[(&'static str, &'static str)]| {
        let attributes = attributes.iter().map(|&(name, text)| (name, Text(text))).collect();
        policy.matches_attributes(&Message(attributes))
    };
    assert!(takes(&[("f1", "v1"), ("f2", "v2")]));
    assert!(takes(&[("f1", "v1"), ("f3", "v4"), ("f4", "v5")]));
    assert!(takes(&[("f1", "v1"), ("f3", "v4"), ("f5", "v7"), ("f2", "x")]));
    assert!(!takes(&[("f1", "v1")]));
    assert!(!takes(&[("f2", "v2")]));
    assert!(!takes(&[("f1", "v1"), ("f3", "v4")]));
    assert!(!takes(&[("f1", "v1"), ("f4", "v5"), ("f5", "v7")]));
}
