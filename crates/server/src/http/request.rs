//! One request of the HTTP door: read whole, understood, answered once what is promised holds.

use super::BODY_UNIT;
use super::connection::Peer;
use super::receive::{log_failed, receive};
use crate::broker::Clock;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Version};
use leveret_sqs::http::{Request, Response};
use leveret_sqs::protocol::{ApiError, Code, parse};
use leveret_sqs::{Answer, Circumstances, Waiting, refuse_request};
use std::time::Duration;

/// How long a client may take for a body.
const BODY: Duration = Duration::from_secs(30);
/// Bytes of a body, at most. A batch has 1 MiB of messages, which JSON or a form may write six times as long.
const BODY_BYTES: usize = 8 << 20;
/// How long a request waits for a log that is behind before it goes on.
const CONGESTED: Duration = Duration::from_millis(10);

/// The answer to one request, when all that it promises holds.
pub(super) async fn answer(peer: &Peer, request: hyper::Request<Incoming>) -> hyper::Response<Full<Bytes>> {
    let (waiting, plain) = match answer_at_once(peer, request).await {
        Ok(response) => return response,
        Err(waits) => waits,
    };
    // Nothing of the request is left in memory by now: a receive may wait for long.
    let receiving = receive(peer.registration.clone(), waiting, peer.door.stopping.clone());
    respond(peer.receive(Box::pin(receiving), plain).await)
}

/// As [`answer`], but for a receive that waits: that comes back, and whether hyper need not know its request any more.
async fn answer_at_once(
    peer: &Peer,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, (Box<Waiting>, bool)> {
    let (head, body) = request.into_parts();
    if let Some(response) = certificate(peer, &head) {
        return Ok(response);
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
            return Ok(respond(refuse_request(&mut turn, &bare, &unread.error())));
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
    let settings = &peer.door.settings;
    let answered =
        leveret_sqs::answer(settings, &mut peer.door.broker.turn(), &request, understood, circumstances);
    match answered {
        Answer::Ready(response, waits) if peer.door.broker.wait_for(&waits).await => Ok(respond(response)),
        Answer::Ready(..) => Ok(respond(refuse_request(&mut peer.door.broker.turn(), &bare, &log_failed()))),
        Answer::Waiting(waiting) => Err((waiting, is_plain(&head))),
    }
}

/// Whether the answer to a request is written as that to any other: with its body, and not as the connection's last.
fn is_plain(head: &hyper::http::request::Parts) -> bool {
    head.version == Version::HTTP_11
        && head.method != Method::HEAD
        && head
            .headers
            .get_all(CONNECTION)
            .iter()
            .all(|value| value.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
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

/// A response as hyper sends it.
pub(super) fn respond(response: Response) -> hyper::Response<Full<Bytes>> {
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
