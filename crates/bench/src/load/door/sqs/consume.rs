//! Receiving and deleting.

use super::caller::Caller;
use super::stamp;
use crate::load::door::{Consume, DoorError};
use crate::load::measure::{Clock, Tally};
use crate::sqs::{Requests, texts};

/// A connection that consumes.
pub(super) struct Consuming {
    pub(super) caller: Caller,
    /// Requests about each queue, and the one that receives from it.
    pub(super) queues: Vec<(Requests, Vec<u8>)>,
    /// The queue whose turn it is.
    pub(super) next: usize,
    /// Whether it deletes what it received.
    pub(super) acks: bool,
}

impl Consume for Consuming {
    fn consume(&mut self, clock: Clock, tally: &mut Tally) -> Result<(), DoorError> {
        let queue = self.next;
        self.next = (queue + 1) % self.queues.len();
        self.receive(queue, clock, tally)
    }

    fn close(self: Box<Self>) -> Result<(), DoorError> {
        Ok(())
    }
}

impl Consuming {
    /// Receives once from a queue and deletes what came.
    fn receive(&mut self, queue: usize, clock: Clock, tally: &mut Tally) -> Result<(), DoorError> {
        let (requests, receive) = &self.queues[queue];
        let answer = self.caller.call(receive)?;
        let now_ns = clock.now_ns();
        for body in texts(answer, "Body") {
            let stamp = stamp::read(body).ok_or(DoorError::Misread("body with a stamp"))?;
            tally.take(queue, stamp, false, now_ns);
        }
        let handles: Vec<String> = texts(answer, "ReceiptHandle").map(str::to_owned).collect();
        if self.acks {
            match &handles[..] {
                [] => {}
                [one] => self.caller.call(&requests.delete(one)).map(drop)?,
                many => self.caller.call(&requests.delete_batch(many)).map(drop)?,
            }
        }
        Ok(())
    }
}
