//! From an exchange to queues, asked of the catalog: what a session does not remember from the message before.

use super::HotPath;
use leveret_core::QueueId;
use leveret_core::broker::Access;
use leveret_core::catalog::{
    Caller, DeclareExchange, DeclareQueue, DestinationKind, NewBinding, RoutedMessage,
};
use leveret_core::wire::{Properties, RawProperties, ShortStr, Table, Value};
use leveret_rig::World;
use std::hint::black_box;

pub(super) const PATHS: &[HotPath] = &[
    HotPath { name: "routing: direct, 1,000 bindings", operations: 20_000, walk: direct },
    HotPath { name: "routing: topic, 600 bindings with wildcards", operations: 18_000, walk: topic },
    HotPath { name: "routing: headers, 20 bindings", operations: 5_000, walk: headers },
    HotPath { name: "routing: fanout to 3 queues", operations: 20_000, walk: fanout },
];

const EXCHANGE: &str = "exchange";

/// So many keys that the seed of the map that holds them, which is another in every run, makes no difference.
fn direct(count: u64) {
    let keys: Vec<String> = (0..1_000).map(|number| format!("key.{number}")).collect();
    let world = bound("direct", keys.iter().map(|key| (key.clone(), Table::new())));
    route(&world, count, &keys, &RawProperties::default(), 1);
}

/// Bindings of three forms, and for each a message that it matches, as most others do not. Every word is looked up in maps
/// with a seed of their own: there are so many words that it makes no difference.
fn topic(count: u64) {
    let first = |number: u64| number / 3 % 20;
    let binding = |number: u64| match number % 3 {
        0 => format!("order-{}.*.{number}", first(number)),
        1 => format!("order-{}.{number}.#", first(number)),
        _ => format!("#.{number}"),
    };
    let key = |number: u64| match number % 3 {
        0 => format!("order-{}.place-{number}.{number}", first(number)),
        1 => format!("order-{}.{number}.place-{number}", first(number)),
        _ => format!("bill-{number}.place-{number}.{number}"),
    };
    let world = bound("topic", (0..600).map(|number| (binding(number), Table::new())));
    let keys: Vec<String> = (0..600).map(key).collect();
    route(&world, count, &keys, &RawProperties::default(), 1);
}

fn headers(count: u64) {
    let pair = |number: i32| {
        let mut table = Table::new();
        table.insert(ShortStr::literal("customer"), Value::I32(number));
        table.insert(ShortStr::literal("urgent"), Value::Bool(true));
        table
    };
    let arguments = |number| {
        let mut table = pair(number);
        table.insert(ShortStr::literal("x-match"), "all".into());
        table
    };
    let world = bound("headers", (0..20).map(|number| (String::new(), arguments(number))));
    let mut encoded = Vec::new();
    Properties { headers: Some(pair(13)), ..Properties::default() }
        .encode(&mut encoded)
        .expect("two headers are within the bounds");
    let properties = RawProperties::parse(&encoded).expect("they were encoded here");
    route(&world, count, &[String::new()], &properties, 1);
}

fn fanout(count: u64) {
    let world = bound("fanout", (0..3).map(|_| (String::new(), Table::new())));
    route(&world, count, &["any".into()], &RawProperties::default(), 3);
}

/// A broker with an exchange of this kind, and its bindings to 20 queues in turn.
fn bound(kind: &str, bindings: impl Iterator<Item = (String, Table)>) -> World {
    let mut world = World::new();
    let (done, _) = world.change(|catalog| {
        let (durable, internal, auto_delete) = (true, false, false);
        let exchange = DeclareExchange { kind, durable, auto_delete, internal, arguments: Table::new() };
        catalog.declare_exchange(Caller::BROKER, "/", EXCHANGE, exchange)?;
        for (number, (routing_key, arguments)) in bindings.enumerate() {
            let queue = DeclareQueue {
                durable,
                exclusive: false,
                auto_delete,
                server_named: false,
                arguments: Table::new(),
            };
            let name = format!("q{}", number % 20);
            catalog.declare_queue(Caller::BROKER, "/", &name, queue)?;
            let binding = NewBinding {
                source: EXCHANGE,
                kind: DestinationKind::Queue,
                destination: &name,
                routing_key: &routing_key,
                arguments,
            };
            catalog.bind(Caller::BROKER, "/", binding)?;
        }
        Ok::<(), leveret_core::Refusal>(())
    });
    done.expect("an empty broker takes a few queues");
    world
}

/// Routes messages with these keys in turn, each of which reaches at least so many queues.
fn route(world: &World, count: u64, keys: &[String], properties: &RawProperties<'_>, at_least: usize) {
    let mut queues: Vec<QueueId> = Vec::new();
    for (_, key) in (0..count).zip(keys.iter().cycle()) {
        let routing_keys = [black_box(key.as_str())];
        let message = RoutedMessage { routing_keys: &routing_keys, properties, body: &[], draw: 0 };
        world.catalog().route("/", EXCHANGE, &message, &mut queues).expect("the exchange is there");
        assert!(black_box(&queues).len() >= at_least, "{key} reaches {} queues", queues.len());
    }
}
