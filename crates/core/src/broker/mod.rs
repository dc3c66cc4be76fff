//! The broker as a door sees it: what joins the catalog and the shards.
//!
//! A door makes a [`Session`] for each connection and calls it with an [`Access`]. A session answers at once;
//! what it answers may depend on a position of a log ([`Waits`]), and must not leave before that is durable.
//!
//! What no client asks for (pages, dead letters, queues that end by themselves) is in [`housekeep`].

mod access;
mod announce;
mod consume;
mod declare;
mod housekeep;
mod move_task;
mod publish;
#[cfg(test)]
mod rig;
mod waits;

pub use access::Access;
pub use announce::{Tracer, announce_event};
pub use consume::{Consume, Consuming};
pub use declare::{Bind, DeclareExchange, DeclareQueue, QueueDeclared};
pub use housekeep::{apply_settings, delete_queue, housekeep, retire_queue};
pub use move_task::{MoveStep, move_messages};
pub use publish::{FanOut, History, Outcome, PendingTransfer, Plan, Publish, Send, Sent, fan_out, send};
pub use waits::Waits;

use crate::ConnectionId;
use crate::catalog::Caller;
use publish::{PlainProperties, Routes};
use std::sync::Arc;

/// What the broker knows of one connection: who it is, where it works, and the routes it used last.
#[derive(Debug)]
pub struct Session {
    connection: ConnectionId,
    vhost: Arc<str>,
    user: Arc<str>,
    routes: Routes,
    plain: PlainProperties,
    /// How many messages were routed anew: each draws another number for exchanges that choose by chance.
    routed: u64,
    /// Properties that had to be rewritten (BCC).
    rewritten: Vec<u8>,
}

impl Session {
    /// A session of an authenticated user in a vhost that exists and admits the user.
    pub fn new(connection: ConnectionId, vhost: Arc<str>, user: Arc<str>) -> Session {
        Session {
            connection,
            vhost,
            user,
            routes: Routes::default(),
            plain: PlainProperties::default(),
            routed: 0,
            rewritten: Vec::new(),
        }
    }

    /// The connection.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// The vhost it works in.
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// The user it works as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Ends the session: its exclusive queues are deleted, its consumers removed. The door has settled the
    /// leases of its channels before.
    pub fn close<A: Access>(&mut self, access: &mut A) {
        let exclusive: Vec<_> = access.catalog().queues_of(self.connection).collect();
        for queue in exclusive {
            // They are not durable: no log has a say in it.
            let _ = housekeep::delete_queue(access, queue);
        }
        for index in 0..access.shards() {
            access.shard(crate::ShardIndex(index)).detach(self.connection);
        }
    }

    fn caller(&self) -> Caller<'_> {
        Caller::client(&self.user, self.connection)
    }
}
