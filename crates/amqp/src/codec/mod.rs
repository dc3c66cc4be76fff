//! Bytes to frames, methods and contents, and back, for both ends of a connection.
//!
//! - [`frame`]: the envelope around everything, and the protocol header before it;
//! - [`method`]: what client and server say to each other, one declaration per method;
//! - [`content`]: a method that carries a message, written as frames in one pass;
//! - [`publish`], [`ack`], [`deliver`]: what nearly all frames are for, each read or written in one step;
//! - [`reply_code`]: the codes with which a channel or connection is closed.
//!
//! Everything that is read borrows from the buffer it was read from, everything that is written is
//! appended to a `Vec<u8>`; nothing allocates per message. The codec keeps no state: which frame may
//! follow which is for the connection to know. Field tables and message properties are encoded by
//! [`leveret_core::wire`], since the log holds them too.

pub mod ack;
pub mod content;
pub mod deliver;
pub mod frame;
pub mod method;
pub mod publish;
pub mod reply_code;

pub use ack::Acked;
pub use content::{ContentHeader, ContentHeaderError, write_body, write_content};
pub use deliver::Delivered;
pub use frame::{Frame, FrameError, FrameKind, parse_frame};
pub use method::{Method, MethodError};
pub use publish::Published;
pub use reply_code::ReplyCode;

#[cfg(test)]
mod tests;
