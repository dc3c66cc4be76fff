//! The seam between the broker's logic and whoever holds its state: the server holds it behind locks that a
//! connection takes for a turn, the simulator holds it in one hand.

use super::History;
use crate::catalog::Catalog;
use crate::shard::Shard;
use crate::{LogId, MessageId, ShardIndex, Time, Wait};
use bytes::Bytes;
use leveret_log::{Position, ReadError};

/// Access to the whole broker for the length of one batch of commands.
///
/// Calling order: any number of calls, then [`Access::finish`], which ends the turns that were begun.
/// An implementation may hold one shard at a time: asking for another shard ends the turn in the first.
/// `catalog` and `shard` must not block for longer than somebody else's turn.
pub trait Access {
    /// The time of this batch; the same for all of it.
    fn now(&self) -> Time;

    /// A random number for names (`amq.gen-…`) and tokens.
    fn random(&mut self) -> u64;

    /// A new id, such as a message's.
    fn new_id(&mut self) -> MessageId {
        MessageId::random(u128::from(self.random()) << 64 | u128::from(self.random()))
    }

    /// How many shards there are; at least one.
    fn shards(&self) -> u16;

    /// Up to where a log is durable, as far as is known without waiting.
    fn durable(&self, log: LogId) -> Position;

    /// The catalog as it is now.
    fn catalog(&self) -> &Catalog;

    /// The catalog to read and one shard to change, at once: the hot path of a publish.
    fn both(&mut self, index: ShardIndex) -> (&Catalog, &mut Shard);

    /// One shard, with a turn begun in it.
    fn shard(&mut self, index: ShardIndex) -> &mut Shard {
        self.both(index).1
    }

    /// Changes the catalog. What the change wrote to the catalog's log is sealed before this returns;
    /// the `Wait` says until where the log must be durable for the change to be. What it left to be told
    /// ([`Catalog::take_events`]) is announced, too.
    fn change<R>(&mut self, change: impl FnOnce(&mut Catalog) -> R) -> (R, Wait);

    /// Works with what exchanges remember. It must not block for longer than somebody else's turn.
    fn history<R>(&mut self, work: impl FnOnce(&mut History) -> R) -> R;

    /// The kind and payload of the record at a location of a shard's log.
    fn read(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, Bytes), ReadError>;

    /// Ends every open turn: dispatches, seals what was appended and hands the effects on.
    fn finish(&mut self);
}
