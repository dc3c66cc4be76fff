//! The door: a request in, an answer out, or a receive that waits.

use crate::actions::{self, Context, Waiting};
use crate::http::{Request, Response};
use crate::identity::{Identity, identify};
use crate::protocol::{self, ApiError, Call, Code, Malformed, Output, Protocol, Service};
use crate::sigv4::SigningKeys;
use crate::sns::{self, Signer};
use leveret_core::broker::{Access, Waits};
use std::sync::Arc;

/// How the door behaves.
#[derive(Debug)]
pub struct DoorSettings {
    /// The vhost whose queues are seen.
    pub vhost: Arc<str>,
    /// The region in ARNs, where a request's signature names none.
    pub region: Box<str>,
    /// The account in ARNs and URLs: twelve digits.
    pub account: Box<str>,
    /// What queues' URLs begin with; `None` takes it from the request's `Host`.
    pub url: Option<Box<str>>,
    /// Refuse a second purge for 60 seconds, and a new queue of a deleted one's name, as SQS does.
    pub cooldowns: bool,
    /// How long a message may be held in all, in milliseconds (SQS: 12 hours).
    pub longest_lease_ms: u64,
    /// Signs the envelopes of SNS; `None` leaves them unsigned.
    pub signer: Option<Arc<dyn Signer>>,
    /// What was derived from the secrets of access keys.
    pub signing_keys: SigningKeys,
}

impl Default for DoorSettings {
    /// What `leveret serve` has unless it is told otherwise; nothing is signed.
    fn default() -> DoorSettings {
        DoorSettings {
            vhost: "/".into(),
            region: "us-east-1".into(),
            account: "000000000000".into(),
            url: None,
            cooldowns: false,
            longest_lease_ms: 43_200_000,
            signer: None,
            signing_keys: SigningKeys::default(),
        }
    }
}

/// Where a request comes from, and what stands against it.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// From this machine.
    pub loopback: bool,
    /// Over TLS.
    pub tls: bool,
    /// What the wall clock says, in milliseconds since the epoch: signatures are dated by it, and it may be set anew.
    pub wall_ms: u64,
    /// Why nothing is taken in: no room on the disk or in memory.
    pub blocked: Option<&'a str>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Answer {
    /// The response, to be sent once this is durable.
    Ready(Response, Waits),
    /// A receive that found nothing and waits.
    Waiting(Box<Waiting>),
}

/// Answers a request, which was understood as [`protocol::parse`] says: that takes time for a large one, and none of the
/// broker.
pub fn answer<A: Access>(
    settings: &DoorSettings,
    access: &mut A,
    request: &Request<'_>,
    understood: Result<Call, Malformed>,
    circumstances: Circumstances<'_>,
) -> Answer {
    let id = request_id(access);
    let call = match understood {
        Ok(call) => call,
        Err(malformed) => {
            let failed = protocol::failure(malformed.protocol, malformed.service, &malformed.error, &id);
            return Answer::Ready(failed, Waits::None);
        }
    };
    let identity = match identify(settings, access, request, call.service, circumstances) {
        Ok(identity) => identity,
        Err(error) => {
            return Answer::Ready(protocol::failure(call.protocol, call.service, &error, &id), Waits::None);
        }
    };
    let base = base_url(settings, request, circumstances);
    let mut context = Context::new(access, settings, identity, base, circumstances.blocked);
    context.trace = request.header("x-amzn-trace-id").map(str::to_owned);
    let done = match call.service {
        Service::Sqs => actions::run(&mut context, &call),
        Service::Sns => sns::run(&mut context, &call).map(actions::Done::Output),
        Service::Sts => who_am_i(&context.identity, &call).map(actions::Done::Output),
    };
    let waits = context.take_waits();
    match done {
        Ok(actions::Done::Output(output)) => Answer::Ready(protocol::success(&call, &output, &id), waits),
        Ok(actions::Done::Waiting(waiting)) => Answer::Waiting(Box::new(waiting.of(call, id))),
        Err(error) => Answer::Ready(protocol::failure(call.protocol, call.service, &error, &id), Waits::None),
    }
}

/// The answer to a request that is too large, or not HTTP as the door speaks it.
pub fn refuse_request<A: Access>(access: &mut A, request: &Request<'_>, error: &ApiError) -> Response {
    let protocol = match request.header("x-amz-target") {
        Some(_) => Protocol::Json,
        None => Protocol::Query,
    };
    protocol::failure(protocol, Service::Sqs, error, &request_id(access))
}

/// The answer to an action that the service does not have.
pub(crate) fn unknown(call: &Call) -> ApiError {
    match call.protocol {
        Protocol::Json => ApiError::new(
            Code::UNKNOWN_OPERATION,
            format!("The operation {} is not known to this endpoint.", call.action),
        ),
        Protocol::Query => ApiError::new(
            Code::INVALID_ACTION,
            format!("The action {} is not valid for this endpoint.", call.action),
        ),
    }
}

/// STS's GetCallerIdentity, which tools call to see whether their keys are good.
fn who_am_i(identity: &Identity, call: &Call) -> Result<Output, ApiError> {
    if call.action != "GetCallerIdentity" {
        return Err(unknown(call));
    }
    let user = identity.name();
    Ok(Output::new()
        .text("Arn", format!("arn:aws:iam::{}:user/{user}", identity.account))
        .text("UserId", user)
        .text("Account", &*identity.account))
}

/// What queues' URLs begin with, as the client reaches the broker.
fn base_url(settings: &DoorSettings, request: &Request<'_>, circumstances: Circumstances<'_>) -> String {
    if let Some(url) = &settings.url {
        return url.trim_end_matches('/').to_owned();
    }
    let scheme = match request.header("x-forwarded-proto") {
        Some("https") => "https",
        _ if circumstances.tls => "https",
        _ => "http",
    };
    format!("{scheme}://{}", request.header("host").unwrap_or("127.0.0.1:9324"))
}

fn request_id<A: Access>(access: &mut A) -> String {
    access.new_id().to_string()
}
