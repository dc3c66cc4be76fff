//! Sockets: listeners, and a task for each connection.

mod connection;
mod listener;
mod proxy;
mod registry;

pub use listener::{Door, Listeners, Tls};
pub use registry::Registry;
