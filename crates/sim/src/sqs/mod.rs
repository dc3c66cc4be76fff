//! Clients without a connection, as SQS has them: they send, receive under receipts, extend and delete by them, on the
//! same queues as the others. What the broker tells them leaves when the log is durable; what they were told they keep,
//! whatever becomes of the broker.

mod receive;
mod send;
mod settle;

pub(crate) use send::create_queue;

use crate::Violation;
use crate::oracle::{Attempt, Oracle};
use crate::world::{Tally, World};
use leveret_core::broker::{Access, Waits};
use leveret_core::shard::Receipt;
use leveret_core::{LogId, QueueId, ShardIndex, Wait};
use leveret_log::Position;

/// Receipts that a client keeps, old ones among them: it comes late, or twice.
const KEPT_RECEIPTS: usize = 40;

/// A client of SQS.
#[derive(Default)]
pub(crate) struct SqsClient {
    /// Answers that wait for the disk.
    replies: Vec<Reply>,
    /// What it has received, the oldest first.
    receipts: Vec<(QueueId, Receipt)>,
    /// Receives that it may repeat.
    attempts: Vec<(QueueId, Attempt)>,
}

/// An answer on its way.
struct Reply {
    waits: Waits,
    promise: Promise,
}

/// What an answer promises.
enum Promise {
    /// The message, or the one that it is a duplicate of, is safe.
    Sent(u64),
    /// These receipts are good.
    Received(QueueId, Vec<Receipt>),
    /// These messages do not come back.
    Deleted(QueueId, Vec<Receipt>),
}

/// One action of a client.
pub(crate) fn act(world: &mut World, who: usize) -> Result<(), Violation> {
    match world.dice.below(200) {
        0..=59 => send::send(world, who),
        60..=119 => receive::receive(world, who),
        120..=164 => settle::delete(world, who),
        165..=194 => settle::extend(world, who),
        195 | 196 => settle::purge(world, who),
        197 => {
            // About as long as duplicates are known.
            let ms = world.dice.between(290_000, 310_000);
            world.note(&format!("nothing happens for {ms} ms"));
            world.set_now(world.now.plus_ms(ms));
            Ok(())
        }
        _ => send::send(world, who),
    }
}

impl SqsClient {
    /// Hears the answers that may leave.
    pub(crate) fn hear(
        &mut self,
        oracle: &mut Oracle,
        tally: &mut Tally,
        is_durable: impl Fn(&[Wait]) -> bool,
    ) {
        let replies = std::mem::take(&mut self.replies);
        for reply in replies {
            if !is_durable(reply.waits.as_slice()) {
                self.replies.push(reply);
                continue;
            }
            match reply.promise {
                Promise::Sent(uid) => {
                    oracle.confirmed(uid);
                    tally.confirmed += 1;
                }
                Promise::Received(queue, receipts) => {
                    oracle.told_received(queue, &receipts);
                    tally.received += receipts.len() as u64;
                    self.receipts.extend(receipts.into_iter().map(|receipt| (queue, receipt)));
                    let surplus = self.receipts.len().saturating_sub(KEPT_RECEIPTS);
                    self.receipts.drain(..surplus);
                }
                Promise::Deleted(queue, receipts) => {
                    tally.deleted += receipts.len() as u64;
                    for receipt in receipts {
                        oracle.told_deleted(queue, receipt);
                    }
                }
            }
        }
    }

    /// The broker is gone before it answered.
    pub(crate) fn lose_replies(&mut self) {
        self.replies.clear();
    }

    fn expect(&mut self, shard: ShardIndex, at: Position, promise: Promise) {
        let waits = Waits::One(Wait { log: LogId::Shard(shard), position: at });
        self.replies.push(Reply { waits, promise });
    }
}

/// A queue that somebody chooses, if it is there.
fn any_queue(world: &mut World) -> Option<(usize, QueueId)> {
    let mut index = world.dice.index(world.plan.queues.len());
    if world.plan.queues[index].attributes.is_none() {
        // Twice as often one that was made for them.
        index = world.dice.index(world.plan.queues.len());
    }
    let id = world.names.get(&world.plan.queues[index].name).copied()?;
    Some((index, id))
}

/// Writes out what the turn has done so far, as the door does before it answers. Tells the oracle, and answers where that
/// ends.
fn write_out(
    turn: &mut crate::world::Turn<'_>,
    oracle: &mut Oracle,
    shard: ShardIndex,
    (one_record, lost): (bool, bool),
) -> Position {
    let at = turn.shard(shard).write_out();
    oracle.written(shard, at, one_record, lost);
    at
}
