//! The queue engine: pure and deterministic. State, the time and a command go in; facts (durable records,
//! appended to a [`leveret_log::Tail`]) and effects (deliver, cancel, wake) come out.
//!
//! - [`catalog`] is the state machine of everything that has a name: vhosts, users, exchanges, queues,
//!   bindings, policies. It says where a message goes.
//! - [`shard`] is the state machine of what queues hold: ready, delayed and leased messages, consumers.
//! - [`broker`] joins the two for the doors, over an [`broker::Access`] that the server and the simulator provide.
//! - [`event`] is what either tells whoever listens.
//! - [`message`] is the stored form of a message, [`wire`] the encoding of its properties.
//!
//! It never reads a clock, draws a random number, takes a lock, starts a thread or opens a file.

pub mod broker;
pub mod catalog;
pub mod event;
mod ids;
pub mod limits;
pub mod message;
#[cfg(test)]
mod random;
mod refusal;
mod settings;
pub mod shard;
pub mod wire;

/// Where a record is in a log: doors compare positions, and never see the log itself.
pub use leveret_log::Position;

pub use ids::{ConnectionId, ConsumerId, LeaseId, LogId, MessageId, QueueId, ShardIndex, Time, Wait};
pub use refusal::{Cause, Refusal};
pub use settings::{
    DEFAULT_DELIVERY_LIMIT, DEFAULT_VISIBILITY_TIMEOUT_MS, DeadLetterTarget, DeduplicationScope,
    DelayedRetry, Overflow, Period, QueueSettings, Redrive, RetryOn,
};
