//! What is measured: the broker, and what it is measured beside.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use leveret_bench::broker::free_addresses;
use leveret_bench::target::Subject;

use leveret_bench::sqs::Dialect;

/// A server that nobody can connect to for so long after its start is given up.
const START: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_millis(10);

/// A server that answers HTTP.
pub(super) struct Server {
    /// What it is called in the table.
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    pub(super) dialect: Dialect,
    pub(super) process_id: Option<u32>,
    /// Whether a call that fails is counted instead of ending everything: what is measured beside the broker is as it is.
    pub(super) may_fail: bool,
    _runs: Runs,
}

/// What ends with the server.
#[expect(dead_code, reason = "held to be dropped")]
enum Runs {
    Broker(Subject),
    Beside(Beside),
}

impl Server {
    pub(super) fn broker(subject: Subject) -> Self {
        Self {
            name: "broker",
            address: subject.sqs_address(),
            dialect: Dialect::Sqs,
            process_id: subject.process_id(),
            may_fail: false,
            _runs: Runs::Broker(subject),
        }
    }

    /// Starts `http_ceiling`, an example of the server's crate.
    pub(super) fn ceiling(binary: &Path) -> Result<Self, ServerError> {
        let [address] = free_addresses().map_err(ServerError::Port)?;
        Self::beside("HTTP ceiling", Dialect::Ceiling, binary, address, &[&address.to_string()])
    }

    /// Starts `moto_server`.
    pub(super) fn moto(binary: &Path) -> Result<Self, ServerError> {
        let [address] = free_addresses().map_err(ServerError::Port)?;
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        Self::beside("moto_server", Dialect::Sqs, binary, address, &["-H", &host, "-p", &port])
    }

    fn beside(
        name: &'static str,
        dialect: Dialect,
        binary: &Path,
        address: SocketAddr,
        arguments: &[&str],
    ) -> Result<Self, ServerError> {
        let child = Command::new(binary)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| ServerError::Spawn { binary: binary.to_owned(), error })?;
        let beside = Beside(child);
        let process_id = Some(beside.0.id());
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if started.elapsed() > START {
                return Err(ServerError::Silent { name });
            }
            thread::sleep(RETRY);
        }
        Ok(Self { name, address, dialect, process_id, may_fail: true, _runs: Runs::Beside(beside) })
    }
}

/// A process that is killed when this is dropped.
struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        // It may be dead already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Why there is no server to measure beside the broker.
#[derive(Debug)]
pub(super) enum ServerError {
    /// No port is free.
    Port(io::Error),
    /// The binary could not be run.
    Spawn {
        /// Its path.
        binary: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
    /// It let nobody in for too long.
    Silent {
        /// Which one.
        name: &'static str,
    },
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(error) => write!(f, "no free port: {error}"),
            Self::Spawn { binary, error } => write!(f, "cannot run {}: {error}", binary.display()),
            Self::Silent { name } => write!(f, "the {name} let nobody in for {} s", START.as_secs()),
        }
    }
}

impl std::error::Error for ServerError {}
