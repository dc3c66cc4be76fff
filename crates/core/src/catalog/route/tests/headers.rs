//! Headers exchanges.

use super::*;

/// A catalog with one queue bound to `amq.headers` with these arguments.
fn bound<const N: usize>(arguments: [(&'static str, Value); N]) -> Catalog {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    bind(&mut catalog, NewBinding { arguments: table(arguments), ..to_queue("amq.headers", "q", "any key") });
    catalog
}

fn goes<const N: usize>(catalog: &Catalog, headers: [(&'static str, Value); N]) -> bool {
    !routed_by_headers(catalog, "amq.headers", "", &table(headers)).is_empty()
}

/// The reports of RabbitMQ's documentation.
#[test]
fn all_is_the_default_and_any_is_one_of_them() {
    let wanted = || [("format", Value::from("pdf")), ("type", Value::from("report"))];
    let all = bound(wanted());
    let [format, kind] = wanted();
    let any = bound([("x-match", "any".into()), format, kind]);
    let report = || ("type", Value::from("report"));
    let pdf = || ("format", Value::from("pdf"));
    assert!(goes(&all, [pdf(), report()]) && goes(&any, [pdf(), report()]));
    assert!(goes(&all, [report(), ("extra", number(1)), pdf()]), "other headers do not matter");
    assert!(!goes(&all, [pdf()]) && goes(&any, [pdf()]));
    assert!(
        !goes(&all, [("format", "zip".into()), report()]) && goes(&any, [("format", "zip".into()), report()])
    );
    assert!(!goes(&all, []) && !goes(&any, []));
    assert!(!goes(&any, [("format", "zip".into()), ("type", "log".into())]));
}

#[test]
fn without_wanted_headers_all_takes_everything_and_any_nothing() {
    assert!(goes(&bound([]), [("h", number(1))]) && goes(&bound([]), []));
    assert!(!goes(&bound([("x-match", "any".into())]), [("h", number(1))]));
}

#[test]
fn headers_that_begin_with_x_count_only_where_said() {
    let message = || [("x-kind", Value::from("a")), ("h", number(1))];
    for (word, fits) in [("all", true), ("all-with-x", false), ("any", true), ("any-with-x", true)] {
        let catalog = bound([("x-match", word.into()), ("x-kind", "b".into()), ("h", number(1))]);
        assert_eq!(goes(&catalog, message()), fits, "{word}");
    }
    let catalog = bound([("x-match", "all-with-x".into()), ("x-kind", "a".into()), ("h", number(1))]);
    assert!(goes(&catalog, message()), "x-match itself is not wanted");
    let catalog = bound([("x-match", "any-with-x".into()), ("x-kind", "a".into())]);
    assert!(goes(&catalog, message()));
    let catalog = bound([("x-match", "any".into()), ("x-kind", "a".into())]);
    assert!(!goes(&catalog, message()));
}

#[test]
fn a_binding_without_a_value_asks_whether_the_header_is_there() {
    let catalog = bound([("h", Value::Void)]);
    assert!(goes(&catalog, [("h", number(1))]) && goes(&catalog, [("h", Value::Void)]));
    assert!(!goes(&catalog, [("other", number(1))]));
}

#[test]
fn values_are_compared_and_the_width_of_numbers_is_not() {
    let fits = |wanted: Value, header: Value| goes(&bound([("h", wanted)]), [("h", header)]);
    assert!(fits(Value::I32(5), Value::I64(5)) && fits(Value::U8(5), Value::I16(5)));
    assert!(!fits(Value::I32(5), Value::I32(6)));
    assert!(!fits(Value::I32(5), "5".into()) && !fits("5".into(), Value::I32(5)));
    assert!(!fits(Value::I32(1), true.into()) && fits(true.into(), true.into()));
    assert!(fits(Value::F32(0.5), Value::F64(0.5)) && !fits(Value::F64(1.0), Value::I32(1)));
    assert!(fits("text".into(), Value::Binary(b"text".to_vec())));
    assert!(fits(Value::Array(vec![number(1)]), Value::Array(vec![number(1)])));
    assert!(!fits(Value::Array(vec![number(1)]), Value::Array(vec![number(2)])));
    assert!(!fits("text".into(), Value::Void));
}

#[test]
fn a_removed_binding_takes_nothing() {
    let mut catalog = bound([("h", number(1))]);
    let binding =
        || NewBinding { arguments: table([("h", number(1))]), ..to_queue("amq.headers", "q", "any key") };
    catalog.unbind(guest(), "/", binding()).unwrap();
    assert!(!goes(&catalog, [("h", number(1))]));
    bind(&mut catalog, binding());
    assert!(goes(&catalog, [("h", number(1))]));
}
