//! A receive that waits: it holds a place in its queue's list, and nothing of the queue. The broker tells it when it is
//! worth another look.

use crate::broker::{Broker, Mailbox};
use leveret_core::broker::{Access, Waits};
use leveret_core::{ConnectionId, ShardIndex};
use leveret_sqs::Waiting;
use leveret_sqs::http::Response;
use leveret_sqs::protocol::{ApiError, Code};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// A receive that waits, on its way to its answer.
pub(super) type Receiving = Pin<Box<dyn Future<Output = Response> + Send>>;

/// The answer of a receive that waits, when what it promises holds.
pub(super) async fn receive(
    registration: Arc<Registration>,
    waiting: Box<Waiting>,
    stopping: watch::Receiver<bool>,
) -> Response {
    let (response, waits) = registration.receive(&waiting, stopping).await;
    match registration.broker.wait_for(&waits).await {
        true => response,
        false => waiting.fail(&log_failed()),
    }
}

/// What a client is told whose promise cannot be kept.
pub(super) fn log_failed() -> ApiError {
    ApiError::new(Code::INTERNAL, "The log has failed: nothing was promised.")
}

/// A connection's name and mailbox with the broker, made when it first waits. Gone with the connection.
pub(super) struct Registration {
    broker: Arc<Broker>,
    made: OnceLock<(ConnectionId, Arc<Mailbox>)>,
}

impl Registration {
    pub(super) fn new(broker: Arc<Broker>) -> Registration {
        Registration { broker, made: OnceLock::new() }
    }

    /// Waits until there is something, or until it has waited long enough, or the broker stops.
    async fn receive(&self, waiting: &Waiting, mut stopping: watch::Receiver<bool>) -> (Response, Waits) {
        let (id, mailbox) = self.made.get_or_init(|| self.broker.connect());
        // Dropped with the request if the client goes away: then another receive is told.
        let place = Place { broker: &self.broker, id: *id, shard: waiting.queue().shard() };
        let until = self.broker.clock().instant(waiting.until());
        let mut batches = Vec::new();
        loop {
            let found = waiting.look(&mut self.broker.turn(), *id);
            if let Some((response, waits)) = found {
                drop(place);
                return (response, waits);
            }
            tokio::select! {
                () = mailbox.woken() => {
                    // What it says is only that it is worth another look.
                    batches.clear();
                    mailbox.take(&mut batches);
                }
                () = tokio::time::sleep_until(until) => return (waiting.nothing(), Waits::None),
                _ = stopping.wait_for(|stopping| *stopping) => return (waiting.nothing(), Waits::None),
            }
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Some((id, _)) = self.made.get() else { return };
        let mut turn = self.broker.turn();
        for index in 0..turn.shards() {
            turn.shard(ShardIndex(index)).detach(*id);
        }
        drop(turn);
        self.broker.disconnect(*id);
    }
}

/// A place in a queue's list of receives that wait.
struct Place<'a> {
    broker: &'a Broker,
    id: ConnectionId,
    shard: ShardIndex,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.broker.turn().shard(self.shard).stop_waiting(self.id);
    }
}
