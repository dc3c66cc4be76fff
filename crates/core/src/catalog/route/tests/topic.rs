//! Topic exchanges, by RabbitMQ's documented examples and against a plain matcher.

use super::*;

/// A catalog whose `amq.topic` has one queue for each of these binding keys, named after it.
fn bound(keys: &[&str]) -> Catalog {
    let mut catalog = catalog();
    for key in keys {
        // A queue must have a name.
        let queue = format!("<{key}>");
        add_queue(&mut catalog, &queue);
        bind(&mut catalog, to_queue("amq.topic", &queue, key));
    }
    catalog
}

/// The binding keys that a routing key finds.
fn found(catalog: &Catalog, routing_key: &str) -> Vec<String> {
    let names = routed(catalog, "amq.topic", &[routing_key]);
    let mut keys: Vec<_> = names.iter().map(|name| name[1..name.len() - 1].to_string()).collect();
    keys.sort();
    keys
}

/// The animals of RabbitMQ's fifth tutorial.
#[test]
fn the_tutorials_animals_find_their_queues() {
    let mut catalog = catalog();
    for queue in ["Q1", "Q2"] {
        add_queue(&mut catalog, queue);
    }
    bind(&mut catalog, to_queue("amq.topic", "Q1", "*.orange.*"));
    bind(&mut catalog, to_queue("amq.topic", "Q2", "*.*.rabbit"));
    bind(&mut catalog, to_queue("amq.topic", "Q2", "lazy.#"));
    let cases: [(&str, &[&str]); 9] = [
        ("quick.orange.rabbit", &["Q1", "Q2"]),
        ("lazy.orange.elephant", &["Q1", "Q2"]),
        ("quick.orange.fox", &["Q1"]),
        ("lazy.brown.fox", &["Q2"]),
        ("lazy.pink.rabbit", &["Q2"]),
        ("quick.brown.fox", &[]),
        ("orange", &[]),
        ("quick.orange.new.rabbit", &[]),
        ("lazy.orange.new.rabbit", &["Q2"]),
    ];
    for (key, queues) in cases {
        assert_eq!(routed(&catalog, "amq.topic", &[key]), queues, "{key}");
    }
}

#[test]
fn a_hash_stands_for_any_number_of_words_and_a_star_for_one() {
    let catalog =
        bound(&["", "#", "*", "a", "a.#", "#.a", "a.*", "a.#.b", "#.#", "*.#", "#.a.#", "a..b", "."]);
    let cases: [(&str, &[&str]); 8] = [
        ("", &["", "#", "#.#"]),
        ("a", &["#", "#.#", "#.a", "#.a.#", "*", "*.#", "a", "a.#"]),
        ("b", &["#", "#.#", "*", "*.#"]),
        ("a.b", &["#", "#.#", "#.a.#", "*.#", "a.#", "a.#.b", "a.*"]),
        ("a.a", &["#", "#.#", "#.a", "#.a.#", "*.#", "a.#", "a.*"]),
        ("a.x.y.b", &["#", "#.#", "#.a.#", "*.#", "a.#", "a.#.b"]),
        ("a..b", &["#", "#.#", "#.a.#", "*.#", "a.#", "a.#.b", "a..b"]),
        (".", &["#", "#.#", "*.#", "."]),
    ];
    for (key, expected) in cases {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found(&catalog, key), expected, "{key:?}");
    }
}

#[test]
fn wildcards_are_words_only_in_binding_keys() {
    let catalog = bound(&["a.b", "*.b", "a*", "#a"]);
    assert_eq!(found(&catalog, "*.b"), ["*.b"]);
    assert_eq!(found(&catalog, "#"), Vec::<String>::new());
    assert_eq!(found(&catalog, "a*"), ["a*"], "part of a word is no wildcard");
    assert_eq!(found(&catalog, "#a"), ["#a"]);
    assert_eq!(found(&catalog, "ab"), Vec::<String>::new());
}

/// What the documentation says, word by word.
fn matches(binding: &[&str], key: &[&str]) -> bool {
    match binding.split_first() {
        None => key.is_empty(),
        Some((&"#", rest)) => (0..=key.len()).any(|skipped| matches(rest, &key[skipped..])),
        Some((word, rest)) => key
            .split_first()
            .is_some_and(|(first, others)| (*word == "*" || word == first) && matches(rest, others)),
    }
}

fn words(key: &str) -> Vec<&str> {
    if key.is_empty() { Vec::new() } else { key.split('.').collect() }
}

/// Keys of up to `length` words, all of them.
fn keys(alphabet: &[&str], length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut longest: Vec<String> = alphabet.iter().map(ToString::to_string).collect();
    for _ in 0..length {
        all.extend(longest.clone());
        longest =
            longest.iter().flat_map(|key| alphabet.iter().map(move |word| format!("{key}.{word}"))).collect();
    }
    all.retain(|key| key.matches('#').count() <= 2);
    all.sort();
    all.dedup();
    all
}

/// Every binding key of up to three words against every routing key of up to four; then half of the bindings go.
#[test]
fn the_trie_finds_what_a_plain_matcher_finds() {
    let bindings = keys(&["a", "b", "*", "#"], 3);
    let routing_keys = keys(&["a", "b", "c"], 4);
    let mut catalog = bound(&bindings.iter().map(String::as_str).collect::<Vec<_>>());
    let check = |catalog: &Catalog, left: &[&String]| {
        for key in &routing_keys {
            let fits = |binding: &&&String| matches(&words(binding), &words(key));
            let expected: Vec<&String> = left.iter().filter(fits).copied().collect();
            assert_eq!(found(catalog, key).iter().collect::<Vec<_>>(), expected, "{key:?}");
        }
    };
    check(&catalog, &bindings.iter().collect::<Vec<_>>());
    for key in bindings.iter().step_by(2) {
        catalog.unbind(guest(), "/", to_queue("amq.topic", &format!("<{key}>"), key)).unwrap();
    }
    check(&catalog, &bindings.iter().skip(1).step_by(2).collect::<Vec<_>>());
}

/// The bound on `#` keeps the worst key of a client within a few thousand steps.
#[test]
fn the_longest_key_is_routed_once() {
    let stars = ["*"; 100].join(".");
    let catalog = bound(&["#.x.#", "#.#", "#.*.#", &stars]);
    let key = ["x"; 128].join(".");
    assert_eq!(found(&catalog, &key), ["#.#", "#.*.#", "#.x.#"]);
    assert_eq!(found(&catalog, &key[..2 * 100 - 1]), ["#.#", "#.*.#", "#.x.#", &stars]);
}
