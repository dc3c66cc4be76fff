//! Alarms: publishers are blocked before the disk is full or the memory used up, and go on when there is room again.

mod memory;

use crate::broker::Broker;
use crate::options::MemoryLimit;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often is looked.
const PERIOD: Duration = Duration::from_millis(500);
/// Bytes more than the limit that must be free before publishers may go on: an alarm does not flicker.
const RELIEF_BYTES: u64 = 32 << 20;

/// What is watched, and from when on it is too little.
#[derive(Clone, Debug)]
pub struct Watched {
    /// A folder on the disk.
    pub data: PathBuf,
    /// Bytes that must be free there, beside what the logs need to go on.
    pub disk_free_limit: u64,
    /// The memory that the process may take.
    pub memory_limit: MemoryLimit,
}

/// Starts to watch. Answers why publishers are blocked at each moment, if they are.
///
/// The first look is taken here: nobody is served yet. Those that follow may wait for a slow disk, so they leave the
/// threads that serve connections alone.
pub fn watch(broker: &Arc<Broker>, watched: Watched) -> watch::Receiver<Option<String>> {
    let mut alarms = Alarms::new(broker, watched);
    let (sender, receiver) = watch::channel(alarms.look());
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(PERIOD);
        loop {
            ticks.tick().await;
            let looked = tokio::task::spawn_blocking(move || (alarms.look(), alarms)).await;
            // It is only refused when the program ends.
            let Ok((reason, back)) = looked else { return };
            alarms = back;
            sender.send_if_modified(|now| change(now, reason));
        }
    });
    receiver
}

/// Puts the new reason in the place of the old one and says so. Answers whether they differ.
fn change(now: &mut Option<String>, reason: Option<String>) -> bool {
    if *now == reason {
        return false;
    }
    match &reason {
        Some(reason) => tracing::warn!("publishers are blocked: {reason}"),
        None => tracing::info!("publishers are not blocked any more"),
    }
    *now = reason;
    true
}

struct Alarms {
    data: PathBuf,
    disk: Limit,
    /// The system did not say how much is free when it was last asked.
    disk_unknown: bool,
    memory: Limit,
    /// Bytes that the process may take.
    memory_bytes: u64,
}

/// Raised when less than so many bytes are left, until some more than that are.
#[derive(Debug, Default)]
struct Limit {
    bytes: u64,
    raised: bool,
}

impl Limit {
    fn look(&mut self, left: u64) -> bool {
        let relief = if self.raised { RELIEF_BYTES } else { 0 };
        self.raised = left < self.bytes.saturating_add(relief);
        self.raised
    }
}

impl Alarms {
    fn new(broker: &Broker, watched: Watched) -> Alarms {
        let memory_bytes = match watched.memory_limit {
            MemoryLimit::Bytes(bytes) => bytes,
            MemoryLimit::Percent(percent) => memory::available_bytes().map_or_else(
                || {
                    tracing::warn!("the machine's memory is not known: what the broker takes has no limit");
                    u64::MAX
                },
                |all| all / 100 * u64::from(percent),
            ),
        };
        Alarms {
            data: watched.data,
            disk: Limit { bytes: watched.disk_free_limit + broker.reserve_bytes(), raised: false },
            disk_unknown: false,
            // Beyond the limit is when nothing of it is left.
            memory: Limit { bytes: 1, raised: false },
            memory_bytes,
        }
    }

    /// Why publishers must wait now. The words are RabbitMQ's.
    fn look(&mut self) -> Option<String> {
        let disk = self.look_at_disk();
        let memory = match memory::resident_bytes() {
            Some(taken) => self.memory.look(self.memory_bytes.saturating_sub(taken)),
            None => self.memory.raised,
        };
        let low: Vec<&str> = [(memory, "memory"), (disk, "disk")]
            .into_iter()
            .filter_map(|(raised, what)| raised.then_some(what))
            .collect();
        (!low.is_empty()).then(|| format!("low on {}", low.join(" & ")))
    }

    /// Whether the disk is too full. While the system does not say, all stays as it was.
    fn look_at_disk(&mut self) -> bool {
        let free = match free_bytes(&self.data) {
            Ok(free) => free,
            Err(error) => {
                if !std::mem::replace(&mut self.disk_unknown, true) {
                    tracing::warn!(%error, "how much is free on the disk of {} is not known", self.data.display());
                }
                return self.disk.raised;
            }
        };
        if std::mem::take(&mut self.disk_unknown) {
            tracing::info!("how much is free on the disk of {} is known again", self.data.display());
        }
        self.disk.look(free)
    }
}

/// Bytes that the broker may still write on the disk of a folder.
fn free_bytes(folder: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_stays_until_there_is_room_to_spare() {
        let mut limit = Limit { bytes: 100 << 20, raised: false };
        assert!(!limit.look(100 << 20));
        assert!(limit.look((100 << 20) - 1));
        assert!(limit.look(110 << 20));
        assert!(!limit.look(132 << 20));
        assert!(!limit.look(110 << 20));
    }

    #[test]
    fn a_disk_that_cannot_be_looked_at_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let disk = Limit { bytes: u64::MAX, raised: false };
        let memory = Limit { bytes: 0, raised: false };
        let mut alarms = Alarms { data: data.clone(), disk, disk_unknown: false, memory, memory_bytes: 0 };
        assert_eq!((alarms.look(), alarms.disk_unknown), (None, true));
        std::fs::create_dir(&data).unwrap();
        assert_eq!((alarms.look().as_deref(), alarms.disk_unknown), (Some("low on disk"), false));
        std::fs::remove_dir(&data).unwrap();
        assert_eq!((alarms.look().as_deref(), alarms.disk_unknown), (Some("low on disk"), true));
    }
}
