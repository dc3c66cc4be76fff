//! Binding and unbinding, and what goes with the last binding.

use super::*;
use crate::catalog::NewBinding;

#[test]
fn a_binding_is_made_once_and_removed_without_complaint() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    let binding = || to_queue("amq.direct", "q", "k");
    assert!(!catalog.unbind(guest(), "/", binding()).unwrap());
    assert!(catalog.bind(guest(), "/", binding()).unwrap());
    assert!(!catalog.bind(guest(), "/", binding()).unwrap());
    let destination = Destination { kind: DestinationKind::Queue, name: "q".into() };
    assert_eq!(catalog.bindings_to("/", &destination).count(), 1);
    assert_eq!(catalog.bindings_from("/", "amq.direct").count(), 1);
    assert!(catalog.unbind(guest(), "/", binding()).unwrap());
    assert!(!catalog.unbind(guest(), "/", binding()).unwrap());
    assert_eq!(catalog.bindings_to("/", &destination).count(), 0);
    assert!(!catalog.unbind(guest(), "/", to_queue("nowhere", "nothing", "k")).unwrap());
}

#[test]
fn arguments_tell_bindings_apart_and_their_order_does_not() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    let with = |arguments| NewBinding { arguments, ..to_queue("amq.direct", "q", "k") };
    let ab = || table([("a", number(1)), ("b", number(2))]);
    let ba = || table([("b", number(2)), ("a", number(1))]);
    assert!(catalog.bind(guest(), "/", with(Table::new())).unwrap());
    assert!(catalog.bind(guest(), "/", with(ab())).unwrap());
    assert!(!catalog.bind(guest(), "/", with(ba())).unwrap());
    assert_eq!(catalog.bindings("/").count(), 2);

    assert!(catalog.unbind(guest(), "/", with(Table::new())).unwrap());
    assert_eq!(routed(&catalog, "amq.direct", &["k"]), ["q"], "the other binding is still there");
    assert!(catalog.unbind(guest(), "/", with(ba())).unwrap());
    assert!(routed(&catalog, "amq.direct", &["k"]).is_empty());
}

#[test]
fn both_ends_must_be_there() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    let mut refused =
        |binding, text| assert_refused(catalog.bind(guest(), "/", binding), Cause::NotFound, text);
    refused(to_queue("x", "q", ""), "no exchange 'x' in vhost '/'");
    refused(to_queue("amq.direct", "other", ""), "no queue 'other' in vhost '/'");
    refused(to_exchange("amq.direct", "x", ""), "no exchange 'x' in vhost '/'");
}

#[test]
fn names_lose_their_line_breaks() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    assert!(catalog.bind(guest(), "/", to_queue("amq.\rdirect", "q\n", "k")).unwrap());
    assert!(catalog.unbind(guest(), "/", to_queue("amq.direct\n", "q", "k")).unwrap());
}

#[test]
fn a_key_fits_a_short_string() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    let key = ".".repeat(256);
    let answer = catalog.bind(guest(), "/", to_queue("amq.topic", "q", &key));
    assert_refused(answer, Cause::PreconditionFailed, "binding key is longer than 255 bytes");
    assert!(catalog.bind(guest(), "/", to_queue("amq.topic", "q", &key[1..])).unwrap());
}

#[test]
fn binding_writes_to_the_destination_and_reads_from_the_source() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    add_user(&mut catalog, "writer", ["", "^q$", ""]);
    add_user(&mut catalog, "reader", ["", "", "^amq.topic$"]);
    let bind_as =
        |catalog: &mut Catalog, user| catalog.bind(Caller::user(user), "/", to_queue("amq.topic", "q", "k"));
    let text = "read access to exchange 'amq.topic' in vhost '/' refused for user 'writer'";
    assert_refused(bind_as(&mut catalog, "writer"), Cause::AccessRefused, text);
    let text = "write access to queue 'q' in vhost '/' refused for user 'reader'";
    assert_refused(bind_as(&mut catalog, "reader"), Cause::AccessRefused, text);
    let answer = catalog.unbind(Caller::user("reader"), "/", to_queue("amq.topic", "q", "k"));
    assert_refused(answer, Cause::AccessRefused, text);
}

#[test]
fn a_kind_checks_its_keys_and_arguments() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    add_exchange(&mut catalog, "hash", "x-consistent-hash");
    let mut refused = |binding, text| {
        assert_refused(catalog.bind(guest(), "/", binding), Cause::PreconditionFailed, text);
    };
    refused(to_queue("hash", "q", "a"), "The binding key must be an integer: <<\"a\">>");
    refused(to_queue("hash", "q", "0"), "The binding key must be greater than 0");
    refused(to_queue("hash", "q", "10001"), "The binding key must not exceed 10000");
    refused(
        to_queue("amq.topic", "q", "#.a.#.b.#"),
        "Topic binding key '#.a.#.b.#' uses 3 '#' wildcards, at most 2 are allowed",
    );
    let with =
        |value| NewBinding { arguments: table([("x-match", value)]), ..to_queue("amq.match", "q", "") };
    refused(
        with("some".into()),
        "Invalid x-match field value <<\"some\">>; expected all, any, all-with-x, or any-with-x",
    );
    refused(with(number(1)), "Invalid x-match field type signedint (value 1); expected longstr");
    add_exchange(&mut catalog, "rpc", "x-local-random");
    let mut refused = |binding, text| {
        assert_refused(catalog.bind(guest(), "/", binding), Cause::PreconditionFailed, text);
    };
    refused(to_queue("rpc", "q", "k"), "Non empty binding 'k' key not permitted");
    refused(to_exchange("rpc", "amq.fanout", ""), "Destination not found");
}

#[test]
fn an_auto_delete_exchange_goes_with_its_last_binding() {
    let mut catalog = catalog();
    let auto_delete = || DeclareExchange { auto_delete: true, ..wanted("fanout") };
    catalog.declare_exchange(guest(), "/", "x", auto_delete()).unwrap();
    add_queue(&mut catalog, "a");
    add_queue(&mut catalog, "b");
    assert!(catalog.exchange("/", "x").is_some(), "it waits for its first binding");
    bind(&mut catalog, to_queue("x", "a", ""));
    bind(&mut catalog, to_queue("x", "b", ""));
    catalog.unbind(guest(), "/", to_queue("x", "a", "")).unwrap();
    assert!(catalog.exchange("/", "x").is_some());
    let deleted = catalog.delete_queue(guest(), "/", "b").unwrap().unwrap();
    assert_eq!(deleted.exchanges, ["x".into()]);
    assert!(catalog.exchange("/", "x").is_none());
}

#[test]
fn auto_delete_goes_on_along_the_bindings_to_it() {
    let mut catalog = catalog();
    for name in ["x0", "x1", "x2", "x3"] {
        let declare = DeclareExchange { auto_delete: name != "x0", ..wanted("fanout") };
        catalog.declare_exchange(guest(), "/", name, declare).unwrap();
    }
    add_queue(&mut catalog, "q");
    bind(&mut catalog, to_exchange("x0", "x1", ""));
    bind(&mut catalog, to_exchange("x1", "x2", ""));
    bind(&mut catalog, to_exchange("x2", "x3", ""));
    bind(&mut catalog, to_queue("x3", "q", ""));
    // A binding of an exchange to itself counts as any other.
    bind(&mut catalog, to_exchange("x3", "x3", "self"));

    assert!(catalog.delete_queue(guest(), "/", "q").unwrap().unwrap().exchanges.is_empty());
    catalog.unbind(guest(), "/", to_exchange("x3", "x3", "self")).unwrap();
    let left: Vec<_> =
        ["x0", "x1", "x2", "x3"].into_iter().filter(|x| catalog.exchange("/", x).is_some()).collect();
    assert_eq!(left, ["x0"]);
    assert_eq!(catalog.bindings("/").count(), 0);
}

#[test]
fn deleting_an_exchange_takes_auto_delete_sources_along() {
    let mut catalog = catalog();
    let auto_delete = DeclareExchange { auto_delete: true, ..wanted("fanout") };
    catalog.declare_exchange(guest(), "/", "source", auto_delete).unwrap();
    add_exchange(&mut catalog, "x", "topic");
    bind(&mut catalog, to_exchange("source", "x", ""));
    catalog.delete_exchange(guest(), "/", "x", false).unwrap();
    assert!(catalog.exchange("/", "source").is_none());
}
