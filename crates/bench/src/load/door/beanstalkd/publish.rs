//! Putting jobs, many before the first one is answered.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::session::Session;
use super::unexpected;
use super::wire::{Answer, put, use_tube};
use crate::client::{Stamp, body_bytes};
use crate::load::door::{DoorError, Publish, Published, Task};
use crate::load::row::Row;

/// So many bytes of commands are written at once, or one job.
const WRITE_BYTES: usize = 64 << 10;

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
        }
    }

    /// Puts a job, which is to be written.
    fn put(&mut self, number: u64, intended_ns: u64) {
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
        let pace = task.pace;
        let mut sent = 0;
        loop {
            let now_ns = task.clock.now_ns();
            let left = task.left(sent, now_ns);
            if left == 0 {
                break;
            }
            let due = pace.due(sent, now_ns).min(left);
            let room = self.window.saturating_sub(self.unconfirmed) as u64;
            if due == 0 {
                self.session.socket.exchange(pace.until_next(sent, now_ns))?;
            } else if room == 0 || self.session.socket.output.len() >= WRITE_BYTES {
                self.session.socket.wait()?;
            } else {
                let end = sent + due.min(room);
                while sent < end && self.session.socket.output.len() < WRITE_BYTES {
                    self.put(sent, pace.intended_ns(sent, now_ns));
                    sent += 1;
                }
                self.session.socket.exchange(Duration::ZERO)?;
            }
            self.take_answers(task, seen)?;
        }
        while self.unconfirmed > 0 {
            self.session.socket.wait()?;
            self.take_answers(task, seen)?;
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), DoorError> {
        Ok(())
    }
}
