//! The HTTP listeners of the SQS and SNS door: hyper under it, a task for each connection.
//!
//! - [`connection`]: one connection, request by request;
//! - [`receive`]: a receive that waits, and how little it holds while it does;
//! - [`mover`]: the message move tasks that are running.

mod connection;
mod mover;
mod receive;

pub use mover::run as run_move_tasks;

use crate::broker::Broker;
use crate::net::Tls;
use crate::signing::EnvelopeSigner;
use hyper_util::rt::TokioIo;
use leveret_sqs::DoorSettings;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How long a TLS handshake may take.
const TLS_HANDSHAKE: Duration = Duration::from_secs(10);

/// What every connection of the door has in common.
#[derive(Clone)]
pub struct HttpDoor {
    /// The broker.
    pub broker: Arc<Broker>,
    /// The door's settings.
    pub settings: Arc<DoorSettings>,
    /// Whose certificate anybody may have; the settings have it too.
    pub signer: Option<Arc<EnvelopeSigner>>,
    /// Why nothing is taken in, if that is so.
    pub alarm: watch::Receiver<Option<String>>,
    /// Becomes true when the broker stops.
    pub stopping: watch::Receiver<bool>,
    /// One permit for each connection there may be.
    pub permits: Arc<Semaphore>,
    /// One permit for each byte of bodies that may be in memory at once, in units of [`BODY_UNIT`].
    pub bodies: Arc<Semaphore>,
}

/// Bytes of a body that one permit stands for.
pub const BODY_UNIT: usize = 64 << 10;

/// Accepts connections until the broker stops, and waits for those that are open then.
pub async fn accept(door: HttpDoor, listener: TcpListener, tls: Option<Tls>) {
    let mut connections = JoinSet::new();
    let mut stopping = door.stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stopping| *stopping) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, address)) => {
                connections.spawn(one(door.clone(), stream, address, tls.clone()));
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

/// One connection, from the accepted socket to its end.
async fn one(door: HttpDoor, stream: TcpStream, address: SocketAddr, tls: Option<Tls>) {
    let Ok(_permit) = door.permits.clone().try_acquire_owned() else {
        tracing::warn!(%address, "a connection was refused: there are as many as allowed");
        return;
    };
    let _slower_but_right = stream.set_nodelay(true);
    let loopback = address.ip().to_canonical().is_loopback();
    match tls {
        None => connection::serve(door, TokioIo::new(stream), loopback, false).await,
        Some(tls) => match tokio::time::timeout(TLS_HANDSHAKE, tls().accept(stream)).await {
            Ok(Ok(stream)) => connection::serve(door, TokioIo::new(stream), loopback, true).await,
            Ok(Err(error)) => tracing::info!(%address, %error, "a TLS handshake failed"),
            Err(_) => tracing::info!(%address, "a TLS handshake took too long"),
        },
    }
}
