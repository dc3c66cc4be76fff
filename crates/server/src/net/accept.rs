//! What listeners of all doors have in common: they accept until the broker stops, no more connections than there may
//! be, and over TLS a client has so long to shake hands.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a TLS handshake may take.
const TLS_HANDSHAKE: Duration = Duration::from_secs(10);

/// Accepts connections until the broker stops, gives each a task of its own, and waits for those that are open then.
pub async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    mut stopping: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, SocketAddr) -> F,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stopping| *stopping) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, address)) => {
                connections.spawn(serve(stream, address));
            }
            Err(error) => {
                // Out of file descriptors, most likely: connections that end will free some.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The place of a new connection, and its socket made ready; `None` if there are as many as there may be.
pub fn admit(
    permits: &Arc<Semaphore>,
    stream: &TcpStream,
    address: SocketAddr,
) -> Option<OwnedSemaphorePermit> {
    let Ok(permit) = permits.clone().try_acquire_owned() else {
        tracing::warn!(%address, "a connection was refused: there are as many as allowed");
        return None;
    };
    // What is small must not wait for more: doors write in batches already.
    let _slower_but_right = stream.set_nodelay(true);
    Some(permit)
}

/// Shakes hands; `None` if that did not come about in time. `peer` is who it was, for the log.
pub async fn secure(acceptor: TlsAcceptor, stream: TcpStream, peer: &str) -> Option<TlsStream<TcpStream>> {
    match tokio::time::timeout(TLS_HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::info!(address = %peer, %error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::info!(address = %peer, "a TLS handshake took too long");
            None
        }
    }
}
