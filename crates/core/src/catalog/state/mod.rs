//! What there is: the entities by their names, and how to find them. Knows nothing of who may do what, and changes
//! only by [`State::apply`].

mod apply;
mod attributes;
mod binding;
mod durable;
mod exchange;
mod list;
mod move_task;
mod queue;
mod retired_names;
mod vhost;

pub use attributes::Attributes;
pub(super) use binding::Target;
pub use binding::{Binding, Destination, DestinationKind};
pub use exchange::Exchange;
pub use move_task::{MoveStatus, MoveTask};
pub use queue::{Queue, QueueKind};
pub use vhost::{Vhost, VhostLimits};

use super::access::{AccessKey, User};
use crate::limits::NAME_BYTES;
use crate::{Cause, ConnectionId, QueueId, Refusal};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that has a name.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) vhosts: BTreeMap<Arc<str>, Vhost>,
    pub(super) users: BTreeMap<Arc<str>, User>,
    /// The access keys of all users, by their ids.
    pub(super) access_keys: BTreeMap<Arc<str>, AccessKey>,
    /// The broker's global parameters, whose values mean nothing to the catalog.
    pub(super) parameters: BTreeMap<Arc<str>, Arc<[u8]>>,
    /// All queues of all vhosts.
    pub(super) queues: FxHashMap<QueueId, Arc<Queue>>,
    /// The exclusive queues of each connection.
    pub(super) owned: FxHashMap<ConnectionId, BTreeSet<QueueId>>,
    /// The message move tasks, by their ids.
    pub(super) move_tasks: BTreeMap<Arc<str>, MoveTask>,
    pub(super) serials: Serials,
}

/// Which serial number the next queue gets. Numbers are reserved in the log by the block, and no number is given out
/// twice, whatever a crash loses: the log of a shard may still hold messages of the queue that had it.
#[derive(Debug, Default)]
pub(super) struct Serials {
    pub(super) next: u64,
    /// All numbers below this are reserved.
    pub(super) reserved: u64,
}

/// How many serial numbers are reserved at once.
const SERIALS: u64 = 1 << 16;

impl Serials {
    /// Up to where numbers are to be reserved now, if it is time for it: half a block ahead, so that a reservation has
    /// long been durable when the first of its numbers is used.
    pub(super) fn due(&self) -> Option<u64> {
        (self.next + SERIALS / 2 >= self.reserved).then_some(self.next + SERIALS)
    }
}

impl State {
    /// The vhost of that name.
    ///
    /// # Errors
    /// [`Cause::NotAllowed`] if there is none, as `connection.open` puts it.
    pub(super) fn vhost(&self, name: &str) -> Result<&Vhost, Refusal> {
        self.vhosts
            .get(name)
            .ok_or_else(|| Refusal::new(Cause::NotAllowed, format!("vhost {name} not found")))
    }

    /// The user of that name.
    ///
    /// # Errors
    /// [`Cause::NotFound`] if there is none.
    pub(super) fn user(&self, name: &str) -> Result<&User, Refusal> {
        self.users.get(name).ok_or_else(|| Refusal::not_found(format!("no user '{name}'")))
    }
}

/// Whether AMQP can carry a name.
///
/// # Errors
/// [`Cause::PreconditionFailed`] for an empty one, and for one that is longer than a short string.
pub(super) fn check_length(kind: &str, name: &str) -> Result<(), Refusal> {
    match name.len() {
        0 => Err(Refusal::precondition(format!("{kind} name is empty"))),
        1..=NAME_BYTES => Ok(()),
        _ => Err(Refusal::precondition(format!("{kind} name is longer than {NAME_BYTES} bytes"))),
    }
}

/// How RabbitMQ names a thing in its texts: `queue 'q' in vhost '/'`.
pub(super) fn described(kind: &str, name: &str, vhost: &str) -> String {
    format!("{kind} '{name}' in vhost '{vhost}'")
}
