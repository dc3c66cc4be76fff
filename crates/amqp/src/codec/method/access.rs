//! Class 30: access tickets, gone since AMQP 0-9, which old clients still ask for.

use super::class::class;

class! {
    30 Method<'a>;

    /// The client asks for a ticket.
    10 Request<'a> {
        realm: &'a str,
        exclusive: bool,
        passive: bool,
        active: bool,
        write: bool,
        read: bool,
    }

    /// A ticket, which no other method looks at.
    11 RequestOk { ticket: u16 }
}
