//! `leveret serve`: starts the broker, keeps it until it is told to stop, and stops it so that nothing is lost.

use crate::alarm::Alarms;
use crate::auth::CatalogAuthenticator;
use crate::broker::{self, Broker, StartError};
use crate::net::{Door, Listeners};
use crate::options::ServeOptions;
use leveret_core::broker::Access;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

/// How long connections have to say goodbye when the broker stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why `leveret serve` ended badly.
#[derive(Debug)]
pub enum ServeError {
    /// The data folder could not be opened.
    Start(StartError),
    /// An address could not be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's answer.
        error: std::io::Error,
    },
    /// Something else that an option names is not usable.
    Option(String),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::Start(error) => error.fmt(f),
            ServeError::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            ServeError::Option(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ServeError {}
