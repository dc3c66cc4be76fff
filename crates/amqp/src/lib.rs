//! The AMQP 0-9-1 door, sans I/O: bytes of a connection in, commands for the broker out; effects of the
//! broker in, bytes out.
//!
//! - [`codec`] turns bytes into frames, methods and contents, and back. It keeps no state.
//! - [`connection`] is a client's connection from its first byte to its last, with its channels.
//!
//! Nothing here opens a socket, reads a clock or holds a message.

mod channel;
pub mod codec;
pub mod connection;
