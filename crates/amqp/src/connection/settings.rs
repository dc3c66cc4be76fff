//! What a connection needs from outside: the door's settings, who verifies a login, who reads bodies.

use leveret_core::Position;
use leveret_core::ShardIndex;
use leveret_core::catalog::Catalog;
use leveret_core::limits::{CHANNELS_PER_CONNECTION, FRAME_BYTES, HEARTBEAT_SECONDS, MESSAGE_BODY_BYTES};
use std::fmt;
use std::sync::Arc;

/// What all connections of the door have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoorSettings {
    /// The broker's version, as clients see it.
    pub version: String,
    /// The name of the broker, as clients see it (`cluster_name`).
    pub cluster_name: String,
    /// The mechanisms that are offered, in this order; EXTERNAL only to peers with a certificate.
    pub mechanisms: Vec<Mechanism>,
    /// The highest channel number that is offered.
    pub channel_max: u16,
    /// The bytes of a frame that are offered.
    pub frame_max: u32,
    /// The seconds between heartbeats that are offered; 0 for none.
    pub heartbeat_seconds: u16,
    /// How long a client may take from its first byte to the open connection.
    pub handshake_ms: u64,
    /// How long a client may take to answer a close, or is kept waiting after a refused login.
    pub close_ms: u64,
    /// Bytes of the body of one message, at most.
    pub message_bytes: usize,
    /// Consumers of one channel, at most.
    pub consumers_per_channel: usize,
    /// Bytes of the messages that a transaction holds back, at most.
    pub transaction_bytes: usize,
    /// The vhosts whose messages are copied to `amq.rabbitmq.trace`, for connections that are opened from now on.
    pub traced_vhosts: Vec<String>,
}

impl Default for DoorSettings {
    /// RabbitMQ's defaults, where it has them.
    fn default() -> DoorSettings {
        DoorSettings {
            version: env!("CARGO_PKG_VERSION").into(),
            cluster_name: "leveret".into(),
            mechanisms: vec![
                Mechanism::External,
                Mechanism::Plain,
                Mechanism::AmqPlain,
                Mechanism::Anonymous,
            ],
            channel_max: CHANNELS_PER_CONNECTION,
            frame_max: FRAME_BYTES as u32,
            heartbeat_seconds: HEARTBEAT_SECONDS,
            handshake_ms: 10_000,
            close_ms: 10_000,
            message_bytes: MESSAGE_BODY_BYTES,
            consumers_per_channel: 65_536,
            transaction_bytes: 2 * MESSAGE_BODY_BYTES,
            traced_vhosts: Vec::new(),
        }
    }
}

/// How a client can log in (SASL).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mechanism {
    /// User and password, separated by zero bytes (RFC 4616).
    Plain,
    /// User and password in a field table; from before AMQP 0-9-1.
    AmqPlain,
    /// The name in the certificate that the client showed in its TLS handshake.
    External,
    /// Nobody in particular.
    Anonymous,
    /// The user first, then the password for a challenge: RabbitMQ's demonstration of connection.secure. As safe as
    /// PLAIN, and not offered unless asked for.
    RabbitCrDemo,
}

impl Mechanism {
    /// All that there are.
    pub const ALL: [Mechanism; 5] = [
        Mechanism::External,
        Mechanism::Plain,
        Mechanism::AmqPlain,
        Mechanism::Anonymous,
        Mechanism::RabbitCrDemo,
    ];

    /// The name on the wire, and in the options.
    pub const fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::AmqPlain => "AMQPLAIN",
            Mechanism::External => "EXTERNAL",
            Mechanism::Anonymous => "ANONYMOUS",
            Mechanism::RabbitCrDemo => "RABBIT-CR-DEMO",
        }
    }
}

/// The other end of the socket.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Peer {
    /// Its address, for people.
    pub address: String,
    /// It is on this machine.
    pub loopback: bool,
    /// The name in its verified TLS certificate, if it showed one.
    pub certificate_name: Option<String>,
}

/// With what a client wants to log in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// PLAIN, AMQPLAIN and RABBIT-CR-DEMO.
    Password {
        /// The user's name.
        user: &'a str,
        /// Its password.
        password: &'a [u8],
    },
    /// EXTERNAL: the name in the peer's certificate.
    Certificate(&'a str),
    /// ANONYMOUS.
    Anonymous,
}

/// A login that is not accepted, with the reason for the broker's log: the client is not told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginRefused(pub String);

impl fmt::Display for LoginRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoginRefused {}

/// How many connections and channels there are already, for the limits of vhosts and users.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Connections open in the vhost.
    pub connections_of_vhost: u32,
    /// Connections open for the user.
    pub connections_of_user: u32,
    /// Channels open for the user.
    pub channels_of_user: u32,
}

/// Who verifies logins.
pub trait Authenticator {
    /// Answers the user whose credentials these are, by the users and passwords of the catalog.
    ///
    /// # Errors
    /// [`LoginRefused`] when they are nobody's, or when the user may not log in from there.
    fn verify(
        &self,
        catalog: &Catalog,
        credentials: &Credentials<'_>,
        peer: &Peer,
    ) -> Result<Arc<str>, LoginRefused>;

    /// How much a user and a vhost use already. The default is nothing, which leaves their limits untested.
    fn usage(&self, _user: &str, _vhost: &str) -> Usage {
        Usage::default()
    }
}

/// A body that could not be read, with the reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BodyError(pub String);

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BodyError {}

/// Who reads the messages of deliveries, and has the memory for large ones that come in.
pub trait Bodies {
    /// The kind and payload of the record at a location of a shard's log. The turn that appended it has ended.
    ///
    /// # Errors
    /// [`BodyError`] when it cannot be read.
    fn record(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, &[u8]), BodyError>;

    /// Memory for a large body that comes in many pieces: an empty buffer, of whatever capacity is at hand.
    fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes memory back that [`Bodies::buffer`] gave out, and may have grown since.
    fn give_back(&mut self, _buffer: Vec<u8>) {}
}
