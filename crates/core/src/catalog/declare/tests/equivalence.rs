//! Declaring what is there: RabbitMQ's texts for each difference.

use super::*;
use crate::catalog::{ApplyTo, NewPolicy, PolicyScope};

/// Declares a queue twice; the text of the second refusal, or nothing if both were the same.
fn again(first: DeclareQueue, second: DeclareQueue) -> Option<String> {
    let mut catalog = catalog();
    catalog.declare_queue(guest(), "/", "q", first).unwrap();
    let refusal = catalog.declare_queue(guest(), "/", "q", second).err()?;
    assert_eq!(refusal.cause, Cause::PreconditionFailed);
    Some(refusal.text)
}

#[track_caller]
fn assert_differs(first: DeclareQueue, second: DeclareQueue, argument: &str, how: &str) {
    let text = format!("inequivalent arg '{argument}' for queue 'q' in vhost '/': {how}");
    assert_eq!(again(first, second), Some(text));
}

fn with_ttl(ttl: Value) -> DeclareQueue {
    durable(table([("x-message-ttl", ttl)]))
}

#[test]
fn properties_are_compared() {
    let plain = || durable(Table::new());
    let transient = || DeclareQueue { durable: false, ..plain() };
    assert_differs(plain(), transient(), "durable", "received 'false' but current is 'true'");
    assert_differs(transient(), plain(), "durable", "received 'true' but current is 'false'");
    let auto_delete = DeclareQueue { auto_delete: true, ..plain() };
    assert_differs(plain(), auto_delete, "auto_delete", "received 'true' but current is 'false'");
}

#[test]
fn an_argument_that_one_side_lacks_is_shown_with_its_type() {
    let plain = || durable(Table::new());
    assert_differs(
        plain(),
        with_ttl(number(10)),
        "x-message-ttl",
        "received the value '10' of type 'signedint' but current is none",
    );
    assert_differs(
        with_ttl(Value::I64(10)),
        plain(),
        "x-message-ttl",
        "received none but current is the value '10' of type 'long'",
    );
    assert_differs(
        plain(),
        durable(table([("x-single-active-consumer", true.into())])),
        "x-single-active-consumer",
        "received the value 'true' of type 'bool' but current is none",
    );
}

#[test]
fn two_values_are_shown_without_types() {
    let how = "received '20' but current is '10'";
    assert_differs(with_ttl(number(10)), with_ttl(number(20)), "x-message-ttl", how);
    let dlx = |name: &str| durable(table([("x-dead-letter-exchange", name.into())]));
    assert_differs(dlx("a"), dlx("b"), "x-dead-letter-exchange", "received 'b' but current is 'a'");
    // RabbitMQ's text, too, leaves the reader to guess that one is text.
    assert_differs(
        with_ttl(number(10)),
        with_ttl("10".into()),
        "x-message-ttl",
        "received '10' but current is '10'",
    );
}

#[test]
fn numbers_of_any_width_are_the_same() {
    for value in
        [Value::I8(10), Value::U8(10), Value::I16(10), Value::U16(10), Value::U32(10), Value::I64(10)]
    {
        assert_eq!(again(with_ttl(number(10)), with_ttl(value)), None);
    }
}

#[test]
fn the_type_is_compared_whether_said_or_meant() {
    let plain = || durable(Table::new());
    let classic = || durable(table([("x-queue-type", "classic".into())]));
    assert_eq!(again(plain(), classic()), None);
    assert_eq!(again(classic(), plain()), None);
    let how = "received 'quorum' but current is 'classic'";
    assert_differs(plain(), quorum([]), "x-queue-type", how);
    let how = "received 'classic' but current is 'quorum'";
    assert_differs(quorum([]), plain(), "x-queue-type", how);
}

#[test]
fn every_argument_that_a_queue_obeys_is_compared() {
    let arguments: [(&'static str, Value); 17] = [
        ("x-expires", number(1_000)),
        ("x-message-ttl", number(1)),
        ("x-dead-letter-exchange", "dlx".into()),
        ("x-dead-letter-routing-key", "dead".into()),
        ("x-dead-letter-strategy", "at-least-once".into()),
        ("x-max-length", number(1)),
        ("x-max-length-bytes", number(1)),
        ("x-overflow", "reject-publish".into()),
        ("x-single-active-consumer", true.into()),
        ("x-delivery-limit", number(3)),
        ("x-consumer-timeout", number(60_000)),
        ("x-delayed-retry-type", "all".into()),
        ("x-delayed-retry-min", number(1)),
        ("x-delayed-retry-max", number(1)),
        ("x-groups", true.into()),
        ("x-queue-leader-locator", "balanced".into()),
        ("x-max-priority", number(5)),
    ];
    let whole = table(arguments.clone());
    for (name, _) in arguments {
        let mut without = whole.clone();
        without.remove(name);
        // A routing key needs its exchange, so the declaration with everything is the first.
        let text = again(durable(whole.clone()), durable(without)).unwrap();
        assert!(text.starts_with(&format!("inequivalent arg '{name}' for queue")), "{text}");
    }
}

#[test]
fn arguments_that_mean_nothing_are_not_compared() {
    let plain = || durable(Table::new());
    assert_eq!(again(plain(), durable(table([("x-custom", number(1)), ("note", "new".into())]))), None);
}

#[test]
fn what_a_policy_sets_is_not_compared() {
    let mut catalog = catalog();
    let definition = table([("message-ttl", Value::I64(5))]);
    let policy = NewPolicy { name: "p", pattern: ".*", apply_to: ApplyTo::All, priority: 0, definition };
    catalog.put_policy("/", PolicyScope::User, policy).unwrap();
    catalog.declare_queue(guest(), "/", "q", with_ttl(number(10))).unwrap();
    assert_eq!(catalog.queue("/", "q").unwrap().settings.message_ttl_ms, Some(5));
    assert!(catalog.declare_queue(guest(), "/", "q", with_ttl(number(10))).is_ok());
    assert!(catalog.declare_queue(guest(), "/", "q", with_ttl(number(5))).is_err());
}

#[test]
fn exchanges_are_compared_by_their_properties_and_alternate() {
    let alternate = |name: &str| table([("alternate-exchange", name.into())]);
    let cases = [
        (DeclareExchange { kind: "fanout", ..wanted("topic") }, "type", "'fanout' but current is 'topic'"),
        (DeclareExchange { durable: false, ..wanted("topic") }, "durable", "'false' but current is 'true'"),
        (
            DeclareExchange { auto_delete: true, ..wanted("topic") },
            "auto_delete",
            "'true' but current is 'false'",
        ),
        (DeclareExchange { internal: true, ..wanted("topic") }, "internal", "'true' but current is 'false'"),
        (
            DeclareExchange { arguments: alternate("a"), ..wanted("topic") },
            "alternate-exchange",
            "the value 'a' of type 'longstr' but current is none",
        ),
    ];
    let mut catalog = catalog();
    add_exchange(&mut catalog, "x", "topic");
    for (second, argument, how) in cases {
        let text = format!("inequivalent arg '{argument}' for exchange 'x' in vhost '/': received {how}");
        let answer = catalog.declare_exchange(guest(), "/", "x", second);
        assert_refused(answer, Cause::PreconditionFailed, &text);
    }
    let other = DeclareExchange { arguments: table([("x-custom", number(1))]), ..wanted("topic") };
    assert!(!catalog.declare_exchange(guest(), "/", "x", other).unwrap());
    assert!(!catalog.declare_exchange(guest(), "/", "amq.topic", wanted("topic")).unwrap());
}
