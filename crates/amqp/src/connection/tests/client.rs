//! The other end of the connection: it writes methods as a client would, and compares what comes back, byte by byte.

use super::world::{Accounts, Messages, World};
use crate::codec::frame::PROTOCOL_HEADER;
use crate::codec::method::{Arguments, Method, basic, channel, confirm, connection, queue};
use crate::codec::{ContentHeader, FrameKind, parse_frame, write_content};
use crate::connection::{Connection, DoorSettings, Peer, State};
use leveret_core::ConnectionId;
use leveret_core::broker::Access;
use leveret_core::wire::{Properties, RawTable, ShortStr, Table, Value};
use std::collections::VecDeque;
use std::sync::Arc;

pub(super) struct Client {
    pub(super) id: ConnectionId,
    pub(super) door: Connection,
    pub(super) messages: Messages,
    /// What the door has not used yet.
    pending: Vec<u8>,
    /// Whole frames that the door has sent.
    frames: VecDeque<Vec<u8>>,
    /// The door's output is not written: the client does not read.
    pub(super) stalled: bool,
}

/// A content that came with a method.
pub(super) struct Content {
    pub(super) properties: Properties,
    pub(super) body: Vec<u8>,
}

pub(super) fn peer() -> Peer {
    Peer { address: "127.0.0.1:4000".into(), loopback: true, certificate_name: None }
}

impl Client {
    /// A client that has sent nothing yet.
    pub(super) fn unopened(world: &mut World, settings: DoorSettings, peer: Peer) -> Client {
        let id = world.next_connection();
        let door = Connection::new(Arc::new(settings), id, peer, world.now);
        let messages = Messages::of(world);
        Client { id, door, messages, pending: Vec::new(), frames: VecDeque::new(), stalled: false }
    }

    /// A client with an open connection.
    pub(super) fn open(world: &mut World) -> Client {
        Client::open_with(world, DoorSettings::default(), 60)
    }

    pub(super) fn open_with(world: &mut World, settings: DoorSettings, heartbeat: u16) -> Client {
        let (channel_max, frame_max) = (settings.channel_max, settings.frame_max);
        let mut client = Client::unopened(world, settings, peer());
        client.bytes(world, &PROTOCOL_HEADER);
        client.next_frame();
        client.start_ok(world, "PLAIN", b"\0guest\0guest");
        client.next_frame();
        client.send(world, 0, &connection::TuneOk { channel_max, frame_max, heartbeat });
        client.send(world, 0, &connection::Open { virtual_host: "/", capabilities: "", insist: false });
        client.expect(0, &connection::OpenOk { known_hosts: "" });
        assert_eq!(client.door.state(), State::Open);
        client
    }

    pub(super) fn start_ok(&mut self, world: &mut World, mechanism: &str, response: &[u8]) {
        let names = ["consumer_cancel_notify", "connection.blocked", "authentication_failure_close"];
        let all = names.map(|name| (ShortStr::literal(name), Value::Bool(true)));
        let capabilities: Table = all.into_iter().collect();
        self.start_ok_with(world, mechanism, response, capabilities);
    }

    pub(super) fn start_ok_with(
        &mut self,
        world: &mut World,
        mechanism: &str,
        response: &[u8],
        capabilities: Table,
    ) {
        let mut properties = Table::new();
        properties.insert(ShortStr::literal("capabilities"), Value::Table(capabilities));
        let mut entries = Vec::new();
        properties.encode_entries(&mut entries);
        let client_properties = RawTable::parse(&entries).unwrap();
        let start_ok = connection::StartOk { client_properties, mechanism, response, locale: "en_US" };
        self.send(world, 0, &start_ok);
    }

    /// Opens a channel.
    pub(super) fn channel(&mut self, world: &mut World, number: u16) {
        self.send(world, number, &channel::Open { out_of_band: "" });
        self.expect(number, &channel::OpenOk { channel_id: b"" });
    }

    /// Puts a channel into confirm mode.
    pub(super) fn confirms(&mut self, world: &mut World, number: u16) {
        self.send(world, number, &confirm::Select { nowait: false });
        self.expect(number, &confirm::SelectOk {});
    }

    /// Declares a durable queue.
    pub(super) fn queue(&mut self, world: &mut World, number: u16, name: &str) {
        self.send(world, number, &declare(name, &Table::new()).method());
        world.sync();
        self.pump(world);
        self.expect(number, &queue::DeclareOk { queue: name, message_count: 0, consumer_count: 0 });
    }

    /// Consumes from a queue.
    pub(super) fn consume(&mut self, world: &mut World, number: u16, queue: &str, tag: &str, no_ack: bool) {
        self.send(world, number, &consume(queue, tag, no_ack));
        self.expect(number, &basic::ConsumeOk { consumer_tag: tag });
    }

    /// Publishes a persistent message by the default exchange.
    pub(super) fn publish(&mut self, world: &mut World, number: u16, queue: &str, body: &[u8]) {
        self.publish_with(world, number, &to_queue(queue), &persistent(), body);
    }

    pub(super) fn publish_with(
        &mut self,
        world: &mut World,
        number: u16,
        method: &basic::Publish<'_>,
        properties: &Properties,
        body: &[u8],
    ) {
        let mut bytes = Vec::new();
        write_content(&mut bytes, number, 4096, method, &encoded(properties), body);
        self.bytes(world, &bytes);
    }

    pub(super) fn send(&mut self, world: &mut World, number: u16, method: &impl Arguments) {
        let mut bytes = Vec::new();
        method.write_frame(number, &mut bytes);
        self.bytes(world, &bytes);
    }

    /// Sends bytes, and takes in what comes back.
    pub(super) fn bytes(&mut self, world: &mut World, bytes: &[u8]) {
        self.arrive(bytes);
        loop {
            self.receive(world);
            self.pump(world);
            if !self.door.has_unhandled_input() {
                return;
            }
        }
    }

    /// Bytes arrive, and nobody has looked at them yet.
    pub(super) fn arrive(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    pub(super) fn receive(&mut self, world: &mut World) {
        let accounts = Accounts { usage: world.beside };
        let used = self.door.receive(world, &accounts, &mut self.messages, &self.pending);
        world.finish();
        world.housekeep();
        self.pending.drain(..used);
    }

    /// How many bytes the door did not take.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Takes effects and durable positions to the door, and its output to the client.
    pub(super) fn pump(&mut self, world: &mut World) {
        loop {
            for (shard, effects) in world.mail(self.id) {
                self.door.effects(world, shard, &effects, &mut self.messages);
                world.finish();
            }
            for log in World::logs().filter(|log| self.door.waits_for(*log)).collect::<Vec<_>>() {
                self.door.durable(log, world.durable(log));
            }
            if self.stalled || self.door.output().is_empty() {
                return;
            }
            let output = std::mem::take(self.door.output());
            self.split(&output);
            self.door.written(world);
            world.finish();
        }
    }

    fn split(&mut self, mut output: &[u8]) {
        while !output.is_empty() {
            let length = match parse_frame(output, 0) {
                Ok(Some(frame)) => frame.encoded_bytes(),
                // A protocol header, which is no frame.
                _ => output.len(),
            };
            self.frames.push_back(output[..length].to_vec());
            output = &output[length..];
        }
    }

    /// The socket breaks.
    pub(super) fn lose(mut self, world: &mut World) {
        self.door.lost(world);
        world.finish();
        for (shard, effects) in world.mail(self.id) {
            self.door.effects(world, shard, &effects, &mut self.messages);
        }
        world.finish();
        world.housekeep();
    }

    #[track_caller]
    pub(super) fn next_frame(&mut self) -> Vec<u8> {
        self.frames.pop_front().expect("the door has sent a frame")
    }

    /// The next frame is this method.
    #[track_caller]
    pub(super) fn expect(&mut self, number: u16, method: &impl Arguments) {
        let mut expected = Vec::new();
        method.write_frame(number, &mut expected);
        let frame = self.next_frame();
        assert_eq!(described(&frame), described(&expected));
    }

    /// The next frames are a delivery of this body; answers its content.
    #[track_caller]
    pub(super) fn expect_content(&mut self, number: u16, method: &impl Arguments, body: &[u8]) -> Content {
        self.expect(number, method);
        let content = self.content(number);
        assert_eq!(content.body, body);
        content
    }

    /// Consumes from `q`, whatever comes.
    pub(super) fn consume_only(&mut self, world: &mut World, number: u16, tag: &str) {
        self.send(world, number, &consume("q", tag, false));
    }

    /// The next frames are a delivery; answers its content.
    #[track_caller]
    pub(super) fn content_of_delivery(&mut self) -> Content {
        let frame = self.next_frame();
        match method_of(&frame) {
            (number, Method::Basic(basic::Method::Deliver(_))) => self.content(number),
            other => panic!("expected basic.deliver, got {other:?}"),
        }
    }

    /// Takes in everything, and answers how many deliveries there were among it.
    pub(super) fn deliveries(&mut self) -> usize {
        let deliver = |frame: &Vec<u8>| {
            let parsed = parse_frame(frame, 0).unwrap().unwrap();
            let is_method = parsed.kind == FrameKind::Method;
            is_method && matches!(Method::read(parsed.payload), Ok(Method::Basic(basic::Method::Deliver(_))))
        };
        self.frames.drain(..).filter(deliver).count()
    }

    /// Takes in everything, and answers how many contents there were among it.
    pub(super) fn contents(&mut self) -> usize {
        let header = |frame: &Vec<u8>| parse_frame(frame, 0).unwrap().unwrap().kind == FrameKind::Header;
        self.frames.drain(..).filter(header).count()
    }

    #[track_caller]
    pub(super) fn content(&mut self, number: u16) -> Content {
        let header = self.next_frame();
        let frame = parse_frame(&header, 0).unwrap().unwrap();
        assert_eq!((frame.kind, frame.channel), (FrameKind::Header, number));
        let header = ContentHeader::read(frame.payload).unwrap();
        let properties = Properties::decode(header.properties).unwrap();
        let mut body = Vec::new();
        while (body.len() as u64) < header.body_bytes {
            let piece = self.next_frame();
            body.extend_from_slice(parse_frame(&piece, 0).unwrap().unwrap().payload);
        }
        Content { properties, body }
    }

    /// The next frame closes the channel, with this code and text.
    #[track_caller]
    pub(super) fn expect_channel_close(&mut self, number: u16, code: u16, text: &str) {
        let frame = self.next_frame();
        match method_of(&frame) {
            (found, Method::Channel(channel::Method::Close(close))) => {
                assert_eq!((found, close.reply_code, close.reply_text), (number, code, text));
            }
            other => panic!("expected channel.close, got {other:?}"),
        }
    }

    /// The next frame closes the connection, with this code and text.
    #[track_caller]
    pub(super) fn expect_connection_close(&mut self, code: u16, text: &str) {
        let frame = self.next_frame();
        match method_of(&frame) {
            (0, Method::Connection(connection::Method::Close(close))) => {
                assert_eq!((close.reply_code, close.reply_text), (code, text));
            }
            other => panic!("expected connection.close, got {other:?}"),
        }
        assert_eq!(self.door.state(), State::Closing);
    }

    /// Nothing else has come.
    #[track_caller]
    pub(super) fn expect_silence(&mut self) {
        let left: Vec<String> = self.frames.drain(..).map(|frame| described(&frame)).collect();
        assert!(left.is_empty(), "{left:#?}");
    }
}

/// The channel and the method in a frame.
#[track_caller]
pub(super) fn method_of(frame: &[u8]) -> (u16, Method<'_>) {
    let parsed = parse_frame(frame, 0).unwrap().unwrap();
    (parsed.channel, Method::read(parsed.payload).unwrap())
}

fn described(frame: &[u8]) -> String {
    match parse_frame(frame, 0) {
        Ok(Some(parsed)) if parsed.kind == FrameKind::Method => {
            format!("{} {:?}", parsed.channel, Method::read(parsed.payload))
        }
        Ok(Some(parsed)) => format!("{} {:?} {:?}", parsed.channel, parsed.kind, &parsed.payload),
        _ => format!("{frame:?}"),
    }
}

pub(super) fn to_queue(queue: &str) -> basic::Publish<'_> {
    basic::Publish { ticket: 0, exchange: "", routing_key: queue, mandatory: false, immediate: false }
}

pub(super) fn persistent() -> Properties {
    Properties { delivery_mode: Some(2), ..Properties::default() }
}

pub(super) fn encoded(properties: &Properties) -> Vec<u8> {
    let mut bytes = Vec::new();
    properties.encode(&mut bytes).unwrap();
    bytes
}

/// A declaration that owns its arguments.
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) passive: bool,
    pub(super) durable: bool,
    pub(super) exclusive: bool,
    pub(super) auto_delete: bool,
    pub(super) arguments: Vec<u8>,
}

/// A declaration of a durable queue.
pub(super) fn declare(name: &str, arguments: &Table) -> Declaration {
    let mut entries = Vec::new();
    arguments.encode_entries(&mut entries);
    Declaration {
        name: name.into(),
        passive: false,
        durable: true,
        exclusive: false,
        auto_delete: false,
        arguments: entries,
    }
}

impl Declaration {
    pub(super) fn method(&self) -> queue::Declare<'_> {
        queue::Declare {
            ticket: 0,
            queue: &self.name,
            passive: self.passive,
            durable: self.durable,
            exclusive: self.exclusive,
            auto_delete: self.auto_delete,
            nowait: false,
            arguments: RawTable::parse(&self.arguments).unwrap(),
        }
    }
}

pub(super) fn consume<'a>(queue: &'a str, tag: &'a str, no_ack: bool) -> basic::Consume<'a> {
    basic::Consume {
        ticket: 0,
        queue,
        consumer_tag: tag,
        no_local: false,
        no_ack,
        exclusive: false,
        nowait: false,
        arguments: RawTable::default(),
    }
}

/// A delivery of a message that was published to a queue by the default exchange.
pub(super) fn delivery<'a>(
    tag: &'a str,
    delivery_tag: u64,
    queue: &'a str,
    redelivered: bool,
) -> basic::Deliver<'a> {
    basic::Deliver { consumer_tag: tag, delivery_tag, redelivered, exchange: "", routing_key: queue }
}
