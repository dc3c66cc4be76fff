//! Messages that flow through a whole broker in one thread: the doors, the core, and logs in memory, without sockets,
//! locks or a clock. Once its buffers have grown, a flow takes the same steps for the same messages every time.
//!
//! What stands for the client writes into memory that it has, and reads next to nothing: the broker is what is counted.

mod amqp;
mod end;
mod sqs;

pub(crate) use amqp::{Acks, AmqpFlow, AmqpKind, publishes};
pub(crate) use sqs::SqsFlow;

/// The broker that they flow through.
type World = leveret_rig::World;
