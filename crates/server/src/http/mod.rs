//! The HTTP listeners of the SQS and SNS door: hyper under it, a task for each connection.
//!
//! - [`connection`]: one connection, and what is left of it while nothing happens;
//! - [`stream`]: its socket, and whether anything goes over it;
//! - [`request`]: one request and its answer;
//! - [`receive`]: a receive that waits, and how little it holds while it does;
//! - [`mover`]: the message move tasks that are running.

mod connection;
mod mover;
mod receive;
mod request;
mod stream;

pub use mover::run as run_move_tasks;

use crate::broker::Broker;
use crate::certificates::signing::EnvelopeSigner;
use crate::net::{self, Tls};
use leveret_sqs::DoorSettings;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

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
    let stopping = door.stopping.clone();
    net::accept(listener, stopping, |stream, address| one(door.clone(), stream, address, tls.clone())).await;
}

/// One connection, from the accepted socket to its end.
async fn one(door: HttpDoor, stream: TcpStream, address: SocketAddr, tls: Option<Tls>) {
    let Some(_permit) = net::admit(&door.permits, &stream, address) else { return };
    let loopback = address.ip().to_canonical().is_loopback();
    match tls {
        None => connection::serve(door, stream, loopback, false).await,
        // In a box: what TLS takes is much more than a connection without it, and both are one future.
        Some(tls) => Box::pin(one_secured(door, stream, address, loopback, tls)).await,
    }
}

async fn one_secured(door: HttpDoor, stream: TcpStream, address: SocketAddr, loopback: bool, tls: Tls) {
    if let Some(stream) = net::secure(tls(), stream, &address.to_string()).await {
        connection::serve(door, stream, loopback, true).await;
    }
}
