//! Exchanges that send each message one way: by chance, or by a hash modulo the number of bindings.

use super::*;
use std::collections::BTreeMap;

const MESSAGES: u64 = 6_000;

/// A catalog with an exchange `x` of this kind and these bindings of queues.
fn bound(kind: &str, bindings: &[(&str, &str)]) -> Catalog {
    let mut catalog = catalog();
    add_exchange(&mut catalog, "x", kind);
    for (queue, key) in bindings {
        add_queue(&mut catalog, queue);
        bind(&mut catalog, to_queue("x", queue, key));
    }
    catalog
}

/// How many of many messages each queue gets, each message going to exactly one.
fn shares(catalog: &Catalog, exchange: &str) -> BTreeMap<String, u64> {
    let mut shares = BTreeMap::new();
    let (properties, mut queues) = (RawProperties::default(), Vec::new());
    for count in 0..MESSAGES {
        let key = format!("user-{count}");
        let keys = [&*key];
        let draw = RoutedMessage::draw(3, count);
        let message = RoutedMessage { draw, ..message(&keys, &properties) };
        catalog.route("/", exchange, &message, &mut queues).unwrap();
        let [queue] = queues[..] else { panic!("not one way: {queues:?}") };
        *shares.entry(catalog.queue_by_id(queue).unwrap().name.to_string()).or_default() += 1;
    }
    shares
}

#[track_caller]
fn assert_shares(catalog: &Catalog, exchange: &str, expected: &[(&str, u64)]) {
    let shares = shares(catalog, exchange);
    assert_eq!(shares.len(), expected.len(), "{shares:?}");
    for (queue, share) in expected {
        assert!(shares[*queue].abs_diff(*share) < 200, "{queue} has {} of {MESSAGES}", shares[*queue]);
    }
}

#[test]
fn each_binding_of_a_random_exchange_has_the_same_chance() {
    let catalog = bound("x-random", &[("a", ""), ("b", "1"), ("b", "2")]);
    assert_shares(&catalog, "x", &[("a", 2_000), ("b", 4_000)]);
}

#[test]
fn a_random_exchange_behind_another_chooses_anew() {
    let mut catalog = bound("x-random", &[("a", ""), ("b", "")]);
    add_exchange(&mut catalog, "first", "x-random");
    bind(&mut catalog, to_exchange("first", "x", ""));
    bind(&mut catalog, to_queue("first", "a", ""));
    assert_shares(&catalog, "first", &[("a", 4_500), ("b", 1_500)]);
}

#[test]
fn a_local_random_exchange_chooses_among_queues() {
    let catalog = bound("x-local-random", &[("a", ""), ("b", ""), ("c", "")]);
    assert_shares(&catalog, "x", &[("a", 2_000), ("b", 2_000), ("c", 2_000)]);
}

#[test]
fn a_modulus_hash_exchange_sends_a_key_one_way_whenever_bindings_were_made() {
    let bindings = [("a", ""), ("b", ""), ("c", "1"), ("c", "2")];
    let forth = bound("x-modulus-hash", &bindings);
    let back = bound("x-modulus-hash", &bindings.iter().rev().copied().collect::<Vec<_>>());
    assert_shares(&forth, "x", &[("a", 1_500), ("b", 1_500), ("c", 3_000)]);
    for key in (0..100).map(|key| key.to_string()) {
        assert_eq!(routed(&forth, "x", &[&key]), routed(&back, "x", &[&key]));
        assert_eq!(routed(&forth, "x", &[&key, "cc"]).len(), 1, "all keys are hashed together");
    }
}

#[test]
fn a_removed_binding_is_no_way_any_more() {
    for kind in ["x-random", "x-local-random", "x-modulus-hash"] {
        let mut catalog = bound(kind, &[("a", ""), ("b", "")]);
        catalog.unbind(guest(), "/", to_queue("x", "a", "")).unwrap();
        assert_shares(&catalog, "x", &[("b", MESSAGES)]);
        catalog.delete_queue(guest(), "/", "b").unwrap();
        assert!(routed(&catalog, "x", &["k"]).is_empty(), "{kind} without bindings");
    }
}

#[test]
fn only_what_the_keys_decide_is_cacheable() {
    for (kind, cacheable) in [("x-random", false), ("x-local-random", false), ("x-modulus-hash", true)] {
        let mut catalog = catalog();
        add_exchange(&mut catalog, "x", kind);
        let routed =
            catalog.route("/", "x", &message(&["k"], &RawProperties::default()), &mut Vec::new()).unwrap();
        assert_eq!(routed.cacheable, cacheable, "{kind}");
    }
}
