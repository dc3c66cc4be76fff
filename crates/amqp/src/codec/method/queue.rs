//! Class 50: declaring, binding, emptying and deleting queues. Tickets are reserved in all of them.

use leveret_core::wire::RawTable;

use super::class::class;

class! {
    50 Method<'a>;

    /// Makes a queue, or checks that it is there. An empty name asks the server to make one up.
    10 Declare<'a> {
        ticket: u16,
        queue: &'a str,
        passive: bool,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        nowait: bool,
        arguments: RawTable<'a>,
    }

    /// The queue is there, with so many ready messages and consumers.
    11 DeclareOk<'a> { queue: &'a str, message_count: u32, consumer_count: u32 }

    /// Makes messages flow from an exchange to a queue.
    20 Bind<'a> {
        ticket: u16,
        queue: &'a str,
        exchange: &'a str,
        routing_key: &'a str,
        nowait: bool,
        arguments: RawTable<'a>,
    }

    /// The binding is there.
    21 BindOk {}

    /// Deletes the ready messages of a queue.
    30 Purge<'a> { ticket: u16, queue: &'a str, nowait: bool }

    /// So many messages were deleted.
    31 PurgeOk { message_count: u32 }

    /// Deletes a queue with its messages.
    40 Delete<'a> { ticket: u16, queue: &'a str, if_unused: bool, if_empty: bool, nowait: bool }

    /// The queue is gone, and so many ready messages with it.
    41 DeleteOk { message_count: u32 }

    /// Takes a binding of a queue away. The only one of its kind that cannot be sent without an answer.
    50 Unbind<'a> {
        ticket: u16,
        queue: &'a str,
        exchange: &'a str,
        routing_key: &'a str,
        arguments: RawTable<'a>,
    }

    /// The binding is gone.
    51 UnbindOk {}
}
