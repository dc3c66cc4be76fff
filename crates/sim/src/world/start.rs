//! From disks to a running broker: the catalog's log first, then that of each shard, in the server's order.

use super::broker::{Broker, LogSide, ShardSide};
use crate::Violation;
use crate::disk::{Disk, FaultyDriver};
use leveret_core::broker::History;
use leveret_core::catalog::{Catalog, CatalogReplay, HashAlgorithm, PasswordHash};
use leveret_core::shard::Shard;
use leveret_core::{LogId, ShardIndex, Time};
use leveret_log::{Log, Position, ReadCache, Recovery};
use std::fmt::Display;

/// Bytes of durable records that a log keeps in memory: few, so that most reads are from the disk.
const RECENT_BYTES: usize = 32 << 10;

/// The disks of a broker.
pub(crate) struct Disks {
    pub(crate) catalog: Disk,
    pub(crate) shards: Vec<Disk>,
}

impl Disks {
    /// The disk of a log.
    pub(crate) fn of(&self, log: LogId) -> &Disk {
        match log {
            LogId::Catalog => &self.catalog,
            LogId::Shard(index) => &self.shards[usize::from(index.0)],
        }
    }

    fn fork(&self) -> Disks {
        Disks { catalog: self.catalog.fork(), shards: self.shards.iter().map(Disk::fork).collect() }
    }
}

/// A broker that has replayed its logs, with what the replay found.
pub(crate) struct Started {
    pub(crate) broker: Broker,
    pub(crate) found: Vec<Found>,
}

/// What a replay found in one log.
pub(crate) struct Found {
    pub(crate) log: LogId,
    /// Where the log ended.
    pub(crate) end: Position,
    /// The durable state as replayed, before the recovery changed it.
    pub(crate) state: Vec<u8>,
}

/// Starts a broker, twice: the second one, on a copy of the disks, must find the same.
pub(crate) fn start(disks: &Disks, now: Time) -> Result<Started, Violation> {
    let copy = disks.fork();
    let started = open(disks, now)?;
    let again = open(&copy, now)?;
    for (first, second) in started.found.iter().zip(&again.found) {
        if first.end != second.end || first.state != second.state {
            return Err(Violation(format!("two replays of {:?} differ", first.log)));
        }
    }
    Ok(started)
}

fn open(disks: &Disks, now: Time) -> Result<Started, Violation> {
    let shards = disks.shards.len() as u16;
    let (catalog, catalog_log, catalog_found) = open_catalog(&disks.catalog, shards)?;
    let mut found = vec![catalog_found];
    let mut sides = Vec::new();
    for (index, disk) in disks.shards.iter().enumerate() {
        let (side, replayed) = open_shard(disk, ShardIndex(index as u16), &catalog, now)?;
        sides.push(side);
        found.push(replayed);
    }
    Ok(Started { broker: Broker { catalog, catalog_log, shards: sides, history: History::default() }, found })
}

fn open_catalog(disk: &Disk, shards: u16) -> Result<(Catalog, LogSide, Found), Violation> {
    let recovery = Recovery::begin(&mut FaultyDriver::new(disk), RECENT_BYTES).map_err(unreadable)?;
    let mut replay = CatalogReplay::default();
    if let Some(checkpoint) = recovery.checkpoint() {
        replay.restore(&checkpoint.payload).map_err(unreadable)?;
    }
    let log = recovery.replay(|record| replay.replay(record.tag, record.payload)).map_err(unreadable)?;
    let end = log.end;
    let (tail, mut side) = split(log);
    let mut catalog = replay.open(shards, tail);
    let state = catalog.checkpoint();
    // Nobody logs in with it here.
    let password = PasswordHash { algorithm: HashAlgorithm::Sha256, bytes: [0; 36].into() };
    catalog.bootstrap(password).map_err(unreadable)?;
    if let Some(batch) = catalog.tail().take_batch() {
        side.committer.commit(&batch).map_err(unreadable)?;
    }
    Ok((catalog, side, Found { log: LogId::Catalog, end, state }))
}

fn open_shard(
    disk: &Disk,
    index: ShardIndex,
    catalog: &Catalog,
    now: Time,
) -> Result<(ShardSide, Found), Violation> {
    let recovery = Recovery::begin(&mut FaultyDriver::new(disk), RECENT_BYTES).map_err(unreadable)?;
    let reader = recovery.reader();
    let mut shard = Shard::new(index, recovery.geometry());
    shard.begin(now);
    for queue in catalog.all_queues().into_iter().filter(|queue| queue.id.shard() == index) {
        shard.open_queue(queue.id, queue.settings.clone());
    }
    if let Some(checkpoint) = recovery.checkpoint() {
        shard.restore(&checkpoint.payload).map_err(unreadable)?;
    }
    let mut cache = ReadCache::new();
    let mut read_page = |at: Position| Some(reader.owned_record(&mut cache, at).ok()?.payload);
    let log = recovery.replay(|record| shard.replay(record, &mut read_page)).map_err(unreadable)?;
    let found = Found { log: LogId::Shard(index), end: log.end, state: shard.durable_state() };
    let (tail, side) = split(log);
    shard.open(tail);
    shard.recovered();
    shard.end();
    Ok((ShardSide { shard, log: side }, found))
}

fn split(log: Log) -> (leveret_log::Tail, LogSide) {
    let side = LogSide {
        committer: log.committer,
        reader: log.reader,
        store: log.store,
        in_flight: None,
        failed: false,
    };
    (log.tail, side)
}

fn unreadable(error: impl Display) -> Violation {
    Violation(format!("the broker does not start: {error}"))
}
