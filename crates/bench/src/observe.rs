//! What a process, a folder and the machine use, seen from outside, and how fast the disk under a folder syncs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The unit of CPU time in /proc, a second's hundredth on every Linux that matters (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// The unit of [`MetadataExt::blocks`], whatever the file system's blocks are.
const BLOCK_BYTES: u64 = 512;

/// How large a file the bare syncs go into. It is reused from its front.
const SYNC_FILE_BYTES: u64 = 4 << 20;

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What is resident, mapped files included.
    pub resident: u64,
    /// What of that is the process's own: heaps and stacks.
    pub anonymous: u64,
    /// The most that was ever resident.
    pub peak: u64,
}

/// Reads the memory of a process.
///
/// # Errors
/// If there is no such process, or /proc is not Linux's.
pub fn memory(process_id: u32) -> io::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status"))?;
    parse_memory(&status).ok_or_else(|| malformed("PID/status"))
}

fn parse_memory(status: &str) -> Option<Memory> {
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some(Memory {
        resident: kibibytes("VmRSS")? * 1024,
        anonymous: kibibytes("RssAnon")? * 1024,
        peak: kibibytes("VmHWM")? * 1024,
    })
}

/// Reads how much CPU time all threads of a process have used, in the kernel too. In steps of 10 ms.
///
/// # Errors
/// If there is no such process, or /proc is not Linux's.
pub fn cpu_time(process_id: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat"))?;
    parse_cpu_time(&stat).ok_or_else(|| malformed("PID/stat"))
}

fn parse_cpu_time(stat: &str) -> Option<Duration> {
    // The second field is the program's name, which may have spaces and parentheses in it. utime and stime are
    // the 14th and the 15th.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

/// How often the threads of a process were taken off their CPUs, by themselves (they waited) or not.
///
/// # Errors
/// If there is no such process, or /proc is not Linux's.
pub fn context_switches(process_id: u32) -> io::Result<u64> {
    let mut switches = 0;
    for task in fs::read_dir(format!("/proc/{process_id}/task"))? {
        // A thread may end while it is looked for.
        if let Ok(status) = fs::read_to_string(task?.path().join("status")) {
            switches += parse_context_switches(&status).ok_or_else(|| malformed("PID/task/TID/status"))?;
        }
    }
    Ok(switches)
}

fn parse_context_switches(status: &str) -> Option<u64> {
    let number =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    Some(number("voluntary_ctxt_switches:")? + number("nonvoluntary_ctxt_switches:")?)
}

fn malformed(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{file} is not as expected"))
}

/// How many bytes of disk the files in a folder take, at any depth: what `du` shows. Files that vanish
/// while it counts are not counted.
pub fn disk_bytes(folder: &Path) -> io::Result<u64> {
    let mut total = 0;
    let mut ahead = vec![folder.to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => ahead.push(entry.path()),
                Ok(metadata) => total += metadata.blocks() * BLOCK_BYTES,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(total)
}

/// The share of all CPUs' time, from 0 to 1, that the whole machine was busy for while this waited for `period`.
/// Other programs make every figure worse, and not all of them by the same factor.
///
/// # Errors
/// If /proc is not Linux's.
pub fn busy_share(period: Duration) -> io::Result<f64> {
    let times = || -> io::Result<(u64, u64)> {
        let stat = fs::read_to_string("/proc/stat")?;
        parse_cpu_totals(&stat).ok_or_else(|| malformed("stat"))
    };
    let (idle_before, all_before) = times()?;
    thread::sleep(period);
    let (idle, all) = times()?;
    let all = all.saturating_sub(all_before).max(1);
    Ok(1.0 - idle.saturating_sub(idle_before).min(all) as f64 / all as f64)
}

/// Idle and total ticks of all CPUs, of the first line of /proc/stat: user, nice, system, idle, iowait, irq,
/// softirq, steal. A CPU that waits for the disk is idle.
fn parse_cpu_totals(stat: &str) -> Option<(u64, u64)> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = fields.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
    Some((ticks.get(3)? + ticks.get(4)?, ticks.iter().sum()))
}

/// A file whose space was written before, for timing the least that a durable confirm costs on its disk. The
/// file goes when this is dropped.
pub struct BareSync {
    path: PathBuf,
    file: File,
    record: Vec<u8>,
    next: u64,
}

impl BareSync {
    /// Makes the file in a folder, for records of so many bytes, at least one.
    pub fn new(folder: &Path, record_bytes: usize) -> io::Result<Self> {
        let path = folder.join(format!("bare-fdatasync-{}", std::process::id()));
        let file = File::create(&path)?;
        let record = vec![b'x'; record_bytes.max(1)];
        let this = Self { path, file, record, next: 0 };
        this.file.write_all_at(&vec![0; SYNC_FILE_BYTES as usize], 0)?;
        this.file.sync_all()?;
        Ok(this)
    }

    /// Writes one record behind the one before and waits for fdatasync; returns how long both took.
    pub fn time_one(&mut self) -> io::Result<Duration> {
        let record_bytes = self.record.len() as u64;
        if self.next + record_bytes > SYNC_FILE_BYTES {
            self.next = 0;
        }
        let start = Instant::now();
        self.file.write_all_at(&self.record, self.next)?;
        self.file.sync_data()?;
        self.next += record_bytes;
        Ok(start.elapsed())
    }
}

impl Drop for BareSync {
    fn drop(&mut self) {
        // A file that cannot be removed is 4 MiB in a temporary folder.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_uses_memory_and_time() {
        let own = memory(std::process::id()).unwrap();
        assert!(own.anonymous > 0 && own.anonymous <= own.resident && own.resident <= own.peak);
        cpu_time(std::process::id()).unwrap();
        context_switches(std::process::id()).unwrap();
        let status = "Name: a\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t5\n";
        assert_eq!(parse_context_switches(status), Some(17));
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) (b c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 5 0 0";
        assert_eq!(parse_cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(parse_cpu_time("7 (cut"), None);
    }

    #[test]
    fn a_folder_takes_what_its_files_take() {
        let folder = std::env::temp_dir().join(format!("leveret-bench-test-{}", std::process::id()));
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(folder.join("deep/file"), vec![1; 100_000]).unwrap();
        let used = disk_bytes(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!((100_000..200_000).contains(&used), "{used}");
    }

    #[test]
    fn a_bare_sync_goes_round_in_its_file_and_leaves_none() {
        let mut bare = BareSync::new(&std::env::temp_dir(), 3 << 20).unwrap();
        let path = bare.path.clone();
        bare.time_one().unwrap();
        bare.time_one().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), SYNC_FILE_BYTES);
        drop(bare);
        assert!(!path.exists());
    }

    #[test]
    fn a_cpu_that_waits_for_the_disk_is_idle() {
        let stat = "cpu  10 1 5 70 14 0 0 0 99 0\ncpu0 1 1 1 1 1 1 1 1 1 1";
        assert_eq!(parse_cpu_totals(stat), Some((84, 100)));
        assert_eq!(parse_cpu_totals("intr 1"), None);
        assert!((0.0..=1.0).contains(&busy_share(Duration::from_millis(1)).unwrap()));
    }
}
