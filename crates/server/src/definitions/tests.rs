use super::*;
use crate::auth::{hash_password, verify_password};
use crate::broker::{self, Broker};
use leveret_core::broker::Access;
use leveret_core::catalog::{Destination, DestinationKind, PolicyScope};
use leveret_core::wire::Value as Field;
use std::sync::Arc;

/// What RabbitMQ 3.13 exports for a small shop, with some entries that only RabbitMQ can serve.
const SHOP: &str = r#"{
  "rabbit_version": "3.13.7", "rabbitmq_version": "3.13.7", "product_name": "RabbitMQ",
  "users": [
    {"name": "shop", "password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR",
     "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ["monitoring"],
     "limits": {"max-connections": 50}},
    {"name": "old", "password_hash": "", "tags": "administrator, management", "limits": []}
  ],
  "vhosts": [{"name": "/"}, {"name": "shop", "description": "The shop", "tags": [], "metadata": {}}],
  "permissions": [{"user": "shop", "vhost": "shop", "configure": "^shop", "write": ".*", "read": ".*"}],
  "topic_permissions": [
    {"user": "shop", "vhost": "shop", "exchange": "events", "write": "^order", "read": ".*"}
  ],
  "parameters": [
    {"vhost": "shop", "component": "vhost-limits", "name": "limits",
     "value": {"max-queues": 100, "max-connections": -1}},
    {"vhost": "shop", "component": "operator_policy", "name": "guard",
     "value": {"pattern": ".*", "apply-to": "queues", "priority": 0, "definition": {"max-length": 1000}}},
    {"vhost": "shop", "component": "shovel", "name": "away", "value": {"src-uri": "amqp://"}}
  ],
  "global_parameters": [{"name": "cluster_name", "value": "rabbit@shop"}],
  "policies": [
    {"vhost": "shop", "name": "brief", "pattern": "^mail", "apply-to": "queues", "priority": 1,
     "definition": {"message-ttl": 60000, "dead-letter-exchange": "dead"}}
  ],
  "queues": [
    {"name": "mail.out", "vhost": "shop", "durable": true, "auto_delete": false, "arguments": {"x-max-priority": 5}},
    {"name": "orders", "vhost": "shop", "durable": true, "auto_delete": false,
     "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 3}},
    {"name": "clicks", "vhost": "shop", "durable": true, "auto_delete": false,
     "arguments": {"x-queue-type": "stream"}}
  ],
  "exchanges": [
    {"name": "events", "vhost": "shop", "type": "topic", "durable": true, "auto_delete": false,
     "internal": false, "arguments": {}},
    {"name": "recent", "vhost": "shop", "type": "x-recent-history", "durable": true, "auto_delete": false,
     "internal": false, "arguments": {}}
  ],
  "bindings": [
    {"source": "events", "vhost": "shop", "destination": "orders", "destination_type": "queue",
     "routing_key": "order.#", "arguments": {}},
    {"source": "events", "vhost": "shop", "destination": "clicks", "destination_type": "queue",
     "routing_key": "click.#", "arguments": []}
  ]
}"#;

async fn with_broker(test: impl FnOnce(&Broker)) {
    let folder = tempfile::tempdir().unwrap();
    let settings = broker::Settings {
        data: folder.path().to_owned(),
        shards: 2,
        recent_bytes: 1 << 20,
        guest_password: hash_password("guest").unwrap(),
    };
    let broker: Arc<Broker> = broker::open(&settings).unwrap();
    test(&broker);
    tokio::task::spawn_blocking(move || broker.stop()).await.unwrap();
}

#[tokio::test]
async fn a_file_of_rabbitmq_is_in_force_after_its_import() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let summary = import(&mut turn, SHOP).unwrap();
        assert_eq!(summary.entries, 14);
        let warnings = summary.warnings.join("\n");
        for passed_over in ["shovel", "'clicks'", "x-recent-history", "bindings[1]"] {
            assert!(warnings.contains(passed_over), "{warnings}");
        }
        assert_eq!(summary.warnings.len(), 4);
        let catalog = turn.catalog();
        assert!(catalog.has_tag("shop", "monitoring") && catalog.has_tag("old", "management"));
        assert_eq!(catalog.user("shop").unwrap().limits.max_connections, Some(50));
        assert!(catalog.user("old").unwrap().password.is_none());
        assert!(catalog.may_publish("shop", "shop", "events", &["order.new"]).is_ok());
        assert!(catalog.may_publish("shop", "shop", "events", &["click"]).is_err());
        let limits = &catalog.vhost("shop").unwrap().limits;
        assert_eq!((limits.max_queues, limits.max_connections), (Some(100), None));
        assert_eq!(catalog.policies("shop", PolicyScope::Operator).count(), 1);
        let mail = catalog.queue("shop", "mail.out").unwrap();
        assert_eq!(mail.settings.message_ttl_ms, Some(60_000));
        assert_eq!((mail.settings.max_priority, mail.settings.max_length), (5, Some(1000)));
        assert_eq!(mail.arguments.get("x-max-priority"), Some(&Field::I64(5)));
        let orders = catalog.queue("shop", "orders").unwrap().clone();
        assert_eq!(orders.settings.delivery_limit, Some(3));
        let to = Destination { kind: DestinationKind::Queue, name: "orders".into() };
        assert_eq!(catalog.bindings_to("shop", &to).count(), 1);
        assert!(turn.shard(orders.id.shard()).stats(orders.id).is_some(), "its shard knows the queue");
    })
    .await;
}

#[tokio::test]
async fn an_import_may_be_repeated_and_what_is_different_stays() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let first = import(&mut turn, SHOP).unwrap();
        let before = turn.catalog().checkpoint();
        assert_eq!(import(&mut turn, SHOP).unwrap(), first);
        assert!(turn.catalog().checkpoint() == before, "nothing has changed");
        let other = r#"{"queues": [{"name": "orders", "vhost": "shop", "durable": true, "arguments": {}}]}"#;
        let warnings = import(&mut turn, other).unwrap().warnings;
        assert!(
            warnings[0].starts_with("queues[0] 'orders' in vhost 'shop': inequivalent arg"),
            "{warnings:?}"
        );
        assert!(turn.catalog().checkpoint() == before, "the queue stays as it was");
    })
    .await;
}

#[tokio::test]
async fn a_password_in_clear_is_hashed() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        import(&mut turn, r#"{"users": [{"name": "u", "password": "secret", "tags": ""}]}"#).unwrap();
        let hash = turn.catalog().user("u").unwrap().password.clone().unwrap();
        assert!(verify_password(&hash, b"secret"));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    with_broker(|broker| {
        let cases = [
            ("{", "not JSON"),
            ("[]", "the file: expected an object"),
            (r#"{"queues": {}}"#, "queues: expected a list"),
            (r#"{"queues": [1]}"#, "queues[0]: expected an object"),
            (r#"{"queues": [{"name": "q", "durable": "yes"}]}"#, "queues[0] 'q', durable: expected true or false"),
            (r#"{"users": [{"name": "u", "password_hash": "%"}]}"#, "users[0] 'u': the password hash is not in base64"),
            (r#"{"permissions": [{"user": "nobody", "vhost": "/", "configure": "", "write": "", "read": ""}]}"#, "permissions[0] 'nobody' in vhost '/'"),
            (r#"{"queues": [{"name": "q", "vhost": "nowhere"}]}"#, "queues[0] 'q' in vhost 'nowhere'"),
        ];
        for (text, expected) in cases {
            let error = import(&mut broker.turn(), text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    })
    .await;
}
