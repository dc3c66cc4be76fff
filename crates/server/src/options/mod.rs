//! What an operator may choose, and where the choice comes from.
//!
//! [`declared`] is the one place that names an option: its flag, its environment variable and its key in the file
//! follow from its name. A flag wins over the environment, the environment over the file, the file over the default.
//! The values are read and checked once, at start, and handed to constructors as [`ServeOptions`]: nothing else
//! in the program reads a flag, a variable or the file.

mod declared;
mod sources;
#[cfg(test)]
mod tests;
mod value;

pub use sources::{Source, data_folder, data_folder_flags, flags, read};
pub use value::MemoryLimit;

use leveret_amqp::connection::Mechanism;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that `leveret serve` can be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServeOptions {
    /// The data folder.
    pub data: PathBuf,
    /// Definitions to import before the first connection is accepted.
    pub definitions: Option<PathBuf>,
    /// Shards for new queues.
    pub shards: u16,
    /// Where AMQP is listened for; nowhere if empty.
    pub amqp: Vec<SocketAddr>,
    /// Where AMQP over TLS is listened for; nowhere if empty.
    pub amqps: Vec<SocketAddr>,
    /// The SQS and SNS door.
    pub sqs: SqsOptions,
    /// The broker's identity; there if anything is listened for over TLS.
    pub tls: Option<TlsFiles>,
    /// Connections at once.
    pub max_connections: usize,
    /// Bytes of the body of one message.
    pub max_message_bytes: usize,
    /// Seconds between heartbeats, as offered; 0 for none.
    pub heartbeat_seconds: u16,
    /// The highest channel number, as offered.
    pub channel_max: u16,
    /// Bytes of a frame, as offered.
    pub frame_max: u32,
    /// How long a client may take to log in.
    pub handshake_timeout: Duration,
    /// `guest` may log in from other machines.
    pub guest_anywhere: bool,
    /// How clients of AMQP may log in, as offered.
    pub auth_mechanisms: Vec<Mechanism>,
    /// Every connection of AMQP begins with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Bytes that must be free on the disk, beside what the logs may need, or publishers are blocked.
    pub disk_free_limit: u64,
    /// Memory of the process beyond which publishers are blocked.
    pub memory_limit: MemoryLimit,
    /// Bytes of durable records that each shard keeps in memory for its consumers.
    pub recent_bytes: usize,
    /// The vhosts whose messages are traced.
    pub trace: Vec<String>,
    /// Events are published.
    pub event_exchange: bool,
    /// The least severe events that are logged.
    pub log_level: tracing::Level,
    /// How they are written.
    pub log_format: LogFormat,
}

/// How SQS and SNS are served.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SqsOptions {
    /// Where they are listened for over HTTP; nowhere if empty.
    pub addresses: Vec<SocketAddr>,
    /// Where they are listened for over HTTPS; nowhere if empty.
    pub tls_addresses: Vec<SocketAddr>,
    /// What queues' URLs begin with, if it is not the host that the client asked.
    pub url: Option<Box<str>>,
    /// The region in ARNs.
    pub region: Box<str>,
    /// The account in ARNs.
    pub account: Box<str>,
    /// The vhost whose queues are seen.
    pub vhost: Box<str>,
    /// A purge cannot be repeated at once.
    pub cooldowns: bool,
    /// How long a message may be held in all.
    pub max_visibility: Duration,
}

/// The PEM files that TLS needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The broker's certificate, and those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The roots of clients' certificates; without, clients are not asked for any.
    pub client_ca: Option<PathBuf>,
    /// A client without a certificate is refused.
    pub require_client_certificate: bool,
}

/// How events are written to the standard error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object in a line.
    Json,
}

/// Why the options cannot be used. Every text names the option and what it may be.
#[derive(Debug)]
pub enum OptionError {
    /// A value that the option cannot have.
    Value {
        /// The option's name.
        option: &'static str,
        /// What it was given.
        text: String,
        /// By whom.
        source: Source,
        /// What it may be, or what is wrong.
        wrong: String,
    },
    /// A variable or flag that is not text.
    NotText {
        /// The environment variable.
        variable: String,
    },
    /// The file cannot be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The operating system's answer.
        error: std::io::Error,
    },
    /// The file is not TOML.
    Syntax {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        wrong: String,
    },
    /// The file sets what is no option.
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// The file gives an option a value of a type that no option has.
    KeyType {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
        /// What TOML calls the value's type.
        found: &'static str,
    },
    /// An option that is of no use without another.
    Needs {
        /// The option that was given.
        option: &'static str,
        /// The one that is missing.
        missing: &'static str,
    },
    /// Neither listener is there.
    NowhereToListen,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionError::Value { option, text, source, wrong } => {
                write!(f, "--{option} cannot be '{text}' ({source}): {wrong}")
            }
            OptionError::NotText { variable } => write!(f, "{variable} in the environment is not UTF-8"),
            OptionError::Unreadable { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            OptionError::Syntax { file, wrong } => write!(f, "{}: {wrong}", file.display()),
            OptionError::UnknownKey { file, key, nearest } => {
                write!(f, "{}: there is no option '{key}'", file.display())?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, "; is '{nearest}' meant?"))
            }
            OptionError::KeyType { file, key, found } => write!(
                f,
                "{}: '{key}' is of the type {found}; an option is a text, a whole number, true, false, or a list of \
                 texts",
                file.display()
            ),
            OptionError::Needs { option, missing } => write!(f, "--{option} needs --{missing}"),
            OptionError::NowhereToListen => f.write_str("every door is off: there is nowhere to listen"),
        }
    }
}

impl std::error::Error for OptionError {}
