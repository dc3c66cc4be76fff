//! SQS over HTTP/1.1, AWS JSON 1.0. A connection sends a request, waits for its answer, and sends the next: what is
//! answered is confirmed.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{Consume, Door, DoorError, Gauge, Publish, Published, Task};
use crate::client::{Acking, Stamp};
use crate::http::{HttpConnection, HttpError};
use crate::load::measure::{Clock, Tally};
use crate::load::row::Row;
use crate::sqs::{Dialect, Requests, texts};

/// Bytes of a stamp as hexadecimal text: the mark, and the time.
const STAMP_BYTES: usize = 32;
/// Where a stamp will stand in a request.
const NO_STAMP: [u8; STAMP_BYTES] = [b'#'; STAMP_BYTES];
/// Where a group's name will stand.
const NO_GROUP: &str = "<group!>";

/// How long a receive waits for a message, where a consumer has one queue. With more, none waits.
const WAIT_SECONDS: u32 = 1;

/// A server of SQS.
pub(crate) struct Sqs(pub(crate) SocketAddr);

impl Sqs {
    fn requests(&self) -> Requests {
        Requests::new(self.0.to_string(), Dialect::Sqs, 0)
    }

    /// Requests about a queue that is there.
    fn about(&self, connection: &mut HttpConnection, queue: &str) -> Result<Requests, DoorError> {
        let requests = self.requests();
        let answer = call(connection, &requests.queue_url(queue))?;
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
        let mut connection = HttpConnection::new(self.0);
        for name in names(row) {
            let requests = self.requests();
            let create =
                if row.groups > 0 { requests.create_fifo_queue(&name) } else { requests.create_queue(&name) };
            call(&mut connection, &create)?;
        }
        Ok(())
    }

    fn publisher(&self, row: &Row, index: u16, queues: &[String]) -> Result<Box<dyn Publish>, DoorError> {
        let mut connection = HttpConnection::new(self.0);
        let mut sends = Vec::new();
        for queue in queues {
            let requests = self.about(&mut connection, &full_name(row, queue))?;
            sends.push((1..=row.batch as usize).map(|count| Send::new(&requests, row, count)).collect());
        }
        let groups = u64::from(row.groups);
        Ok(Box::new(Publishing { connection, sends, publisher: index, groups, requests: 0 }))
    }

    fn consumer(&self, row: &Row, queues: &[String]) -> Result<Box<dyn Consume>, DoorError> {
        let mut connection = HttpConnection::new(self.0);
        let mut own = Vec::new();
        let wait = if queues.len() == 1 { WAIT_SECONDS } else { 0 };
        for queue in queues {
            let requests = self.about(&mut connection, &full_name(row, queue))?;
            let receive = requests.receive_waiting(row.batch as usize, wait);
            own.push((requests, receive));
        }
        Ok(Box::new(Consuming { connection, queues: own, acks: row.acking != Acking::Never }))
    }

    fn idle(&self) -> Result<Box<dyn std::marker::Send>, DoorError> {
        let stream = TcpStream::connect(self.0);
        Ok(Box::new(stream.map_err(|error| DoorError::Unreachable { place: self.0.to_string(), error })?))
    }

    fn keeps_order(&self, row: &Row) -> bool {
        // A standard queue of AWS's makes no promise.
        row.groups > 0
    }

    fn waiting(&self, row: &Row) -> Result<u64, DoorError> {
        let mut connection = HttpConnection::new(self.0);
        let mut waiting = 0;
        for name in names(row) {
            let requests = self.about(&mut connection, &name)?;
            let answer = call(&mut connection, &requests.message_counts())?;
            for count in ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] {
                let count = texts(answer, count).next().and_then(|text| text.parse::<u64>().ok());
                waiting += count.ok_or(DoorError::Misread("a number of messages"))?;
            }
        }
        Ok(waiting)
    }

    fn clear(&self, row: &Row) -> Result<(), DoorError> {
        let mut connection = HttpConnection::new(self.0);
        for name in names(row) {
            match self.about(&mut connection, &name) {
                Ok(requests) => call(&mut connection, &requests.delete_queue()).map(drop)?,
                // It is not there, as wanted.
                Err(DoorError::Refused { status: 400, .. }) => {}
                Err(DoorError::Http(HttpError::Io(error))) => {
                    return Err(DoorError::Unreachable { place: self.0.to_string(), error });
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

fn call<'a>(connection: &'a mut HttpConnection, request: &[u8]) -> Result<&'a str, DoorError> {
    let response = connection.call(request).map_err(DoorError::Http)?;
    let body = std::str::from_utf8(response.body).map_err(|_| DoorError::Misread("text"))?;
    // An entry of a batch that failed says whose fault it was.
    if response.status != 200 || body.contains("\"SenderFault\"") {
        return Err(DoorError::Refused { status: response.status, answer: body.to_owned() });
    }
    Ok(body)
}

/// A request that sends messages, made once; stamps and groups are written into it.
struct Send {
    bytes: Vec<u8>,
    stamps: Vec<usize>,
    groups: Vec<usize>,
}

impl Send {
    fn new(requests: &Requests, row: &Row, count: usize) -> Self {
        let body = format!("{}{}", "#".repeat(STAMP_BYTES), "m".repeat(row.sizes.start() - STAMP_BYTES));
        let group = (row.groups > 0).then_some(NO_GROUP);
        let bytes = match row.batch {
            1 => requests.send_one(&body, group),
            _ => requests.send_entries(&vec![(body, group); count]),
        };
        let places = |mark: &[u8]| -> Vec<usize> {
            bytes
                .windows(mark.len())
                .enumerate()
                .filter(|(_, window)| *window == mark)
                .map(|(at, _)| at)
                .collect()
        };
        let (stamps, groups) = (places(&NO_STAMP), places(NO_GROUP.as_bytes()));
        Self { bytes, stamps, groups }
    }

    /// The request with this stamp at its message `index`.
    fn stamp(&mut self, index: usize, stamp: Stamp, group: u64) {
        let mut mark = [0; STAMP_BYTES / 2];
        stamp.write(&mut mark);
        let text = &mut self.bytes[self.stamps[index]..][..STAMP_BYTES];
        for (digits, byte) in text.chunks_exact_mut(2).zip(mark) {
            digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        if let Some(&at) = self.groups.get(index) {
            self.bytes[at..at + NO_GROUP.len()].copy_from_slice(format!("{group:08x}").as_bytes());
        }
    }
}

fn digit(nibble: u8) -> u8 {
    b"0123456789abcdef"[usize::from(nibble)]
}

/// The stamp at the front of a body.
fn read_stamp(body: &str) -> Option<Stamp> {
    let mut mark = [0; STAMP_BYTES / 2];
    for (at, byte) in mark.iter_mut().enumerate() {
        *byte = u8::from_str_radix(body.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Stamp::read(&mark)
}

struct Publishing {
    connection: HttpConnection,
    /// By queue, then by count of messages from 1.
    sends: Vec<Vec<Send>>,
    publisher: u16,
    groups: u64,
    /// How many requests were sent: they go round the queues.
    requests: usize,
}

impl Publish for Publishing {
    fn publish(&mut self, task: &Task<'_>, seen: &mut Published) -> Result<(), DoorError> {
        loop {
            let now_ns = task.clock.now_ns();
            let left = task.left(seen.count, now_ns);
            if left == 0 {
                return Ok(());
            }
            match task.pace.due(seen.count, now_ns).min(left) {
                0 => thread::sleep(task.pace.until_next(seen.count, now_ns)),
                due => self.send(due, now_ns, task, seen)?,
            }
            task.gauge.set(seen.count);
        }
    }

    fn close(self: Box<Self>) -> Result<(), DoorError> {
        Ok(())
    }
}

impl Publishing {
    /// Sends as many of the messages that are due as a request takes.
    fn send(
        &mut self,
        due: u64,
        now_ns: u64,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError> {
        let targets = self.sends.len();
        let sends = &mut self.sends[self.requests % targets];
        let count = due.min(sends.len() as u64);
        let send = &mut sends[count as usize - 1];
        for (number, index) in (seen.count..seen.count + count).zip(0..) {
            let intended_ns = Some(task.pace.intended_ns(number, now_ns));
            let stamp = Stamp { publisher: self.publisher, number, intended_ns };
            send.stamp(index, stamp, number / targets as u64 % self.groups.max(1));
        }
        call(&mut self.connection, &send.bytes)?;
        let answered_ns = task.clock.now_ns();
        for number in seen.count..seen.count + count {
            seen.confirms.take(task.pace.intended_ns(number, now_ns), answered_ns);
        }
        seen.count += count;
        self.requests += 1;
        Ok(())
    }
}

struct Consuming {
    connection: HttpConnection,
    /// Requests about each queue, and the one that receives from it.
    queues: Vec<(Requests, Vec<u8>)>,
    acks: bool,
}

impl Consume for Consuming {
    fn consume(
        &mut self,
        clock: Clock,
        stop: &AtomicBool,
        gauge: &Gauge,
        tally: &mut Tally,
    ) -> Result<(), DoorError> {
        while !stop.load(Ordering::Relaxed) {
            for queue in 0..self.queues.len() {
                self.receive(queue, clock, tally)?;
                gauge.set(tally.counts.received);
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), DoorError> {
        Ok(())
    }
}

impl Consuming {
    /// Receives once from a queue and deletes what came.
    fn receive(&mut self, queue: usize, clock: Clock, tally: &mut Tally) -> Result<(), DoorError> {
        let (requests, receive) = &self.queues[queue];
        let answer = call(&mut self.connection, receive)?;
        let now_ns = clock.now_ns();
        for body in texts(answer, "Body") {
            let stamp = read_stamp(body).ok_or(DoorError::Misread("body with a stamp"))?;
            tally.take(queue, stamp, false, now_ns);
        }
        let handles: Vec<String> = texts(answer, "ReceiptHandle").map(str::to_owned).collect();
        if self.acks {
            match &handles[..] {
                [] => {}
                [one] => call(&mut self.connection, &requests.delete(one)).map(drop)?,
                many => call(&mut self.connection, &requests.delete_batch(many)).map(drop)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::row::Draft;

    #[test]
    fn stamps_and_groups_are_written_into_the_request_and_read_from_the_body() {
        let mut draft = Draft::default();
        draft.set("groups", "3").unwrap();
        draft.set("size", "40").unwrap();
        let row = draft.row("a row").unwrap();
        let requests = Requests::new("h:1".to_owned(), Dialect::Sqs, 0).of_queue("http://h:1/0/q".to_owned());
        let mut send = Send::new(&requests, &row, 2);
        let stamp = |number| Stamp { publisher: 9, number, intended_ns: Some(1 << 50) };
        send.stamp(0, stamp(7), 1);
        send.stamp(1, stamp(8), 2);
        let text = String::from_utf8(send.bytes).unwrap();
        let bodies: Vec<&str> = texts(&text, "MessageBody").collect();
        assert!(bodies.iter().all(|body| body.len() == 40 && body.ends_with("mmmmmmmm")), "{bodies:?}");
        assert_eq!(
            bodies.iter().map(|body| read_stamp(body)).collect::<Vec<_>>(),
            [Some(stamp(7)), Some(stamp(8))]
        );
        assert_eq!(texts(&text, "MessageGroupId").collect::<Vec<_>>(), ["00000001", "00000002"]);
        assert_eq!(read_stamp("no stamp"), None);
    }
}
