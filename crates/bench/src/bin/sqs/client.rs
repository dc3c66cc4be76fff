//! One connection that works: every call is timed, every answer is looked at.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use leveret_bench::http::{HttpConnection, HttpError};

use leveret_bench::sqs::{BATCH, Dialect, Requests, texts};

/// A connection with the requests that it sends again and again.
pub(super) struct Client {
    connection: HttpConnection,
    requests: Requests,
    send: Vec<u8>,
    send_batch: Vec<u8>,
    receive: Vec<u8>,
    receive_batch: Vec<u8>,
    handles: Vec<String>,
    /// How long each call took.
    pub(super) times: Vec<Duration>,
}

impl Client {
    pub(super) fn new(address: SocketAddr, requests: Requests) -> Self {
        Self {
            connection: HttpConnection::new(address),
            send: requests.send(),
            send_batch: requests.send_batch(),
            receive: requests.receive(1),
            receive_batch: requests.receive(BATCH),
            handles: Vec::with_capacity(BATCH),
            times: Vec::new(),
            requests,
        }
    }

    /// Makes a queue and returns the requests about it.
    pub(super) fn create_queue(&mut self, name: &str) -> Result<Requests, CallError> {
        let answer = call(&mut self.connection, &mut self.times, &self.requests.create_queue(name))?;
        let url = match self.requests.dialect() {
            Dialect::Sqs => texts(answer, "QueueUrl").next().ok_or(CallError::Misread("a queue's URL"))?,
            Dialect::Ceiling => "http://127.0.0.1:9324/000000000000/bench-sqs",
        };
        Ok(self.requests.of_queue(url.to_owned()))
    }

    pub(super) fn delete_queue(&mut self) -> Result<(), CallError> {
        call(&mut self.connection, &mut self.times, &self.requests.delete_queue()).map(drop)
    }

    /// Sends one message.
    pub(super) fn send(&mut self) -> Result<(), CallError> {
        call(&mut self.connection, &mut self.times, &self.send).map(drop)
    }

    /// Sends [`BATCH`] messages at once.
    pub(super) fn send_batch(&mut self) -> Result<(), CallError> {
        let answer = call(&mut self.connection, &mut self.times, &self.send_batch)?;
        all_done(answer)
    }

    /// Receives a message and deletes it. Returns how many there were.
    pub(super) fn consume_one(&mut self) -> Result<usize, CallError> {
        let count = self.take_handles(1)?;
        if let Some(handle) = self.handles.first() {
            let delete = self.requests.delete(handle);
            call(&mut self.connection, &mut self.times, &delete)?;
        }
        Ok(count)
    }

    /// Receives up to [`BATCH`] messages and deletes them at once. Returns how many there were.
    pub(super) fn consume_batch(&mut self) -> Result<usize, CallError> {
        let count = self.take_handles(BATCH)?;
        if count > 0 {
            let delete = self.requests.delete_batch(&self.handles);
            all_done(call(&mut self.connection, &mut self.times, &delete)?)?;
        }
        Ok(count)
    }

    fn take_handles(&mut self, most: usize) -> Result<usize, CallError> {
        let request = if most == 1 { &self.receive } else { &self.receive_batch };
        let answer = call(&mut self.connection, &mut self.times, request)?;
        self.handles.clear();
        match self.requests.dialect() {
            Dialect::Sqs => self.handles.extend(texts(answer, "ReceiptHandle").map(str::to_owned)),
            Dialect::Ceiling => self.handles.extend(self.requests.made_up_handles(most)),
        }
        Ok(self.handles.len())
    }
}

fn call<'a>(
    connection: &'a mut HttpConnection,
    times: &mut Vec<Duration>,
    request: &[u8],
) -> Result<&'a str, CallError> {
    let start = Instant::now();
    let response = connection.call(request).map_err(CallError::Http)?;
    times.push(start.elapsed());
    let body = str::from_utf8(response.body).map_err(|_| CallError::Misread("text"))?;
    match response.status {
        200 => Ok(body),
        status => Err(CallError::Refused { status, answer: body.to_owned() }),
    }
}

/// An entry of a batch that failed says whose fault it was.
fn all_done(answer: &str) -> Result<(), CallError> {
    if answer.contains("\"SenderFault\"") {
        return Err(CallError::Refused { status: 200, answer: answer.to_owned() });
    }
    Ok(())
}

/// Why a call did not do what it should.
#[derive(Debug)]
pub(super) enum CallError {
    /// There was no response.
    Http(HttpError),
    /// The server refused it, or a part of it.
    Refused {
        /// The status.
        status: u16,
        /// The whole answer.
        answer: String,
    },
    /// The answer is not one of SQS: it has not this.
    Misread(&'static str),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::Refused { status, answer } => write!(f, "the server answered {status}: {answer}"),
            Self::Misread(what) => write!(f, "the server's answer is not {what}"),
        }
    }
}

impl std::error::Error for CallError {}
