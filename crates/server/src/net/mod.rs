//! Sockets: listeners, and a task for each connection.

mod connection;
mod listener;

pub use listener::{Door, Listeners};
