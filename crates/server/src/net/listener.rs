//! Accepts connections, plain and over TLS, and gives each a task of its own.

use super::bodies::Buffers;
use super::connection::{Context, serve};
use super::proxy::{self, ProxyError};
use super::registry::Registry;
use crate::broker::Broker;
use leveret_amqp::connection::{Authenticator, Connection, DoorSettings, Peer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What every connection of the AMQP door has in common.
#[derive(Clone)]
pub struct Door {
    /// The broker.
    pub broker: Arc<Broker>,
    /// The door's settings.
    pub settings: Arc<DoorSettings>,
    /// Who checks passwords.
    pub authenticator: Arc<dyn Authenticator + Send + Sync>,
    /// Who counts connections.
    pub registry: Arc<Registry>,
    /// Why publishers are blocked, if they are.
    pub alarm: watch::Receiver<Option<String>>,
    /// Becomes true when the broker stops.
    pub stopping: watch::Receiver<bool>,
    /// Memory for large bodies.
    pub buffers: Arc<Buffers>,
    /// One permit for each connection there may be.
    pub permits: Arc<Semaphore>,
    /// Every connection begins with a header of the PROXY protocol.
    pub proxied: bool,
}

/// The open listeners and their connections.
#[derive(Default)]
pub struct Listeners {
    accepting: JoinSet<()>,
}

impl Listeners {
    /// Accepts connections on `listener` until the broker stops.
    pub fn accept(&mut self, door: Door, listener: TcpListener, tls: Option<Tls>) {
        self.accepting.spawn(accept(door, listener, tls));
    }

    /// Runs something else until the broker stops: it must end by itself then.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.accepting.spawn(task);
    }

    /// Waits until every listener and every connection has ended.
    pub async fn join(mut self) {
        while self.accepting.join_next().await.is_some() {}
    }
}

/// Where the current TLS configuration comes from: certificates may be replaced while the broker runs.
pub type Tls = Arc<dyn Fn() -> TlsAcceptor + Send + Sync>;

async fn accept(door: Door, listener: TcpListener, tls: Option<Tls>) {
    let stopping = door.stopping.clone();
    let serve = |stream, address| one(door.clone(), stream, address, tls.clone());
    super::accept(listener, stopping, serve).await;
}

/// One connection, from the accepted socket to its end.
async fn one(door: Door, mut stream: TcpStream, address: SocketAddr, tls: Option<Tls>) {
    let Some(_permit) = super::admit(&door.permits, &stream, address) else { return };
    let Some(mut peer) = peer_of(&door, &mut stream, address).await else { return };
    match tls {
        None => {
            let (reader, writer) = stream.into_split();
            run(door, peer, reader, writer).await;
        }
        Some(tls) => {
            let Some(stream) = super::secure(tls(), stream, &peer.address).await else { return };
            peer.certificate_name = crate::certificates::tls::client_name(stream.get_ref().1);
            let (reader, writer) = tokio::io::split(stream);
            run(door, peer, reader, writer).await;
        }
    }
}

/// Who is at the other end, by the socket or by the proxy's word. `None` for a connection that is over before it began.
async fn peer_of(door: &Door, stream: &mut TcpStream, address: SocketAddr) -> Option<Peer> {
    let mut client = address;
    if door.proxied {
        let patience = Duration::from_millis(door.settings.handshake_ms);
        let mut stopping = door.stopping.clone();
        let named = tokio::select! {
            named = proxy::read_header(stream, patience) => named,
            _ = stopping.wait_for(|stopping| *stopping) => return None,
        };
        match named {
            Ok(named) => client = named.unwrap_or(address),
            Err(error) => {
                // A look at the port, as for a health check, is no event.
                if let ProxyError::Ended { bytes: 0 } = error {
                    tracing::debug!(%address, "connected and went");
                } else {
                    tracing::info!(%address, "a connection without a PROXY header was closed: {error}");
                }
                let _closed_already = stream.shutdown().await;
                return None;
            }
        }
    }
    // A proxy on another machine may name its own loopback: only what came over ours is on this machine.
    let loopback = [address, client].iter().all(|it| it.ip().to_canonical().is_loopback());
    Some(Peer { address: client.to_string(), loopback, certificate_name: None })
}

async fn run(
    door: Door,
    peer: Peer,
    reader: impl tokio::io::AsyncRead + Unpin,
    writer: impl tokio::io::AsyncWrite + Unpin,
) {
    let (id, mailbox) = door.broker.connect();
    tracing::debug!(connection = id.0, address = %peer.address, "connected");
    let now = door.broker.clock().now();
    let connection = Connection::new(door.settings, id, peer, now);
    let context = Context {
        broker: door.broker,
        authenticator: door.authenticator,
        registry: door.registry,
        buffers: door.buffers,
        alarm: door.alarm,
        stopping: door.stopping,
    };
    serve(context, connection, id, mailbox, reader, writer).await;
    tracing::debug!(connection = id.0, "disconnected");
}
