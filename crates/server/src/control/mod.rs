//! Administration of a data folder, whether a broker runs on it or not.
//!
//! A broker listens on a Unix socket, `control.sock` in its data folder, that only its own user may open. A connection
//! sends one line, a [`Request`] in JSON, and gets one line back, a [`Reply`]. If no broker runs, the command that
//! wants to ask does the work itself, under the folder's lock. [`perform`] is the work, the same for both.
//!
//! Not here: who may do what. Whoever can open the socket or the folder's files may do everything.
//!
//! - [`request`]: what can be asked, and answered;
//! - [`perform`]: doing it, to a catalog;
//! - [`socket`]: where the socket is;
//! - [`listener`]: the broker's end;
//! - [`client`]: the other one.

mod client;
mod listener;
mod perform;
mod request;
mod socket;
#[cfg(test)]
mod tests;

pub use client::ask;
pub use listener::{ControlDoor, ControlListener};
pub use request::{KeyShown, NewKey, Reply, Request};
