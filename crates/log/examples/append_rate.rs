//! How fast the log is on this machine: `cargo run --release -p leveret-log --example append_rate -- FOLDER`.
//!
//! Prints the time of an append without I/O, the rate of batches of several sizes with one sync each, and the rate
//! of reading back and of replay. The folder must be new or empty; its disk is what is measured.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use leveret_log::{DEFAULT_RECENT_BYTES, FileDriver, FileOptions, Log, Position, ReadCache, Recovery, Tag};

const TAG: Tag = Tag { kind: 16, version: 1 };
const BATCH_BYTES: [usize; 5] = [200, 16 << 10, 256 << 10, 1 << 20, 4 << 20];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: append_rate FOLDER")?;
    let mut log = open(&folder)?;
    // The first spare is being prepared; its writes are not what is measured.
    std::thread::sleep(Duration::from_secs(1));
    let start = log.end;
    for payload_bytes in [16, 150, 1024, 8 << 10] {
        appends(&mut log, payload_bytes)?;
    }
    for batch_bytes in BATCH_BYTES {
        batches(&mut log, batch_bytes)?;
    }
    read_back(&log, start)?;
    drop(log);
    let began = Instant::now();
    let log = open(&folder)?;
    rate("replay", (log.end.0 - start.0) as usize, began.elapsed());
    Ok(())
}

fn open(folder: &str) -> Result<Log, Box<dyn std::error::Error>> {
    let recovery =
        Recovery::begin(&mut FileDriver::new(folder, FileOptions::default()), DEFAULT_RECENT_BYTES)?;
    Ok(recovery.replay::<Infallible>(|_| Ok(()))?)
}

/// Appends in turns of 100, and commits outside of what is timed. The median round counts: the machine may be busy.
fn appends(log: &mut Log, payload_bytes: usize) -> Result<(), Box<dyn std::error::Error>> {
    const TURNS: usize = 20;
    let payload = vec![0x5a; payload_bytes];
    let (head, body) = payload.split_at(payload_bytes / 4);
    let mut rounds = Vec::new();
    for _ in 0..(128 << 20) / (TURNS * 100 * (payload_bytes + 100)) {
        let began = Instant::now();
        for _ in 0..TURNS {
            for _ in 0..100 {
                log.tail.append(TAG, &[head, body])?;
            }
            log.tail.seal();
        }
        rounds.push(began.elapsed());
        if let Some(batch) = log.tail.take_batch() {
            log.committer.commit(&batch)?;
        }
    }
    rounds.sort_unstable();
    let each = rounds[rounds.len() / 2].as_nanos() as f64 / (TURNS * 100) as f64;
    println!("append of {payload_bytes} bytes in two parts: {each:.1} ns");
    Ok(())
}

/// Commits batches of about `batch_bytes` for a second and a half.
fn batches(log: &mut Log, batch_bytes: usize) -> Result<(), Box<dyn std::error::Error>> {
    let payload = vec![0x5a; batch_bytes.min(1000)];
    let mut spent = Vec::new();
    let mut bytes = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        for _ in 0..batch_bytes.div_ceil(payload.len()) {
            log.tail.append(TAG, &[&payload])?;
        }
        log.tail.seal();
        bytes += log.tail.pending_bytes();
        let Some(batch) = log.tail.take_batch() else { continue };
        let began = Instant::now();
        log.committer.commit(&batch)?;
        spent.push(began.elapsed());
    }
    rate(&format!("batches of {batch_bytes} bytes"), bytes, spent.iter().sum());
    spent.sort_unstable();
    let at = |share: usize| spent[(spent.len() - 1) * share / 1000].as_secs_f64() * 1e3;
    println!("  a commit: p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms", at(500), at(990), at(999));
    Ok(())
}

fn read_back(log: &Log, start: Position) -> Result<(), Box<dyn std::error::Error>> {
    let mut cache = ReadCache::new();
    let (mut at, mut bytes, mut count) = (start, 0, 0u64);
    let began = Instant::now();
    while at < log.reader.durable() && bytes < (1 << 30) {
        let record = log.reader.record(&mut cache, at)?;
        (bytes, count, at) = (bytes + record.payload.len(), count + 1, record.next);
    }
    println!("read {count} records: {:.1} ns each", began.elapsed().as_nanos() as f64 / count as f64);
    rate("read", bytes, began.elapsed());
    Ok(())
}

fn rate(what: &str, bytes: usize, time: Duration) {
    println!("{what}: {:.0} MB/s ({:.2} s)", bytes as f64 / 1e6 / time.as_secs_f64(), time.as_secs_f64());
}
