//! SQS over HTTP/1.1, AWS JSON 1.0. A connection sends a request, waits for its answer, and sends the next: what is
//! answered is confirmed.

mod caller;
mod consume;
mod publish;
mod stamp;

use std::net::SocketAddr;

use leveret_sqs::sigv4::RequestSigner;

use super::socket::Socket;
use super::{Consume, Door, DoorError, Publish};
use crate::client::Acking;
use crate::http::HttpError;
use crate::load::row::Row;
use crate::sqs::{Dialect, Requests, texts};
use caller::Caller;
use consume::Consuming;
use publish::Publishing;
use stamp::STAMP_BYTES;

/// How long a receive waits for a message, where a consumer has one queue. With more, none waits.
const WAIT_SECONDS: u32 = 1;

/// A server of SQS.
#[derive(Clone)]
pub(crate) struct Sqs {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What requests call it, in the header `Host`.
    pub(crate) host: String,
    /// Who signs requests; without, they have a signature that is wrong.
    pub(crate) signer: Option<RequestSigner>,
}

impl Sqs {
    /// A server that lets anybody in.
    pub(crate) fn unsigned(address: SocketAddr) -> Self {
        Self { address, host: address.to_string(), signer: None }
    }

    fn caller(&self) -> Caller {
        Caller::new(self.address, self.signer.clone())
    }

    fn requests(&self) -> Requests {
        let requests = Requests::new(self.host.clone(), Dialect::Sqs, 0);
        if self.signer.is_some() { requests.without_signature() } else { requests }
    }

    /// Requests about a queue that is there.
    fn about(&self, caller: &mut Caller, queue: &str) -> Result<Requests, DoorError> {
        let requests = self.requests();
        let answer = caller.call(&requests.queue_url(queue))?;
        queue_url(answer).map(|url| requests.of_queue(url))
    }
}

impl Door for Sqs {
    fn broker(&self) -> Result<String, DoorError> {
        // SQS has no way to ask.
        drop(self.idle()?);
        Ok("SQS".to_owned())
    }

    fn prepare(&self, row: &Row) -> Result<(), DoorError> {
        if row.fan_out || row.acking == Acking::NoAck {
            return Err(DoorError::Unable("SQS has neither fan-out nor consumers without acks"));
        }
        if row.sizes.start() != row.sizes.end() || *row.sizes.start() < STAMP_BYTES {
            return Err(DoorError::Unable("over SQS, all messages have one size, of 32 bytes or more"));
        }
        self.clear(row)?;
        let mut caller = self.caller();
        for name in names(row) {
            let requests = self.requests();
            let create =
                if row.groups > 0 { requests.create_fifo_queue(&name) } else { requests.create_queue(&name) };
            caller.call(&create)?;
        }
        Ok(())
    }

    fn publisher(&self, row: &Row, index: u16, queues: &[String]) -> Result<Box<dyn Publish>, DoorError> {
        let mut caller = self.caller();
        let of_queue = |queue: &String| self.about(&mut caller, &full_name(row, queue));
        let requests: Vec<_> = queues.iter().map(of_queue).collect::<Result<_, _>>()?;
        Ok(Box::new(Publishing::new(caller, &requests, row, index)))
    }

    fn consumer(&self, row: &Row, queues: &[String]) -> Result<Box<dyn Consume>, DoorError> {
        let mut caller = self.caller();
        let mut own = Vec::new();
        let wait = if queues.len() == 1 { WAIT_SECONDS } else { 0 };
        for queue in queues {
            let requests = self.about(&mut caller, &full_name(row, queue))?;
            let receive = requests.receive_waiting(row.batch as usize, wait);
            own.push((requests, receive));
        }
        Ok(Box::new(Consuming { caller, queues: own, next: 0, acks: row.acking != Acking::Never }))
    }

    fn idle(&self) -> Result<Box<dyn Send>, DoorError> {
        Ok(Box::new(Socket::open(self.address)?))
    }

    fn keeps_order(&self, row: &Row) -> bool {
        // A standard queue of AWS's makes no promise.
        row.groups > 0
    }

    fn waiting(&self, row: &Row) -> Result<u64, DoorError> {
        let mut caller = self.caller();
        let mut waiting = 0;
        for name in names(row) {
            let requests = self.about(&mut caller, &name)?;
            let answer = caller.call(&requests.message_counts())?;
            for count in ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] {
                let count = texts(answer, count).next().and_then(|text| text.parse::<u64>().ok());
                waiting += count.ok_or(DoorError::Misread("a number of messages"))?;
            }
        }
        Ok(waiting)
    }

    fn clear(&self, row: &Row) -> Result<(), DoorError> {
        let mut caller = self.caller();
        for name in names(row) {
            match self.about(&mut caller, &name) {
                Ok(requests) => caller.call(&requests.delete_queue()).map(drop)?,
                // As wanted.
                Err(DoorError::Refused { answer, .. }) if is_no_queue(&answer) => {}
                Err(DoorError::Http(HttpError::Io(error))) => {
                    return Err(DoorError::Unreachable { place: self.address.to_string(), error });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn names(row: &Row) -> impl Iterator<Item = String> {
    row.queue_names().into_iter().map(|name| full_name(row, &name))
}

/// FIFO queues have names of their own kind.
fn full_name(row: &Row, queue: &str) -> String {
    if row.groups > 0 { format!("{queue}.fifo") } else { queue.to_owned() }
}

fn queue_url(answer: &str) -> Result<String, DoorError> {
    texts(answer, "QueueUrl").next().map(str::to_owned).ok_or(DoorError::Misread("a queue's URL"))
}

/// Whether an answer says that there is no such queue: SQS has two names for it, one of each protocol.
fn is_no_queue(answer: &str) -> bool {
    answer.contains("QueueDoesNotExist") || answer.contains("NonExistentQueue")
}
