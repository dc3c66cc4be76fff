//! A client of the door with the unmodified SDK, in the few words that the tests are written in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{Config, Credentials, Region};
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use aws_smithy_http_client::Builder;

/// What one test talks through. [`Session::clean`] deletes the queues that it made.
pub struct Session {
    pub client: Client,
    prefix: String,
    queues: Vec<String>,
}

impl Session {
    pub fn open() -> Session {
        let door = std::env::var("LEVERET_TEST_SQS_URL").expect("LEVERET_TEST_SQS_URL names the door");
        let config = Config::builder()
            .endpoint_url(door)
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("anybody", "anything", None, None, "tests"))
            .retry_config(RetryConfig::disabled())
            .http_client(Builder::new().build_http())
            .build();
        Session { client: Client::from_conf(config), prefix: unique(), queues: Vec::new() }
    }

    /// A name that no other test uses.
    pub fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.prefix)
    }

    /// Creates a queue and returns its URL.
    pub async fn queue<const N: usize>(
        &mut self,
        suffix: &str,
        attributes: [(QueueAttributeName, &str); N],
    ) -> String {
        let attributes: HashMap<_, _> =
            attributes.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        let create = self.client.create_queue().queue_name(self.name(suffix));
        let created = create.set_attributes(Some(attributes)).send().await.unwrap();
        let url = created.queue_url.expect("a queue has a URL");
        self.queues.push(url.clone());
        url
    }

    /// Creates a FIFO queue that deduplicates by content.
    pub async fn fifo(&mut self) -> String {
        let attributes = [
            (QueueAttributeName::FifoQueue, "true"),
            (QueueAttributeName::ContentBasedDeduplication, "true"),
        ];
        self.queue("q.fifo", attributes).await
    }

    pub async fn attribute(&self, queue: &str, name: QueueAttributeName) -> String {
        let asked = self.client.get_queue_attributes().queue_url(queue).attribute_names(name.clone());
        let attributes = asked.send().await.unwrap().attributes.expect("the attribute is told");
        attributes[&name].clone()
    }

    /// The number of ready messages, and of those that are held.
    pub async fn counts(&self, queue: &str) -> (u32, u32) {
        let ready = self.attribute(queue, QueueAttributeName::ApproximateNumberOfMessages).await;
        let held = self.attribute(queue, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await;
        (ready.parse().unwrap(), held.parse().unwrap())
    }

    pub async fn send(&self, queue: &str, body: &str) {
        self.client.send_message().queue_url(queue).message_body(body).send().await.unwrap();
    }

    /// Sends to a group of a FIFO queue; returns the message's id and its sequence number.
    pub async fn send_to_group(&self, queue: &str, group: &str, body: &str) -> (String, String) {
        let send = self.client.send_message().queue_url(queue).message_body(body).message_group_id(group);
        let sent = send.send().await.unwrap();
        (sent.message_id.expect("it has an id"), sent.sequence_number.expect("and a sequence number"))
    }

    /// What one receive of up to `count` messages finds within `wait_seconds`.
    pub async fn receive(&self, queue: &str, count: i32, wait_seconds: i32) -> Vec<Message> {
        let receive = self
            .client
            .receive_message()
            .queue_url(queue)
            .max_number_of_messages(count)
            .wait_time_seconds(wait_seconds)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    /// A receive of one message that waits until there is one.
    pub async fn wait_receive(&self, queue: &str) -> Message {
        self.receive(queue, 1, 20).await.pop().expect("a message came")
    }

    pub async fn delete(&self, queue: &str, message: &Message) {
        self.client.delete_message().queue_url(queue).receipt_handle(handle(message)).send().await.unwrap();
    }

    /// Sets how long a message is held from now on.
    pub async fn hold(&self, queue: &str, message: &Message, seconds: i32) {
        let change = self.client.change_message_visibility().queue_url(queue);
        change.receipt_handle(handle(message)).visibility_timeout(seconds).send().await.unwrap();
    }

    pub async fn clean(self) {
        for queue in &self.queues {
            self.client.delete_queue().queue_url(queue).send().await.unwrap();
        }
    }
}

pub fn handle(message: &Message) -> &str {
    message.receipt_handle().expect("a message that was received has a receipt handle")
}

pub fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().expect("a message has a body")).collect()
}

pub fn system_attribute(message: &Message, name: MessageSystemAttributeName) -> &str {
    &message.attributes().expect("system attributes were asked for")[&name]
}

/// A message attribute of a type whose values are text.
pub fn text_attribute(kind: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type(kind).string_value(value).build().expect("it has a type")
}

/// An entry of a batch.
pub fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(body)
        .build()
        .expect("it has an id and a body")
}

fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    format!("rust-{:x}-{}", now.as_micros(), COUNT.fetch_add(1, Ordering::Relaxed))
}
