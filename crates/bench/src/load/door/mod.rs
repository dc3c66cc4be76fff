//! The protocols: each is a [`Door`], which a row goes through without knowing what is spoken behind it.

mod amqp;
mod beanstalkd;
mod nats;
mod pipeline;
mod socket;
mod sqs;
mod text;

pub(crate) use amqp::Amqp;
pub(crate) use beanstalkd::Beanstalkd;
pub(crate) use nats::Nats;
pub(crate) use sqs::Sqs;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::measure::{Clock, Latencies, Pace, Tally};
use super::row::Row;
use crate::client::ClientError;
use crate::http::HttpError;
use crate::observe::BareSync;

/// One protocol at one broker.
pub(crate) trait Door: Sync {
    /// What the broker calls itself; as much as the protocol says.
    fn broker(&self) -> Result<String, DoorError>;

    /// Makes the queues of a row, fresh.
    fn prepare(&self, row: &Row) -> Result<(), DoorError>;

    /// Connects a publisher. Its messages go to these queues in turn; `index` is its part of every stamp.
    fn publisher(&self, row: &Row, index: u16, queues: &[String]) -> Result<Box<dyn Publish>, DoorError>;

    /// Connects a consumer of these queues.
    fn consumer(&self, row: &Row, queues: &[String]) -> Result<Box<dyn Consume>, DoorError>;

    /// Opens a connection that does nothing. It ends when what is returned is dropped.
    fn idle(&self) -> Result<Box<dyn Send>, DoorError>;

    /// Whether the messages of a publisher, queue and group come in order.
    fn keeps_order(&self, row: &Row) -> bool;

    /// How many messages wait in the queues of a row.
    fn waiting(&self, row: &Row) -> Result<u64, DoorError>;

    /// Deletes what a row made.
    fn clear(&self, row: &Row) -> Result<(), DoorError>;
}

/// A connection that publishes.
pub(crate) trait Publish: Send {
    /// Publishes until the task is done and everything is confirmed. Once.
    fn publish(&mut self, task: &Task<'_>, seen: &mut Published) -> Result<(), DoorError>;

    /// Ends the connection and waits until the broker has handled all that was sent.
    fn close(self: Box<Self>) -> Result<(), DoorError>;
}

/// A connection that consumes.
pub(crate) trait Consume: Send {
    /// Waits a moment for messages and takes what comes.
    fn consume(&mut self, clock: Clock, tally: &mut Tally) -> Result<(), DoorError>;

    /// Settles what is left and waits until the broker has handled it.
    fn close(self: Box<Self>) -> Result<(), DoorError>;
}

/// What a publisher has to do.
pub(crate) struct Task<'a> {
    /// The row's clock.
    pub(crate) clock: Clock,
    /// When messages are to be sent.
    pub(crate) pace: Pace,
    /// How many messages to publish at most.
    pub(crate) count: u64,
    /// When to stop, in nanoseconds of the clock.
    pub(crate) until_ns: u64,
    /// Where to say how many are done: confirmed, or sent if there are no confirms.
    pub(crate) gauge: &'a Gauge,
}

impl Task<'_> {
    /// How many messages more are to be sent at that time, of one who has sent so many; 0 if it is done.
    #[inline]
    pub(crate) fn left(&self, sent: u64, now_ns: u64) -> u64 {
        if now_ns >= self.until_ns { 0 } else { self.count - sent }
    }
}

/// What a publisher saw.
pub(crate) struct Published {
    /// From when a message was to be sent until its confirm came.
    pub(crate) confirms: Latencies,
    /// Bare syncs beside the confirms.
    pub(crate) bare: Option<(BareSync, Latencies)>,
    /// How many messages the broker has, as far as the publisher knows.
    pub(crate) count: u64,
}

impl Published {
    /// Nothing yet; latencies count for messages that were to be sent at `from_ns` or later.
    pub(crate) fn new(from_ns: u64, bare: Option<(BareSync, Latencies)>) -> Self {
        Self { confirms: Latencies::new(from_ns), bare, count: 0 }
    }

    /// Times a bare sync, if there are to be such: after each confirm, so that both see the same disk.
    fn sync_beside(&mut self, clock: Clock) -> Result<(), DoorError> {
        if let Some((bare, latencies)) = &mut self.bare {
            let before_ns = clock.now_ns();
            bare.time_one().map_err(DoorError::BareSync)?;
            latencies.take(before_ns, clock.now_ns());
        }
        Ok(())
    }
}

/// A count that one thread keeps and another one reads.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    /// Says how many there are.
    #[inline]
    pub(crate) fn set(&self, count: u64) {
        // It is a figure, nothing hangs on it.
        self.0.store(count, Ordering::Relaxed);
    }

    /// How many there were.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a protocol's work did not come to its end.
#[derive(Debug)]
pub(crate) enum DoorError {
    /// Nobody listens there.
    Unreachable {
        /// Where.
        place: String,
        /// The operating system's answer.
        error: std::io::Error,
    },
    /// Over AMQP.
    Amqp(ClientError),
    /// Over HTTP.
    Http(HttpError),
    /// A connection failed.
    Lost(std::io::Error),
    /// The broker answered something else than what it was asked for.
    Unexpected {
        /// The answer.
        answer: String,
    },
    /// The broker does not accept who asks.
    Denied {
        /// Its answer.
        answer: String,
    },
    /// The broker answered that it will not.
    Refused {
        /// The status of its answer.
        status: u16,
        /// The answer.
        answer: String,
    },
    /// The answer has not what it should have.
    Misread(&'static str),
    /// The row cannot be done over this protocol.
    Unable(&'static str),
    /// A file for bare syncs.
    BareSync(std::io::Error),
}

impl From<ClientError> for DoorError {
    fn from(error: ClientError) -> Self {
        Self::Amqp(error)
    }
}

impl fmt::Display for DoorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { place, error } => write!(f, "no broker at {place}: {error}"),
            Self::Amqp(error) => error.fmt(f),
            Self::Http(error) => error.fmt(f),
            Self::Lost(error) => write!(f, "the connection to the broker failed: {error}"),
            Self::Unexpected { answer } => write!(f, "the broker answered {answer:?}"),
            Self::Denied { answer } => write!(
                f,
                "the broker does not accept who asks: {answer}; for an access key, write \
                 http://KEY:SECRET@host:port or give --access-key and --secret-key"
            ),
            Self::Refused { status, answer } => write!(f, "the broker answered {status}: {answer}"),
            Self::Misread(what) => write!(f, "the broker's answer has no {what}"),
            Self::Unable(what) => f.write_str(what),
            Self::BareSync(error) => write!(f, "a bare fdatasync failed: {error}"),
        }
    }
}

impl std::error::Error for DoorError {}
