//! A lapin connection with one channel in confirm mode, in the few words that the tests are written in.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_lite::StreamExt;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, ExchangeKind,
};

/// How long a test waits for what must come. Long, because the machine may be busy.
pub const WAIT: Duration = Duration::from_secs(10);

/// How long a test watches for what must not come.
pub const QUIET: Duration = Duration::from_millis(300);

/// What one test talks through. [`Session::clean`] deletes what it declared.
pub struct Session {
    pub connection: Connection,
    pub channel: Channel,
    prefix: String,
    queues: Vec<String>,
    exchanges: Vec<String>,
}

impl Session {
    pub async fn open() -> Session {
        let url = std::env::var("LEVERET_TEST_BROKER_URL").expect("LEVERET_TEST_BROKER_URL names the broker");
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
        let channel = confirming(&connection).await;
        Session { connection, channel, prefix: unique(), queues: Vec::new(), exchanges: Vec::new() }
    }

    /// One more channel in confirm mode.
    pub async fn open_channel(&self) -> Channel {
        confirming(&self.connection).await
    }

    /// A name that no other test uses.
    pub fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.prefix)
    }

    /// Declares a durable queue with these arguments and returns its name.
    pub async fn queue(&mut self, suffix: &str, arguments: FieldTable) -> String {
        let name = self.name(suffix);
        let durable = QueueDeclareOptions::durable();
        self.channel.queue_declare(name.as_str().into(), durable, arguments).await.unwrap();
        self.queues.push(name.clone());
        name
    }

    pub async fn exchange(&mut self, suffix: &str, kind: ExchangeKind, arguments: FieldTable) -> String {
        let name = self.name(suffix);
        let options = ExchangeDeclareOptions::default();
        self.channel.exchange_declare(name.as_str().into(), kind, options, arguments).await.unwrap();
        self.exchanges.push(name.clone());
        name
    }

    pub async fn bind(&self, queue: &str, exchange: &str, key: &str, arguments: FieldTable) {
        let options = QueueBindOptions::default();
        self.channel.queue_bind(queue.into(), exchange.into(), key.into(), options, arguments).await.unwrap();
    }

    /// Publishes a persistent, mandatory message and waits for its confirm.
    pub async fn publish(
        &self,
        exchange: &str,
        key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Confirmation {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let properties = properties.with_delivery_mode(2);
        let sent = self.channel.basic_publish(exchange.into(), key.into(), options, body, properties).await;
        sent.unwrap().await.unwrap()
    }

    /// Publishes to a queue, which must accept the message.
    pub async fn send(&self, queue: &str, body: &str) {
        let confirmation = self.publish("", queue, body.as_bytes(), BasicProperties::default()).await;
        assert_eq!(confirmation, Confirmation::Ack(None));
    }

    /// Publishes the bodies 0, 1, 2... and returns them.
    pub async fn fill(&self, queue: &str, count: usize) -> Vec<String> {
        let bodies: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        for body in &bodies {
            self.send(queue, body).await;
        }
        bodies
    }

    /// The number of ready messages.
    pub async fn depth(&self, queue: &str) -> u32 {
        let passive = QueueDeclareOptions::durable().passive();
        let declared = self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
        declared.unwrap().message_count()
    }

    pub async fn get(&self, queue: &str) -> Option<BasicGetMessage> {
        self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap()
    }

    /// basic.get that waits until there is a message.
    pub async fn wait_get(&self, queue: &str) -> BasicGetMessage {
        let mut found = None;
        wait_until(async || {
            found = self.get(queue).await;
            found.is_some()
        })
        .await;
        found.expect("the wait ended with a message")
    }

    /// Gets and acknowledges all that is ready, and returns the bodies.
    pub async fn drain(&self, queue: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        while let Some(message) = self.get(queue).await {
            message.ack(BasicAckOptions::default()).await.unwrap();
            bodies.push(text(&message));
        }
        bodies
    }

    pub async fn consume(
        &self,
        queue: &str,
        options: BasicConsumeOptions,
        arguments: FieldTable,
    ) -> Consumer {
        self.channel.basic_consume(queue.into(), "".into(), options, arguments).await.unwrap()
    }

    pub async fn prefetch(&self, count: u16) {
        self.channel.basic_qos(count, BasicQosOptions::default()).await.unwrap();
    }

    /// Expects the broker to close the channel upon `action` with this reply code and a text that
    /// contains `words`.
    pub async fn refused<T, Answer>(&self, code: u16, words: &str, action: impl FnOnce(Channel) -> Answer)
    where
        Answer: Future<Output = lapin::Result<T>>,
    {
        let error = action(self.open_channel().await).await.err().expect("the broker refuses");
        let lapin::ErrorKind::ProtocolError(reason) = error.kind() else {
            panic!("not refused by the broker: {error}");
        };
        assert_eq!(reason.get_id(), code, "{error}");
        assert!(reason.get_message().as_str().contains(words), "{error}");
    }

    pub async fn close(self) {
        self.connection.close(200, "done".into()).await.unwrap();
    }

    /// Deletes what was declared and closes the connection.
    pub async fn clean(self) {
        let sweeper = self.open_channel().await;
        for queue in &self.queues {
            sweeper.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        }
        for exchange in &self.exchanges {
            sweeper
                .exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default())
                .await
                .unwrap();
        }
        self.close().await;
    }
}

/// The next `count` deliveries of a consumer.
pub async fn receive(consumer: &mut Consumer, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    while deliveries.len() < count {
        let next = tokio::time::timeout(WAIT, consumer.next()).await;
        let next = next.unwrap_or_else(|_| panic!("{} of {count} messages came", deliveries.len()));
        deliveries.push(next.expect("the consumer is not cancelled").unwrap());
    }
    deliveries
}

/// Expects that nothing is delivered for a while.
pub async fn quiet(consumer: &mut Consumer) {
    let next = tokio::time::timeout(QUIET, consumer.next()).await;
    assert!(next.is_err(), "this came: {next:?}");
}

/// Waits until `reached` is true.
pub async fn wait_until(mut reached: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !reached().await {
        assert!(begun.elapsed() < WAIT, "waited {WAIT:?} in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn text(message: &Delivery) -> String {
    String::from_utf8(message.data.clone()).unwrap()
}

pub fn texts(messages: &[Delivery]) -> Vec<String> {
    messages.iter().map(text).collect()
}

/// A table of arguments or headers.
pub fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(key.into(), value);
    }
    table
}

/// A string as a table has it.
pub fn string(value: &str) -> AMQPValue {
    LongString::from(value).into()
}

async fn confirming(connection: &Connection) -> Channel {
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    channel
}

fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    format!("lapin.{:x}.{}", now.as_micros(), COUNT.fetch_add(1, Ordering::Relaxed))
}
