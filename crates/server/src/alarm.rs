//! Alarms: publishers are blocked before the disk is full or the memory used up, and go on when there is room again.

use crate::broker::Broker;
use crate::options::MemoryLimit;
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
pub fn watch(broker: &Arc<Broker>, watched: Watched) -> watch::Receiver<Option<String>> {
    let mut alarms = Alarms::new(broker, watched);
    let (sender, receiver) = watch::channel(alarms.look());
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(PERIOD);
        loop {
            ticks.tick().await;
            let reason = alarms.look();
            sender.send_if_modified(|now| {
                let changed = *now != reason;
                if changed {
                    match &reason {
                        Some(reason) => tracing::warn!("publishers are blocked: {reason}"),
                        None => tracing::info!("publishers are not blocked any more"),
                    }
                    now.clone_from(&reason);
                }
                changed
            });
        }
    });
    receiver
}

struct Alarms {
    data: PathBuf,
    disk: Limit,
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
            MemoryLimit::Percent(percent) => machine_memory().map_or_else(
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
            // Beyond the limit is when nothing of it is left.
            memory: Limit { bytes: 1, raised: false },
            memory_bytes,
        }
    }

    /// Why publishers must wait now. The words are RabbitMQ's.
    fn look(&mut self) -> Option<String> {
        let disk = free_bytes(&self.data).is_some_and(|free| self.disk.look(free));
        let memory =
            resident_bytes().is_some_and(|taken| self.memory.look(self.memory_bytes.saturating_sub(taken)));
        let low: Vec<&str> = [(memory, "memory"), (disk, "disk")]
            .into_iter()
            .filter_map(|(raised, what)| raised.then_some(what))
            .collect();
        (!low.is_empty()).then(|| format!("low on {}", low.join(" & ")))
    }
}

/// Bytes that the broker may still write on the disk of a folder; `None` if the system does not say.
fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Bytes of memory that the process takes.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    kilobytes(&status, "VmRSS:")
}

/// Bytes of memory that the machine has, or the container if it has less.
fn machine_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = kilobytes(&info, "MemTotal:")?;
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse::<u64>().ok());
    Some(container.map_or(machine, |container| container.min(machine)))
}

/// The value of a line such as `VmRSS:   1234 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
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
    fn lines_of_the_system_are_read() {
        let text = "Name:\tx\nVmRSS:\t    5220 kB\n";
        assert_eq!(kilobytes(text, "VmRSS:"), Some(5220 << 10));
        assert_eq!(kilobytes(text, "VmSwap:"), None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!(free_bytes(Path::new(".")).is_some());
        assert_eq!(free_bytes(Path::new("/no/such/folder")), None);
    }
}
