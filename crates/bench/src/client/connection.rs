//! A connection with its one channel: the handshake, and the calls that wait for their answer.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use leveret_amqp::codec::frame::PROTOCOL_HEADER;
use leveret_amqp::codec::method::{Arguments, channel, connection, queue};
use leveret_amqp::codec::{Frame, FrameKind, Method};
use leveret_core::wire::RawTable;

use super::input::{FRAME_MAX_BYTES, Input};
use super::{CHANNEL, ClientError, ConsumeOptions, Consumer, PublishOptions, Publisher};

/// A broker that says nothing for so long while it is waited for is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// An open connection with an open channel, as guest, to the vhost `/`.
pub struct Connection {
    pub(super) stream: TcpStream,
    pub(super) input: Input,
    /// Frames that were not written yet.
    pub(super) output: Vec<u8>,
    /// The agreed size of a frame in bytes.
    pub(super) frame_max_bytes: u32,
}

impl Connection {
    /// Connects, logs in, and opens the channel.
    ///
    /// # Errors
    /// [`ClientError::Io`] if nothing listens there; any other if the broker does not let the client in.
    pub fn open(address: SocketAddr) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let frame_max_bytes = FRAME_MAX_BYTES;
        let mut this =
            Self { stream, input: Input::new(), output: PROTOCOL_HEADER.to_vec(), frame_max_bytes };
        this.log_in()?;
        this.call(CHANNEL, &channel::Open { out_of_band: "" }, "channel.open-ok", |answer| {
            matches!(answer, Method::Channel(channel::Method::OpenOk(_))).then_some(())
        })?;
        Ok(this)
    }

    /// Declares a queue without arguments and returns how many messages are ready in it.
    pub fn declare(&mut self, name: &str, durable: bool) -> Result<u32, ClientError> {
        self.declare_with(name, durable, false)
    }

    /// How many messages are ready in a queue, which must be there.
    pub fn message_count(&mut self, name: &str) -> Result<u32, ClientError> {
        self.declare_with(name, false, true)
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

    /// Makes the connection one that publishes to that queue, through the default exchange.
    pub fn publisher(self, queue: &str, options: PublishOptions) -> Result<Publisher, ClientError> {
        Publisher::new(self, queue, options)
    }

    /// Makes the connection one that consumes that queue.
    pub fn consumer(self, queue: &str, options: ConsumeOptions) -> Result<Consumer, ClientError> {
        Consumer::new(self, queue, options)
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

    fn log_in(&mut self) -> Result<(), ClientError> {
        self.wait_for("connection.start", |method| {
            matches!(method, Method::Connection(connection::Method::Start(_))).then_some(())
        })?;
        let start_ok = connection::StartOk {
            client_properties: RawTable::default(),
            mechanism: "PLAIN",
            response: b"\0guest\0guest",
            locale: "en_US",
        };
        let tune = self.call(0, &start_ok, "connection.tune", |method| match method {
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
        let open = connection::Open { virtual_host: "/", capabilities: "", insist: false };
        self.call(0, &open, "connection.open-ok", |method| {
            matches!(method, Method::Connection(connection::Method::OpenOk(_))).then_some(())
        })
    }

    fn declare_with(&mut self, name: &str, durable: bool, passive: bool) -> Result<u32, ClientError> {
        let method = queue::Declare {
            ticket: 0,
            queue: name,
            passive,
            durable,
            exclusive: false,
            auto_delete: false,
            nowait: false,
            arguments: RawTable::default(),
        };
        self.call(CHANNEL, &method, "queue.declare-ok", |answer| match answer {
            Method::Queue(queue::Method::DeclareOk(declared)) => Some(declared.message_count),
            _ => None,
        })
    }
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
