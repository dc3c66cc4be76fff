//! A connection through the door: the client, the bytes on their way in both directions, and the door's side of it,
//! driven as the server's task drives it.

use super::client::{Client, Heard};
use crate::dice::Dice;
use crate::world::Turn;
use leveret_amqp::connection::{
    Authenticator, Bodies, BodyError, Connection, Credentials, DoorSettings, LoginRefused, Peer, State,
};
use leveret_core::catalog::Catalog;
use leveret_core::shard::Effect;
use leveret_core::wire::Table;
use leveret_core::{ConnectionId, LogId, ShardIndex, Time};
use leveret_log::{Position, ReadCache, Reader};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A connection.
pub(super) struct Link {
    pub(super) id: ConnectionId,
    pub(super) client: Client,
    door: Connection,
    bodies: LogBodies,
    /// What has reached the broker and was not used yet.
    input: Vec<u8>,
    /// What the socket has taken and the client has not got yet.
    socket: Vec<u8>,
    /// By delivery tag: the message and its queue.
    pub(super) held: BTreeMap<u64, (u64, String)>,
    /// By publish tag: the message.
    pub(super) unconfirmed: BTreeMap<u64, u64>,
}

impl Link {
    /// A connection that was just made.
    pub(super) fn new(id: ConnectionId, now: Time, readers: Vec<Reader>) -> Link {
        let peer = Peer { address: "sim".into(), loopback: true, certificate_name: None };
        let caches = readers.iter().map(|_| ReadCache::new()).collect();
        Link {
            id,
            client: Client::new(),
            door: Connection::new(Arc::new(DoorSettings::default()), id, peer, now),
            bodies: LogBodies { readers, caches },
            input: Vec::new(),
            socket: Vec::new(),
            held: BTreeMap::new(),
            unconfirmed: BTreeMap::new(),
        }
    }

    /// Some of what the client has sent reaches the broker, and is handled.
    pub(super) fn carry_up(&mut self, turn: &mut Turn<'_>, bytes: usize) {
        let carried = bytes.min(self.client.out.len());
        self.input.extend(self.client.out.drain(..carried));
        while self.door.wants_input() {
            let used = self.door.receive(turn, &Guests, &mut self.bodies, &self.input);
            self.input.drain(..used);
            if !self.door.has_unhandled_input() {
                break;
            }
        }
    }

    /// The door hears of effects and of the logs.
    pub(super) fn tell(
        &mut self,
        turn: &mut Turn<'_>,
        batches: Vec<(ShardIndex, Vec<Effect>)>,
        logs: &[(LogId, Position, bool)],
    ) {
        for (shard, effects) in batches {
            self.door.effects(turn, shard, &effects, &mut self.bodies);
        }
        for (log, durable, has_failed) in logs {
            if self.door.waits_for(*log) {
                self.door.durable(*log, *durable);
                if *has_failed {
                    self.door.log_failed(*log);
                }
            }
        }
    }

    /// Time passes.
    pub(super) fn tick(&mut self, now: Time) {
        if self.door.next_tick().is_some_and(|at| at <= now) {
            self.door.tick(now);
        }
    }

    /// Some of what the door has said reaches the client.
    pub(super) fn carry_down(
        &mut self,
        turn: &mut Turn<'_>,
        bytes: usize,
        queues: &[(String, Table)],
    ) -> Vec<Heard> {
        if self.socket.is_empty() {
            std::mem::swap(self.door.output(), &mut self.socket);
        }
        if self.socket.is_empty() {
            return Vec::new();
        }
        let carried = bytes.min(self.socket.len());
        let heard = self.client.hear(&self.socket[..carried], queues);
        self.socket.drain(..carried);
        if self.socket.is_empty() {
            self.door.written(turn);
        }
        heard
    }

    /// Nothing is on its way, in either direction.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.client.out.is_empty() && self.socket.is_empty() && self.door.output().is_empty()
    }

    /// Whether the door has ended the connection and said its last words.
    pub(super) fn is_over(&mut self) -> bool {
        self.door.state() == State::Closed && self.socket.is_empty() && self.door.output().is_empty()
    }

    /// The connection is lost, with what was on its way.
    pub(super) fn lose(&mut self, turn: &mut Turn<'_>) {
        self.door.lost(turn);
    }

    /// What came for the connection until it was lost goes back.
    pub(super) fn give_back(&mut self, turn: &mut Turn<'_>, batches: Vec<(ShardIndex, Vec<Effect>)>) {
        for (shard, effects) in batches {
            self.door.effects(turn, shard, &effects, &mut self.bodies);
        }
    }
}

/// How many bytes the network carries at once: a few, or all there are.
pub(super) fn piece(dice: &mut Dice) -> usize {
    match dice.below(8) {
        0 => 1,
        1..=3 => dice.between(1, 60) as usize,
        4 | 5 => dice.between(60, 2_000) as usize,
        _ => usize::MAX,
    }
}

struct Guests;

impl Authenticator for Guests {
    fn verify(
        &self,
        _catalog: &Catalog,
        _credentials: &Credentials<'_>,
        _peer: &Peer,
    ) -> Result<Arc<str>, LoginRefused> {
        Ok("guest".into())
    }
}

/// Reads messages from the shards' logs.
struct LogBodies {
    readers: Vec<Reader>,
    caches: Vec<ReadCache>,
}

impl Bodies for LogBodies {
    fn record(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, &[u8]), BodyError> {
        let index = usize::from(shard.0);
        let found = self.readers[index].payload(&mut self.caches[index], location);
        let (tag, payload) = found.map_err(|error| BodyError(error.to_string()))?;
        Ok((tag.kind, payload))
    }
}
