//! Sockets: listeners, and a task for each connection.

mod accept;
mod bodies;
mod connection;
mod listener;
mod proxy;
mod registry;

pub use accept::{accept, admit, secure};
pub use listener::{Door, Listeners, Tls};
pub use registry::Registry;
