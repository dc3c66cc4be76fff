//! One end of an AMQP connection: the door, and what its server does for it.

use super::World;
use leveret_amqp::codec::frame::PROTOCOL_HEADER;
use leveret_amqp::codec::method::{Arguments, channel, connection};
use leveret_amqp::connection::{
    Authenticator, Bodies, BodyError, Connection, Credentials, DoorSettings, LoginRefused, Peer, State,
};
use leveret_core::broker::Access;
use leveret_core::catalog::Catalog;
use leveret_core::limits::FRAME_BYTES;
use leveret_core::shard::Effect;
use leveret_core::wire::RawTable;
use leveret_core::{ConnectionId, Position, ShardIndex};
use leveret_log::{ReadCache, Reader};
use std::sync::Arc;

/// The channel of everything.
pub(super) const CHANNEL: u16 = 1;

/// A connection with one open channel.
pub(super) struct End {
    id: ConnectionId,
    door: Connection,
    messages: Messages,
    /// Kept for their memory.
    batches: Vec<(ShardIndex, Vec<Effect>)>,
    output: Vec<u8>,
    /// Effects that came for it: deliveries, as nothing else happens.
    pub(super) deliveries: u64,
    /// Bytes that its client was sent.
    pub(super) heard_bytes: u64,
}

impl End {
    /// A client that is connected and has opened the channel.
    pub(super) fn open(world: &mut World) -> End {
        let id = world.next_connection();
        let peer = Peer { address: "127.0.0.1:4000".into(), loopback: true, certificate_name: None };
        let door = Connection::new(Arc::new(DoorSettings::default()), id, peer, world.now);
        let messages = Messages::of(world);
        let (batches, output) = (Vec::new(), Vec::new());
        let mut end = End { id, door, messages, batches, output, deliveries: 0, heard_bytes: 0 };
        end.say(world, &PROTOCOL_HEADER);
        end.call(
            world,
            0,
            &connection::StartOk {
                client_properties: RawTable::default(),
                mechanism: "PLAIN",
                response: b"\0guest\0guest",
                locale: "en_US",
            },
        );
        end.call(
            world,
            0,
            &connection::TuneOk { channel_max: 10, frame_max: FRAME_BYTES as u32, heartbeat: 0 },
        );
        end.call(world, 0, &connection::Open { virtual_host: "/", capabilities: "", insist: false });
        end.call(world, CHANNEL, &channel::Open { out_of_band: "" });
        end
    }

    /// The client sends a method, and hears the answer once the logs have it.
    pub(super) fn call(&mut self, world: &mut World, channel: u16, method: &impl Arguments) {
        let mut bytes = Vec::new();
        method.write_frame(channel, &mut bytes);
        self.say(world, &bytes);
        world.sync();
        self.hear(world);
        assert!(matches!(self.door.state(), State::Open | State::Handshake), "the door has closed");
    }

    /// The client sends bytes: one turn, or more where it acks more than the door takes in one.
    pub(super) fn say(&mut self, world: &mut World, bytes: &[u8]) {
        let mut used = 0;
        loop {
            used += self.door.receive(world, &Everybody, &mut self.messages, &bytes[used..]);
            world.finish();
            if !self.door.has_unhandled_input() {
                break;
            }
        }
        assert_eq!(used, bytes.len(), "whole frames are handled at once");
    }

    /// The door takes what the broker has for it, and the client takes what the door has: until there is no more.
    pub(super) fn hear(&mut self, world: &mut World) {
        loop {
            world.take_mail(self.id, &mut self.batches);
            for (shard, effects) in &self.batches {
                self.deliveries += effects.len() as u64;
                self.door.effects(world, *shard, effects, &mut self.messages);
            }
            world.finish();
            for log in World::logs() {
                if self.door.waits_for(log) {
                    self.door.durable(log, world.durable(log));
                }
            }
            if self.door.output().is_empty() {
                return;
            }
            // As the server does: the door fills one buffer while the other is written.
            std::mem::swap(self.door.output(), &mut self.output);
            self.heard_bytes += self.output.len() as u64;
            self.output.clear();
            self.door.written(world);
            world.finish();
        }
    }
}

/// The messages in the logs.
struct Messages {
    /// Of each shard, with a cache of its own: positions of two logs are the same numbers.
    readers: Vec<(Reader, ReadCache)>,
}

impl Messages {
    fn of(world: &World) -> Messages {
        Messages { readers: world.readers().into_iter().map(|reader| (reader, ReadCache::new())).collect() }
    }
}

impl Bodies for Messages {
    fn record(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, &[u8]), BodyError> {
        let (reader, cache) = &mut self.readers[usize::from(shard.0)];
        match reader.payload(cache, location) {
            Ok((tag, payload)) => Ok((tag.kind, payload)),
            Err(error) => Err(BodyError(error.to_string())),
        }
    }
}

/// Lets everybody in.
struct Everybody;

impl Authenticator for Everybody {
    fn verify(&self, _: &Catalog, _: &Credentials<'_>, _: &Peer) -> Result<Arc<str>, LoginRefused> {
        Ok("guest".into())
    }
}
