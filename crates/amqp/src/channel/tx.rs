//! Transactions: publishes and settlements that wait for a commit.
//!
//! As in RabbitMQ a commit is not atomic over queues; but its reply means that all of it is durable. A message that
//! cannot be published is refused at once. At the commit it is looked at again, since its exchange may be gone.

use super::unacked::Unsettled;
use super::{Channel, Incoming};
use crate::codec::ReplyCode;
use crate::codec::method::tx;
use crate::connection::fault::Fault;
use crate::connection::link::Context;
use leveret_core::broker::{Access, Waits};
use leveret_core::shard::Settle;
use leveret_core::{LogId, ShardIndex, Wait};

/// What waits for the commit.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    messages: Vec<Held>,
    bytes: usize,
    settlements: Vec<(Unsettled, Settle)>,
}

/// A message that waits.
#[derive(Debug)]
struct Held {
    exchange: Box<str>,
    routing_key: Box<str>,
    mandatory: bool,
    properties: Box<[u8]>,
    body: Box<[u8]>,
}

impl Transaction {
    /// Keeps a message.
    ///
    /// # Errors
    /// 406 when the transaction would take too much memory.
    pub(super) fn publish(&mut self, incoming: &Incoming<'_>, max_bytes: usize) -> Result<(), Fault> {
        let names = incoming.exchange.len() + incoming.routing_key.len();
        let bytes = size_of::<Held>() + names + incoming.properties.len() + incoming.body.len();
        if self.bytes + bytes > max_bytes {
            let text = format!("a transaction may not hold back more than {max_bytes} bytes of messages");
            return Err(Fault::new(ReplyCode::PreconditionFailed, text));
        }
        self.bytes += bytes;
        self.messages.push(Held {
            exchange: incoming.exchange.into(),
            routing_key: incoming.routing_key.into(),
            mandatory: incoming.mandatory,
            properties: incoming.properties.into(),
            body: incoming.body.into(),
        });
        Ok(())
    }

    /// Keeps a settlement.
    pub(super) fn settle(&mut self, delivery: Unsettled, how: Settle) {
        self.settlements.push((delivery, how));
    }

    /// The deliveries that were not settled after all.
    pub(super) fn into_settlements(self) -> impl Iterator<Item = Unsettled> {
        self.settlements.into_iter().map(|(delivery, _)| delivery)
    }
}

impl Channel {
    pub(super) fn tx_select<A: Access>(&mut self, cx: &mut Context<'_, A>) -> Result<(), Fault> {
        if self.confirms.is_some() {
            let text = "cannot switch from confirm to tx mode";
            return Err(Fault::new(ReplyCode::PreconditionFailed, text));
        }
        self.transaction.get_or_insert_default();
        cx.link.output.method(self.number, &tx::SelectOk {});
        Ok(())
    }

    /// Does all that was held back: first the publishes, then the settlements, as RabbitMQ does.
    pub(super) fn tx_commit<A: Access>(&mut self, cx: &mut Context<'_, A>) -> Result<(), Fault> {
        let held = self.transaction.as_mut().map(std::mem::take).ok_or_else(not_transactional)?;
        let mut waits = Waits::None;
        let mut refused = false;
        for message in &held.messages {
            match self.publish_now(cx, &message.incoming()) {
                Ok(outcome) => {
                    refused |= outcome.refused;
                    outcome.waits.as_slice().iter().for_each(|wait| waits.add(*wait));
                }
                Err(fault) => {
                    // What it was to settle is still unacked, and goes back when the channel closes.
                    self.unacked.restore(held.into_settlements());
                    return Err(fault);
                }
            }
        }
        settle_all(cx, &held.settlements, &mut waits);
        if refused {
            return Err(Fault::new(ReplyCode::PreconditionFailed, "partial tx completion"));
        }
        cx.link.output.promise(&mut cx.link.logs, waits, self.number, &tx::CommitOk {});
        Ok(())
    }

    pub(super) fn tx_rollback<A: Access>(&mut self, cx: &mut Context<'_, A>) -> Result<(), Fault> {
        let held = self.transaction.as_mut().map(std::mem::take).ok_or_else(not_transactional)?;
        self.unacked.restore(held.into_settlements());
        cx.link.output.method(self.number, &tx::RollbackOk {});
        Ok(())
    }
}

impl Held {
    fn incoming(&self) -> Incoming<'_> {
        Incoming {
            exchange: &self.exchange,
            routing_key: &self.routing_key,
            mandatory: self.mandatory,
            immediate: false,
            properties: &self.properties,
            body: &self.body,
        }
    }
}

/// Settles what the transaction held back, and adds to `waits` what makes that durable.
fn settle_all<A: Access>(cx: &mut Context<'_, A>, settlements: &[(Unsettled, Settle)], waits: &mut Waits) {
    let mut shards: Vec<ShardIndex> = Vec::new();
    for (delivery, how) in settlements.iter().filter(|(delivery, _)| delivery.is_held()) {
        let settled = cx.session.settle(cx.access, delivery.queue, delivery.lease, *how);
        let shard = delivery.queue.shard();
        if settled && !shards.contains(&shard) {
            shards.push(shard);
        }
    }
    // A shard writes the facts of a turn when the turn ends: only then is their position known.
    cx.access.finish();
    for shard in shards {
        let position = cx.access.shard(shard).position();
        waits.add(Wait { log: LogId::Shard(shard), position });
    }
}

fn not_transactional() -> Fault {
    Fault::new(ReplyCode::PreconditionFailed, "channel is not transactional")
}
