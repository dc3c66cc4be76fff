//! What the catalog's changes tell whoever listens.

use super::*;
use crate::event::{EVENT_EXCHANGE, Event};

/// A catalog that tells events to the queue `ears`.
fn heard() -> Catalog {
    let mut catalog = catalog();
    catalog.announce_events().unwrap();
    add_queue(&mut catalog, "ears");
    assert!(!catalog.hears_events() && catalog.take_events().is_empty(), "nobody listens yet");
    bind(&mut catalog, to_queue(EVENT_EXCHANGE, "ears", "#"));
    assert!(
        catalog.hears_events() && catalog.take_events().is_empty(),
        "the first binding hears what follows"
    );
    catalog
}

/// The names of what has happened, with what it happened to.
fn told(catalog: &mut Catalog) -> Vec<String> {
    let told = |event: Event| {
        let names = ["name", "source_name", "destination_name", "user", "vhost"];
        let about = names.into_iter().filter_map(|name| event.headers.get(name).and_then(Value::as_str));
        about.fold(event.name.to_owned(), |told, name| format!("{told} {name}"))
    };
    catalog.take_events().into_iter().map(told).collect()
}

#[test]
fn without_the_wish_nothing_is_kept() {
    let mut catalog = catalog();
    add_exchange(&mut catalog, "x", "fanout");
    assert!(!catalog.hears_events() && catalog.take_events().is_empty());
}

#[test]
fn what_is_declared_says_how() {
    let mut catalog = heard();
    let declare = DeclareQueue { auto_delete: true, ..durable(table([("x-max-length", number(5))])) };
    catalog.declare_queue(guest(), "/", "q", declare.clone()).unwrap();
    catalog.declare_queue(guest(), "/", "q", declare).unwrap();
    let expected = Event::new("queue.created")
        .with("name", "q")
        .with("vhost", "/")
        .with("type", "classic")
        .with("durable", true)
        .with("auto_delete", true)
        .with("exclusive", false)
        .with("arguments", table([("x-max-length", number(5))]));
    assert_eq!(catalog.take_events(), [expected], "once");
    add_exchange(&mut catalog, "x", "topic");
    bind(&mut catalog, to_queue("x", "q", "a.#"));
    let exchange = Event::new("exchange.created")
        .with("name", "x")
        .with("vhost", "/")
        .with("type", "topic")
        .with("durable", true)
        .with("auto_delete", false)
        .with("internal", false)
        .with("arguments", Table::new());
    let binding = Event::new("binding.created")
        .with("source_name", "x")
        .with("source_kind", "exchange")
        .with("destination_name", "q")
        .with("destination_kind", "queue")
        .with("routing_key", "a.#")
        .with("arguments", Table::new())
        .with("vhost", "/");
    assert_eq!(catalog.take_events(), [exchange, binding]);
}

#[test]
fn what_goes_takes_its_bindings_with_it() {
    let mut catalog = heard();
    add_queue(&mut catalog, "q");
    add_exchange(&mut catalog, "x", "fanout");
    let fleeting = DeclareExchange { auto_delete: true, ..exchange("fanout") };
    catalog.declare_exchange(guest(), "/", "fleeting", fleeting).unwrap();
    for source in ["x", "fleeting"] {
        bind(&mut catalog, to_queue(source, "q", ""));
    }
    bind(&mut catalog, to_exchange("x", "x", ""));
    catalog.take_events();
    catalog.delete_queue(guest(), "/", "q").unwrap();
    let expected = [
        "queue.deleted q /",
        "binding.deleted fleeting q /",
        "binding.deleted x q /",
        "exchange.deleted fleeting /",
    ];
    assert_eq!(told(&mut catalog), expected);
    catalog.delete_exchange(guest(), "/", "x", false).unwrap();
    assert_eq!(told(&mut catalog), ["exchange.deleted x /", "binding.deleted x x /"]);
}

#[test]
fn users_and_their_permissions_are_told() {
    let mut catalog = heard();
    catalog.put_user("u", None, Vec::new()).unwrap();
    catalog.put_user("u", Some(password("one")), vec!["monitoring".into()]).unwrap();
    catalog.put_user("u", Some(password("one")), vec!["monitoring".into()]).unwrap();
    catalog.put_user("u", None, vec!["monitoring".into()]).unwrap();
    let everything = PermissionPatterns { configure: ".*", write: ".*", read: ".*" };
    catalog.put_permission("u", "/", everything).unwrap();
    catalog.clear_permission("u", "/").unwrap();
    catalog.delete_user("u").unwrap();
    let expected = [
        "user.created u",
        "user.password.changed u",
        "user.tags.set u",
        "user.password.cleared u",
        "permission.created u /",
        "permission.deleted u /",
        "user.deleted u",
    ];
    assert_eq!(told(&mut catalog), expected);
}

#[test]
fn vhosts_and_policies_are_told() {
    let mut catalog = heard();
    for description in ["", "another"] {
        catalog.put_vhost("v", description, Vec::new(), QueueKind::Classic).unwrap();
    }
    let limits = VhostLimits { max_queues: Some(7), ..VhostLimits::default() };
    catalog.set_vhost_limits("v", limits).unwrap();
    let limits = catalog.take_events().pop().unwrap();
    assert_eq!(limits, Event::new("vhost.limits.set").with("vhost", "v").with("max-queues", 7));
    catalog.declare_queue(Caller::BROKER, "v", "q", durable(Table::new())).unwrap();
    bind_in(&mut catalog, "v", to_queue("amq.fanout", "q", ""));
    catalog.take_events();
    catalog.delete_vhost("v").unwrap();
    let told = told(&mut catalog);
    assert_eq!(told[..2], ["binding.deleted amq.fanout q v", "queue.deleted q v"]);
    assert_eq!(told.last().unwrap(), "vhost.deleted v");
}

fn bind_in(catalog: &mut Catalog, vhost: &str, binding: NewBinding<'_>) {
    catalog.bind(Caller::BROKER, vhost, binding).unwrap();
}
