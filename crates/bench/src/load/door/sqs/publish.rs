//! Sending: the requests are made before, and only stamps and groups are written into them.

use std::thread;

use super::caller::Caller;
use super::stamp::{self, STAMP_BYTES};
use crate::client::Stamp;
use crate::load::door::{DoorError, Publish, Published, Task};
use crate::load::row::Row;
use crate::sqs::Requests;

/// Where a stamp will stand in a request.
const NO_STAMP: [u8; STAMP_BYTES] = [b'#'; STAMP_BYTES];
/// Where a group's name will stand.
const NO_GROUP: &str = "<group!>";

/// A connection that publishes.
pub(super) struct Publishing {
    caller: Caller,
    /// By queue, then by count of messages from 1.
    sends: Vec<Vec<Send>>,
    publisher: u16,
    groups: u64,
    /// How many requests were sent: they go round the queues.
    requests: usize,
}

impl Publishing {
    /// Publishes to the queues of these requests in turn.
    pub(super) fn new(caller: Caller, queues: &[Requests], row: &Row, publisher: u16) -> Self {
        let of_queue =
            |requests| (1..=row.batch as usize).map(|count| Send::new(requests, row, count)).collect();
        let sends = queues.iter().map(of_queue).collect();
        Self { caller, sends, publisher, groups: u64::from(row.groups), requests: 0 }
    }
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
        self.caller.call(&send.bytes)?;
        let answered_ns = task.clock.now_ns();
        for number in seen.count..seen.count + count {
            seen.confirms.take(task.pace.intended_ns(number, now_ns), answered_ns);
        }
        seen.count += count;
        self.requests += 1;
        Ok(())
    }
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
        stamp::write(stamp, &mut self.bytes[self.stamps[index]..]);
        if let Some(&at) = self.groups.get(index) {
            self.bytes[at..at + NO_GROUP.len()].copy_from_slice(format!("{group:08x}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::row::Draft;
    use crate::sqs::{Dialect, texts};

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
            bodies.iter().map(|body| stamp::read(body)).collect::<Vec<_>>(),
            [Some(stamp(7)), Some(stamp(8))]
        );
        assert_eq!(texts(&text, "MessageGroupId").collect::<Vec<_>>(), ["00000001", "00000002"]);
        assert_eq!(stamp::read("no stamp"), None);
    }
}
