//! Publisher confirms: what was published on a channel and is not known to be safe yet.
//!
//! Messages are confirmed in the order in which they were published. RabbitMQ may do it out of order; clients
//! cannot tell, since it is the log that decides when.

use super::Channel;
use crate::codec::ReplyCode;
use crate::codec::method::{Arguments, basic, confirm};
use crate::connection::fault::Fault;
use crate::connection::link::Context;
use crate::connection::output::durable::{DurableLogs, Fate};
use leveret_core::broker::{Access, Waits};
use std::collections::VecDeque;

/// The messages of a channel that wait for their confirm, as runs of messages with one fate.
#[derive(Debug)]
pub(super) struct Confirms {
    /// The number of the last message published; the first one is 1.
    last: u64,
    /// The number of the last message confirmed.
    confirmed: u64,
    runs: VecDeque<Run>,
    /// The connection has the channel on its list of those with confirms to send.
    listed: bool,
}

/// Messages that follow each other and are confirmed at once: they came in one batch and wait for one log.
#[derive(Debug)]
struct Run {
    /// The number of the last one.
    last: u64,
    batch: u64,
    /// A queue was full: they are not confirmed but refused.
    refused: bool,
    waits: Waits,
}

impl Confirms {
    fn new() -> Confirms {
        Confirms { last: 0, confirmed: 0, runs: VecDeque::new(), listed: false }
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> u64 {
        self.last - self.confirmed
    }

    /// Takes note of so many messages with one fate. Answers whether the channel has to go on the connection's list.
    #[inline]
    pub(super) fn record(&mut self, count: u64, batch: u64, refused: bool, waits: Waits) -> bool {
        self.last += count;
        let joined = self.runs.back_mut().is_some_and(|run| run.join(self.last, batch, refused, &waits));
        if !joined {
            self.runs.push_back(Run { last: self.last, batch, refused, waits });
        }
        !std::mem::replace(&mut self.listed, true)
    }

    /// Writes the confirms of all messages that are safe. Answers whether some are left.
    pub(super) fn release(&mut self, channel: u16, logs: &DurableLogs, out: &mut Vec<u8>) -> bool {
        let mut pending: Option<(u64, bool)> = None;
        while let Some(run) = self.runs.front() {
            let (last, refused) = match logs.fate(&run.waits) {
                Fate::Open => break,
                Fate::Holds => (run.last, run.refused),
                Fate::Broken => (run.last, true),
            };
            self.runs.pop_front();
            if let Some((last, other)) = pending.filter(|(_, pending)| *pending != refused) {
                self.write(channel, last, other, out);
            }
            pending = Some((last, refused));
        }
        if let Some((last, refused)) = pending {
            self.write(channel, last, refused, out);
        }
        self.listed = !self.runs.is_empty();
        self.listed
    }

    fn write(&mut self, channel: u16, last: u64, refused: bool, out: &mut Vec<u8>) {
        let multiple = last - self.confirmed > 1;
        self.confirmed = last;
        if refused {
            // The flag `requeue` means nothing in this direction.
            basic::Nack { delivery_tag: last, multiple, requeue: false }.write_frame(channel, out);
        } else {
            basic::Ack { delivery_tag: last, multiple }.write_frame(channel, out);
        }
    }
}

impl Run {
    /// Takes the next message into the run, if it has its fate.
    #[inline]
    fn join(&mut self, number: u64, batch: u64, refused: bool, waits: &Waits) -> bool {
        if self.batch != batch || self.refused != refused {
            return false;
        }
        match (&mut self.waits, waits) {
            (Waits::None, Waits::None) => {}
            (Waits::One(mine), Waits::One(new)) if mine.log == new.log => {
                mine.position = mine.position.max(new.position);
            }
            _ => return false,
        }
        self.last = number;
        true
    }
}

impl Channel {
    pub(super) fn confirm_select<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        nowait: bool,
    ) -> Result<(), Fault> {
        if self.transaction.is_some() {
            let text = "cannot switch from tx to confirm mode";
            return Err(Fault::new(ReplyCode::PreconditionFailed, text));
        }
        self.confirms.get_or_insert_with(Confirms::new);
        if !nowait {
            cx.link.output.method(self.number, &confirm::SelectOk {});
        }
        Ok(())
    }
}
