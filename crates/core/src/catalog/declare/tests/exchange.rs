//! Declaring and deleting exchanges.

use super::*;

const DEFAULT: &str = "operation not permitted on the default exchange";

#[test]
fn every_vhost_begins_with_the_exchanges_that_amqp_names() {
    let mut catalog = catalog();
    catalog.put_vhost("v", "", Vec::new(), QueueKind::Classic).unwrap();
    let found: Vec<_> =
        catalog.exchanges("v").map(|exchange| (&*exchange.name, exchange.kind, exchange.internal)).collect();
    let expected = [
        ("", "direct", false),
        ("amq.direct", "direct", false),
        ("amq.fanout", "fanout", false),
        ("amq.headers", "headers", false),
        ("amq.match", "headers", false),
        ("amq.rabbitmq.trace", "topic", true),
        ("amq.topic", "topic", false),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_exchange_is_made_once_and_deleted_without_complaint() {
    let mut catalog = catalog();
    for kind in ["direct", "fanout", "topic", "headers", "x-consistent-hash", "x-random"] {
        assert!(catalog.declare_exchange(guest(), "/", kind, wanted(kind)).unwrap());
        assert!(!catalog.declare_exchange(guest(), "/", kind, wanted(kind)).unwrap());
        assert_eq!(catalog.declare_exchange_passively(guest(), "/", kind).unwrap().kind, kind);
        assert!(catalog.delete_exchange(guest(), "/", kind, false).unwrap());
        assert!(!catalog.delete_exchange(guest(), "/", kind, true).unwrap());
    }
    let text = "no exchange 'topic' in vhost '/'";
    assert_refused(catalog.declare_exchange_passively(guest(), "/", "topic"), Cause::NotFound, text);
}

#[test]
fn an_unknown_kind_is_named() {
    let answer = catalog().declare_exchange(guest(), "/", "x", wanted("x-unknown"));
    assert_refused(answer, Cause::PreconditionFailed, "invalid exchange type 'x-unknown'");
}

#[test]
fn reserved_names_are_not_for_clients() {
    let mut catalog = catalog();
    let answer = catalog.declare_exchange(guest(), "/", "amq.mine", wanted("topic"));
    let text = "exchange name 'amq.mine' contains reserved prefix 'amq.*'";
    assert_refused(answer, Cause::AccessRefused, text);
    let text = "deletion of system exchange 'amq.topic' in vhost '/' not allowed";
    assert_refused(catalog.delete_exchange(guest(), "/", "amq.topic", false), Cause::AccessRefused, text);
}

#[test]
fn the_default_exchange_is_left_alone() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    let refused = |answer: Result<(), _>| assert_refused(answer, Cause::AccessRefused, DEFAULT);
    refused(catalog.declare_exchange(guest(), "/", "", wanted("direct")).map(drop));
    refused(catalog.declare_exchange_passively(guest(), "/", "\r\n").map(drop));
    refused(catalog.delete_exchange(guest(), "/", "", false).map(drop));
    refused(catalog.bind(guest(), "/", to_queue("", "q", "k")).map(drop));
    refused(catalog.unbind(guest(), "/", to_queue("", "q", "k")).map(drop));
    refused(catalog.bind(guest(), "/", to_exchange("amq.direct", "", "k")).map(drop));
}

#[test]
fn an_exchange_in_use_is_one_with_bindings_from_it() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    add_exchange(&mut catalog, "x", "topic");
    bind(&mut catalog, to_exchange("amq.direct", "x", "k"));
    bind(&mut catalog, to_queue("x", "q", "#"));
    let text = "exchange 'x' in vhost '/' in use";
    assert_refused(catalog.delete_exchange(guest(), "/", "x", true), Cause::PreconditionFailed, text);
    catalog.unbind(guest(), "/", to_queue("x", "q", "#")).unwrap();
    assert!(catalog.delete_exchange(guest(), "/", "x", true).unwrap());
    assert_eq!(catalog.bindings("/").count(), 0, "the binding to it went with it");
    assert!(routed(&catalog, "amq.direct", &["k"]).is_empty());
}

#[test]
fn an_alternate_needs_read_on_the_exchange_and_write_on_the_alternate() {
    let mut catalog = catalog();
    let with =
        |value| DeclareExchange { arguments: table([("alternate-exchange", value)]), ..wanted("topic") };
    add_user(&mut catalog, "u", [".*", "^x$", "^x$"]);
    let answer = catalog.declare_exchange(Caller::user("u"), "/", "x", with("other".into()));
    let text = "write access to exchange 'other' in vhost '/' refused for user 'u'";
    assert_refused(answer, Cause::AccessRefused, text);
    let answer = catalog.declare_exchange(Caller::user("u"), "/", "y", with("x".into()));
    let text = "read access to exchange 'y' in vhost '/' refused for user 'u'";
    assert_refused(answer, Cause::AccessRefused, text);
    let answer = catalog.declare_exchange(guest(), "/", "x", with(true.into()));
    let text = "invalid type 'bool' for arg 'alternate-exchange' in exchange 'x' in vhost '/'";
    assert_refused(answer, Cause::PreconditionFailed, text);
    assert!(catalog.declare_exchange(guest(), "/", "x", with("not there yet".into())).unwrap());
}

#[test]
fn permission_to_configure_is_needed() {
    let mut catalog = catalog();
    add_exchange(&mut catalog, "x", "topic");
    add_user(&mut catalog, "u", ["mine", ".*", ".*"]);
    let user = Caller::user("u");
    let text = "configure access to exchange 'x' in vhost '/' refused for user 'u'";
    assert_refused(catalog.declare_exchange(user, "/", "x", wanted("topic")), Cause::AccessRefused, text);
    assert_refused(catalog.delete_exchange(user, "/", "x", false), Cause::AccessRefused, text);
    assert!(catalog.declare_exchange_passively(user, "/", "x").is_ok(), "any permission is enough to ask");
}

#[test]
fn a_delayed_exchange_names_the_kind_it_routes_as() {
    let mut catalog = catalog();
    let text = "Invalid argument, 'x-delayed-type' must be an existing exchange type";
    for wrong in [None, Some("x-unknown"), Some("x-delayed-message")] {
        let arguments = wrong.map_or(Table::new(), |kind| table([("x-delayed-type", kind.into())]));
        let declare = DeclareExchange { arguments, ..wanted("x-delayed-message") };
        assert_refused(catalog.declare_exchange(guest(), "/", "x", declare), Cause::PreconditionFailed, text);
    }
    let arguments = table([("x-delayed-type", "topic".into())]);
    let declare = DeclareExchange { arguments, ..wanted("x-delayed-message") };
    assert!(catalog.declare_exchange(guest(), "/", "x", declare).unwrap());
    assert!(catalog.exchange("/", "x").unwrap().delayed);
}

#[test]
fn a_recent_history_has_a_length_within_bounds() {
    let mut catalog = catalog();
    let mut declare = |length: Value| {
        let arguments = table([("x-recent-history-length", length)]);
        let declare = DeclareExchange { arguments, ..wanted("x-recent-history") };
        catalog.declare_exchange(guest(), "/", "x", declare)
    };
    let positive =
        |term: &str| format!("Invalid argument {term}, 'x-recent-history-length' must be a positive integer");
    for (wrong, term) in [(number(0), "0"), (number(-1), "-1"), ("5".into(), "<<\"5\">>")] {
        assert_refused(declare(wrong), Cause::PreconditionFailed, &positive(term));
    }
    let text = "'x-recent-history-length' must not exceed 10000";
    assert_refused(declare(number(10_001)), Cause::PreconditionFailed, text);
    assert!(declare(number(10_000)).unwrap());
}

#[test]
fn the_hash_of_a_consistent_hash_exchange_is_of_one_thing() {
    let mut catalog = catalog();
    let mut declare = |arguments| {
        catalog.declare_exchange(
            guest(),
            "/",
            "x",
            DeclareExchange { arguments, ..wanted("x-consistent-hash") },
        )
    };
    let both = table([("hash-header", "h".into()), ("hash-property", "message_id".into())]);
    let text = "hash-header and hash-property are mutually exclusive";
    assert_refused(declare(both), Cause::PreconditionFailed, text);
    let unknown = table([("hash-property", "app_id".into())]);
    assert_refused(declare(unknown), Cause::PreconditionFailed, "Unsupported property: app_id");
    assert_refused(
        declare(table([("hash-header", number(1))])),
        Cause::PreconditionFailed,
        "hash-header must be a string",
    );
    assert!(declare(table([("hash-property", "message_id".into())])).unwrap());
}
