//! A connection of the HTTP door. While something happens on it, hyper serves it. When nothing does, be it that the client
//! says nothing or that its receive waits, hyper and its buffers go, and what is left is the socket: thousands of those
//! cost little.

use super::HttpDoor;
use super::receive::{Receiving, Registration};
use super::request::answer;
use super::stream::{Socket, Traffic, Watched};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use leveret_sqs::http::Response;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// How long a client may take for the head of a request, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(60);
const HEADERS: usize = 100;
/// Bytes of the head of a request.
const HEAD_BYTES: usize = 64 << 10;
/// How long hyper stays although nothing happens: it costs some 17 KB, and making it anew as much as half a request.
const QUIET: Duration = Duration::from_millis(20);
/// Bytes that are read at once from a connection at rest: enough to see that there are some.
const FIRST_BYTES: usize = 16;
/// What hyper reads in place of a request that it has read already, and whose answer is there now.
const AGAIN: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// What a connection has of its own.
pub(super) struct Peer {
    pub(super) door: HttpDoor,
    /// Made by the first receive that waits.
    pub(super) registration: Arc<Registration>,
    pub(super) loopback: bool,
    pub(super) tls: bool,
    in_hand: Mutex<InHand>,
}

/// The request that is being answered.
enum InHand {
    Nothing,
    Request,
    /// A receive that waits.
    Receive {
        receiving: Receiving,
        /// Whether its answer will be the same if hyper sees [`AGAIN`] instead of the request.
        plain: bool,
    },
    /// The answer to a receive that has waited without hyper.
    Answer(Response),
}

impl Peer {
    fn new(door: HttpDoor, loopback: bool, tls: bool) -> Peer {
        let registration = Arc::new(Registration::new(door.broker.clone()));
        Peer { door, registration, loopback, tls, in_hand: Mutex::new(InHand::Nothing) }
    }

    /// Runs a receive that waits to its end. If hyper goes meanwhile, the receive is still in hand and goes on.
    pub(super) async fn receive(&self, receiving: Receiving, plain: bool) -> Response {
        *self.in_hand() = InHand::Receive { receiving, plain };
        self.received().await
    }

    /// The answer to the receive that is in hand; for ever pending if none is.
    async fn received(&self) -> Response {
        std::future::poll_fn(|cx| match &mut *self.in_hand() {
            InHand::Receive { receiving, .. } => receiving.as_mut().poll(cx),
            _ => Poll::Pending,
        })
        .await
    }

    /// Whether hyper may go, if it holds no bytes: what is in hand goes on without it.
    fn may_rest(&self) -> bool {
        match &*self.in_hand() {
            InHand::Nothing => true,
            InHand::Receive { plain, .. } => *plain,
            InHand::Request | InHand::Answer(_) => false,
        }
    }

    fn take(&self, next: InHand) -> InHand {
        std::mem::replace(&mut *self.in_hand(), next)
    }

    // It is replaced as a whole, so a poisoned lock is as good as any.
    fn in_hand(&self) -> MutexGuard<'_, InHand> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a connection until it ends or the broker stops.
pub(super) async fn serve<S>(door: HttpDoor, stream: S, loopback: bool, tls: bool)
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let peer = Arc::new(Peer::new(door, loopback, tls));
    let mut socket = Socket { stream, before: Bytes::new() };
    while rest(&peer, &mut socket).await {
        // In a box, so that it takes its memory along when it ends.
        match Box::pin(speak(&peer, socket)).await {
            Some(quiet) => socket = quiet,
            None => return,
        }
    }
}

/// Waits until there is something for hyper to do: the client has said something, or its receive has an answer. `false`
/// is the end of the connection.
async fn rest<S: AsyncRead + Unpin>(peer: &Peer, socket: &mut Socket<S>) -> bool {
    let receives = matches!(*peer.in_hand(), InHand::Receive { .. });
    let mut stopping = peer.door.stopping.clone();
    let mut first = [0; FIRST_BYTES];
    loop {
        let unread = socket.before.is_empty();
        if !unread && !receives {
            return true;
        }
        tokio::select! {
            read = socket.stream.read(&mut first), if unread => match read {
                Ok(0) | Err(_) => return false,
                Ok(count) => socket.before = Bytes::copy_from_slice(&first[..count]),
            },
            response = peer.received(), if receives => {
                *peer.in_hand() = InHand::Answer(response);
                socket.before = [AGAIN, &socket.before].concat().into();
                return true;
            }
            // A receive has its own end, and an answer then as well.
            () = tokio::time::sleep(HEAD), if !receives => return false,
            _ = stopping.wait_for(|stopping| *stopping), if !receives => return false,
        }
    }
}

/// Lets hyper serve a connection until nothing happens on it; `None` is its end.
async fn speak<S>(peer: &Arc<Peer>, socket: Socket<S>) -> Option<Socket<S>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let mut stopping = peer.door.stopping.clone();
    let traffic = Arc::new(Traffic::default());
    let stream = TokioIo::new(Watched::new(socket, traffic.clone()));
    let service = service_fn(|request| async { Ok::<_, Infallible>(handle(peer, request).await) });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .pipeline_flush(true)
        .serve_connection(stream, service);
    loop {
        tokio::select! {
            // hyper comes first: if the broker stops, the answer that it was made for still leaves.
            biased;
            // A client that is gone, or that speaks no HTTP, was told so by hyper.
            _ended = &mut connection => return None,
            _ = stopping.wait_for(|stopping| *stopping) => break,
            () = tokio::time::sleep(QUIET) => {
                if traffic.is_quiet() && peer.may_rest() {
                    let parts = connection.into_parts();
                    return Some(parts.io.into_inner().into_socket(&parts.read_buf));
                }
            }
        }
    }
    Pin::new(&mut connection).graceful_shutdown();
    let _ended = connection.await;
    None
}

/// Answers one request.
async fn handle(peer: &Peer, request: hyper::Request<Incoming>) -> hyper::Response<Full<Bytes>> {
    if let InHand::Answer(response) = peer.take(InHand::Request) {
        peer.take(InHand::Nothing);
        return super::request::respond(response);
    }
    let response = answer(peer, request).await;
    peer.take(InHand::Nothing);
    response
}
