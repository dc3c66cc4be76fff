//! An AMQP 0-9-1 client for measuring: blocking, one channel a connection, one purpose a connection.
//!
//! A [`Connection`] declares, asks and deletes. [`Publisher`] and [`Consumer`] are made of one, and do one
//! thing as fast as it goes: per message they copy and patch, or parse, and nothing more; a system call is
//! for a batch.

mod connection;
mod consumer;
mod error;
mod input;
mod publisher;

pub use connection::Connection;
pub use consumer::{ConsumeOptions, Consumer, Delivery};
pub use error::ClientError;
pub use publisher::{PublishOptions, Publisher};

/// The least size of a body in bytes: it begins with its sequence number, big-endian.
pub const MIN_BODY_BYTES: usize = 8;

/// The one channel of every connection.
const CHANNEL: u16 = 1;

/// The most bytes that are written at once, so that the broker works while the next are made.
const WRITE_BYTES: usize = 64 * 1024;
