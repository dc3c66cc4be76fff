//! Publishing with many messages under way: when to send, when to wait, and when to stop, whatever is spoken.

use std::time::Duration;

use super::{DoorError, Published, Task};

/// A publisher that does not wait for the confirm of one message before it sends the next.
pub(super) trait Pipelined {
    /// How many messages were sent.
    fn sent(&self) -> u64;

    /// How many more may be sent now; 0 if something has to come or to be written first.
    fn room(&self) -> u64;

    /// How many messages wait for their confirm.
    fn unconfirmed(&self) -> u64;

    /// Sends messages, at most so many, to which it is `now_ns`.
    fn send(
        &mut self,
        most: u64,
        now_ns: u64,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError>;

    /// Waits until something happens, at most for so long if a time is given, and takes the confirms that came.
    fn take_confirms(
        &mut self,
        most: Option<Duration>,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError>;
}

/// Publishes until the task is done and everything is confirmed.
///
/// # Errors
/// Those of the publisher.
pub(super) fn publish(
    publisher: &mut impl Pipelined,
    task: &Task<'_>,
    seen: &mut Published,
) -> Result<(), DoorError> {
    let pace = task.pace;
    loop {
        let (sent, now_ns) = (publisher.sent(), task.clock.now_ns());
        let left = task.left(sent, now_ns);
        if left == 0 {
            break;
        }
        let due = pace.due(sent, now_ns).min(left);
        match due.min(publisher.room()) {
            // The time until the next message is slept, not spun: the broker needs the CPU.
            0 if due == 0 => publisher.take_confirms(Some(pace.until_next(sent, now_ns)), task, seen)?,
            0 => publisher.take_confirms(None, task, seen)?,
            most => publisher.send(most, now_ns, task, seen)?,
        }
    }
    while publisher.unconfirmed() > 0 {
        publisher.take_confirms(None, task, seen)?;
    }
    Ok(())
}
