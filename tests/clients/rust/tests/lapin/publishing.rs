//! Confirms, returned messages, transactions, and what a message carries.

use lapin::options::*;
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use lapin::{BasicProperties, Confirmation};
use leveret_client_tests::{Session, string, table, text};

#[tokio::test]
async fn confirmed_messages_are_in_the_queue_in_order() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    let mut confirms = Vec::new();
    for number in 0..1000 {
        let options = BasicPublishOptions::default();
        let body = number.to_string();
        let properties = BasicProperties::default().with_delivery_mode(2);
        let sent = session.channel.basic_publish(
            "".into(),
            queue.as_str().into(),
            options,
            body.as_bytes(),
            properties,
        );
        confirms.push(sent.await.unwrap());
    }
    for confirm in confirms {
        assert_eq!(confirm.await.unwrap(), Confirmation::Ack(None));
    }
    let expected: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    assert_eq!(session.drain(&queue).await, expected);
    session.clean().await;
}

#[tokio::test]
async fn a_mandatory_message_that_reaches_no_queue_is_returned_and_confirmed() {
    let session = Session::open().await;
    let missing = session.name("missing");
    let confirmation = session.publish("", &missing, b"nowhere", BasicProperties::default()).await;
    assert!(confirmation.is_ack());
    let message = confirmation.take_message().expect("it is returned");
    assert_eq!((message.reply_code, message.reply_text.as_str()), (312, "NO_ROUTE"));
    assert_eq!(text(&message.delivery), "nowhere");
    session.clean().await;
}

#[tokio::test]
async fn a_full_queue_that_rejects_is_a_nack() {
    let mut session = Session::open().await;
    let arguments = table([("x-max-length", 1.into()), ("x-overflow", string("reject-publish"))]);
    let queue = session.queue("q", arguments).await;
    session.send(&queue, "fits").await;
    let confirmation = session.publish("", &queue, b"too many", BasicProperties::default()).await;
    assert!(confirmation.is_nack());
    assert_eq!(session.drain(&queue).await, ["fits"]);
    session.clean().await;
}

#[tokio::test]
async fn properties_and_headers_come_back_as_they_were() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    let list = FieldArray::from(vec![AMQPValue::LongInt(1), string("two")]);
    let headers = table([
        ("string", string("grün")),
        ("yes", true.into()),
        ("byte", AMQPValue::ShortShortInt(-1)),
        ("short", AMQPValue::ShortInt(-2)),
        ("int", AMQPValue::LongInt(-3)),
        ("long", AMQPValue::LongLongInt(1 << 40)),
        ("double", AMQPValue::Double(1.5)),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        ("nothing", AMQPValue::Void),
        ("list", list.into()),
        ("table", table([("deep", table([("deeper", string("x"))]).into())]).into()),
    ]);
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_headers(headers)
        .with_delivery_mode(2)
        .with_priority(4)
        .with_correlation_id("c".into())
        .with_reply_to("r".into())
        .with_message_id("m".into())
        .with_timestamp(1_700_000_000)
        .with_type("t".into())
        .with_user_id("guest".into())
        .with_app_id("a".into());
    session.publish("", &queue, b"{}", properties.clone()).await;
    assert_eq!(session.wait_get(&queue).await.properties, properties);
    session.clean().await;
}

#[tokio::test]
async fn bodies_of_any_size_come_back_as_they_were() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    for size in [0, 1, 4096, 131_064, 131_065, 2 * 1024 * 1024] {
        let body: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        session.publish("", &queue, &body, BasicProperties::default()).await;
        let message = session.wait_get(&queue).await;
        message.ack(BasicAckOptions::default()).await.unwrap();
        assert!(message.data == body, "{size} bytes");
    }
    session.clean().await;
}

#[tokio::test]
async fn a_transaction_publishes_and_acknowledges_at_its_commit() {
    let mut session = Session::open().await;
    let queue = session.queue("q", FieldTable::default()).await;
    session.send(&queue, "first").await;
    let channel = session.connection.create_channel().await.unwrap();
    channel.tx_select().await.unwrap();
    for body in ["rolled back", "committed"] {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        channel
            .basic_publish("".into(), queue.as_str().into(), options, body.as_bytes(), properties)
            .await
            .unwrap();
        assert_eq!(session.depth(&queue).await, 1, "nothing before the commit");
        if body == "rolled back" {
            channel.tx_rollback().await.unwrap();
        }
    }
    channel.tx_commit().await.unwrap();
    assert_eq!(session.drain(&queue).await, ["first", "committed"]);
    session.clean().await;
}

#[tokio::test]
async fn publishing_to_a_missing_exchange_closes_the_channel() {
    let session = Session::open().await;
    let missing = session.name("missing");
    let publish = async |channel: lapin::Channel| {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        channel.basic_publish(missing.as_str().into(), "k".into(), options, b"x", properties).await?.await
    };
    session.refused(404, "NOT_FOUND - no exchange", publish).await;
    session.clean().await;
}
