//! Receives under receipts, and what the queues that SQS brought do with their messages.

mod attempts;
mod crash;
mod delay;
mod duplicates;
mod fair;
mod groups;
mod receipts;
mod redrive;
mod retention;
mod waiting;

use super::*;
use crate::shard::{Extended, ReceiptError, Receive, Received};

/// SQS's bound of a lease: 12 hours.
const MOST_MS: u64 = 12 * 3_600 * 1_000;
/// How long the queues of these tests leave a message to whoever received it.
const VISIBILITY_MS: u64 = crate::settings::DEFAULT_VISIBILITY_TIMEOUT_MS;

impl Rig {
    /// Receives for as long as the queue says.
    fn receive(&mut self, queue: QueueId, max: u32) -> Vec<Received> {
        self.receive_with(Receive { queue, max, visibility_ms: None, attempt: None })
    }

    fn receive_for(&mut self, queue: QueueId, max: u32, ms: u64) -> Vec<Received> {
        self.receive_with(Receive { queue, max, visibility_ms: Some(ms), attempt: None })
    }

    fn receive_with(&mut self, receive: Receive) -> Vec<Received> {
        let mut received = Vec::new();
        self.turn(|shard| shard.receive(&receive, &mut received)).unwrap();
        received
    }

    /// Receives for as long as the queue says; the serial numbers.
    fn receive_serials(&mut self, queue: QueueId, max: u32) -> Vec<u64> {
        let received = self.receive(queue, max);
        self.serials_of(&received)
    }

    fn serials_of(&self, received: &[Received]) -> Vec<u64> {
        received.iter().map(|received| self.serial_at(received.delivery.location)).collect()
    }

    fn delete(&mut self, queue: QueueId, received: &Received) -> Result<(), ReceiptError> {
        self.turn(|shard| shard.delete(queue, received.receipt))
    }

    fn extend(&mut self, queue: QueueId, received: &Received, ms: u64) -> Result<Extended, ReceiptError> {
        self.turn(|shard| shard.extend(queue, received.receipt, ms, MOST_MS))
    }

    /// Publishes one message of each of these groups (0 for none), each in a turn of its own.
    fn publish_groups(&mut self, queue: QueueId, groups: &[u64]) {
        for group in groups {
            let group = (*group > 0).then_some(*group);
            self.publish_with(&[queue], Traits { group, ..Traits::default() });
        }
    }

    /// Gives a queue other settings, as the catalog does.
    fn change(&mut self, queue: QueueId, settings: QueueSettings) {
        for known in self.queues.iter_mut().filter(|known| known.0 == queue) {
            known.1 = settings.clone();
        }
        self.turn(|shard| shard.open_queue(queue, settings));
    }
}

/// A queue as the SQS door makes it: no delivery limit of AMQP's.
fn standard() -> QueueSettings {
    QueueSettings { delivery_limit: None, ..QueueSettings::default() }
}

fn exclusive_groups() -> QueueSettings {
    QueueSettings { groups: true, ..standard() }
}

fn fair_groups() -> QueueSettings {
    QueueSettings { fair: true, ..standard() }
}
