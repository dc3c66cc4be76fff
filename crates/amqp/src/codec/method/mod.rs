//! Methods: what client and server say to each other.
//!
//! One file per class declares its methods, with the ids of the specification and of RabbitMQ's
//! extensions; readers and writers for both directions come from those declarations.

mod arguments;
mod class;

pub mod access;
pub mod basic;
pub mod channel;
pub mod confirm;
pub mod connection;
pub mod exchange;
pub mod queue;
pub mod tx;

use std::fmt;

use leveret_core::wire::{Reader, WireError};

pub use arguments::{Argument, ArgumentFault, ArgumentReader, ArgumentWriter};

use super::ReplyCode;
use super::frame::{FRAME_END, FRAME_HEADER_BYTES, FrameKind, write_frame_header};

/// A method, whatever its class. It borrows from the payload that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the classes, which their modules explain")]
pub enum Method<'a> {
    Connection(connection::Method<'a>),
    Channel(channel::Method<'a>),
    Access(access::Method<'a>),
    Exchange(exchange::Method<'a>),
    Queue(queue::Method<'a>),
    Basic(basic::Method<'a>),
    Confirm(confirm::Method),
    Tx(tx::Method),
}

impl<'a> Method<'a> {
    /// Reads the payload of a method frame, to its end.
    pub fn read(payload: &'a [u8]) -> Result<Self, MethodError> {
        let mut values = Reader::new(payload);
        let mut id = || values.short().map_err(|_| MethodError::NO_ID);
        let (class_id, method_id) = (id()?, id()?);
        Ok(match class_id {
            connection::CLASS_ID => Self::Connection(connection::Method::read(method_id, values)?),
            channel::CLASS_ID => Self::Channel(channel::Method::read(method_id, values)?),
            access::CLASS_ID => Self::Access(access::Method::read(method_id, values)?),
            exchange::CLASS_ID => Self::Exchange(exchange::Method::read(method_id, values)?),
            queue::CLASS_ID => Self::Queue(queue::Method::read(method_id, values)?),
            basic::CLASS_ID => Self::Basic(basic::Method::read(method_id, values)?),
            confirm::CLASS_ID => Self::Confirm(confirm::Method::read(method_id, values)?),
            tx::CLASS_ID => Self::Tx(tx::Method::read(method_id, values)?),
            _ => return Err(MethodError { class_id, method_id, fault: MethodFault::UnknownMethod }),
        })
    }

    /// The class id and the method id.
    pub fn id(&self) -> (u16, u16) {
        match self {
            Self::Connection(method) => (connection::CLASS_ID, method.id()),
            Self::Channel(method) => (channel::CLASS_ID, method.id()),
            Self::Access(method) => (access::CLASS_ID, method.id()),
            Self::Exchange(method) => (exchange::CLASS_ID, method.id()),
            Self::Queue(method) => (queue::CLASS_ID, method.id()),
            Self::Basic(method) => (basic::CLASS_ID, method.id()),
            Self::Confirm(method) => (confirm::CLASS_ID, method.id()),
            Self::Tx(method) => (tx::CLASS_ID, method.id()),
        }
    }

    /// Whether a content header must follow the method.
    pub fn carries_content(&self) -> bool {
        use basic::Method::{Deliver, GetOk, Publish, Return};
        matches!(self, Self::Basic(Publish(_) | Return(_) | Deliver(_) | GetOk(_)))
    }

    /// Appends the method as a frame.
    pub fn write_frame(&self, channel: u16, out: &mut Vec<u8>) {
        match self {
            Self::Connection(method) => method.write_frame(channel, out),
            Self::Channel(method) => method.write_frame(channel, out),
            Self::Access(method) => method.write_frame(channel, out),
            Self::Exchange(method) => method.write_frame(channel, out),
            Self::Queue(method) => method.write_frame(channel, out),
            Self::Basic(method) => method.write_frame(channel, out),
            Self::Confirm(method) => method.write_frame(channel, out),
            Self::Tx(method) => method.write_frame(channel, out),
        }
    }
}

/// A method with its arguments, of one of the structs that the classes declare.
pub trait Arguments {
    /// The class that declares the method.
    const CLASS_ID: u16;

    /// The method's id within its class.
    const METHOD_ID: u16;

    /// Appends the arguments.
    fn write(&self, writer: &mut ArgumentWriter<'_>);

    /// Appends the method as a frame.
    #[inline]
    fn write_frame(&self, channel: u16, out: &mut Vec<u8>) {
        let start = out.len();
        write_frame_header(out, FrameKind::Method, channel, 0);
        out.extend_from_slice(&Self::CLASS_ID.to_be_bytes());
        out.extend_from_slice(&Self::METHOD_ID.to_be_bytes());
        self.write(&mut ArgumentWriter::new(out));
        let payload_start = start + FRAME_HEADER_BYTES;
        let payload_bytes = (out.len() - payload_start) as u32;
        out[payload_start - 4..payload_start].copy_from_slice(&payload_bytes.to_be_bytes());
        out.push(FRAME_END);
    }
}

/// A method frame whose payload cannot be understood. The frame itself was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodError {
    /// The class id that the payload names.
    pub class_id: u16,
    /// The method id that the payload names.
    pub method_id: u16,
    /// What is wrong with it.
    pub fault: MethodFault,
}

/// What is wrong with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodFault {
    /// The payload is too short to name a method.
    NoId,
    /// No method has that id.
    UnknownMethod,
    /// An argument is cut short, or is a malformed table.
    Malformed {
        /// The argument's name.
        argument: &'static str,
        /// What is wrong with it.
        cause: WireError,
    },
    /// A name or a text is not UTF-8.
    NotUtf8 {
        /// The argument's name.
        argument: &'static str,
    },
    /// Bytes follow the last argument.
    TrailingBytes {
        /// How many bytes follow.
        bytes: usize,
    },
}

impl MethodError {
    const NO_ID: Self = Self { class_id: 0, method_id: 0, fault: MethodFault::NoId };

    /// The code with which the connection is closed.
    ///
    /// RabbitMQ drops the socket without a word at a method it does not know, and answers malformed
    /// arguments with 501; here both get the code that the specification has for them.
    pub const fn reply_code(&self) -> ReplyCode {
        match self.fault {
            MethodFault::NoId => ReplyCode::FrameError,
            MethodFault::UnknownMethod => ReplyCode::NotImplemented,
            MethodFault::Malformed { .. }
            | MethodFault::NotUtf8 { .. }
            | MethodFault::TrailingBytes { .. } => ReplyCode::SyntaxError,
        }
    }
}

impl fmt::Display for MethodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class_id, method_id, fault } = self;
        match fault {
            MethodFault::NoId => f.write_str("a method frame is too short to name a method"),
            MethodFault::UnknownMethod => write!(f, "unknown method {class_id}.{method_id}"),
            MethodFault::Malformed { argument, cause } => {
                write!(f, "malformed {argument} in method {class_id}.{method_id}: {cause}")
            }
            MethodFault::NotUtf8 { argument } => {
                write!(f, "{argument} in method {class_id}.{method_id} is not UTF-8")
            }
            MethodFault::TrailingBytes { bytes } => {
                write!(f, "{bytes} bytes too many in method {class_id}.{method_id}")
            }
        }
    }
}

impl std::error::Error for MethodError {}
