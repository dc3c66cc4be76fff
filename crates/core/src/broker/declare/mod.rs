//! Exchanges, queues and bindings, as a client asks for them.

mod exchange;
mod queue;

pub use exchange::{Bind, DeclareExchange};
pub(super) use queue::REPLY_QUEUE;
pub use queue::{DeclareQueue, QueueDeclared};
