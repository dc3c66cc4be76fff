//! What a process and a folder use, seen from outside, and how fast the disk under a folder syncs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
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
    parse_memory(&status).ok_or_else(|| malformed("status"))
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
    parse_cpu_time(&stat).ok_or_else(|| malformed("stat"))
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

fn malformed(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/PID/{file} is not as expected"))
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

/// Times `rounds` writes of `record_bytes` each, every one followed by an fdatasync, in a file of `folder`
/// whose space was written before: the least that a durable confirm costs on that disk.
pub fn sync_times(folder: &Path, record_bytes: usize, rounds: usize) -> io::Result<Vec<Duration>> {
    let path = folder.join("bare-fdatasync");
    let file = File::create(&path)?;
    file.write_all_at(&vec![0; SYNC_FILE_BYTES as usize], 0)?;
    file.sync_all()?;
    let record = vec![b'x'; record_bytes];
    let places = SYNC_FILE_BYTES / record_bytes as u64;
    let mut times = Vec::with_capacity(rounds);
    for round in 0..rounds as u64 {
        let start = Instant::now();
        file.write_all_at(&record, round % places * record_bytes as u64)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    fs::remove_file(&path)?;
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_uses_memory_and_time() {
        let own = memory(std::process::id()).unwrap();
        assert!(own.anonymous > 0 && own.anonymous <= own.resident && own.resident <= own.peak);
        cpu_time(std::process::id()).unwrap();
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
        let times = sync_times(&folder, 256, 3).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!((100_000..200_000).contains(&used), "{used}");
        assert_eq!(times.len(), 3);
    }
}
