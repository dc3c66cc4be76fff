//! What the world does for clients that come through the door.

use super::{Report, Turn, World};
use crate::Violation;
use crate::door::{self, Doors};
use leveret_core::shard::Effect;
use leveret_core::{ConnectionId, LogId, ShardIndex};
use leveret_log::{Position, Reader};

/// Effects of one shard for one connection.
pub(crate) type DoorBatch = (ShardIndex, Vec<Effect>);

impl World {
    /// Lets the clients behind the door do something, if there are any.
    pub(super) fn with_doors(
        &mut self,
        action: impl FnOnce(&mut World, &mut Doors) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        let Some(mut doors) = self.doors.take() else { return Ok(()) };
        let result = action(self, &mut doors);
        self.doors = Some(doors);
        result
    }

    /// A number for a connection.
    pub(crate) fn new_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    /// The readers of the shards' logs.
    pub(crate) fn readers(&self) -> Vec<Reader> {
        self.broker.shards.iter().map(|side| side.log.reader.clone()).collect()
    }

    /// Every log, up to where it is durable, and whether it has failed.
    pub(crate) fn log_positions(&self) -> Vec<(LogId, Position, bool)> {
        let of = |id: LogId| (id, self.broker.log(id).reader.durable(), self.broker.log(id).failed);
        self.broker.logs().into_iter().map(of).collect()
    }

    /// A turn of a connection.
    pub(crate) fn door_turn<R>(&mut self, commands: impl FnOnce(&mut Turn<'_>) -> R) -> Result<R, Violation> {
        let (answer, reports) = self.turn_alone(commands);
        self.absorb(reports)?;
        Ok(answer)
    }

    /// The effects that wait for a connection.
    pub(crate) fn take_effects(&mut self, connection: ConnectionId) -> Vec<DoorBatch> {
        self.door_mail.remove(&connection).unwrap_or_default()
    }

    /// Puts what turns have decided into the mailboxes of the connections.
    pub(super) fn absorb_for_doors(&mut self, reports: Vec<Report>) {
        for report in reports {
            for (connection, effect) in report.effects {
                let mailbox = self.door_mail.entry(connection).or_default();
                match mailbox.last_mut() {
                    Some((shard, effects)) if *shard == report.shard => effects.push(effect),
                    _ => mailbox.push((report.shard, vec![effect])),
                }
            }
        }
    }

    /// The broker has crashed under its connections.
    pub(super) fn doors_crashed(&mut self) {
        self.door_mail.clear();
        if let Some(doors) = &mut self.doors {
            doors.crashed();
        }
    }

    /// Drains every queue through the door.
    pub(super) fn finish_through_door(&mut self) -> Result<(), Violation> {
        self.with_doors(door::finish)
    }
}
