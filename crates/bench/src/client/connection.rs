//! A connection with its one channel: the handshake, and the calls that wait for their answer.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use leveret_amqp::codec::frame::PROTOCOL_HEADER;
use leveret_amqp::codec::method::{Arguments, channel, connection, exchange, queue};
use leveret_amqp::codec::{Frame, FrameKind, Method};
use leveret_core::wire::{RawTable, ShortStr, Table, Value};

use super::input::{FRAME_MAX_BYTES, Input};
use super::{CHANNEL, ClientError, ConsumeOptions, Consumer, Endpoint, PublishOptions, Publisher};

/// A broker that says nothing for so long while it is waited for is given up.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);

/// An open connection with an open channel.
pub struct Connection {
    pub(super) stream: TcpStream,
    pub(super) input: Input,
    /// Frames that were not written yet.
    pub(super) output: Vec<u8>,
    /// The agreed size of a frame in bytes.
    pub(super) frame_max_bytes: u32,
    product: String,
}

/// A connection that only stays open.
#[expect(dead_code, reason = "held to be dropped")]
pub struct Idle(TcpStream);

impl Connection {
    /// Connects as guest to the vhost `/`. See [`Self::open_at`].
    pub fn open(address: SocketAddr) -> Result<Self, ClientError> {
        Self::open_at(&Endpoint::guest(address))
    }

    /// Connects, logs in, and opens the channel.
    ///
    /// # Errors
    /// [`ClientError::Io`] if nothing listens there; any other if the broker does not let the client in.
    pub fn open_at(endpoint: &Endpoint) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(endpoint.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let frame_max_bytes = FRAME_MAX_BYTES;
        let (input, output) = (Input::new(), PROTOCOL_HEADER.to_vec());
        let mut this = Self { stream, input, output, frame_max_bytes, product: String::new() };
        this.log_in(endpoint)?;
        this.call(CHANNEL, &channel::Open { out_of_band: "" }, "channel.open-ok", |answer| {
            matches!(answer, Method::Channel(channel::Method::OpenOk(_))).then_some(())
        })?;
        Ok(this)
    }

    /// What the broker calls itself: product and version.
    pub fn product(&self) -> &str {
        &self.product
    }

    /// Declares a queue without arguments and returns how many messages are ready in it.
    pub fn declare(&mut self, name: &str, durable: bool) -> Result<u32, ClientError> {
        self.declare_with(name, durable, false, &Table::new())
    }

    /// Declares a queue with arguments and returns how many messages are ready in it.
    pub fn declare_queue(
        &mut self,
        name: &str,
        durable: bool,
        arguments: &Table,
    ) -> Result<u32, ClientError> {
        self.declare_with(name, durable, false, arguments)
    }

    /// How many messages are ready in a queue, which must be there.
    pub fn message_count(&mut self, name: &str) -> Result<u32, ClientError> {
        self.declare_with(name, false, true, &Table::new())
    }

    /// Declares a durable fanout exchange.
    pub fn declare_fanout(&mut self, name: &str) -> Result<(), ClientError> {
        let method = exchange::Declare {
            ticket: 0,
            exchange: name,
            kind: "fanout",
            passive: false,
            durable: true,
            auto_delete: false,
            internal: false,
            nowait: false,
            arguments: RawTable::default(),
        };
        self.call(CHANNEL, &method, "exchange.declare-ok", |answer| {
            matches!(answer, Method::Exchange(exchange::Method::DeclareOk(_))).then_some(())
        })
    }

    /// Deletes an exchange.
    pub fn delete_exchange(&mut self, name: &str) -> Result<(), ClientError> {
        let method = exchange::Delete { ticket: 0, exchange: name, if_unused: false, nowait: false };
        self.call(CHANNEL, &method, "exchange.delete-ok", |answer| {
            matches!(answer, Method::Exchange(exchange::Method::DeleteOk(_))).then_some(())
        })
    }

    /// Makes messages flow from an exchange to a queue.
    pub fn bind(&mut self, queue: &str, exchange: &str) -> Result<(), ClientError> {
        let method = queue::Bind {
            ticket: 0,
            queue,
            exchange,
            routing_key: "",
            nowait: false,
            arguments: RawTable::default(),
        };
        self.call(CHANNEL, &method, "queue.bind-ok", |answer| {
            matches!(answer, Method::Queue(queue::Method::BindOk(_))).then_some(())
        })
    }

    /// Deletes a queue and returns how many ready messages went with it.
    pub fn delete(&mut self, name: &str) -> Result<u32, ClientError> {
        let method =
            queue::Delete { ticket: 0, queue: name, if_unused: false, if_empty: false, nowait: false };
        self.call(CHANNEL, &method, "queue.delete-ok", |answer| match answer {
            Method::Queue(queue::Method::DeleteOk(deleted)) => Some(deleted.message_count),
            _ => None,
        })
    }

    /// Makes the connection one that publishes.
    pub fn publisher(self, options: &PublishOptions<'_>) -> Result<Publisher, ClientError> {
        Publisher::new(self, options)
    }

    /// Makes the connection one that consumes these queues.
    pub fn consumer(self, queues: &[String], options: ConsumeOptions) -> Result<Consumer, ClientError> {
        Consumer::new(self, queues, options)
    }

    /// Makes the connection one that does nothing and needs no memory here.
    pub fn idle(self) -> Idle {
        Idle(self.stream)
    }

    /// Ends the connection and waits until the broker has seen it: whatever was sent before, it has handled.
    pub fn close(mut self) -> Result<(), ClientError> {
        let bye = connection::Close { reply_code: 200, reply_text: "", class_id: 0, method_id: 0 };
        bye.write_frame(0, &mut self.output);
        self.flush()?;
        // A consumer may have deliveries on their way; they end here.
        loop {
            let frame = match self.input.frame()? {
                Some(frame) => frame,
                None => {
                    self.input.fill(&mut self.stream)?;
                    continue;
                }
            };
            let done = frame.kind == FrameKind::Method
                && matches!(Method::read(frame.payload)?, Method::Connection(connection::Method::CloseOk(_)));
            let bytes = frame.encoded_bytes();
            self.input.advance(bytes);
            if done {
                return Ok(());
            }
        }
    }

    /// Sends a method and waits for the answer, which `accept` knows.
    pub(super) fn call<T>(
        &mut self,
        channel: u16,
        method: &impl Arguments,
        wanted: &'static str,
        accept: impl FnOnce(&Method<'_>) -> Option<T>,
    ) -> Result<T, ClientError> {
        method.write_frame(channel, &mut self.output);
        self.wait_for(wanted, accept)
    }

    /// Writes what is in the output.
    pub(super) fn flush(&mut self) -> Result<(), ClientError> {
        self.stream.write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }

    /// Sends what is in the output and takes the next method, which must be the one that `accept` knows.
    fn wait_for<T>(
        &mut self,
        wanted: &'static str,
        accept: impl FnOnce(&Method<'_>) -> Option<T>,
    ) -> Result<T, ClientError> {
        self.flush()?;
        loop {
            let Some(frame) = self.input.frame()? else {
                self.input.fill(&mut self.stream)?;
                continue;
            };
            let bytes = frame.encoded_bytes();
            if let Some(method) = method_of(&frame, wanted)? {
                let accepted = accept(&method).ok_or(ClientError::Unexpected { wanted, got: method.id() })?;
                self.input.advance(bytes);
                return Ok(accepted);
            }
            self.input.advance(bytes);
        }
    }

    fn log_in(&mut self, endpoint: &Endpoint) -> Result<(), ClientError> {
        self.product = self.wait_for("connection.start", |method| match method {
            Method::Connection(connection::Method::Start(start)) => Some(product(&start.server_properties)),
            _ => None,
        })?;
        let mut properties = Vec::new();
        client_properties().encode_entries(&mut properties);
        let response = format!("\0{}\0{}", endpoint.user, endpoint.password);
        let start_ok = connection::StartOk {
            client_properties: RawTable::parse(&properties).expect("the table was just encoded"),
            mechanism: "PLAIN",
            response: response.as_bytes(),
            locale: "en_US",
        };
        start_ok.write_frame(0, &mut self.output);
        let tune = self.wait_for("connection.tune", |method| match method {
            Method::Connection(connection::Method::Tune(tune)) => Some(*tune),
            _ => None,
        })?;
        self.frame_max_bytes = match tune.frame_max {
            0 => FRAME_MAX_BYTES,
            bytes => bytes.min(FRAME_MAX_BYTES),
        };
        // Without heartbeats: a client that waits for a measured broker sends none.
        let tune_ok = connection::TuneOk {
            channel_max: tune.channel_max,
            frame_max: self.frame_max_bytes,
            heartbeat: 0,
        };
        tune_ok.write_frame(0, &mut self.output);
        let open = connection::Open { virtual_host: &endpoint.vhost, capabilities: "", insist: false };
        self.call(0, &open, "connection.open-ok", |method| {
            matches!(method, Method::Connection(connection::Method::OpenOk(_))).then_some(())
        })
    }

    fn declare_with(
        &mut self,
        name: &str,
        durable: bool,
        passive: bool,
        arguments: &Table,
    ) -> Result<u32, ClientError> {
        let mut entries = Vec::new();
        arguments.encode_entries(&mut entries);
        let method = queue::Declare {
            ticket: 0,
            queue: name,
            passive,
            durable,
            exclusive: false,
            auto_delete: false,
            nowait: false,
            arguments: RawTable::parse(&entries).expect("a program's own arguments are within every limit"),
        };
        self.call(CHANNEL, &method, "queue.declare-ok", |answer| match answer {
            Method::Queue(queue::Method::DeclareOk(declared)) => Some(declared.message_count),
            _ => None,
        })
    }
}

/// Asks for a close with a reason when the login is refused; without, brokers just close the socket.
fn client_properties() -> Table {
    let mut capabilities = Table::new();
    capabilities.insert(ShortStr::literal("authentication_failure_close"), Value::Bool(true));
    let mut properties = Table::new();
    properties.insert(ShortStr::literal("product"), Value::from("leveret bench"));
    properties.insert(ShortStr::literal("capabilities"), Value::Table(capabilities));
    properties
}

/// Product and version, of what a broker says of itself.
fn product(properties: &RawTable<'_>) -> String {
    let text = |name| properties.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    format!("{} {}", text("product"), text("version")).trim().to_owned()
}

/// The method in a frame, or `None` if it is of no concern: a heartbeat, or the news that the broker is
/// blocked, which a publisher notices anyway.
///
/// # Errors
/// [`ClientError::Closed`] if it ends the channel or the connection, [`ClientError::Unexpected`] if the frame
/// is a piece of a content.
#[inline]
pub(super) fn method_of<'a>(
    frame: &Frame<'a>,
    wanted: &'static str,
) -> Result<Option<Method<'a>>, ClientError> {
    match frame.kind {
        FrameKind::Heartbeat => return Ok(None),
        FrameKind::Header | FrameKind::Body => return Err(ClientError::Unexpected { wanted, got: (0, 0) }),
        FrameKind::Method => {}
    }
    match Method::read(frame.payload)? {
        Method::Connection(connection::Method::Blocked(_) | connection::Method::Unblocked(_)) => Ok(None),
        Method::Connection(connection::Method::Close(close)) => {
            Err(ClientError::Closed { code: close.reply_code, text: close.reply_text.to_owned() })
        }
        Method::Channel(channel::Method::Close(close)) => {
            Err(ClientError::Closed { code: close.reply_code, text: close.reply_text.to_owned() })
        }
        method => Ok(Some(method)),
    }
}
