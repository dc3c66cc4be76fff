//! Queues, exchanges and bindings: declared, used, refused, deleted.

use lapin::options::*;
use lapin::types::FieldTable;
use lapin::{BasicProperties, ExchangeKind};
use leveret_client_tests::{Session, string, table};

#[tokio::test]
async fn a_queue_is_declared_purged_and_deleted() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    session.fill(&queue, 3).await;
    let purged = session.channel.queue_purge(queue.as_str().into(), QueuePurgeOptions::default()).await;
    assert_eq!(purged.unwrap(), 3);
    session.fill(&queue, 2).await;
    let deleted = session.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await;
    assert_eq!(deleted.unwrap(), 2);
    let passive = async |channel: lapin::Channel| {
        let passive = QueueDeclareOptions::durable().passive();
        channel.queue_declare(queue.as_str().into(), passive, FieldTable::default()).await
    };
    session.refused(404, "NOT_FOUND - no queue", passive).await;
    session.clean().await;
}

#[tokio::test]
async fn a_queue_is_not_declared_anew_with_other_arguments() {
    let mut session = Session::open().await;
    let queue = session.queue("q", table([("x-max-length", 5.into())])).await;
    session.queue("q", table([("x-max-length", 5.into())])).await;
    let other = async |channel: lapin::Channel| {
        let arguments = table([("x-max-length", 6.into())]);
        channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), arguments).await
    };
    session.refused(406, "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue", other).await;
    session.clean().await;
}

#[tokio::test]
async fn an_exclusive_queue_is_locked_for_others_and_goes_with_its_connection() {
    let (session, owner) = (Session::open().await, Session::open().await);
    let name = owner.name("mine");
    let exclusive = QueueDeclareOptions::exclusive();
    owner.channel.queue_declare(name.as_str().into(), exclusive, FieldTable::default()).await.unwrap();
    let passive = async |channel: lapin::Channel| {
        let passive = QueueDeclareOptions::default().passive();
        channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await
    };
    session.refused(405, "RESOURCE_LOCKED", passive).await;
    owner.close().await;
    session.refused(404, "NOT_FOUND", passive).await;
    session.clean().await;
}

/// Binds a queue with `key` and expects that of `sent` exactly those of `matching` arrive.
async fn routes(kind: ExchangeKind, key: &str, sent: &[&str], matching: &[&str]) {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    let exchange = session.exchange("x", kind, FieldTable::default()).await;
    session.bind(&queue, &exchange, key, FieldTable::default()).await;
    for key in sent {
        let returned = session.publish(&exchange, key, key.as_bytes(), BasicProperties::default()).await;
        assert_eq!(returned.take_message().is_none(), matching.contains(key), "{key}");
    }
    assert_eq!(session.drain(&queue).await, matching);
    let unbound = session.channel.queue_unbind(
        queue.as_str().into(),
        exchange.as_str().into(),
        key.into(),
        FieldTable::default(),
    );
    unbound.await.unwrap();
    let returned = session.publish(&exchange, matching[0], b"unbound", BasicProperties::default()).await;
    assert!(returned.take_message().is_some());
    session.clean().await;
}

#[tokio::test]
async fn a_direct_exchange_compares_keys() {
    routes(ExchangeKind::Direct, "k", &["k", "kk", ""], &["k"]).await;
}

#[tokio::test]
async fn a_topic_exchange_matches_words() {
    let sent = ["orders.eu.new", "orders.new", "orders.eu.west.new", "orders.us.new"];
    routes(ExchangeKind::Topic, "orders.*.new", &sent, &["orders.eu.new", "orders.us.new"]).await;
    routes(ExchangeKind::Topic, "orders.#", &["orders", "orders.a.b", "order"], &["orders", "orders.a.b"])
        .await;
}

#[tokio::test]
async fn a_fanout_exchange_ignores_keys() {
    routes(ExchangeKind::Fanout, "", &["a", "b"], &["a", "b"]).await;
}

#[tokio::test]
async fn a_headers_exchange_matches_all_headers() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    let exchange = session.exchange("x", ExchangeKind::Headers, FieldTable::default()).await;
    let wanted = table([("x-match", string("all")), ("kind", string("report")), ("year", 2026.into())]);
    session.bind(&queue, &exchange, "", wanted).await;
    for (body, year) in [("yes", 2026), ("no", 2025)] {
        let headers = table([("kind", string("report")), ("year", year.into())]);
        session
            .publish(&exchange, "", body.as_bytes(), BasicProperties::default().with_headers(headers))
            .await;
    }
    assert_eq!(session.drain(&queue).await, ["yes"]);
    session.clean().await;
}

#[tokio::test]
async fn an_exchange_bound_to_an_exchange() {
    let mut session = Session::open().await;
    let source = session.exchange("x", ExchangeKind::Topic, FieldTable::default()).await;
    let target = session.exchange("y", ExchangeKind::Fanout, FieldTable::default()).await;
    let queue = session.queue("q", FieldTable::default()).await;
    session.bind(&queue, &target, "", FieldTable::default()).await;
    let bound = session.channel.exchange_bind(
        target.as_str().into(),
        source.as_str().into(),
        "a.#".into(),
        ExchangeBindOptions::default(),
        FieldTable::default(),
    );
    bound.await.unwrap();
    session.publish(&source, "a.b", b"through", BasicProperties::default()).await;
    assert_eq!(session.drain(&queue).await, ["through"]);
    session.clean().await;
}

#[tokio::test]
async fn the_alternate_exchange_gets_what_matches_nothing() {
    let mut session = Session::open().await;
    let rest = session.exchange("rest", ExchangeKind::Fanout, FieldTable::default()).await;
    let alternate = table([("alternate-exchange", string(&rest))]);
    let exchange = session.exchange("x", ExchangeKind::Direct, alternate).await;
    let queue = session.queue("q", FieldTable::default()).await;
    session.bind(&queue, &rest, "", FieldTable::default()).await;
    session.publish(&exchange, "unknown", b"unmatched", BasicProperties::default()).await;
    let message = session.wait_get(&queue).await;
    assert_eq!((message.exchange.as_str(), message.routing_key.as_str()), (exchange.as_str(), "unknown"));
    session.clean().await;
}
