//! Whole files, as versions of RabbitMQ write them.

use super::*;
use leveret_core::catalog::{ApplyTo, Catalog, Queue};
use leveret_core::wire::Table;

/// A genuine export of RabbitMQ 3.10.8, by `rabbitmqctl export_definitions`. The password of `shop` is "secret".
const RABBITMQ_3_10: &str = include_str!("rabbitmq-3.10.json");

fn shop<'a>(catalog: &'a Catalog, queue: &str) -> &'a Queue {
    catalog.queue("shop", queue).unwrap()
}

fn text(text: &str) -> Field {
    Field::LongStr(text.as_bytes().to_vec())
}

fn number(table: &Table, name: &str) -> Option<i64> {
    table.get(name).and_then(Field::as_i64)
}

/// The bindings of the vhost `shop`: source, routing key, destination.
fn bindings(catalog: &Catalog) -> Vec<(&str, &str, &str)> {
    catalog.bindings("shop").map(|it| (&*it.source, &*it.routing_key, &*it.destination.name)).collect()
}

#[tokio::test]
async fn a_file_of_rabbitmq_3_10_is_imported_whole() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let summary = import(&mut turn, RABBITMQ_3_10).unwrap();
        let [stream, to_stream, to_internal] = &summary.warnings[..] else { panic!("{summary:?}") };
        assert!(stream.contains("'clicks' in vhost 'shop': not made: queue type 'stream'"), "{stream}");
        assert!(to_stream.contains("'events' in vhost 'shop': not made: no queue 'clicks'"), "{to_stream}");
        // RabbitMQ does not export exchanges that are internal, but the bindings to them.
        assert!(
            to_internal.contains("'events' in vhost 'shop': not made: no exchange 'int'"),
            "{to_internal}"
        );
        check_accounts(turn.catalog());
        check_vhosts(turn.catalog());
        check_policies(turn.catalog());
        check_routes(turn.catalog());
        check_queues(turn.catalog());
    })
    .await;
}

fn check_accounts(catalog: &Catalog) {
    let shop = catalog.user("shop").unwrap();
    assert!(verify_password(shop.password.as_ref().unwrap(), b"secret"));
    assert_eq!((shop.limits.max_connections, shop.limits.max_channels), (Some(50), None));
    assert!(shop.has_tag("monitoring") && shop.has_tag("management"));
    assert!(catalog.user("certonly").unwrap().password.is_none());
    assert!(catalog.has_tag("guest", "administrator"));
    assert_eq!(&**shop.permissions()["shop"].configure.source(), "^shop");
    assert!(catalog.user("guest").unwrap().permissions().contains_key("shop"));
    assert!(catalog.may_publish("shop", "shop", "events", &["order.new"]).is_ok());
    assert!(catalog.may_publish("shop", "shop", "events", &["click"]).is_err());
}

fn check_vhosts(catalog: &Catalog) {
    let shop = catalog.vhost("shop").unwrap();
    assert_eq!((&*shop.description, shop.default_queue_kind), ("The shop", QueueKind::Quorum));
    assert_eq!(shop.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["prod", "eu"]);
    assert_eq!((shop.limits.max_queues, shop.limits.max_connections), (Some(100), None));
    let first = catalog.vhost("/").unwrap();
    assert_eq!((&*first.description, first.limits.max_queues), ("Default virtual host", None));
}

fn check_policies(catalog: &Catalog) {
    let [guard] = catalog.policies("shop", PolicyScope::Operator).collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((&*guard.name, guard.apply_to), ("guard", ApplyTo::Queues));
    assert_eq!(number(&guard.definition, "max-length"), Some(1000));
    let names: Vec<_> = catalog.policies("shop", PolicyScope::User).map(|policy| &*policy.name).collect();
    assert_eq!(names, ["brief", "alt", "ha"]);
    assert_eq!(catalog.exchange("shop", "events").unwrap().alternate.as_deref(), Some("dead"));
}

fn check_routes(catalog: &Catalog) {
    let of = |name| {
        let exchange = catalog.exchange("shop", name).unwrap();
        (exchange.kind, exchange.durable, exchange.auto_delete)
    };
    assert_eq!(of("hdr"), ("headers", true, false));
    assert_eq!(of("tmp"), ("direct", false, true));
    assert_eq!((of("dead").0, of("events").0), ("fanout", "topic"));
    assert_eq!(catalog.exchange("shop", "hdr").unwrap().alternate.as_deref(), Some("dead"));
    let mut found = bindings(catalog);
    found.sort_unstable();
    let expected = [
        ("amq.topic", "*.ü", "ünï"),
        ("events", "n", "notdur"),
        ("events", "order.#", "orders"),
        ("hdr", "", "mail.out"),
    ];
    assert_eq!(found, expected);
    let headers = catalog.bindings_from("shop", "hdr").next().unwrap();
    assert_eq!(headers.arguments.get("x-match"), Some(&text("any")));
    assert_eq!((number(&headers.arguments, "n"), number(&headers.arguments, "f")), (Some(5), Some(-2)));
    // It was void once; RabbitMQ imports the word that it exported.
    assert_eq!(headers.arguments.get("v"), Some(&text("undefined")));
}

fn check_queues(catalog: &Catalog) {
    let mut names: Vec<_> = catalog.queues("shop").iter().map(|queue| queue.name.to_string()).collect();
    names.sort_unstable();
    assert_eq!(names, ["dflt", "exp", "lazy", "loc", "mail.out", "notdur", "odd", "orders", "ünï"]);
    for queue in catalog.queues("shop") {
        let quorum = ["dflt", "orders"].contains(&&*queue.name);
        assert_eq!(queue.kind == QueueKind::Quorum, quorum, "{}", queue.name);
        assert_eq!(queue.durable, &*queue.name != "notdur", "{}", queue.name);
        assert_eq!(queue.settings.max_length, Some(1000), "the operator's policy");
    }
    let orders = shop(catalog, "orders");
    assert_eq!(orders.settings.delivery_limit, Some(3));
    assert_eq!(orders.arguments.get("x-overflow"), Some(&text("reject-publish")));
    assert_eq!(orders.arguments.get("x-dead-letter-exchange"), Some(&text("dead")));
    let mail = shop(catalog, "mail.out");
    assert_eq!((mail.policy.as_deref(), mail.operator_policy.as_deref()), (Some("brief"), Some("guard")));
    assert_eq!((mail.settings.max_priority, mail.settings.message_ttl_ms), (5, Some(1000)));
    assert_eq!(number(&shop(catalog, "exp").arguments, "x-expires"), Some(10_000_000));
    assert_eq!(shop(catalog, "exp").arguments.get("x-single-active-consumer"), Some(&Field::Bool(true)));
    assert_eq!(shop(catalog, "lazy").arguments.get("x-queue-mode"), Some(&text("lazy")));
    let odd = &shop(catalog, "odd").arguments;
    assert_eq!(odd.get("my-bytes"), Some(&text("\u{0}\u{ff}")));
    let Some(Field::Array(custom)) = odd.get("x-custom") else { panic!("{odd:?}") };
    let Field::Table(inside) = &custom[1] else { panic!("{custom:?}") };
    assert_eq!((number(inside, "a"), inside.get("c")), (Some(15), Some(&Field::Bool(true))));
}

/// A cluster's definitions in the shape that RabbitMQ writes since 4.1.
const RABBITMQ_4: &str = r#"{
  "rabbit_version": "4.2.1", "rabbitmq_version": "4.2.1", "product_name": "RabbitMQ", "product_version": "4.2.1",
  "rabbitmq_definition_format": "cluster", "original_cluster_name": "rabbit@shop",
  "explanation": "Definitions of cluster 'rabbit@shop'",
  "users": [
    {"name": "hashed", "hashing_algorithm": "rabbit_password_hashing_sha256", "limits": {},
     "password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "tags": ["administrator"]},
    {"name": "certificate", "tags": ["management"], "limits": {"max-channels": 10}}
  ],
  "vhosts": [
    {"name": "/", "limits": {}, "metadata": {"description": "Default virtual host", "tags": [],
     "default_queue_type": "classic"}},
    {"name": "shop", "limits": {"max-connections": 5}, "description": "The shop", "tags": ["eu"],
     "default_queue_type": "quorum", "protected_from_deletion": true,
     "metadata": {"description": "The shop", "tags": ["eu"], "default_queue_type": "quorum",
      "protected_from_deletion": true}},
    {"name": "odd", "limits": {}, "metadata": {"description": "", "tags": [], "default_queue_type": "undefined",
     "protected_from_deletion": false}}
  ],
  "permissions": [{"user": "hashed", "vhost": "shop", "configure": ".*", "write": ".*", "read": ".*"}],
  "topic_permissions": [],
  "parameters": [
    {"vhost": "shop", "component": "operator_policy", "name": "guard", "value": {"pattern": "^temp", "priority": 1,
     "apply-to": "queues", "definition": {"expires": 1800000, "max-length": 2000}}},
    {"vhost": "odd", "component": "vhost-limits", "name": "limits", "value": {"max-connections": 500}}
  ],
  "global_parameters": [{"name": "cluster_tags", "value": {"region": "eu"}}],
  "policies": [{"vhost": "shop", "name": "q", "pattern": ".*", "apply-to": "quorum_queues", "priority": 0,
   "definition": {"delivery-limit": 7}}],
  "exchanges": [{"name": "hash", "vhost": "shop", "type": "x-consistent-hash", "durable": true, "auto_delete": false,
   "arguments": {}}],
  "queues": [
    {"name": "temp.q", "vhost": "shop", "type": "quorum", "durable": true, "auto_delete": false,
     "arguments": {"x-queue-type": "quorum"}},
    {"name": "said", "vhost": "odd", "type": "quorum", "arguments": {}}
  ],
  "bindings": [{"source": "hash", "vhost": "shop", "destination": "temp.q", "destination_type": "queue",
   "routing_key": "2", "arguments": {}}]
}"#;

#[tokio::test]
async fn a_file_of_rabbitmq_4_is_imported_whole() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let summary = import(&mut turn, RABBITMQ_4).unwrap();
        assert_eq!((summary.entries, summary.warnings), (14, Vec::<String>::new()));
        let catalog = turn.catalog();
        assert!(catalog.user("hashed").unwrap().password.is_some());
        let certificate = catalog.user("certificate").unwrap();
        assert!(certificate.password.is_none() && certificate.limits.max_channels == Some(10));
        let shop = catalog.vhost("shop").unwrap();
        assert_eq!((&*shop.description, shop.default_queue_kind), ("The shop", QueueKind::Quorum));
        assert_eq!((shop.tags.len(), shop.limits.max_connections), (1, Some(5)));
        assert!(shop.protected_from_deletion);
        let odd = catalog.vhost("odd").unwrap();
        assert_eq!((odd.default_queue_kind, odd.limits.max_connections), (QueueKind::Classic, Some(500)));
        assert!(!odd.protected_from_deletion);
        let temporary = catalog.queue("shop", "temp.q").unwrap();
        assert_eq!((temporary.settings.delivery_limit, temporary.settings.max_length), (Some(7), Some(2000)));
        let said = catalog.queue("odd", "said").unwrap();
        assert!(said.kind == QueueKind::Quorum && said.durable);
        assert_eq!(bindings(catalog), [("hash", "2", "temp.q")]);
        let (deleted, _) = turn.change(|catalog| catalog.delete_vhost("shop"));
        let refused = "Refusing to delete virtual host 'shop' because it is protected from deletion";
        assert_eq!(deleted.unwrap_err().text, refused);
    })
    .await;
}

/// Entries of a file of one vhost do not name it: the file does.
#[tokio::test]
async fn a_file_of_one_vhost_goes_to_that_vhost() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let file = r#"{
          "rabbitmq_version": "4.2.1", "rabbitmq_definition_format": "single_virtual_host",
          "original_vhost_name": "shop", "explanation": "Definitions of virtual host 'shop'",
          "description": "undefined", "limits": {"max-queues": 3},
          "metadata": {"description": "The shop", "default_queue_type": "quorum", "protected_from_deletion": true},
          "parameters": [], "policies": [{"name": "p", "pattern": ".*", "apply-to": "all", "priority": 0,
           "definition": {"max-length": 5}}],
          "exchanges": [{"name": "x", "type": "fanout", "durable": true, "auto_delete": false, "arguments": {}}],
          "queues": [{"name": "q", "durable": true, "auto_delete": false, "arguments": {}}],
          "bindings": [{"source": "x", "destination": "q", "destination_type": "queue", "routing_key": "",
           "arguments": {}}]}"#;
        assert_eq!(import(&mut turn, file).unwrap(), Summary { entries: 5, warnings: Vec::new() });
        let catalog = turn.catalog();
        let shop = catalog.vhost("shop").unwrap();
        assert_eq!((&*shop.description, shop.limits.max_queues), ("The shop", Some(3)));
        assert!(shop.protected_from_deletion);
        let queue = catalog.queue("shop", "q").unwrap();
        assert_eq!((queue.kind, queue.settings.max_length), (QueueKind::Quorum, Some(5)));
        assert_eq!(bindings(catalog), [("x", "", "q")]);
        assert!(catalog.queues("/").is_empty());
        // Older ones do not name it either.
        import(&mut turn, "\u{feff}{\"rabbit_version\": \"3.12.0\", \"queues\": [{\"name\": \"q\"}]}").unwrap();
        assert_eq!(turn.catalog().queues("/").len(), 1);
    })
    .await;
}
