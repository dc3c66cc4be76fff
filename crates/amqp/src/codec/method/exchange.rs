//! Class 40: declaring, deleting and, as an extension of RabbitMQ, binding exchanges. Tickets are reserved
//! in all of them.

use leveret_core::wire::RawTable;

use super::class::class;

class! {
    40 Method<'a>;

    /// Makes an exchange, or checks that it is there.
    10 Declare<'a> {
        ticket: u16,
        exchange: &'a str,
        kind: &'a str,
        passive: bool,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        nowait: bool,
        arguments: RawTable<'a>,
    }

    /// The exchange is there.
    11 DeclareOk {}

    /// Deletes an exchange.
    20 Delete<'a> { ticket: u16, exchange: &'a str, if_unused: bool, nowait: bool }

    /// The exchange is gone.
    21 DeleteOk {}

    /// Makes messages flow from one exchange to another.
    30 Bind<'a> {
        ticket: u16,
        destination: &'a str,
        source: &'a str,
        routing_key: &'a str,
        nowait: bool,
        arguments: RawTable<'a>,
    }

    /// The binding is there.
    31 BindOk {}

    /// Takes a binding between exchanges away.
    40 Unbind<'a> {
        ticket: u16,
        destination: &'a str,
        source: &'a str,
        routing_key: &'a str,
        nowait: bool,
        arguments: RawTable<'a>,
    }

    /// The binding is gone. Its id is not the one after its request's.
    51 UnbindOk {}
}
