//! `depth`: what it costs a broker to have many messages waiting. It fills one durable queue with persistent
//! messages, kills the broker, starts it again, drains the queue in order, and prints memory, disk and times.
//!
//! A broker that runs already (`--url`) is not restarted, and its disk is not seen. The exit code is 1 if a
//! message is missing, doubled or out of order; no time and no size is judged.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, io, thread};

use leveret_bench::client::{Acking, Connection, ConsumeOptions, MIN_BODY_BYTES, PublishOptions};
use leveret_bench::figures::{grouped, mib, print_line, rate};
use leveret_bench::observe::{Memory, busy_share, disk_bytes, memory};
use leveret_bench::options::{Known, OptionError, Options};
use leveret_bench::target::{Subject, TARGET_OPTIONS, Target};

const QUEUE: &str = "bench-depth";
const CONFIRM_WINDOW: usize = 2000;
const PREFETCH: u16 = 1000;
const ACK_EVERY: u64 = 100;

/// How long the machine is looked at before anything is started.
const OVERTURE: Duration = Duration::from_secs(1);

/// How long a broker is left alone before its memory is read, so that what was on its way has arrived.
const SETTLE: Duration = Duration::from_secs(2);

/// How long a broker may take to give the space of consumed messages back.
const RECLAIM: Duration = Duration::from_secs(60);

/// Space is given back when so little more is used than on the idle broker.
const RECLAIMED_BYTES: u64 = 16 << 20;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("depth: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints. False if the broker lost, doubled or misplaced a message.
fn run() -> Result<bool, Box<dyn Error>> {
    let load = Load::read()?;
    println!("{} messages of {} bytes in one durable queue", grouped(load.count), load.body_bytes);
    println!("the machine was {:.0} % busy before", busy_share(OVERTURE)? * 100.0);
    println!();
    let mut subject = load.target.fresh()?;
    print_line("", &["resident", "anonymous", "over idle", "peak", "disk"].map(str::to_owned));
    let idle = Usage::now(&subject)?;
    idle.print("idle", None);

    let filling = load.fill(&subject)?;
    thread::sleep(SETTLE);
    Usage::now(&subject)?.print("all waiting", Some(&idle));

    let mut restart = None;
    if let Subject::Own(own) = subject {
        let own = own.restart()?;
        let open = own.broker.open_after();
        let (known, count) = timed(|| Connection::open(own.broker.address())?.message_count(QUEUE))?;
        restart = Some(Restart { open, known: open + known, count: u64::from(count) });
        subject = Subject::Own(Box::new(own));
        thread::sleep(SETTLE);
        Usage::now(&subject)?.print("after kill -9 and a restart", Some(&idle));
    }

    let (draining, drained) = timed(|| load.drain(&subject))?;
    thread::sleep(SETTLE);
    Usage::now(&subject)?.print("all consumed", Some(&idle));
    let reclaim = wait_for_space(&subject, &idle)?;
    if reclaim.is_some() {
        Usage::now(&subject)?.print("space given back, or a minute later", Some(&idle));
    }

    println!();
    print_line(format!("publish, confirms (window {CONFIRM_WINDOW})"), &[rate(load.count, filling)]);
    if let Some(restart) = &restart {
        print_line("restart, exec to connection.open-ok", &[seconds(restart.open)]);
        print_line("restart, exec to the count of the queue", &[seconds(restart.known)]);
        print_line("messages after the restart", &[grouped(restart.count)]);
    }
    print_line(format!("consume, prefetch {PREFETCH}, ack per {ACK_EVERY}"), &[rate(load.count, draining)]);
    drained.print();
    if let Some(reclaim) = reclaim {
        print_line("space given back after the last ack", &[reclaim.map_or("not all".to_owned(), seconds)]);
    }
    Connection::open(subject.address())?.delete(QUEUE)?;
    let all_there = restart.is_none_or(|restart| restart.count == load.count);
    Ok(all_there && drained.is_right())
}

/// What the command line asks for.
struct Load {
    target: Target,
    count: u64,
    body_bytes: usize,
}

impl Load {
    fn read() -> Result<Self, OptionError> {
        let mut known: Vec<Known> =
            vec![("count", "how many messages (10000000)"), ("size", "the bytes of a body (100)")];
        known.extend(TARGET_OPTIONS);
        let options = Options::read(&known, env::args().skip(1))?;
        Ok(Self {
            target: Target::read(&options)?,
            count: options.count("count", 10_000_000, 1)?,
            body_bytes: options.count("size", 100, MIN_BODY_BYTES as u64)? as usize,
        })
    }

    /// Fills a fresh queue and returns how long that took, until the last confirm.
    fn fill(&self, subject: &Subject) -> Result<Duration, Box<dyn Error>> {
        let mut connection = Connection::open(subject.address())?;
        connection.delete(QUEUE)?;
        connection.declare(QUEUE, true)?;
        connection.close()?;
        let options = PublishOptions {
            exchange: "",
            routing_keys: &[QUEUE.to_owned()],
            sizes: self.body_bytes..=self.body_bytes,
            persistent: true,
            confirm_window: CONFIRM_WINDOW,
            publisher: 0,
            groups: 0,
        };
        let mut publisher = Connection::open(subject.address())?.publisher(&options)?;
        let (time, ()) = timed(|| publisher.publish(self.count))?;
        publisher.close()?;
        Ok(time)
    }

    /// Consumes all and returns when the broker has handled the last ack.
    fn drain(&self, subject: &Subject) -> Result<Drained, Box<dyn Error>> {
        let options = ConsumeOptions { prefetch: PREFETCH, acking: Acking::Every(ACK_EVERY) };
        let mut consumer = Connection::open(subject.address())?.consumer(&[QUEUE.to_owned()], options)?;
        let mut drained = Drained::default();
        let mut next = 0;
        consumer.consume(self.count, |delivery| {
            drained.misplaced += u64::from(delivery.stamp.number != next);
            drained.redelivered += u64::from(delivery.redelivered);
            next = delivery.stamp.number + 1;
        })?;
        consumer.close()?;
        drained.left = u64::from(Connection::open(subject.address())?.message_count(QUEUE)?);
        Ok(drained)
    }
}

/// How the restarted broker came up; times from exec.
struct Restart {
    open: Duration,
    known: Duration,
    count: u64,
}

/// What was seen while the queue was drained.
#[derive(Default)]
struct Drained {
    /// Messages that did not follow the one before them in the order of publishing.
    misplaced: u64,
    redelivered: u64,
    /// Messages that are still there.
    left: u64,
}

impl Drained {
    fn is_right(&self) -> bool {
        self.misplaced == 0 && self.left == 0
    }

    fn print(&self) {
        print_line("messages out of order", &[grouped(self.misplaced)]);
        print_line("messages marked as redelivered", &[grouped(self.redelivered)]);
        print_line("messages left", &[grouped(self.left)]);
    }
}

/// What a broker uses, as far as it can be seen.
struct Usage {
    memory: Option<Memory>,
    disk: Option<u64>,
}

impl Usage {
    fn now(subject: &Subject) -> io::Result<Self> {
        let memory = subject.process_id().map(memory).transpose()?;
        let disk = subject.data().map(|data| disk_bytes(&data)).transpose()?;
        Ok(Self { memory, disk })
    }

    fn print(&self, moment: &str, idle: Option<&Usage>) {
        let cell = |bytes: Option<u64>| bytes.map_or("-".to_owned(), mib);
        let resident = self.memory.map(|memory| memory.resident);
        let idle = idle.and_then(|idle| idle.memory).map(|memory| memory.resident);
        let over_idle = resident.zip(idle).map(|(now, idle)| now.saturating_sub(idle));
        let anonymous = self.memory.map(|memory| memory.anonymous);
        let peak = self.memory.map(|memory| memory.peak);
        print_line(moment, &[resident, anonymous, over_idle, peak, self.disk].map(cell));
    }
}

/// Waits until the space of the consumed messages is given back: `Some(None)` if it never is, `None` if the
/// broker's disk cannot be seen.
fn wait_for_space(subject: &Subject, idle: &Usage) -> io::Result<Option<Option<Duration>>> {
    let (Some(data), Some(idle)) = (subject.data(), idle.disk) else { return Ok(None) };
    let start = Instant::now();
    loop {
        if disk_bytes(&data)? <= idle + RECLAIMED_BYTES {
            return Ok(Some(Some(SETTLE + start.elapsed())));
        }
        if start.elapsed() > RECLAIM {
            return Ok(Some(None));
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(Duration, T), E> {
    let start = Instant::now();
    let done = work()?;
    Ok((start.elapsed(), done))
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
