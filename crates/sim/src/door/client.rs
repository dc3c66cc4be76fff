//! An AMQP client in bytes: it shakes hands, declares its queues, and then does what it is told.

use leveret_amqp::codec::frame::PROTOCOL_HEADER;
use leveret_amqp::codec::method::{Arguments, Method, basic, channel, confirm, connection, queue};
use leveret_amqp::codec::{ContentHeader, FrameKind, parse_frame, write_content};
use leveret_core::wire::{Properties, RawTable, Table};

/// The one channel that a client uses.
const CHANNEL: u16 = 1;
/// Bytes of a frame that clients agree to: the smallest, so that bodies come in several.
const FRAME_MAX: u32 = 4_096;

/// What a client has understood of what came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// Publishes up to this tag, or this one alone, are confirmed, or refused.
    Confirm { tag: u64, multiple: bool, refused: bool },
    /// A message, from a consumer or a get.
    Message(Message),
    /// The channel or the connection was closed, with this code.
    Closed { code: u16, text: String },
    /// Bytes that no client can make sense of.
    Nonsense(String),
}

/// A message that came in whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Message {
    pub(super) queue: String,
    pub(super) tag: u64,
    pub(super) redelivered: bool,
    /// It was fetched, not pushed.
    pub(super) fetched: bool,
    pub(super) body: Vec<u8>,
    body_bytes: u64,
}

/// A client.
#[derive(Default)]
pub(super) struct Client {
    /// Bytes for the broker.
    pub(super) out: Vec<u8>,
    heard: Vec<u8>,
    /// Declarations whose answer is awaited.
    declaring: usize,
    /// Everything is declared: it may publish and consume.
    pub(super) ready: bool,
    /// Publishes so far: the next one has the tag behind.
    pub(super) published: u64,
    consumers: u64,
    /// The queue of a get whose answer is awaited.
    getting: Option<String>,
    incoming: Option<Message>,
}

impl Client {
    /// A client that has just connected.
    pub(super) fn new() -> Client {
        Client { out: PROTOCOL_HEADER.to_vec(), ..Client::default() }
    }

    /// Takes in bytes. `queues` are the ones it declares, with their arguments.
    pub(super) fn hear(&mut self, bytes: &[u8], queues: &[(String, Table)]) -> Vec<Heard> {
        let mut heard = Vec::new();
        let mut buffer = std::mem::take(&mut self.heard);
        buffer.extend_from_slice(bytes);
        let mut used = 0;
        loop {
            match parse_frame(&buffer[used..], 0) {
                Ok(Some(frame)) => {
                    used += frame.encoded_bytes();
                    match frame.kind {
                        FrameKind::Method => match Method::read(frame.payload) {
                            Ok(method) => heard.extend(self.method(&method, queues)),
                            Err(error) => heard.push(Heard::Nonsense(format!("{error:?}"))),
                        },
                        FrameKind::Header => heard.extend(self.header(frame.payload)),
                        FrameKind::Body => heard.extend(self.body(frame.payload)),
                        FrameKind::Heartbeat => {}
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    heard.push(Heard::Nonsense(format!("{error:?}")));
                    break;
                }
            }
        }
        buffer.drain(..used);
        self.heard = buffer;
        heard
    }

    /// Publishes a message by the default exchange.
    pub(super) fn publish(&mut self, queue: &str, persistent: bool, body: &[u8]) {
        let delivery_mode = Some(if persistent { 2 } else { 1 });
        let mut properties = Vec::new();
        let encoded = Properties { delivery_mode, ..Properties::default() }.encode(&mut properties);
        encoded.expect("a property list of one number is well within every limit");
        let publish = basic::Publish {
            ticket: 0,
            exchange: "",
            routing_key: queue,
            mandatory: false,
            immediate: false,
        };
        write_content(&mut self.out, CHANNEL, FRAME_MAX, &publish, &properties, body);
        self.published += 1;
    }

    /// Consumes from a queue; the tag says which one.
    pub(super) fn consume(&mut self, queue: &str) {
        self.consumers += 1;
        let consumer_tag = format!("{queue}/{}", self.consumers);
        let nothing = Vec::new();
        let arguments = RawTable::parse(&nothing).expect("an empty table is one");
        self.say(&basic::Consume {
            ticket: 0,
            queue,
            consumer_tag: &consumer_tag,
            no_local: false,
            no_ack: false,
            exclusive: false,
            nowait: false,
            arguments,
        });
    }

    /// Asks for one message, unless it waits for an answer to that already.
    pub(super) fn get(&mut self, queue: &str) {
        if self.getting.is_none() {
            self.getting = Some(queue.to_owned());
            self.say(&basic::Get { ticket: 0, queue, no_ack: false });
        }
    }

    /// Appends a method.
    pub(super) fn say(&mut self, method: &impl Arguments) {
        method.write_frame(CHANNEL, &mut self.out);
    }

    fn method(&mut self, method: &Method<'_>, queues: &[(String, Table)]) -> Option<Heard> {
        match method {
            Method::Connection(method) => return self.connection(method),
            Method::Channel(channel::Method::OpenOk(_)) => self.declare(queues),
            Method::Channel(channel::Method::Close(close)) => {
                self.say(&channel::CloseOk {});
                return Some(Heard::Closed { code: close.reply_code, text: close.reply_text.into() });
            }
            Method::Queue(queue::Method::DeclareOk(_)) => {
                self.declaring = self.declaring.saturating_sub(1);
                self.ready = self.declaring == 0;
            }
            Method::Basic(method) => return self.basic(method),
            _ => {}
        }
        None
    }

    fn connection(&mut self, method: &connection::Method<'_>) -> Option<Heard> {
        match method {
            connection::Method::Start(_) => {
                let nothing = Vec::new();
                let client_properties = RawTable::parse(&nothing).expect("an empty table is one");
                let (mechanism, response, locale) = ("PLAIN", b"\0guest\0guest".as_slice(), "en_US");
                let start = connection::StartOk { client_properties, mechanism, response, locale };
                start.write_frame(0, &mut self.out);
            }
            connection::Method::Tune(tune) => {
                let (channel_max, frame_max, heartbeat) = (tune.channel_max, FRAME_MAX, 0);
                connection::TuneOk { channel_max, frame_max, heartbeat }.write_frame(0, &mut self.out);
                let open = connection::Open { virtual_host: "/", capabilities: "", insist: false };
                open.write_frame(0, &mut self.out);
            }
            connection::Method::OpenOk(_) => self.say(&channel::Open { out_of_band: "" }),
            connection::Method::Close(close) => {
                connection::CloseOk {}.write_frame(0, &mut self.out);
                return Some(Heard::Closed { code: close.reply_code, text: close.reply_text.into() });
            }
            _ => {}
        }
        None
    }

    fn declare(&mut self, queues: &[(String, Table)]) {
        self.say(&confirm::Select { nowait: false });
        self.declaring = queues.len();
        for (name, table) in queues {
            let mut entries = Vec::new();
            table.encode_entries(&mut entries);
            let arguments = RawTable::parse(&entries).expect("a table of a few short fields is one");
            self.say(&queue::Declare {
                ticket: 0,
                queue: name,
                passive: false,
                durable: true,
                exclusive: false,
                auto_delete: false,
                nowait: false,
                arguments,
            });
        }
    }

    fn basic(&mut self, method: &basic::Method<'_>) -> Option<Heard> {
        let message = |queue: &str, tag, redelivered, fetched| {
            Some(Message { queue: queue.to_owned(), tag, redelivered, fetched, ..Message::default() })
        };
        match method {
            basic::Method::Ack(ack) => {
                let (tag, multiple) = (ack.delivery_tag, ack.multiple);
                return Some(Heard::Confirm { tag, multiple, refused: false });
            }
            basic::Method::Nack(nack) => {
                let (tag, multiple) = (nack.delivery_tag, nack.multiple);
                return Some(Heard::Confirm { tag, multiple, refused: true });
            }
            basic::Method::Deliver(deliver) => {
                let queue = deliver.consumer_tag.split('/').next().unwrap_or_default();
                self.incoming = message(queue, deliver.delivery_tag, deliver.redelivered, false);
            }
            basic::Method::GetOk(got) => {
                let queue = self.getting.take().unwrap_or_default();
                self.incoming = message(&queue, got.delivery_tag, got.redelivered, true);
            }
            basic::Method::GetEmpty(_) => self.getting = None,
            _ => {}
        }
        None
    }

    fn header(&mut self, payload: &[u8]) -> Option<Heard> {
        match (ContentHeader::read(payload), &mut self.incoming) {
            (Ok(header), Some(message)) => message.body_bytes = header.body_bytes,
            (header, _) => return Some(Heard::Nonsense(format!("a header out of place: {header:?}"))),
        }
        self.body(&[])
    }

    fn body(&mut self, payload: &[u8]) -> Option<Heard> {
        let message = self.incoming.as_mut()?;
        message.body.extend_from_slice(payload);
        let is_whole = message.body.len() as u64 >= message.body_bytes;
        if is_whole { self.incoming.take().map(Heard::Message) } else { None }
    }
}
