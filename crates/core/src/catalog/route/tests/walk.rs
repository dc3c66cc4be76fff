//! From exchange to exchange: bindings between them, alternates, and the ends of a walk.

use super::*;
use crate::catalog::{ApplyTo, NewPolicy, PolicyScope, QueueKind};
use crate::limits::QUEUES_PER_MESSAGE;

fn route(catalog: &Catalog, exchange: &str) -> Result<Routed, crate::Refusal> {
    catalog.route("/", exchange, &message(&["k"], &RawProperties::default()), &mut Vec::new())
}

/// Declares an exchange with an alternate.
fn add_with_alternate(catalog: &mut Catalog, name: &str, kind: &str, alternate: &str) {
    let arguments = table([("alternate-exchange", alternate.into())]);
    catalog.declare_exchange(guest(), "/", name, DeclareExchange { arguments, ..exchange(kind) }).unwrap();
}

#[test]
fn the_default_exchange_leads_to_the_queue_of_that_name() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    assert_eq!(routed(&catalog, "", &["q"]), ["q"]);
    assert!(routed(&catalog, "", &["other"]).is_empty());
    catalog.put_vhost("v", "", Vec::new(), QueueKind::Classic).unwrap();
    let mut queues = vec![QueueId(7)];
    catalog.route("v", "", &message(&["q"], &RawProperties::default()), &mut queues).unwrap();
    assert!(queues.is_empty(), "another vhost, and what was in the buffer is gone");
}

#[test]
fn direct_and_fanout_reach_each_queue_once() {
    let mut catalog = catalog();
    for queue in ["a", "b"] {
        add_queue(&mut catalog, queue);
        bind(&mut catalog, to_queue("amq.direct", queue, "k"));
        bind(&mut catalog, to_queue("amq.fanout", queue, "whatever"));
    }
    bind(&mut catalog, to_queue("amq.direct", "a", "l"));
    bind(&mut catalog, to_queue("amq.fanout", "a", "else"));
    assert_eq!(routed(&catalog, "amq.direct", &["k"]), ["a", "b"]);
    assert_eq!(routed(&catalog, "amq.direct", &["l"]), ["a"]);
    assert_eq!(routed(&catalog, "amq.direct", &["l", "k", "none"]), ["a", "b"], "CC and BCC add keys");
    assert!(routed(&catalog, "amq.direct", &["K"]).is_empty());
    assert_eq!(routed(&catalog, "amq.fanout", &["k"]), ["a", "b"]);
    catalog.unbind(guest(), "/", to_queue("amq.fanout", "a", "else")).unwrap();
    assert_eq!(routed(&catalog, "amq.fanout", &["k"]), ["a", "b"], "one of two bindings is left");
}

#[test]
fn queues_come_in_the_order_of_their_ids() {
    let mut catalog = catalog();
    for number in 0..100 {
        let name = format!("q-{number}");
        add_queue(&mut catalog, &name);
        bind(&mut catalog, to_queue("amq.fanout", &name, ""));
    }
    let mut queues = Vec::new();
    catalog.route("/", "amq.fanout", &message(&[""], &RawProperties::default()), &mut queues).unwrap();
    assert_eq!(queues.len(), 100);
    assert!(queues.is_sorted());
}

#[test]
fn exchanges_lead_on_to_exchanges_each_once() {
    let mut catalog = catalog();
    add_exchange(&mut catalog, "a", "fanout");
    add_exchange(&mut catalog, "b", "topic");
    add_exchange(&mut catalog, "c", "direct");
    add_queue(&mut catalog, "q");
    bind(&mut catalog, to_exchange("a", "b", ""));
    bind(&mut catalog, to_exchange("a", "c", ""));
    bind(&mut catalog, to_exchange("b", "a", "#"));
    bind(&mut catalog, to_exchange("b", "b", "#"));
    bind(&mut catalog, to_exchange("c", "b", "k"));
    bind(&mut catalog, to_queue("b", "q", "k"));
    assert_eq!(routed(&catalog, "a", &["k"]), ["q"], "in spite of the circle");
    assert!(routed(&catalog, "a", &["l"]).is_empty(), "each exchange looks at the key");
    catalog.delete_exchange(guest(), "/", "b", false).unwrap();
    assert!(routed(&catalog, "a", &["k"]).is_empty());
}

#[test]
fn what_finds_no_way_goes_to_the_alternate() {
    let mut catalog = catalog();
    add_with_alternate(&mut catalog, "first", "direct", "second");
    add_with_alternate(&mut catalog, "second", "direct", "third");
    add_exchange(&mut catalog, "third", "fanout");
    for queue in ["a", "b", "c"] {
        add_queue(&mut catalog, queue);
    }
    bind(&mut catalog, to_queue("first", "a", "a"));
    bind(&mut catalog, to_queue("second", "b", "b"));
    bind(&mut catalog, to_queue("third", "c", ""));
    assert_eq!(routed(&catalog, "first", &["a"]), ["a"]);
    assert_eq!(routed(&catalog, "first", &["b"]), ["b"]);
    assert_eq!(routed(&catalog, "first", &["c"]), ["c"]);
    assert_eq!(routed(&catalog, "first", &["a", "b"]), ["a"], "one key that finds a way is enough");
}

#[test]
fn alternates_end_in_circles_and_in_exchanges_that_are_not_there() {
    let mut catalog = catalog();
    add_with_alternate(&mut catalog, "a", "direct", "b");
    add_with_alternate(&mut catalog, "b", "direct", "a");
    add_with_alternate(&mut catalog, "c", "direct", "nowhere");
    assert!(routed(&catalog, "a", &["k"]).is_empty());
    assert!(routed(&catalog, "c", &["k"]).is_empty());
}

/// An exchange that leads to another has found a way, even if that leads nowhere: the other's alternate counts then.
#[test]
fn an_exchange_on_the_way_has_its_own_alternate() {
    let mut catalog = catalog();
    add_with_alternate(&mut catalog, "a", "fanout", "of-a");
    add_with_alternate(&mut catalog, "b", "direct", "of-b");
    for name in ["of-a", "of-b"] {
        add_exchange(&mut catalog, name, "fanout");
        add_queue(&mut catalog, name);
        bind(&mut catalog, to_queue(name, name, ""));
    }
    bind(&mut catalog, to_exchange("a", "b", ""));
    assert_eq!(routed(&catalog, "a", &["k"]), ["of-b"]);
}

#[test]
fn a_policy_gives_an_alternate_and_an_argument_wins() {
    let mut catalog = catalog();
    for name in ["policy", "argument"] {
        add_exchange(&mut catalog, name, "fanout");
        add_queue(&mut catalog, name);
        bind(&mut catalog, to_queue(name, name, ""));
    }
    add_exchange(&mut catalog, "plain", "direct");
    add_with_alternate(&mut catalog, "declared", "direct", "argument");
    let definition = table([("alternate-exchange", "policy".into())]);
    let policy =
        NewPolicy { name: "p", pattern: ".*", apply_to: ApplyTo::Exchanges, priority: 0, definition };
    catalog.put_policy("/", PolicyScope::User, policy).unwrap();
    assert_eq!(routed(&catalog, "plain", &["k"]), ["policy"]);
    assert_eq!(routed(&catalog, "amq.topic", &["k"]), ["policy"]);
    assert_eq!(routed(&catalog, "declared", &["k"]), ["argument"]);
    assert!(routed(&catalog, "", &["k"]).is_empty(), "the default exchange has none");
    add_exchange(&mut catalog, "later", "direct");
    assert_eq!(routed(&catalog, "later", &["k"]), ["policy"]);
    catalog.clear_policy("/", PolicyScope::User, "p").unwrap();
    assert!(routed(&catalog, "plain", &["k"]).is_empty());
}

#[test]
fn clients_do_not_publish_to_internal_exchanges_and_the_broker_does() {
    let mut catalog = catalog();
    let internal = DeclareExchange { internal: true, ..exchange("fanout") };
    catalog.declare_exchange(guest(), "/", "x", internal).unwrap();
    add_queue(&mut catalog, "q");
    bind(&mut catalog, to_queue("x", "q", ""));
    let text = "cannot publish to internal exchange 'x' in vhost '/'";
    assert_refused(route(&catalog, "x"), Cause::AccessRefused, text);
    let mut queues = Vec::new();
    catalog.route_internally("/", "x", &message(&["k"], &RawProperties::default()), &mut queues).unwrap();
    assert_eq!(queues.len(), 1);
    bind(&mut catalog, to_exchange("amq.fanout", "x", ""));
    assert_eq!(routed(&catalog, "amq.fanout", &["k"]), ["q"], "it is reached through another");
}

#[test]
fn an_unknown_exchange_is_named() {
    let text = "no exchange 'x' in vhost '/'";
    assert_refused(route(&catalog(), "x"), Cause::NotFound, text);
}

#[test]
fn a_route_is_cacheable_where_the_keys_alone_decide() {
    let mut catalog = catalog();
    add_exchange(&mut catalog, "x", "fanout");
    let routed = |cacheable, delayed| Routed { cacheable, delayed, remembered: false };
    for exchange in ["", "amq.direct", "amq.fanout", "amq.topic", "x"] {
        assert_eq!(route(&catalog, exchange).unwrap(), routed(true, false), "{exchange}");
    }
    assert_eq!(route(&catalog, "amq.headers").unwrap(), routed(false, false));
    bind(&mut catalog, to_exchange("x", "amq.match", ""));
    assert_eq!(route(&catalog, "x").unwrap(), routed(false, false), "a headers exchange on the way");

    let hash = |arguments| DeclareExchange { arguments, ..exchange("x-consistent-hash") };
    catalog.declare_exchange(guest(), "/", "by-key", hash(Table::new())).unwrap();
    let by_id = hash(table([("hash-property", "message_id".into())]));
    catalog.declare_exchange(guest(), "/", "by-id", by_id).unwrap();
    assert_eq!(route(&catalog, "by-key").unwrap(), routed(true, false));
    assert_eq!(route(&catalog, "by-id").unwrap(), routed(false, false));
}

#[test]
fn a_delayed_exchange_routes_as_its_kind_and_says_that_it_delays() {
    let mut catalog = catalog();
    let arguments = table([("x-delayed-type", "topic".into())]);
    let declare = DeclareExchange { arguments, ..exchange("x-delayed-message") };
    catalog.declare_exchange(guest(), "/", "later", declare).unwrap();
    add_queue(&mut catalog, "q");
    bind(&mut catalog, to_queue("later", "q", "a.*"));
    assert_eq!(routed(&catalog, "later", &["a.b"]), ["q"]);
    assert!(routed(&catalog, "later", &["b.b"]).is_empty());
    assert_eq!(
        route(&catalog, "later").unwrap(),
        Routed { cacheable: true, delayed: true, remembered: false }
    );
    assert!(!route(&catalog, "amq.direct").unwrap().delayed);
    bind(&mut catalog, to_exchange("amq.direct", "later", "k"));
    assert!(route(&catalog, "amq.direct").unwrap().delayed, "on the way, too");
}

#[test]
fn every_change_changes_the_version() {
    let mut catalog = catalog();
    let mut last = catalog.version();
    let mut changed = |catalog: &Catalog| catalog.version() > std::mem::replace(&mut last, catalog.version());
    add_queue(&mut catalog, "q");
    assert!(changed(&catalog));
    bind(&mut catalog, to_queue("amq.direct", "q", "k"));
    assert!(changed(&catalog));
    catalog.clear_permission("guest", "/").unwrap();
    assert!(changed(&catalog));
    let before = catalog.version();
    assert!(catalog.declare_exchange_passively(guest(), "/", "amq.direct").is_err());
    assert_eq!(catalog.version(), before, "what was refused changed nothing");
}

#[test]
fn a_message_has_only_so_many_ways() {
    let mut catalog = catalog();
    for number in 0..=QUEUES_PER_MESSAGE {
        let name = number.to_string();
        add_queue(&mut catalog, &name);
        bind(&mut catalog, to_queue("amq.fanout", &name, ""));
    }
    let text = "a message to exchange 'amq.fanout' in vhost '/' would go too many ways";
    assert_refused(route(&catalog, "amq.fanout"), Cause::PreconditionFailed, text);
    catalog.delete_queue(guest(), "/", "0").unwrap();
    assert_eq!(routed(&catalog, "amq.fanout", &["k"]).len(), QUEUES_PER_MESSAGE);
}
