//! Consistent-hash exchanges.

use super::*;
use std::collections::BTreeMap;

const KEYS: u32 = 10_000;

/// A catalog with an exchange `hash` of these arguments and a queue for each of these weights.
fn bound(arguments: Table, weights: &[(&str, &str)]) -> Catalog {
    let mut catalog = catalog();
    let declare = DeclareExchange { arguments, ..exchange("x-consistent-hash") };
    catalog.declare_exchange(guest(), "/", "hash", declare).unwrap();
    for (queue, weight) in weights {
        add_queue(&mut catalog, queue);
        bind(&mut catalog, to_queue("hash", queue, weight));
    }
    catalog
}

/// Which queue each of many routing keys goes to: exactly one.
fn ways(catalog: &Catalog) -> Vec<String> {
    let way = |key: u32| {
        let [queue] = &routed(catalog, "hash", &[&format!("user-{key}")])[..] else { panic!("not one way") };
        queue.clone()
    };
    (0..KEYS).map(way).collect()
}

fn shares(ways: &[String]) -> BTreeMap<&str, u32> {
    let mut shares = BTreeMap::new();
    for queue in ways {
        *shares.entry(&**queue).or_default() += 1;
    }
    shares
}

#[test]
fn keys_are_shared_by_weight() {
    let catalog = bound(Table::new(), &[("a", "1"), ("b", "2"), ("c", "7")]);
    let ways = ways(&catalog);
    for (queue, expected) in [("a", 1_000), ("b", 2_000), ("c", 7_000)] {
        let share = shares(&ways)[queue];
        assert!(share.abs_diff(expected) < 200, "{queue} has {share} of {KEYS}");
    }
}

#[test]
fn a_new_queue_takes_its_share_and_moves_nothing_else() {
    let mut catalog = bound(Table::new(), &[("a", "1"), ("b", "1"), ("c", "1")]);
    let before = ways(&catalog);
    add_queue(&mut catalog, "d");
    bind(&mut catalog, to_queue("hash", "d", "1"));
    let after = ways(&catalog);
    let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert!(moved.iter().all(|(_, after)| *after == "d"));
    assert!((2_200..2_800).contains(&moved.len()), "{} moved", moved.len());
    catalog.delete_queue(guest(), "/", "d").unwrap();
    assert_eq!(ways(&catalog), before, "and it gives them back");
}

#[test]
fn the_order_of_bindings_does_not_matter() {
    let forth = bound(Table::new(), &[("a", "1"), ("b", "3"), ("c", "2")]);
    let back = bound(Table::new(), &[("c", "2"), ("b", "3"), ("a", "1")]);
    assert_eq!(ways(&forth), ways(&back));
}

#[test]
fn the_key_is_a_header_or_a_property_where_said() {
    let weights = [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")];
    let by_header = bound(table([("hash-header", "user".into())]), &weights);
    let way = |user: Value, key: &str| routed_by_headers(&by_header, "hash", key, &table([("user", user)]));
    let distinct: Vec<_> = (0..50).map(|user| way(number(user), "k")).collect();
    assert!(shares(&distinct.concat()).len() == 4, "users spread");
    assert_eq!(way("eve".into(), "k"), way("eve".into(), "another"), "the routing key does not matter");
    assert_eq!(way(Value::I32(5), "k"), way(Value::I64(5), "k"));
    assert_eq!(routed(&by_header, "hash", &["k"]).len(), 1, "messages without the header go one way, too");

    let by_property = bound(table([("hash-property", "message_id".into())]), &weights);
    let way = |id: &str| {
        let properties = RawProperties { message_id: Some(id.as_bytes()), ..RawProperties::default() };
        routed_with(&by_property, "hash", &["k"], &properties)
    };
    assert!(shares(&(0..50).flat_map(|id| way(&format!("m{id}"))).collect::<Vec<_>>()).len() == 4);
    assert_eq!(way("m1"), way("m1"));
}

#[test]
fn an_exchange_without_bindings_goes_nowhere() {
    assert!(routed(&bound(Table::new(), &[]), "hash", &["k"]).is_empty());
}
