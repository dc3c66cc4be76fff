//! A connection of the HTTP door: requests in, one at a time, responses out once they hold.

use super::receive::Registration;
use super::{BODY_UNIT, HttpDoor};
use crate::broker::Clock;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use leveret_sqs::http::{Request, Response};
use leveret_sqs::protocol::{ApiError, Code, parse};
use leveret_sqs::{Answer, Circumstances, answer, refuse_request};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How long a client may take for the head of a request, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(60);
/// How long a client may take for a body.
const BODY: Duration = Duration::from_secs(30);
/// Bytes of a body, at most. A batch has 1 MiB of messages, which JSON or a form may write six times as long.
const BODY_BYTES: usize = 8 << 20;
const HEADERS: usize = 100;
/// Bytes of the head of a request.
const HEAD_BYTES: usize = 64 << 10;
/// How long a request waits for a log that is behind before it goes on.
const CONGESTED: Duration = Duration::from_millis(10);

/// What a connection has of its own.
pub(super) struct Peer {
    pub(super) door: HttpDoor,
    /// Made by the first receive that waits.
    pub(super) registration: Registration,
    loopback: bool,
    tls: bool,
}

/// Serves a connection until it ends or the broker stops.
pub(super) async fn serve<S: Read + Write + Unpin>(door: HttpDoor, stream: S, loopback: bool, tls: bool) {
    let mut stopping = door.stopping.clone();
    let registration = Registration::new(door.broker.clone());
    let peer = Arc::new(Peer { door, registration, loopback, tls });
    let service = service_fn(move |request| {
        let peer = peer.clone();
        async move { Ok::<_, Infallible>(handle(&peer, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .pipeline_flush(true)
        .serve_connection(stream, service);
    tokio::pin!(connection);
    tokio::select! {
        // A client that is gone, or that speaks no HTTP, was told so by hyper.
        _ended = connection.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ended = connection.await;
}

/// Answers one request.
async fn handle(peer: &Peer, request: hyper::Request<Incoming>) -> hyper::Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    if let Some(response) = certificate(peer, &head) {
        return response;
    }
    let headers: Vec<(&str, &[u8])> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let bare = Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &headers,
        body: &[],
    };
    let length = bare.header("content-length").and_then(|length| length.parse().ok());
    let read = tokio::time::timeout(BODY, read_body(peer, body, length)).await;
    let body = match read.unwrap_or(Err(Unread::Broken)) {
        Ok(body) => body,
        Err(unread) => {
            let mut turn = peer.door.broker.turn();
            return respond(refuse_request(&mut turn, &bare, &unread.error()));
        }
    };
    let request = Request { body: &body.bytes, ..bare };
    let understood = parse(&request);
    if let Some(drained) = peer.door.broker.congested() {
        // A timeout covers the moment between the question and the wait.
        let _either = tokio::time::timeout(CONGESTED, drained.notified()).await;
    }
    let alarm = peer.door.alarm.borrow().clone();
    let circumstances = Circumstances {
        loopback: peer.loopback,
        tls: peer.tls,
        wall_ms: Clock::wall_ms(),
        blocked: alarm.as_deref(),
    };
    let answered =
        answer(&peer.door.settings, &mut peer.door.broker.turn(), &request, understood, circumstances);
    let (response, waits) = match answered {
        Answer::Ready(response, waits) => (response, waits),
        Answer::Waiting(waiting) => {
            // The body is of no more use, and a receive may wait for long.
            drop(body);
            peer.registration.receive(&waiting, peer.door.stopping.clone()).await
        }
    };
    if peer.door.broker.wait_for(&waits).await {
        respond(response)
    } else {
        let failed = ApiError::new(Code::INTERNAL, "The log has failed: nothing was promised.");
        respond(refuse_request(&mut peer.door.broker.turn(), &bare, &failed))
    }
}

/// The certificate of what SNS signed, if that is what was asked for. It is public: no credentials, no turn.
fn certificate(peer: &Peer, head: &hyper::http::request::Parts) -> Option<hyper::Response<Full<Bytes>>> {
    if head.method != Method::GET {
        return None;
    }
    let pem = peer.door.signer.as_ref()?.certificate(head.uri.path())?;
    let mut response = hyper::Response::new(Full::new(pem));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-pem-file"));
    Some(response)
}

/// A body in memory, and the permits for its bytes.
struct Body {
    bytes: Bytes,
    _permits: tokio::sync::OwnedSemaphorePermit,
}

/// Why a body could not be read.
enum Unread {
    TooLarge,
    /// The client stopped in the middle, or took too long.
    Broken,
}

impl Unread {
    fn error(&self) -> ApiError {
        match self {
            Unread::TooLarge => ApiError::new(
                Code::TOO_LARGE,
                format!("The body of the request is longer than {BODY_BYTES} bytes."),
            ),
            Unread::Broken => {
                ApiError::new(Code::SERIALIZATION, "The body of the request did not come whole.")
            }
        }
    }
}

/// Reads a body whole. Bodies of all connections together have a bound: one more waits for its turn.
async fn read_body(peer: &Peer, body: Incoming, length: Option<usize>) -> Result<Body, Unread> {
    if length.is_some_and(|length| length > BODY_BYTES) {
        return Err(Unread::TooLarge);
    }
    let units = length.unwrap_or(BODY_BYTES).div_ceil(BODY_UNIT);
    let permits = peer.door.bodies.clone().acquire_many_owned(units as u32).await;
    let permits = permits.map_err(|_closed| Unread::Broken)?;
    match Limited::new(body, BODY_BYTES).collect().await {
        Ok(collected) => Ok(Body { bytes: collected.to_bytes(), _permits: permits }),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Broken),
    }
}

fn respond(response: Response) -> hyper::Response<Full<Bytes>> {
    let mut built = hyper::Response::new(Full::new(Bytes::from(response.body)));
    *built.status_mut() = hyper::StatusCode::from_u16(response.status).unwrap_or_default();
    let headers = built.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(response.content_type));
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    built
}
