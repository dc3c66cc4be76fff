//! What an import brings into force: a small shop by hand here, whole files of RabbitMQ in [`files`], and what cannot
//! be brought into force in [`passed_over`].

mod files;
mod passed_over;

use super::*;
use crate::auth::{hash_password, verify_password};
use crate::broker::{self, Broker};
use leveret_core::broker::Access;
use leveret_core::catalog::{Destination, DestinationKind, PolicyScope, QueueKind};
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
    {"name": "selected", "vhost": "shop", "type": "x-jms-topic", "durable": true, "auto_delete": false,
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
        for passed_over in ["shovel", "'clicks'", "x-jms-topic", "bindings[1]"] {
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
            warnings[0].starts_with("queues[0] 'orders' in vhost 'shop': stays as it is: inequivalent arg"),
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
async fn a_hash_that_names_no_function_is_told_by_its_length() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let users = r#"{"users": [
            {"name": "old", "password_hash": "kI3GChNpte2FApYFXScl+0dIluk=", "tags": ""},
            {"name": "new", "password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "tags": ""},
            {"name": "named", "password_hash": "kI3GChNpte2FApYFXScl+0dIluk=", "tags": "",
             "hashing_algorithm": "rabbit_password_hashing_md5"}
        ]}"#;
        import(&mut turn, users).unwrap();
        for name in ["old", "new", "named"] {
            let hash = turn.catalog().user(name).unwrap().password.clone().unwrap();
            assert!(verify_password(&hash, b"test12"), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_file_does_not_say_of_a_vhost_or_of_limits_stays() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let said = r#"{"vhosts": [{"name": "v", "limits": {"max-queues": 7}, "metadata": {
            "description": "d", "tags": ["t"], "default_queue_type": "quorum", "protected_from_deletion": true}}],
            "users": [{"name": "u", "tags": [], "limits": [["max-channels", 3]]}]}"#;
        import(&mut turn, said).unwrap();
        let before = turn.catalog().checkpoint();
        let unsaid = r#"{"vhosts": [{"name": "v", "description": "undefined", "tags": null, "limits": "undefined",
            "metadata": {"default_queue_type": ""}}], "users": [{"name": "u", "tags": []}]}"#;
        import(&mut turn, unsaid).unwrap();
        assert!(turn.catalog().checkpoint() == before);
        let other = r#"{"vhosts": [{"name": "v", "description": "", "tags": "a, b", "limits": [],
            "default_queue_type": "rabbit_classic_queue", "metadata": {"protected_from_deletion": false}}],
            "users": [{"name": "u", "tags": [], "limits": {}}]}"#;
        import(&mut turn, other).unwrap();
        let vhost = turn.catalog().vhost("v").unwrap();
        assert_eq!((&*vhost.description, vhost.tags.len(), vhost.limits.max_queues), ("", 2, None));
        assert!(vhost.default_queue_kind == QueueKind::Classic && !vhost.protected_from_deletion);
        assert_eq!(turn.catalog().user("u").unwrap().limits.max_channels, None);
    })
    .await;
}
