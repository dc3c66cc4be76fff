//! Reserving and deleting. A write deletes the jobs that are held and asks for the next ones, so that a round of many jobs
//! costs one exchange; the first reserve waits for a job, those behind it take what there is.

use std::thread;
use std::time::Duration;

use super::session::Session;
use super::unexpected;
use super::wire::{Answer, delete, reserve};
use crate::client::{Acking, Stamp};
use crate::load::door::{Consume, DoorError};
use crate::load::measure::{Clock, Tally};
use crate::load::row::Row;

/// How many jobs are reserved at once, at most: beanstalkd serves nobody else in the meantime.
const RESERVES: usize = 100;
/// How long a reserve waits for a job, in seconds.
const WAIT_SECONDS: u32 = 1;
/// How often a consumer that may hold no more looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(10);

/// A connection that reserves jobs of one tube.
pub(super) struct Consuming {
    session: Session,
    /// Jobs that are held and not to be kept.
    held: Vec<u64>,
    /// How many jobs the next round asks for.
    ahead: usize,
    /// How many jobs a round asks for, at most.
    most: usize,
    /// How many jobs a consumer that keeps what it gets may still take; `None` for one that deletes them.
    keeps: Option<usize>,
}

impl Consuming {
    /// Watches this tube alone.
    pub(super) fn of(mut session: Session, tube: &str, row: &Row) -> Result<Self, DoorError> {
        for command in [format!("watch {tube}"), "ignore default".to_owned()] {
            match session.call(&command)? {
                Answer::Tube => {}
                other => return Err(unexpected(other)),
            }
        }
        let held_at_most = match row.prefetch {
            0 => usize::MAX,
            prefetch => usize::from(prefetch),
        };
        let keeps = (row.acking == Acking::Never).then_some(held_at_most);
        Ok(Self { session, held: Vec::new(), ahead: 1, most: held_at_most.min(RESERVES), keeps })
    }

    /// Deletes every job that is ready in the tube.
    pub(super) fn empty(mut self) -> Result<(), DoorError> {
        self.keeps = None;
        self.ahead = self.most;
        while self.round(0, |_| Ok(()))? > 0 {}
        Ok(())
    }

    /// Deletes what is held and asks for the next jobs, of which `take` gets the bodies. Returns how many came.
    fn round(
        &mut self,
        wait_seconds: u32,
        mut take: impl FnMut(&[u8]) -> Result<(), DoorError>,
    ) -> Result<usize, DoorError> {
        let ahead = self.ahead.min(self.keeps.unwrap_or(usize::MAX));
        let mut deletes = self.held.len();
        for id in self.held.drain(..) {
            delete(&mut self.session.socket.output, id);
        }
        for index in 0..ahead {
            reserve(&mut self.session.socket.output, if index == 0 { wait_seconds } else { 0 });
        }
        let (mut answered, mut came) = (0, 0);
        while deletes > 0 || answered < ahead {
            match self.session.answer()? {
                None => self.session.socket.wait()?,
                Some(Answer::Deleted) if deletes > 0 => deletes -= 1,
                Some(Answer::TimedOut) if deletes == 0 => answered += 1,
                Some(Answer::Reserved { id, body }) if deletes == 0 => {
                    take(body)?;
                    (answered, came) = (answered + 1, came + 1);
                    match &mut self.keeps {
                        Some(more) => *more -= 1,
                        None => self.held.push(id),
                    }
                }
                Some(other) => return Err(unexpected(other)),
            }
        }
        // As many as came are likely to come again; if all came, more.
        self.ahead = if came == ahead { (2 * ahead).clamp(1, self.most) } else { came.max(1) };
        Ok(came)
    }
}

impl Consume for Consuming {
    fn consume(&mut self, clock: Clock, tally: &mut Tally) -> Result<(), DoorError> {
        if self.keeps == Some(0) {
            thread::sleep(LOOK);
            return Ok(());
        }
        let came = self.round(WAIT_SECONDS, |body| {
            let stamp = Stamp::read(body).ok_or(DoorError::Misread("stamp"))?;
            tally.take(0, stamp, false, clock.now_ns());
            Ok(())
        });
        came.map(drop)
    }

    fn close(mut self: Box<Self>) -> Result<(), DoorError> {
        // Nothing is asked for: only what is held is deleted.
        self.ahead = 0;
        self.round(0, |_| Ok(())).map(drop)
    }
}
