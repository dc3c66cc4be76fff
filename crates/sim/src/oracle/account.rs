//! The end of a run: the queues have been drained, and every message must be accounted for.

use super::copy::{Copy, Place};
use super::queue::QueueModel;
use super::{Oracle, State};
use crate::Violation;

impl Oracle {
    /// Every copy is settled, dead and seen at its target, or was let go by a rule that allows it.
    pub(crate) fn account(&self) -> Result<(), Violation> {
        for queue in self.queues.values().filter(|queue| queue.deleted_at.is_none()) {
            for (key, copy) in queue.copies() {
                self.account_for(queue, copy).map_err(|what| {
                    let State { place, failures, .. } = copy.state;
                    Violation(format!(
                        "message {} (key {key}) of {} {what}: {place:?}, {failures:?} failures",
                        copy.uid, queue.name
                    ))
                })?;
            }
        }
        Ok(())
    }

    fn account_for(&self, queue: &QueueModel, copy: &Copy) -> Result<(), &'static str> {
        let may_be_gone = copy.expired(self.now) || queue.lossy;
        let has_target = queue.settings.dead_letter.is_some();
        let was_seen = copy.arrivals > 0;
        // A message that asked for no durability may be lost between two logs.
        let may_be_lost = !copy.persistent && self.crashes > 0;
        match copy.state.place {
            Place::Gone | Place::Unsure => Ok(()),
            Place::Dead(_) if was_seen || may_be_lost => Ok(()),
            Place::Dead(_) => Err("is dead and was not seen at its target"),
            Place::Ready | Place::Delayed(_) if may_be_gone && (!has_target || was_seen || may_be_lost) => {
                Ok(())
            }
            Place::Ready | Place::Delayed(_) if may_be_gone => {
                Err("was let go and was not seen at its target")
            }
            Place::Ready | Place::Delayed(_) => Err("was never delivered"),
            Place::Held(_) => Err("is still held"),
            Place::Parked => Err("is still parked"),
        }
    }
}
