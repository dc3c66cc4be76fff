//! Clients: sessions that publish, consume, settle, forget to read, change their minds and lose their connections.
//!
//! They use the broker as a door does: [`leveret_core::broker::Session`] and nothing else.

mod act;
mod body;
mod consume;
mod publish;
mod topology;

pub(crate) use act::act;
pub(crate) use body::Body;
pub(crate) use consume::{acknowledge_all, disconnect, drain, read_mail};
pub(crate) use topology::{declare_all, unpark_queue};

use leveret_core::broker::{Consuming, Session, Waits};
use leveret_core::shard::Delivery;
use leveret_core::{ConnectionId, Time};

/// A connected client. What it has not read yet is in its mailbox, which is the world's.
pub(crate) struct Client {
    pub(crate) session: Session,
    pub(crate) consumers: Vec<Consuming>,
    /// Deliveries that it has read and not settled.
    pub(crate) held: Vec<Delivery>,
    pub(crate) unconfirmed: Vec<Unconfirmed>,
}

/// A delivery on its way, and when it will be read.
pub(crate) struct Mail {
    pub(crate) due: Time,
    pub(crate) delivery: Delivery,
}

/// A publish that is to be confirmed.
pub(crate) struct Unconfirmed {
    pub(crate) uid: u64,
    pub(crate) waits: Waits,
}

impl Client {
    /// A client that has just logged in.
    pub(crate) fn new(connection: ConnectionId) -> Client {
        Client {
            session: Session::new(connection, "/".into(), "guest".into()),
            consumers: Vec::new(),
            held: Vec::new(),
            unconfirmed: Vec::new(),
        }
    }
}
