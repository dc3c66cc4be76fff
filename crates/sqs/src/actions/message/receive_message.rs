//! ReceiveMessage: at once, or when there is something.

use super::shown::{Asked, messages};
use crate::actions::Done;
use crate::actions::context::{Context, Right, refused};
use crate::actions::queue::{is_fifo, shown};
use crate::digest::sha256_half;
use crate::http::Response;
use crate::protocol::{self, ApiError, Call, Output, Params};
use leveret_core::broker::{Access, Waits};
use leveret_core::catalog::Queue;
use leveret_core::shard::{Receive, Received};
use leveret_core::{Cause, ConnectionId, LogId, QueueId, Time, Wait};

const MESSAGES: std::ops::RangeInclusive<i64> = 1..=10;
const WAIT_SECONDS: std::ops::RangeInclusive<i64> = 0..=20;
const VISIBILITY_SECONDS: std::ops::RangeInclusive<i64> = 0..=43_200;

/// A receive that found nothing yet.
#[derive(Debug)]
pub(crate) struct Pending {
    receive: Receive,
    asked: Asked,
    account: Box<str>,
    region: Box<str>,
    until: Time,
}

/// A receive that waits, with the call it answers.
#[derive(Debug)]
pub struct Waiting {
    pending: Pending,
    call: Call,
    request_id: String,
}

pub(crate) fn receive_message<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Done, ApiError> {
    let queue = context.queue(call, Right::Read)?;
    let bounded = |name: &'static str, range: std::ops::RangeInclusive<i64>, reason: &str| {
        let value = call.params.int(name)?;
        match value {
            Some(number) if !range.contains(&number) => Err(ApiError::invalid(format!(
                "Value {number} for parameter {name} is invalid. Reason: {reason}"
            ))),
            value => Ok(value),
        }
    };
    let max =
        bounded("MaxNumberOfMessages", MESSAGES, "Must be between 1 and 10, if provided.")?.unwrap_or(1);
    let visibility =
        bounded("VisibilityTimeout", VISIBILITY_SECONDS, "Must be >= 0 and <= 43200, if provided.")?;
    let wait = bounded("WaitTimeSeconds", WAIT_SECONDS, "Must be >= 0 and <= 20, if provided.")?;
    let of_queue = || shown(&queue, "ReceiveMessageWaitTimeSeconds").and_then(|seconds| seconds.parse().ok());
    let wait_seconds = wait.or_else(of_queue).unwrap_or(0);
    let attempt = call.params.text("ReceiveRequestAttemptId")?.filter(|_| is_fifo(&queue));
    let receive = Receive {
        queue: queue.id,
        max: max as u32,
        visibility_ms: visibility.map(|seconds| seconds as u64 * 1_000),
        attempt: attempt.map(sha256_half),
    };
    let asked = Asked::of(call)?;
    let mut received = Vec::new();
    let taken = context.access.shard(queue.id.shard()).receive(&receive, &mut received);
    match taken {
        Ok(()) => {}
        // A receive that waits finds nothing instead (SQS's rule), and so does one of a FIFO queue.
        Err(_) if wait_seconds > 0 || is_fifo(&queue) => {}
        Err(refusal) => return Err(refused(&refusal)),
    }
    if received.is_empty() && wait_seconds > 0 {
        return Ok(Done::Waiting(Pending {
            receive,
            asked,
            account: context.identity.account.clone(),
            region: context.identity.region.clone(),
            until: context.access.now().plus_ms(wait_seconds as u64 * 1_000),
        }));
    }
    let (account, region) = (context.identity.account.clone(), context.identity.region.clone());
    let (output, wait) = show(context.access, &queue, &received, &asked, (&account, &region));
    if let Some(wait) = wait {
        context.wait_for_one(wait);
    }
    Ok(Done::Output(output))
}

/// The messages, and what must be durable before they may leave: a receipt has to hold after a crash, too.
fn show<A: Access>(
    access: &mut A,
    queue: &Queue,
    received: &[Received],
    asked: &Asked,
    place: (&str, &str),
) -> (Output, Option<Wait>) {
    let shard = queue.id.shard();
    let position = access.shard(shard).write_out();
    let shown = messages(access, queue, received, asked, place);
    let wait = (!received.is_empty()).then_some(Wait { log: LogId::Shard(shard), position });
    (Output::new().list("Messages", "Message", shown), wait)
}

impl Pending {
    /// With the call that it answers, whose parameters are of no more use.
    pub(crate) fn of(self, call: Call, request_id: String) -> Waiting {
        let call = Call { params: Params::none(), path_queue: None, ..call };
        Waiting { pending: self, call, request_id }
    }
}

impl Waiting {
    /// The queue.
    pub fn queue(&self) -> QueueId {
        self.pending.receive.queue
    }

    /// When it has waited long enough.
    pub fn until(&self) -> Time {
        self.pending.until
    }

    /// Looks again, and has `connection` told when it is worth another look. `None` is to wait on.
    pub fn look<A: Access>(&self, access: &mut A, connection: ConnectionId) -> Option<(Response, Waits)> {
        let Some(queue) = access.catalog().queue_by_id(self.queue()).cloned() else {
            return Some((self.fail(&ApiError::no_such_queue()), Waits::None));
        };
        let mut received = Vec::new();
        let shard = access.shard(self.queue().shard());
        match shard.receive(&self.pending.receive, &mut received) {
            Ok(()) => {}
            // As many are held as may be: it waits for room as for a message.
            Err(refusal) if refusal.cause == Cause::NotAllowed => {}
            Err(refusal) => return Some((self.fail(&refused(&refusal)), Waits::None)),
        }
        if received.is_empty() {
            return match shard.wait(self.queue(), connection, self.pending.receive.max) {
                Ok(()) => None,
                Err(refusal) => Some((self.fail(&refused(&refusal)), Waits::None)),
            };
        }
        let place = (&*self.pending.account, &*self.pending.region);
        let (output, wait) = show(access, &queue, &received, &self.pending.asked, place);
        let response = protocol::success(&self.call, &output, &self.request_id);
        Some((response, wait.map_or(Waits::None, Waits::One)))
    }

    /// The answer of one that has waited long enough.
    pub fn nothing(&self) -> Response {
        protocol::success(&self.call, &Output::new(), &self.request_id)
    }

    /// The answer of one that failed.
    pub fn fail(&self, error: &ApiError) -> Response {
        protocol::failure(self.call.protocol, self.call.service, error, &self.request_id)
    }
}
