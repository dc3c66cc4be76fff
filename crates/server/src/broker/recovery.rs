//! From a data folder to a running broker: the catalog's log first, since it says which queues there are, then the
//! log of each shard.

use super::flow::Flow;
use super::log::LogCell;
use super::{Broker, Clock, ShardCell, ShardInner, housekeeper, start_thread, upkeep};
use leveret_core::catalog::{Catalog, CatalogReplay, PasswordHash};
use leveret_core::shard::Shard;
use leveret_core::{LogId, ShardIndex};
use leveret_log::{
    Committer, FileDriver, FileOptions, Geometry, LogError, Position, ReadCache, Recovery, ReplayError,
};
use rustc_hash::FxHashMap;
use std::fmt;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};
use tokio::sync::Notify;

/// Shards at most: a mailbox keeps a bit for each log.
const MAX_SHARDS: u16 = 63;
/// Segments of the catalog's log: what has a name is small.
const CATALOG_SEGMENT_BYTES: u64 = 4 << 20;

/// What a broker needs to start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder; it is made if it is not there.
    pub data: PathBuf,
    /// Shards for new queues. A folder that was made with more keeps them.
    pub shards: u16,
    /// Bytes of durable records that each shard keeps in memory for its consumers.
    pub recent_bytes: usize,
    /// The password of the user `guest` of a new data folder.
    pub guest_password: PasswordHash,
}

/// Why a broker did not start.
#[derive(Debug)]
pub enum StartError {
    /// A log could not be opened: it is in use by another process, damaged, or the disk failed.
    Log(LogError),
    /// A log holds what this version cannot replay.
    Replay {
        /// The log's folder.
        folder: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// The operating system refused something else.
    Io {
        /// What was tried.
        what: String,
        /// Its answer.
        error: std::io::Error,
    },
    /// More shards than a broker can have.
    TooManyShards {
        /// How many were asked for or found.
        shards: usize,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Log(error) => error.fmt(f),
            StartError::Replay { folder, what } => {
                write!(f, "the log in {} cannot be read: {what}", folder.display())
            }
            StartError::Io { what, error } => write!(f, "{what}: {error}"),
            StartError::TooManyShards { shards } => {
                write!(f, "{shards} shards are more than the {MAX_SHARDS} that a broker can have")
            }
        }
    }
}

impl std::error::Error for StartError {}

impl From<LogError> for StartError {
    fn from(error: LogError) -> StartError {
        StartError::Log(error)
    }
}

/// Opens the data folder and starts the broker's threads and tasks. Must be called within a tokio runtime.
///
/// # Errors
/// See [`StartError`]. Nothing in the folder was changed when a log is damaged.
pub fn open(settings: &Settings) -> Result<Arc<Broker>, StartError> {
    let clock = Clock::start();
    let shards = shard_count(&settings.data, settings.shards)?;
    let guest_password = settings.guest_password.clone();
    let (catalog, catalog_log, catalog_committer) = open_catalog(&settings.data, guest_password, shards)?;
    let mut cells = Vec::new();
    let mut committers = Vec::new();
    for index in 0..shards {
        let (cell, committer) = open_shard(settings, ShardIndex(index), &catalog, &clock)?;
        cells.push(cell);
        committers.push(committer);
    }
    let broker = Arc::new(Broker {
        catalog: RwLock::new(catalog),
        catalog_log,
        shards: cells.into(),
        history: Mutex::default(),
        clock,
        next_connection: AtomicU64::new(1),
        stopping: AtomicBool::new(false),
        threads: Mutex::default(),
    });
    broker.start_catalog_log(catalog_committer)?;
    for (index, committer) in committers.into_iter().enumerate() {
        broker.start_shard(ShardIndex(index as u16), committer)?;
    }
    upkeep::start(&broker)?;
    Ok(broker)
}

/// As many shards as asked for, or as the folder has.
pub(super) fn shard_count(data: &Path, asked: u16) -> Result<u16, StartError> {
    let found = (0..).take_while(|index| data.join(format!("shard-{index}")).is_dir()).count();
    let shards = found.max(usize::from(asked.max(1)));
    u16::try_from(shards)
        .ok()
        .filter(|count| *count <= MAX_SHARDS)
        .ok_or(StartError::TooManyShards { shards })
}

/// The folder of the catalog's log.
pub(super) fn catalog_folder(data: &Path) -> PathBuf {
    data.join("catalog")
}

/// Opens the catalog, and makes durable what it begins with.
pub(super) fn open_catalog(
    data: &Path,
    guest_password: PasswordHash,
    shards: u16,
) -> Result<(Catalog, LogCell, Committer), StartError> {
    let folder = catalog_folder(data);
    let geometry =
        Geometry::new(CATALOG_SEGMENT_BYTES).expect("a power of two within the bounds of a geometry");
    let mut driver = FileDriver::new(&folder, FileOptions { geometry, spares: 1 });
    let is_new = !data.is_dir();
    let recovery = Recovery::begin(&mut driver, CATALOG_SEGMENT_BYTES as usize)?;
    if is_new {
        keep_to_owner(data)?;
    }
    let mut replay = CatalogReplay::default();
    warn_of_damaged_checkpoints(&recovery);
    if let Some(checkpoint) = recovery.checkpoint() {
        replay.restore(&checkpoint.payload).map_err(|error| unreadable(&folder, &error))?;
    }
    let mut log = recovery
        .replay(|record| replay.replay(record.tag, record.payload))
        .map_err(|error| replay_error(&folder, error))?;
    let mut catalog = replay.open(shards, log.tail);
    catalog.bootstrap(guest_password).map_err(|refusal| unreadable(&folder, &refusal))?;
    // The numbers that were just reserved for queues must be durable before a shard's log names one of them.
    if let Some(batch) = catalog.tail().take_batch() {
        log.committer.commit(&batch)?;
    }
    Ok((catalog, LogCell::new(LogId::Catalog, log.reader, log.store), log.committer))
}

fn open_shard(
    settings: &Settings,
    index: ShardIndex,
    catalog: &Catalog,
    clock: &Clock,
) -> Result<(ShardCell, Committer), StartError> {
    let folder = settings.data.join(format!("shard-{}", index.0));
    let mut driver = FileDriver::new(&folder, FileOptions::default());
    let recovery = Recovery::begin(&mut driver, settings.recent_bytes)?;
    warn_of_damaged_checkpoints(&recovery);
    let reader = recovery.reader();
    let mut shard = Shard::new(index, recovery.geometry());
    shard.begin(clock.now());
    for queue in catalog.all_queues().into_iter().filter(|queue| queue.id.shard() == index) {
        shard.open_queue(queue.id, queue.settings.clone());
    }
    if let Some(checkpoint) = recovery.checkpoint() {
        shard.restore(&checkpoint.payload).map_err(|error| unreadable(&folder, &error))?;
    }
    let mut cache = ReadCache::new();
    let mut read_page = |at: Position| Some(reader.owned_record(&mut cache, at).ok()?.payload);
    let log = recovery
        .replay(|record| shard.replay(record, &mut read_page))
        .map_err(|error| replay_error(&folder, error))?;
    shard.open(log.tail);
    shard.recovered();
    shard.end();
    let cell = ShardCell {
        inner: Mutex::new(ShardInner { shard, flow: Flow::default(), mailboxes: FxHashMap::default() }),
        log: LogCell::new(LogId::Shard(index), log.reader, log.store),
        housekeeper: Notify::new(),
        planned: AtomicU64::new(0),
    };
    Ok((cell, log.committer))
}

/// Lets nobody but its owner into a data folder: it will have messages and the secrets of access keys.
fn keep_to_owner(data: &Path) -> Result<(), StartError> {
    std::fs::set_permissions(data, Permissions::from_mode(0o700))
        .map_err(|error| StartError::Io { what: format!("keeping {} to its owner", data.display()), error })
}

impl Broker {
    fn start_catalog_log(self: &Arc<Broker>, committer: Committer) -> Result<(), StartError> {
        let broker = self.clone();
        let thread = start_thread("log-catalog", move || broker.catalog_log.run(committer, &broker.catalog))?;
        self.threads().logs.push(thread);
        Ok(())
    }

    fn start_shard(self: &Arc<Broker>, index: ShardIndex, committer: Committer) -> Result<(), StartError> {
        let broker = self.clone();
        let thread = start_thread(&format!("log-{}", index.0), move || {
            let cell = &broker.shards[usize::from(index.0)];
            cell.log.run(committer, cell);
        })?;
        self.threads().logs.push(thread);
        tokio::spawn(housekeeper::run(self.clone(), index));
        Ok(())
    }
}

fn warn_of_damaged_checkpoints(recovery: &Recovery) {
    for file in recovery.damaged_checkpoints() {
        tracing::warn!(file, "a damaged checkpoint was passed over; the one before it is used");
    }
}

fn unreadable(folder: &Path, what: &dyn fmt::Display) -> StartError {
    StartError::Replay { folder: folder.to_owned(), what: what.to_string() }
}

fn replay_error<E: fmt::Display>(folder: &Path, error: ReplayError<E>) -> StartError {
    match error {
        ReplayError::Log(error) => StartError::Log(error),
        ReplayError::Visit(error) => unreadable(folder, &error),
    }
}
