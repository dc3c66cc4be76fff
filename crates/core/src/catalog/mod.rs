//! The catalog: everything that has a name, and where a message goes.
//!
//! It owns vhosts, users, permissions, limits, access keys, exchanges, queues (their names, arguments and settings in
//! effect), bindings, policies and the broker's parameters. It is a deterministic state machine: no clock, no randomness,
//! no lock. A command checks, then commits [`Fact`]s: what must survive a restart is appended to the catalog's log,
//! one record for all facts of a command, and only then applied. [`state::State::apply`] is the only mutator, live
//! and in replay, so the log rebuilds the state. (The number of the next queue is no fact: it is used up at once.)
//!
//! It never holds a message, counts a consumer, or verifies a password: those are the shards' and the server's.
//!
//! - [`declare`]: exchanges, queues and bindings, as clients ask for them;
//! - [`access`]: users, permissions and limits; the checks that doors make;
//! - [`policy`]: policies, and the settings of a queue that follow from them;
//! - [`route`]: from an exchange to queues; one file for each kind of exchange;
//! - [`state`]: what there is; [`fact`]: what changes it, the bytes of that, and what it tells whoever listens.

mod access;
mod declare;
mod fact;
mod move_tasks;
mod policy;
mod route;
mod state;
#[cfg(test)]
mod tests;
mod vhosts;

pub use access::{
    AccessKey, HashAlgorithm, PasswordHash, Pattern, PatternError, Permission, PermissionPatterns,
    TopicPatterns, TopicPermission, User, UserLimits,
};
pub use declare::{DeclareExchange, DeclareQueue, Declared, DeletedQueue, NewBinding};
pub use fact::{CATALOG_FACTS, FACT_VERSION, Fact, FactError};
pub use policy::{ApplyTo, NewPolicy, Policy, PolicyScope};
pub(crate) use route::Memory;
pub use route::{Routed, RoutedMessage, filter, subscriptions};
pub use state::{
    Attributes, Binding, Destination, DestinationKind, Exchange, MoveStatus, MoveTask, Queue, QueueKind,
    Vhost, VhostLimits,
};

use crate::event::Event;
use crate::{ConnectionId, Refusal};
use leveret_log::{Position, Tail};
use state::State;
use std::fmt;

/// Who asks. Its permissions are checked, and its connection decides on exclusive queues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller<'a> {
    user: Option<&'a str>,
    connection: Option<ConnectionId>,
}

impl<'a> Caller<'a> {
    /// The broker itself, an administrator's tool or an import: everything is permitted, reserved names too.
    pub const BROKER: Caller<'static> = Caller { user: None, connection: None };

    /// A client's connection, logged in as `user`.
    pub fn client(user: &'a str, connection: ConnectionId) -> Caller<'a> {
        Caller { user: Some(user), connection: Some(connection) }
    }

    /// The broker, on behalf of a connection: everything is permitted, and what is exclusive is the connection's.
    pub fn owner(connection: ConnectionId) -> Caller<'static> {
        Caller { user: None, connection: Some(connection) }
    }

    /// A user without a connection, such as one of the management API: it owns no exclusive queue.
    pub fn user(user: &'a str) -> Caller<'a> {
        Caller { user: Some(user), connection: None }
    }
}

/// Everything that has a name, with its end of the catalog's log. See the module's documentation.
pub struct Catalog {
    state: State,
    shards: u16,
    version: u64,
    tail: Tail,
    /// What has happened, if events are wanted.
    events: Option<Vec<Event>>,
}

impl Catalog {
    /// An empty catalog: not even the vhost `/` is there, see [`Catalog::bootstrap`]. New queues are spread over
    /// `shards` (at least one). Facts are appended to `tail`.
    pub fn new(shards: u16, tail: Tail) -> Catalog {
        CatalogReplay::default().open(shards, tail)
    }

    /// Begins the work of a catalog that was opened: reserves numbers for its queues, and fills one that has neither
    /// vhosts nor users with the vhost `/` and the administrator `guest`, who may do everything in it. An operator who
    /// deleted `guest` does not get it back for deleting the last vhost, too. The caller makes what this
    /// appends durable before any shard takes a message: else a crash could lose the reservation and keep the message,
    /// and the next queue of that number would find it.
    ///
    /// # Errors
    /// [`crate::Cause::Internal`] if the log refuses.
    pub fn bootstrap(&mut self, guest_password: PasswordHash) -> Result<(), Refusal> {
        let mut facts: Vec<Fact> =
            self.state.serials.due().map(|below| Fact::SerialsReserved { below }).into_iter().collect();
        if self.state.vhosts.is_empty() && self.state.users.is_empty() {
            facts.extend(first_facts(guest_password));
        }
        self.commit(facts)
    }

    /// Counts the changes: whoever caches what the catalog said keeps it for as long as this stays the same.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Where the next fact will be: what was changed so far is durable once the log is durable up to here.
    pub fn position(&self) -> Position {
        self.tail.next_position()
    }

    /// The catalog's end of its log, for whoever writes it to disk.
    pub fn tail(&mut self) -> &mut Tail {
        &mut self.tail
    }

    /// All that would survive a restart, as facts that rebuild it: [`CatalogReplay::restore`] reads them.
    /// Two catalogs with the same durable state give the same bytes.
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut facts = Vec::new();
        self.state.facts(&mut |fact| fact.encode(&mut facts));
        facts
    }

    /// A hash of the durable state: equal for a catalog and its replay.
    pub fn digest(&self) -> u64 {
        route::hash(&[&self.checkpoint()])
    }

    /// Appends those of `facts` that must survive a restart, as one record, then applies them all.
    fn commit(&mut self, facts: Vec<Fact>) -> Result<(), Refusal> {
        let mut payload = Vec::new();
        for fact in facts.iter().filter(|fact| self.state.is_durable(fact)) {
            fact.encode(&mut payload);
        }
        if !payload.is_empty() {
            check_readable(&payload)?;
            self.tail.append(fact::TAG, &[&payload]).map_err(|error| {
                Refusal::new(crate::Cause::Internal, format!("the catalog cannot be changed: {error}"))
            })?;
        }
        let told = self.hears_events();
        for fact in facts {
            if let Some(events) = self.events.as_mut().filter(|_| told) {
                self.state.events_of(&fact, events);
            }
            self.state.apply(fact);
        }
        self.version += 1;
        Ok(())
    }
}

/// What is written must be readable at the next start. Clients' tables were read from the wire, but an import's may
/// nest deeper or be larger than a reader takes.
fn check_readable(payload: &[u8]) -> Result<(), Refusal> {
    Fact::decode_all(payload, &mut |_| {}).map_err(|error| {
        let cause = match error {
            FactError::Malformed { error, .. } => error.to_string(),
            other => other.to_string(),
        };
        Refusal::precondition(format!("the catalog cannot keep this: {cause}"))
    })
}

/// What a new catalog begins with.
fn first_facts(guest_password: PasswordHash) -> [Fact; 3] {
    let everything = || ".*".into();
    [
        Fact::VhostPut {
            name: "/".into(),
            description: "Default virtual host".into(),
            tags: Vec::new(),
            default_queue_kind: QueueKind::Classic,
        },
        Fact::UserPut {
            name: "guest".into(),
            password: Some(guest_password),
            tags: vec!["administrator".into()],
        },
        Fact::PermissionPut {
            user: "guest".into(),
            vhost: "/".into(),
            configure: everything(),
            write: everything(),
            read: everything(),
        },
    ]
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("version", &self.version)
            .field("shards", &self.shards)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A catalog on its way back from its log. Calling order: [`CatalogReplay::restore`] with the checkpoint, if there
/// is one, [`CatalogReplay::replay`] with every record behind it, [`CatalogReplay::open`].
#[derive(Debug, Default)]
pub struct CatalogReplay {
    state: State,
}

impl CatalogReplay {
    /// Takes a checkpoint in.
    ///
    /// # Errors
    /// [`FactError`] if it holds what this version does not know.
    pub fn restore(&mut self, checkpoint: &[u8]) -> Result<(), FactError> {
        Fact::decode_all(checkpoint, &mut |fact| self.state.apply(fact))
    }

    /// Takes a record in. Records of other kinds are passed over.
    ///
    /// # Errors
    /// [`FactError`] if it was written by a newer version or holds what this one does not know.
    pub fn replay(&mut self, tag: leveret_log::Tag, payload: &[u8]) -> Result<(), FactError> {
        if tag.kind != CATALOG_FACTS {
            return Ok(());
        }
        if tag.version > FACT_VERSION {
            return Err(FactError::NewerVersion { version: tag.version });
        }
        self.restore(payload)
    }

    /// The catalog, ready for commands, over the open end of its log. Queues that are there already stay in the
    /// shards they were made for, whatever `shards` says now.
    pub fn open(mut self, shards: u16, tail: Tail) -> Catalog {
        self.state.serials.skip_reserved();
        Catalog { state: self.state, shards: shards.max(1), version: 1, tail, events: None }
    }
}
