//! The end of whoever asks: over the socket, or, where nobody listens, at the folder itself.

use super::perform::perform;
use super::request::{REPLY_BYTES, Reply, Request};
use super::socket;
use crate::auth::hash_password;
use crate::broker::{Clock, OfflineCatalog, StartError};
use leveret_log::LogError;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a broker may take to answer. It waits for the disk.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a broker may be starting or stopping: it has the folder then, and does not listen.
const BETWEEN: Duration = Duration::from_secs(10);
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Why nothing was answered.
#[derive(Debug)]
pub enum AskError {
    /// The answer is that it is not done, and why.
    Refused(String),
    /// There is no such data folder.
    NoFolder {
        /// The folder.
        data: PathBuf,
    },
    /// The broker's socket cannot be used.
    Socket {
        /// The data folder.
        data: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
    /// What was answered is no reply: the broker is of another version.
    NoReply {
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A process has the folder and does not answer.
    Busy {
        /// The data folder.
        data: PathBuf,
        /// The log's answer.
        error: LogError,
    },
    /// The folder cannot be opened.
    Start(StartError),
    /// The operating system has no randomness to give.
    Random(getrandom::Error),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Refused(text) => f.write_str(text),
            AskError::NoFolder { data } => write!(f, "there is no data folder {}", data.display()),
            AskError::Socket { data, error } => {
                write!(f, "the broker on {} cannot be asked: {error}", data.display())
            }
            AskError::NoReply { error } => {
                write!(f, "the broker gave no reply that this version knows: {error}")
            }
            AskError::Busy { data, error } => {
                write!(f, "{error}, and nobody answers at {}", socket::path(data).display())
            }
            AskError::Start(error) => error.fmt(f),
            AskError::Random(error) => write!(f, "no random bytes: {error}"),
        }
    }
}

impl std::error::Error for AskError {}

/// Has a request done by the broker that runs on a data folder, or does it to the folder, if none does. A folder that is
/// not there is made only to put something into it. Blocks until it is done and on the disk.
///
/// # Errors
/// See [`AskError`].
pub fn ask(data: &Path, request: &Request) -> Result<Reply, AskError> {
    ask_for(data, request, BETWEEN)
}

/// The same, with this much patience for a process that has the folder and does not listen.
pub(super) fn ask_for(data: &Path, request: &Request, patience: Duration) -> Result<Reply, AskError> {
    let since = Instant::now();
    loop {
        let reply = match over_socket(data, request)? {
            Some(reply) => Ok(reply),
            None => at_folder(data, request),
        };
        match reply {
            Ok(Reply::Refused(text)) => return Err(AskError::Refused(text)),
            Err(AskError::Busy { .. }) if since.elapsed() < patience => std::thread::sleep(PAUSE),
            reply => return reply,
        }
    }
}

/// Asks the broker; `None` if there is none.
fn over_socket(data: &Path, request: &Request) -> Result<Option<Reply>, AskError> {
    let failed = |error| AskError::Socket { data: data.to_owned(), error };
    let stream = match socket::with_path(data, |path| UnixStream::connect(path)) {
        Ok(stream) => stream,
        Err(error) if is_nobody(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match exchange(stream, request) {
        Ok(line) => serde_json::from_slice(&line).map(Some).map_err(|error| AskError::NoReply { error }),
        Err(error) => Err(failed(error)),
    }
}

/// A socket that is not there, or that a crash left behind.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn exchange(mut stream: UnixStream, request: &Request) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut reply = Vec::new();
    BufReader::new(stream.take(REPLY_BYTES as u64)).read_until(b'\n', &mut reply)?;
    if reply.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection without a reply"));
    }
    Ok(reply)
}

/// Does it here, under the folder's lock.
fn at_folder(data: &Path, request: &Request) -> Result<Reply, AskError> {
    let makes_something = matches!(request, Request::CreateAccessKey { .. });
    if !makes_something && !OfflineCatalog::is_in(data) {
        return Err(AskError::NoFolder { data: data.to_owned() });
    }
    let guest = hash_password("guest").map_err(AskError::Random)?;
    let opened = OfflineCatalog::open(data, guest);
    let changed =
        opened.and_then(|mut catalog| catalog.change(|it| perform(request, it, Clock::start().now().0)));
    changed.map_err(|error| match error {
        StartError::Log(error @ LogError::InUse { .. }) => AskError::Busy { data: data.to_owned(), error },
        error => AskError::Start(error),
    })
}
