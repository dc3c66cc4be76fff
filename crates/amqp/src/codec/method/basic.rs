//! Class 60: publishing, consuming and settling messages. Tickets are reserved.

use leveret_core::wire::RawTable;

use super::class::class;

class! {
    60 Method<'a>;

    /// The client bounds how much may be unsettled at its consumers.
    10 Qos { prefetch_size: u32, prefetch_count: u16, global: bool }

    /// The bounds hold.
    11 QosOk {}

    /// The client wants a queue's messages. An empty tag asks the server to make one up.
    20 Consume<'a> {
        ticket: u16,
        queue: &'a str,
        consumer_tag: &'a str,
        no_local: bool,
        no_ack: bool,
        exclusive: bool,
        nowait: bool,
        arguments: RawTable<'a>,
    }

    /// The consumer is there, under that tag.
    21 ConsumeOk<'a> { consumer_tag: &'a str }

    /// The client ends a consumer; or, to clients that can hear it, the server does.
    30 Cancel<'a> { consumer_tag: &'a str, nowait: bool }

    /// The consumer is gone.
    31 CancelOk<'a> { consumer_tag: &'a str }

    /// The client sends a message; its content follows.
    40 Publish<'a> {
        ticket: u16,
        exchange: &'a str,
        routing_key: &'a str,
        mandatory: bool,
        immediate: bool,
    }

    /// The server gives a message back; its content follows.
    50 Return<'a> { reply_code: u16, reply_text: &'a str, exchange: &'a str, routing_key: &'a str }

    /// The server hands a message to a consumer; its content follows.
    60 Deliver<'a> {
        consumer_tag: &'a str,
        delivery_tag: u64,
        redelivered: bool,
        exchange: &'a str,
        routing_key: &'a str,
    }

    /// The client asks for one message.
    70 Get<'a> { ticket: u16, queue: &'a str, no_ack: bool }

    /// The message that was asked for; its content follows. So many ready ones are left.
    71 GetOk<'a> {
        delivery_tag: u64,
        redelivered: bool,
        exchange: &'a str,
        routing_key: &'a str,
        message_count: u32,
    }

    /// There is no message. The cluster id is reserved.
    72 GetEmpty<'a> { cluster_id: &'a str }

    /// A message is done with; or, from the server, a published one is safe.
    80 Ack { delivery_tag: u64, multiple: bool }

    /// A message could not be handled.
    90 Reject { delivery_tag: u64, requeue: bool }

    /// The client gives all unsettled messages back, without an answer.
    100 RecoverAsync { requeue: bool }

    /// The client gives all unsettled messages back.
    110 Recover { requeue: bool }

    /// They are back.
    111 RecoverOk {}

    /// Messages could not be handled; or, from the server, published ones are not safe. An extension of
    /// RabbitMQ.
    120 Nack { delivery_tag: u64, multiple: bool, requeue: bool }
}
