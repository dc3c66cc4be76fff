//! What a queue must know again: the messages of the last five minutes, whatever became of them.

use super::Oracle;
use super::commands::Published;
use super::copy::{Copy, State};
use crate::Violation;
use crate::world::Span;
use leveret_core::broker::Sent;
use leveret_core::{DeduplicationScope, QueueId};

/// How long a message is known, in milliseconds (SQS's FIFO queues).
const KNOWN_MS: u64 = 300_000;

impl Oracle {
    /// A message was sent to one queue. Answers the message that is safe once the reply may leave: this one, or the
    /// one that it is a duplicate of.
    pub(crate) fn sent(
        &mut self,
        message: &Published<'_>,
        sent: &Sent,
        spans: &[Span],
    ) -> Result<u64, Violation> {
        let Some(id) = message.targets.first().copied() else { return Ok(message.uid) };
        let known = self.known_copies(id, message);
        let Some(duplicate) = sent.duplicate_of else {
            if let Some(first) = known.iter().find(|copy| copy.state.remembered == Some(true)) {
                return Err(Violation(format!("{} is sent once more as {}", first.uid, message.uid)));
            }
            self.published(message, spans);
            return Ok(message.uid);
        };
        let is_first = |copy: &&Copy| u128::from(copy.uid) == duplicate.message_id;
        let first = known.iter().find(is_first).filter(|_| sent.position == duplicate.position);
        let first = first.filter(|copy| copy.from <= duplicate.position.0);
        match first {
            Some(first) => Ok(first.uid),
            None => Err(Violation(format!(
                "message {} is taken for a duplicate of {duplicate:?}, which is not known",
                message.uid
            ))),
        }
    }

    /// A queue was purged: it knows no message again.
    pub(super) fn forget_duplicates(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get(&id).filter(|queue| queue.settings.deduplicate.is_some()) else {
            return;
        };
        let known: Vec<(u64, State)> = queue
            .copies()
            .filter(|(_, copy)| copy.known_by.is_some() && copy.state.remembered != Some(false))
            .map(|(key, copy)| (key, copy.state))
            .collect();
        for (key, state) in known {
            self.change(id, key, State { remembered: Some(false), ..state });
        }
    }

    /// The copies that the queue knows this message by, or may.
    fn known_copies(&self, id: QueueId, message: &Published<'_>) -> Vec<Copy> {
        let Some(queue) = self.queues.get(&id) else { return Vec::new() };
        let Some(scope) = queue.settings.deduplicate else { return Vec::new() };
        let same = |copy: &Copy| {
            message.known_by.is_some()
                && copy.known_by == message.known_by
                && (scope == DeduplicationScope::Queue || copy.group == message.group)
                && copy.sent_at.plus_ms(KNOWN_MS) > self.now
                && copy.state.remembered != Some(false)
        };
        queue.copies().map(|(_, copy)| copy).filter(|copy| same(copy)).cloned().collect()
    }
}
