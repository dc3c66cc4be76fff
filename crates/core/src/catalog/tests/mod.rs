//! The catalog as a whole, and what the tests of its pieces share.

mod durability;
mod events;
mod random;
mod serials;
mod size;
mod vhosts;

use super::*;
use crate::wire::{RawProperties, ShortStr, Table, Value};
use crate::{Cause, QueueId};
use leveret_log::{Committer, Geometry, LogId, MemoryDisk, MemoryDriver, Recovery};

/// A catalog over a log in memory, and the disk of that log.
pub(super) struct Rig {
    pub(super) catalog: Catalog,
    pub(super) disk: MemoryDisk,
    committer: Committer,
}

impl Rig {
    /// A broker's first start.
    pub(super) fn new() -> Rig {
        Rig::start(&MemoryDisk::new(Geometry::DEFAULT, LogId(1)))
    }

    /// Opens the catalog on a disk as a broker does: what it reserves is durable before anything else happens.
    pub(super) fn start(disk: &MemoryDisk) -> Rig {
        let mut rig = Rig::open(disk);
        rig.catalog.bootstrap(password("guest")).unwrap();
        rig.sync();
        rig
    }

    /// Reads the log, and adds nothing to it.
    pub(super) fn open(disk: &MemoryDisk) -> Rig {
        let mut replay = CatalogReplay::default();
        let recovery = Recovery::begin(&mut MemoryDriver::new(disk.clone()), 1 << 20).unwrap();
        let log = recovery.replay(|record| replay.replay(record.tag, record.payload)).unwrap();
        Rig { catalog: replay.open(4, log.tail), disk: disk.clone(), committer: log.committer }
    }

    /// Makes everything durable.
    pub(super) fn sync(&mut self) {
        if let Some(batch) = self.catalog.tail().take_batch() {
            self.committer.commit(&batch).unwrap();
        }
    }

    /// The catalog as it would be after a restart.
    pub(super) fn replayed(&mut self) -> Catalog {
        self.sync();
        Rig::open(&self.disk.fork()).catalog
    }
}

/// A catalog for a test that does not look at the log.
pub(super) fn catalog() -> Catalog {
    Rig::new().catalog
}

/// A client that may do everything in `/`.
pub(super) fn guest() -> Caller<'static> {
    Caller::client("guest", ConnectionId(1))
}

/// The same user, on another connection.
pub(super) fn elsewhere() -> Caller<'static> {
    Caller::client("guest", ConnectionId(2))
}

pub(super) fn password(hash: &str) -> PasswordHash {
    PasswordHash { algorithm: HashAlgorithm::Sha256, bytes: hash.as_bytes().into() }
}

/// Adds a user with these permissions in `/`.
pub(super) fn add_user(catalog: &mut Catalog, name: &str, [configure, write, read]: [&str; 3]) {
    catalog.put_user(name, None, Vec::new()).unwrap();
    catalog.put_permission(name, "/", PermissionPatterns { configure, write, read }).unwrap();
}

pub(super) fn table<const N: usize>(entries: [(&'static str, Value); N]) -> Table {
    entries.into_iter().map(|(name, value)| (ShortStr::literal(name), value)).collect()
}

/// A number as most clients send it.
pub(super) fn number(number: i32) -> Value {
    Value::I32(number)
}

/// A durable queue of its own, with these arguments.
pub(super) fn durable(arguments: Table) -> DeclareQueue {
    DeclareQueue { durable: true, exclusive: false, auto_delete: false, server_named: false, arguments }
}

pub(super) fn exclusive() -> DeclareQueue {
    DeclareQueue { exclusive: true, ..durable(Table::new()) }
}

pub(super) fn quorum<const N: usize>(arguments: [(&'static str, Value); N]) -> DeclareQueue {
    let mut arguments = table(arguments);
    arguments.insert(ShortStr::literal("x-queue-type"), "quorum".into());
    durable(arguments)
}

/// A durable exchange.
pub(super) fn exchange(kind: &str) -> DeclareExchange<'_> {
    DeclareExchange { kind, durable: true, auto_delete: false, internal: false, arguments: Table::new() }
}

/// Declares a durable queue in `/`.
pub(super) fn add_queue(catalog: &mut Catalog, name: &str) -> QueueId {
    catalog.declare_queue(guest(), "/", name, durable(Table::new())).unwrap().queue
}

/// Declares a durable exchange in `/`.
pub(super) fn add_exchange(catalog: &mut Catalog, name: &str, kind: &str) {
    assert!(catalog.declare_exchange(guest(), "/", name, exchange(kind)).unwrap());
}

pub(super) fn to_queue<'a>(source: &'a str, queue: &'a str, routing_key: &'a str) -> NewBinding<'a> {
    let (kind, arguments) = (DestinationKind::Queue, Table::new());
    NewBinding { source, kind, destination: queue, routing_key, arguments }
}

pub(super) fn to_exchange<'a>(source: &'a str, exchange: &'a str, routing_key: &'a str) -> NewBinding<'a> {
    NewBinding { kind: DestinationKind::Exchange, ..to_queue(source, exchange, routing_key) }
}

/// Binds as guest in `/`.
pub(super) fn bind(catalog: &mut Catalog, binding: NewBinding<'_>) {
    catalog.bind(guest(), "/", binding).unwrap();
}

/// The names of the queues to which a message goes that has only routing keys.
pub(super) fn routed(catalog: &Catalog, exchange: &str, routing_keys: &[&str]) -> Vec<String> {
    routed_with(catalog, exchange, routing_keys, &RawProperties::default())
}

/// The names of the queues to which a message goes, in the order of names.
pub(super) fn routed_with(
    catalog: &Catalog,
    exchange: &str,
    routing_keys: &[&str],
    properties: &RawProperties<'_>,
) -> Vec<String> {
    let mut queues = Vec::new();
    let message = RoutedMessage { routing_keys, properties, body: &[], draw: 0 };
    catalog.route("/", exchange, &message, &mut queues).unwrap();
    let mut names: Vec<_> =
        queues.iter().map(|id| catalog.queue_by_id(*id).unwrap().name.to_string()).collect();
    names.sort();
    names
}

/// The cause and the text of what must have been refused.
pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> (Cause, String) {
    let refusal = answer.unwrap_err();
    (refusal.cause, refusal.text)
}

/// Expects a refusal with this cause and text.
#[track_caller]
pub(super) fn assert_refused<T: std::fmt::Debug>(answer: Result<T, Refusal>, cause: Cause, text: &str) {
    assert_eq!(refused(answer), (cause, text.to_string()));
}
