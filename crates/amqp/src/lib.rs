//! The AMQP 0-9-1 door, sans I/O: bytes of a connection in, commands for the broker out; effects of the
//! broker in, bytes out.
//!
//! - [`codec`] turns bytes into frames, methods and contents, and back. It keeps no state.
//!
//! Nothing here opens a socket, reads a clock or holds a message.

pub mod codec;
