//! The broker's end of the socket.

use super::perform::perform;
use super::request::{REQUEST_BYTES, Reply, Request};
use super::socket;
use crate::broker::Broker;
use leveret_core::broker::Access;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Connections at once; the next one waits for its turn.
const CONNECTIONS: usize = 16;
/// How long a connection may take in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the connections have in common.
#[derive(Clone)]
pub struct ControlDoor {
    /// The broker.
    pub broker: Arc<Broker>,
    /// Becomes true when the broker stops.
    pub stopping: watch::Receiver<bool>,
}

/// The socket of a data folder, open.
pub struct ControlListener {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlListener {
    /// Opens the socket of a data folder whose lock the caller has: what is there under its name is of a broker that is
    /// no more. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// What the operating system answers, such as for a file system that has no sockets.
    pub fn bind(data: &Path) -> io::Result<ControlListener> {
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None,
        )?;
        socket::with_path(data, |path| {
            remove(path)?;
            rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
            // Nobody can connect before it listens, so nobody else ever can.
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            Ok(rustix::net::listen(&socket, CONNECTIONS as i32)?)
        })?;
        Ok(ControlListener { listener: UnixListener::from_std(socket.into())?, path: socket::path(data) })
    }

    /// Answers until the broker stops, and removes the socket then.
    pub async fn run(self, door: ControlDoor) {
        let mut connections = JoinSet::new();
        let mut stopping = door.stopping.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS => accepted,
                _ = stopping.wait_for(|stopping| *stopping) => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            };
            match accepted {
                Ok((stream, _)) => {
                    let broker = door.broker.clone();
                    connections.spawn(async move {
                        if tokio::time::timeout(PATIENCE, serve(&broker, stream)).await.is_err() {
                            tracing::info!("a connection to the control socket took too long");
                        }
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: connections that end will free some.
                    tracing::warn!(%error, "a connection to the control socket could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        if let Err(error) = remove(&self.path) {
            tracing::warn!(%error, "the control socket could not be removed");
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// One connection: a line in, a line out.
async fn serve(broker: &Broker, stream: UnixStream) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    let read = (&mut stream).take(REQUEST_BYTES as u64 + 1).read_until(b'\n', &mut line).await;
    // A connection that is closed without a word asks for nothing.
    if read.is_err() || line.is_empty() {
        return;
    }
    let reply = match parse(&line) {
        Ok(request) => answer(broker, &request).await,
        Err(wrong) => Reply::Refused(wrong),
    };
    let mut line = serde_json::to_vec(&reply).expect("a reply is texts and numbers, which JSON has");
    line.push(b'\n');
    // Whoever asked may be gone; what was asked is done.
    let _gone = stream.write_all(&line).await;
}

fn parse(line: &[u8]) -> Result<Request, String> {
    if line.len() > REQUEST_BYTES {
        return Err(format!("a request has {REQUEST_BYTES} bytes at most"));
    }
    serde_json::from_slice(line).map_err(|error| format!("this broker does not know the request: {error}"))
}

async fn answer(broker: &Broker, request: &Request) -> Reply {
    let (reply, wait) = {
        let mut turn = broker.turn();
        let now_ms = turn.now().0;
        turn.change(|catalog| perform(request, catalog, now_ms))
    };
    match &reply {
        Reply::Refused(why) => tracing::info!(?request, why, "refused over the control socket"),
        _ => tracing::info!(?request, "done over the control socket"),
    }
    if broker.wait_durable(wait.log, wait.position).await {
        reply
    } else {
        Reply::Refused("the catalog's log has failed: nothing was promised".into())
    }
}

/// Removes the socket, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
