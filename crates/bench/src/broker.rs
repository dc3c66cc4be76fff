//! A broker of one's own: started on a fresh folder, killed, started again.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fmt, fs, io, thread};

use crate::client::{ClientError, Connection};

/// A broker that lets nobody in for so long after its start is given up.
const START: Duration = Duration::from_secs(120);

/// How often a starting broker is tried. Times of starts are no finer than this.
const RETRY: Duration = Duration::from_micros(500);

/// Where and how brokers are started. The folder with all that they write goes when this is dropped.
pub struct Site {
    binary: PathBuf,
    extra_args: Vec<String>,
    folder: PathBuf,
    address: SocketAddr,
    sqs_address: SocketAddr,
}

impl Site {
    /// Makes a fresh folder in `parent` for a broker of that binary, and finds free ports for it.
    ///
    /// # Errors
    /// [`BrokerError::Folder`] and [`BrokerError::Port`].
    pub fn new(binary: &Path, extra_args: Vec<String>, parent: &Path) -> Result<Self, BrokerError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_micros()).unwrap_or(0);
        let folder = parent.join(format!("leveret-bench-{}-{now}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| BrokerError::Folder { path: folder.clone(), error })?;
        let [address, sqs_address] = free_addresses().map_err(BrokerError::Port)?;
        Ok(Self { binary: binary.to_owned(), extra_args, folder, address, sqs_address })
    }

    /// The folder in which the broker keeps its data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The folder that holds [`Self::data`] and what else belongs to the run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a broker on what is in the data folder, and waits until it has let a client in.
    ///
    /// # Errors
    /// [`BrokerError::Spawn`] if there is no such binary, [`BrokerError::Ended`] with the end of its output if
    /// it gives up, [`BrokerError::Silent`] if it takes more than two minutes.
    pub fn start(&self) -> Result<Broker, BrokerError> {
        let output = self.folder.join("broker.log");
        let log = File::options().create(true).append(true).open(&output);
        let log = log.map_err(|error| BrokerError::Folder { path: output.clone(), error })?;
        let log_too = log.try_clone().map_err(|error| BrokerError::Folder { path: output.clone(), error })?;
        let started = Instant::now();
        let child = Command::new(&self.binary)
            .arg("serve")
            .arg("--data")
            .arg(self.data())
            .arg("--amqp")
            .arg(self.address.to_string())
            .arg("--sqs")
            .arg(self.sqs_address.to_string())
            .args(&self.extra_args)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            .spawn()
            .map_err(|error| BrokerError::Spawn { binary: self.binary.clone(), error })?;
        let mut broker = Broker {
            child,
            address: self.address,
            sqs_address: self.sqs_address,
            open_after: Duration::ZERO,
        };
        broker.wait_until_open(started, &output)?;
        Ok(broker)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans temporary folders.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A running broker. It is killed when this is dropped.
pub struct Broker {
    child: Child,
    address: SocketAddr,
    sqs_address: SocketAddr,
    open_after: Duration,
}

impl Broker {
    /// Where it listens for AMQP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for SQS.
    pub fn sqs_address(&self) -> SocketAddr {
        self.sqs_address
    }

    /// Its process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// How long it took from exec to the open-ok of its first connection.
    pub fn open_after(&self) -> Duration {
        self.open_after
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub fn kill(mut self) -> Result<(), BrokerError> {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(BrokerError::Kill)
    }

    fn wait_until_open(&mut self, started: Instant, output: &Path) -> Result<(), BrokerError> {
        loop {
            match Connection::open(self.address) {
                Ok(connection) => {
                    self.open_after = started.elapsed();
                    return connection.close().map_err(BrokerError::Refused);
                }
                Err(ClientError::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(BrokerError::Refused(error)),
            }
            if let Some(status) = self.child.try_wait().map_err(BrokerError::Kill)? {
                return Err(BrokerError::Ended { status, output: last_lines(output) });
            }
            if started.elapsed() > START {
                return Err(BrokerError::Silent);
            }
            thread::sleep(RETRY);
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may be dead already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Addresses that nothing listened on a moment ago, all different.
pub fn free_addresses<const COUNT: usize>() -> io::Result<[SocketAddr; COUNT]> {
    // Each is held until all are found: else the same could be found twice.
    let mut held = Vec::with_capacity(COUNT);
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); COUNT];
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}

/// The end of what a broker wrote, to show why it gave up.
fn last_lines(output: &Path) -> String {
    let text = fs::read_to_string(output).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// Why there is no broker.
#[derive(Debug)]
pub enum BrokerError {
    /// A folder or a file for it could not be made.
    Folder {
        /// Which one.
        path: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
    /// No port is free.
    Port(io::Error),
    /// The binary could not be run.
    Spawn {
        /// Its path.
        binary: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
    /// It ended by itself.
    Ended {
        /// How.
        status: ExitStatus,
        /// The last lines that it wrote.
        output: String,
    },
    /// It let nobody in for too long.
    Silent,
    /// It answered, but let the client not in.
    Refused(ClientError),
    /// It could not be killed or waited for.
    Kill(io::Error),
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Port(error) => write!(f, "no free port: {error}"),
            Self::Spawn { binary, error } => write!(f, "cannot run {}: {error}", binary.display()),
            Self::Ended { status, output } => write!(f, "the broker ended with {status}:\n{output}"),
            Self::Silent => write!(f, "the broker let nobody in for {} s", START.as_secs()),
            Self::Refused(error) => error.fmt(f),
            Self::Kill(error) => write!(f, "the broker's process cannot be ended: {error}"),
        }
    }
}

impl std::error::Error for BrokerError {}
