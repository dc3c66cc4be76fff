//! Putting jobs, many before the first one is answered.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::session::Session;
use super::unexpected;
use super::wire::{Answer, put, use_tube};
use crate::client::{Stamp, body_bytes};
use crate::load::door::pipeline::{self, Pipelined};
use crate::load::door::{DoorError, Publish, Published, Task};
use crate::load::row::Row;

/// A connection that puts jobs into its tubes in turn.
pub(super) struct Publishing {
    session: Session,
    tubes: Vec<String>,
    /// Which tube is in use.
    used: Option<usize>,
    window: usize,
    sizes: RangeInclusive<usize>,
    publisher: u16,
    /// The longest body.
    body: Vec<u8>,
    /// Commands that were not answered yet: of a put, when it was to be sent; of a change of the tube, nothing.
    under_way: VecDeque<Option<u64>>,
    /// How many of them are puts.
    unconfirmed: usize,
    /// How many jobs were put.
    sent: u64,
}

impl Publishing {
    /// Puts into these tubes.
    pub(super) fn new(session: Session, row: &Row, publisher: u16, tubes: &[String]) -> Self {
        Self {
            session,
            tubes: tubes.to_vec(),
            used: None,
            window: row.confirm_window as usize,
            sizes: row.sizes.clone(),
            publisher,
            body: vec![b'x'; *row.sizes.end()],
            under_way: VecDeque::new(),
            unconfirmed: 0,
            sent: 0,
        }
    }

    /// Puts the next job, which is to be written.
    fn put(&mut self, intended_ns: u64) {
        let number = self.sent;
        let tube = (number % self.tubes.len() as u64) as usize;
        let output = &mut self.session.socket.output;
        if self.used != Some(tube) {
            use_tube(output, &self.tubes[tube]);
            self.used = Some(tube);
            self.under_way.push_back(None);
        }
        let body = &mut self.body[..body_bytes(&self.sizes, number)];
        Stamp { publisher: self.publisher, number, intended_ns: Some(intended_ns) }.write(body);
        put(output, body);
        self.under_way.push_back(Some(intended_ns));
        self.unconfirmed += 1;
        self.sent += 1;
    }

    /// Handles the answers that came.
    fn take_answers(&mut self, task: &Task<'_>, seen: &mut Published) -> Result<(), DoorError> {
        let mut now_ns = None;
        while let Some(answer) = self.session.answer()? {
            match (self.under_way.pop_front(), answer) {
                (Some(None), Answer::Tube) => {}
                (Some(Some(intended_ns)), Answer::Inserted) => {
                    seen.confirms.take(intended_ns, *now_ns.get_or_insert_with(|| task.clock.now_ns()));
                    seen.count += 1;
                    self.unconfirmed -= 1;
                }
                (_, other) => return Err(unexpected(other)),
            }
        }
        if now_ns.is_some() {
            task.gauge.set(seen.count);
            seen.sync_beside(task.clock)?;
        }
        Ok(())
    }
}

impl Publish for Publishing {
    fn publish(&mut self, task: &Task<'_>, seen: &mut Published) -> Result<(), DoorError> {
        pipeline::publish(self, task, seen)
    }

    fn close(self: Box<Self>) -> Result<(), DoorError> {
        Ok(())
    }
}

impl Pipelined for Publishing {
    fn sent(&self) -> u64 {
        self.sent
    }

    fn room(&self) -> u64 {
        if self.session.socket.is_full() { 0 } else { self.window.saturating_sub(self.unconfirmed) as u64 }
    }

    fn unconfirmed(&self) -> u64 {
        self.unconfirmed as u64
    }

    fn send(
        &mut self,
        most: u64,
        now_ns: u64,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError> {
        let end = self.sent + most;
        while self.sent < end && !self.session.socket.is_full() {
            self.put(task.pace.intended_ns(self.sent, now_ns));
        }
        self.take_confirms(Some(Duration::ZERO), task, seen)
    }

    fn take_confirms(
        &mut self,
        most: Option<Duration>,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError> {
        self.session.socket.pass(most)?;
        self.take_answers(task, seen)
    }
}
