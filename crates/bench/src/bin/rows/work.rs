//! The kinds of work, and how one of them is done and timed.

use std::thread;
use std::time::{Duration, Instant};

use leveret_bench::client::{ClientError, Connection, ConsumeOptions, Consumer, PublishOptions, Publisher};
use leveret_bench::observe::{BareSync, cpu_time};
use leveret_bench::target::Subject;

/// One kind of work.
pub(crate) struct Row {
    /// What is printed for it.
    pub(crate) name: &'static str,
    body_bytes: usize,
    /// Whether the queues are durable and the messages persistent.
    durable: bool,
    /// How many publishes wait for their confirm, 0 for no confirms.
    confirm_window: usize,
    /// How many deliveries an ack is for, 0 for no-ack consumers.
    ack_every: u64,
    /// How many queues there are, each with a publisher and a consumer.
    queues: usize,
    /// Whether only the consuming is timed, of what was published before.
    backlog: bool,
}

const FIRST: Row = Row {
    name: "100 B durable, confirms 2000, ack per 100",
    body_bytes: 100,
    durable: true,
    confirm_window: 2000,
    ack_every: 100,
    queues: 1,
    backlog: false,
};

/// All rows, in the order in which they are measured.
pub(crate) const ROWS: [Row; 6] = [
    FIRST,
    Row { name: "1 KiB durable, confirms 2000, ack per 100", body_bytes: 1024, ..FIRST },
    Row { name: "100 B durable, no confirms, ack each", confirm_window: 0, ack_every: 1, ..FIRST },
    Row {
        name: "100 B transient, no confirms, no ack",
        durable: false,
        confirm_window: 0,
        ack_every: 0,
        ..FIRST
    },
    Row {
        name: "256 B, 4 queues with a pair each, confirms 500",
        body_bytes: 256,
        confirm_window: 500,
        queues: 4,
        ..FIRST
    },
    Row { name: "1 KiB durable, drain a backlog", body_bytes: 1024, backlog: true, ..FIRST },
];

/// How many deliveries a consumer may hold.
const PREFETCH: u16 = 1000;

/// What a row took.
pub(crate) struct Seen {
    messages: u64,
    time: Duration,
    /// The broker's CPU time, if its process is known.
    cpu: Option<Duration>,
}

impl Seen {
    /// Messages a second.
    pub(crate) fn rate(&self) -> f64 {
        self.messages as f64 / self.time.as_secs_f64().max(1e-9)
    }

    /// The broker's CPU time per message, in microseconds.
    pub(crate) fn cpu_micros(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / self.messages as f64)
    }
}

impl Row {
    /// Does the work once, with about `count` messages, and leaves no queue behind.
    pub(crate) fn measure(&self, subject: &Subject, count: u64) -> Result<Seen, ClientError> {
        let each = count / self.queues as u64;
        let names: Vec<String> = (0..self.queues).map(|queue| format!("bench-rows-{queue}")).collect();
        let mut control = Connection::open(subject.address())?;
        for name in &names {
            control.delete(name)?;
            control.declare(name, self.durable)?;
        }
        let mut publishers = Vec::new();
        for name in &names {
            publishers.push(self.publisher(subject, name)?);
        }
        if self.backlog {
            at_once(&mut publishers, &mut [], each)?;
        }
        let cpu = |at: &Subject| at.process_id().and_then(|process_id| cpu_time(process_id).ok());
        let (cpu_before, start) = (cpu(subject), Instant::now());
        let mut consumers = Vec::new();
        for name in &names {
            consumers.push(self.consumer(subject, name)?);
        }
        let publishers = if self.backlog { &mut [][..] } else { &mut publishers[..] };
        at_once(publishers, &mut consumers, each)?;
        let (time, cpu_after) = (start.elapsed(), cpu(subject));
        for name in &names {
            control.delete(name)?;
        }
        let cpu = cpu_after.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
        Ok(Seen { messages: each * self.queues as u64, time, cpu })
    }

    fn publisher(&self, subject: &Subject, queue: &str) -> Result<Publisher, ClientError> {
        let options = PublishOptions {
            body_bytes: self.body_bytes,
            persistent: self.durable,
            confirm_window: self.confirm_window,
        };
        Connection::open(subject.address())?.publisher(queue, options)
    }

    fn consumer(&self, subject: &Subject, queue: &str) -> Result<Consumer, ClientError> {
        let options = ConsumeOptions { prefetch: PREFETCH, ack_every: self.ack_every };
        Connection::open(subject.address())?.consumer(queue, options)
    }
}

/// Publishes and consumes on all connections at once, `each` messages on each.
fn at_once(publishers: &mut [Publisher], consumers: &mut [Consumer], each: u64) -> Result<(), ClientError> {
    thread::scope(|scope| {
        let publishing = publishers.iter_mut().map(|publisher| scope.spawn(move || publisher.publish(each)));
        let consuming =
            consumers.iter_mut().map(|consumer| scope.spawn(move || consumer.consume(each, |_| {})));
        let running: Vec<_> = publishing.chain(consuming).collect();
        running.into_iter().try_for_each(|thread| thread.join().expect("clients return errors"))
    })
}

/// What one message costs that must be durable before the next is sent.
#[derive(Default)]
pub(crate) struct SingleTimes {
    /// From the publish to its confirm.
    pub(crate) confirms: Vec<Duration>,
    /// A write and an fdatasync of as many bytes.
    pub(crate) syncs: Vec<Duration>,
}

/// Publishes messages to a durable queue, each after the confirm of the one before, and times them. In turn with
/// them, one for one, it times bare syncs: so both see the same disk and the same company on the CPUs.
pub(crate) fn single_times(
    subject: &Subject,
    bare: &mut BareSync,
    body_bytes: usize,
    rounds: usize,
) -> Result<SingleTimes, ClientError> {
    const QUEUE: &str = "bench-rows-single";
    let mut control = Connection::open(subject.address())?;
    control.delete(QUEUE)?;
    control.declare(QUEUE, true)?;
    let options = PublishOptions { body_bytes, persistent: true, confirm_window: 1 };
    let mut publisher = Connection::open(subject.address())?.publisher(QUEUE, options)?;
    let mut times = SingleTimes::default();
    for _ in 0..rounds {
        let start = Instant::now();
        publisher.publish(1)?;
        times.confirms.push(start.elapsed());
        times.syncs.push(bare.time_one()?);
    }
    control.delete(QUEUE)?;
    Ok(times)
}
