//! An AMQP 0-9-1 client for measuring: blocking, one channel a connection, one purpose a connection.
//!
//! A [`Connection`] declares, asks and deletes. [`Publisher`] and [`Consumer`] are made of one, and do one
//! thing as fast as it goes: per message they copy and patch, or parse, and nothing more; a system call is
//! for a batch.

mod confirms;
mod connection;
mod consumer;
mod encoded;
mod endpoint;
mod error;
mod input;
mod publisher;
mod stamp;

pub(crate) use confirms::Confirms;
pub(crate) use connection::SILENCE;
pub use connection::{Connection, Idle};
pub use consumer::{Acking, ConsumeOptions, Consumer, Delivery};
pub(crate) use encoded::body_bytes;
pub(crate) use endpoint::decoded;
pub use endpoint::{Endpoint, UrlError, resolve};
pub use error::ClientError;
pub use publisher::{PublishOptions, Publisher};
pub use stamp::{MAX_PUBLISHERS, MIN_BODY_BYTES, Stamp, TIMED_BODY_BYTES};

/// The one channel of every connection.
const CHANNEL: u16 = 1;

/// The most bytes that are written at once, so that the broker works while the next are made.
pub(crate) const WRITE_BYTES: usize = 64 * 1024;
