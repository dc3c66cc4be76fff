//! One row, from its fresh queues to what was seen of it.
//!
//! The backlog is filled first; then consumers connect, and all work at once. The measurement is of a window: it
//! begins after the warm-up, and ends when the publishers stop, or, where messages are counted or only drained, with
//! the last of them. Afterwards consumers go on until everything has come, and everything is checked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io, path::Path};

use super::door::{Consume, Door, DoorError, Gauge, Publish, Published, Task};
use super::measure::{Clock, Counts, Latencies, Pace, Process, Summary, Tally, Usage, fingerprint_of_all};
use super::row::{Extent, Row};
use crate::client::Acking;
use crate::observe::BareSync;

/// A broker that delivers nothing for so long while something is missing is not waited for any more.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the counts are looked at while the end is waited for.
const LOOK: Duration = Duration::from_millis(2);
/// The stack of a thread: a thousand of them are no burden.
const STACK_BYTES: usize = 256 << 10;

/// What was seen of a row.
#[derive(Debug)]
pub(crate) struct Seen {
    /// How long the window was.
    pub(crate) window: Duration,
    /// Messages that were published in the window: confirmed, or sent if there are no confirms.
    pub(crate) published: u64,
    /// Messages that came to consumers in the window.
    pub(crate) consumed: u64,
    /// The filling of the backlog: messages and time.
    pub(crate) filled: Option<(u64, Duration)>,
    /// How long consumers were busy after the publishers' end.
    pub(crate) drained_after: Duration,
    /// From when a message was to be sent until its confirm.
    pub(crate) confirm: Option<Summary>,
    /// From when a message was to be sent until a consumer had it.
    pub(crate) consume: Option<Summary>,
    /// Bare writes and fdatasyncs beside.
    pub(crate) bare_sync: Option<Summary>,
    /// What the broker used; `None` if its process is not known.
    pub(crate) used: Option<Used>,
    /// What became of the messages.
    pub(crate) fate: Fate,
}

/// What the broker's process used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// CPU time in the window.
    pub(crate) cpu: Duration,
    /// Context switches in the window.
    pub(crate) context_switches: u64,
    /// Resident bytes before the row.
    pub(crate) resident_before: u64,
    /// Resident bytes with all connections open and the backlog waiting.
    pub(crate) resident_ready: u64,
    /// Resident bytes at the end of the window.
    pub(crate) resident_end: u64,
    /// The most that was ever resident.
    pub(crate) peak: u64,
}

/// What became of all messages, the warm-up and the backlog among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// Published.
    pub(crate) published: u64,
    /// Deliveries that there must be: for a fan-out, one for each queue.
    pub(crate) expected: u64,
    /// Came to consumers.
    pub(crate) received: u64,
    /// Waited in queues at the end, or were held by consumers that never ack.
    pub(crate) waiting: u64,
    /// Expected, neither received nor waiting.
    pub(crate) missing: u64,
    /// Received or waiting beyond what was expected.
    pub(crate) surplus: u64,
    /// As many as there should be, but not the same.
    pub(crate) changed: bool,
    /// Came out of the order of publishing.
    pub(crate) out_of_order: u64,
    /// Said to be redelivered.
    pub(crate) redelivered: u64,
}

impl Fate {
    /// Whether the broker kept its promises: nothing lost, doubled, changed or out of order.
    pub(crate) fn is_right(&self) -> bool {
        self.missing == 0 && self.surplus == 0 && !self.changed && self.out_of_order == 0
    }
}

impl Seen {
    /// The messages of the window by which costs are divided.
    pub(crate) fn messages(&self) -> u64 {
        self.published.max(self.consumed)
    }
}

/// Does a row's work once and says what was seen. The queues are gone afterwards.
///
/// # Errors
/// [`RunError`]: the work did not come to its end. What a broker did wrong with messages is in [`Fate`] instead.
pub(crate) fn run(
    door: &dyn Door,
    row: &Row,
    process: Process,
    sync_folder: &Path,
) -> Result<Seen, RunError> {
    let before = process.usage().map_err(RunError::Process)?;
    door.prepare(row)?;
    let idle: Vec<_> = (0..row.idle_connections).map(|_| door.idle()).collect::<Result<_, _>>()?;
    let filled = (row.backlog > 0).then(|| fill(door, row)).transpose()?;
    let crew = Crew::connect(door, row, sync_folder)?;
    let ready = process.usage().map_err(RunError::Process)?;
    let worked = crew.work(row, process)?;
    drop(idle);
    let waiting = door.waiting(row)?;
    let seen = worked.seen(row, filled, before.zip(ready), waiting);
    door.clear(row)?;
    Ok(seen)
}

/// Publishes the backlog, with the row's confirms but at no pace. Returns how many messages and how long it took.
fn fill(door: &dyn Door, row: &Row) -> Result<(u64, Duration), RunError> {
    let clock = Clock::start();
    let mut publisher = door.publisher(row, row.publishers as u16, &row.queue_names())?;
    let gauge = Gauge::default();
    let task = Task { clock, pace: Pace::Backlog, count: row.backlog, until_ns: u64::MAX, gauge: &gauge };
    let start = Instant::now();
    let mut published = Published::new(u64::MAX, None);
    publisher.publish(&task, &mut published)?;
    publisher.close()?;
    Ok((published.count, start.elapsed()))
}

/// All connections of a row that work, not begun yet.
struct Crew {
    publishers: Vec<(Box<dyn Publish>, Option<BareSync>)>,
    consumers: Vec<(Box<dyn Consume>, Tally)>,
    clock: Clock,
    /// When the window begins.
    from_ns: u64,
}

impl Crew {
    fn connect(door: &dyn Door, row: &Row, sync_folder: &Path) -> Result<Self, RunError> {
        let queues = row.queue_names();
        let mut targets = Vec::new();
        let mut publishers = Vec::new();
        for index in 0..row.publishers {
            let own = share(index, row.publishers, &queues);
            targets.push(own.len() as u64);
            let size = *row.sizes.end();
            let bare = row.bare_sync.then(|| BareSync::new(sync_folder, size)).transpose();
            let bare = bare.map_err(DoorError::BareSync)?;
            publishers.push((door.publisher(row, index as u16, &own)?, bare));
        }
        // The one that filled the backlog.
        targets.push(queues.len() as u64);
        // What waits in the backlog is due at 0, which is before every window.
        let from_ns = (row.warm_up.as_nanos() as u64).max(1);
        let mut consumers = Vec::new();
        // Whoever consumes has messages at once: the clock of a drain runs while consumers connect.
        let clock = Clock::start();
        for index in 0..row.consumers {
            let own = share(index, row.consumers, &queues);
            let tally = Tally::new(own.len(), targets.clone(), row.groups, Latencies::new(from_ns));
            let mut tally = tally.ok_or(RunError::TooMuchToCheck)?;
            tally.ordered = door.keeps_order(row);
            consumers.push((door.consumer(row, &own)?, tally));
        }
        let clock = if row.publishers == 0 { clock } else { Clock::start() };
        Ok(Self { publishers, consumers, clock, from_ns })
    }

    /// Lets all of them work until the publishers are done and consumers have everything.
    fn work(self, row: &Row, process: Process) -> Result<Worked, RunError> {
        let Self { publishers, consumers, clock, from_ns } = self;
        let (sent, received) = (gauges(publishers.len()), gauges(consumers.len()));
        let stop = AtomicBool::new(false);
        let crew = publishers.len() as u32;
        thread::scope(|scope| {
            let mut consuming = Vec::new();
            for ((mut consumer, mut tally), gauge) in consumers.into_iter().zip(&received) {
                let stop = &stop;
                let work = move || -> Result<Tally, DoorError> {
                    while !stop.load(Ordering::Relaxed) {
                        consumer.consume(clock, &mut tally)?;
                        gauge.set(tally.counts.received);
                    }
                    consumer.close()?;
                    Ok(tally)
                };
                consuming.push(spawn(scope, work)?);
            }
            let mut publishing = Vec::new();
            for (index, ((mut publisher, bare), gauge)) in publishers.into_iter().zip(&sent).enumerate() {
                let task = task(row, crew, index as u32, clock, gauge);
                let work = move || -> Result<Published, DoorError> {
                    let bare = bare.map(|bare| (bare, Latencies::new(from_ns)));
                    let mut seen = Published::new(from_ns, bare);
                    publisher.publish(&task, &mut seen)?;
                    publisher.close()?;
                    Ok(seen)
                };
                publishing.push(spawn(scope, work)?);
            }
            let watch = Watch { row, clock, process, sent: &sent, received: &received, stop: &stop };
            watch.until_the_end(publishing, consuming)
        })
    }
}

/// A thread of a row; the row ends with an error if the system has no more of them.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, RunError> {
    let named = thread::Builder::new().stack_size(STACK_BYTES);
    let work = move || {
        // Sleeps until a message is due shall end then, not when the kernel finds it handy. Where the wish is not
        // granted, latencies of an open loop are 50 µs longer.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        work()
    };
    named.spawn_scoped(scope, work).map_err(RunError::Thread)
}

fn gauges(count: usize) -> Vec<Gauge> {
    (0..count).map(|_| Gauge::default()).collect()
}

/// The queues of one of `count` connections: with more connections than queues, they share.
fn share(index: u32, count: u32, queues: &[String]) -> Vec<String> {
    let (index, count) = (index as usize, count as usize);
    if count >= queues.len() {
        return vec![queues[index % queues.len()].clone()];
    }
    queues.iter().skip(index).step_by(count).cloned().collect()
}

/// What a publisher of `crew` has to do.
fn task<'a>(row: &Row, crew: u32, index: u32, clock: Clock, gauge: &'a Gauge) -> Task<'a> {
    let pace = Pace::new(row.rate, crew, index, clock.now_ns());
    let (count, until) = match row.extent {
        Extent::Count(count) => {
            let (each, rest) = (count / u64::from(crew), count % u64::from(crew));
            (each + u64::from(u64::from(index) < rest), None)
        }
        Extent::For(duration) => (u64::MAX >> 1, Some(row.warm_up + duration)),
    };
    let until_ns = until.map_or(u64::MAX, |until| until.as_nanos() as u64);
    Task { clock, pace, count, until_ns, gauge }
}

type Working<'scope, T> = Vec<ScopedJoinHandle<'scope, Result<T, DoorError>>>;

/// Who looks on while the crew works.
struct Watch<'a> {
    row: &'a Row,
    clock: Clock,
    process: Process,
    sent: &'a [Gauge],
    received: &'a [Gauge],
    stop: &'a AtomicBool,
}

/// The counts at one moment.
#[derive(Clone, Copy)]
struct Moment {
    at_ns: u64,
    published: u64,
    consumed: u64,
    usage: Option<Usage>,
}

impl Watch<'_> {
    fn until_the_end(
        &self,
        publishing: Working<'_, Published>,
        consuming: Working<'_, Tally>,
    ) -> Result<Worked, RunError> {
        let worked = self.look_on(publishing, &consuming);
        // Whatever happened: consumers end now, and the scope with them.
        self.stop.store(true, Ordering::Relaxed);
        let (from, at_end, published, published_ns) = worked?;
        let tallies = join(consuming)?;
        let last_ns = tallies.iter().map(|tally| tally.last_ns).max().unwrap_or(0);
        let until = at_end.unwrap_or(Moment { at_ns: last_ns.max(published_ns), ..self.moment()? });
        Ok(Worked { from, until, published, published_ns, tallies, last_ns })
    }

    /// Waits until all is published and consumed. Returns the first moment of the window, the last one if that is
    /// the publishers' end, and what these saw.
    fn look_on(
        &self,
        publishing: Working<'_, Published>,
        consuming: &Working<'_, Tally>,
    ) -> Result<(Moment, Option<Moment>, Vec<Published>, u64), RunError> {
        let busy = || !publishing.iter().all(|thread| thread.is_finished());
        self.sleep_until(self.row.warm_up, &busy);
        let mut from = self.moment()?;
        if self.row.warm_up.is_zero() {
            // Clients may have been quicker than this thread: all that they do counts.
            from = Moment { at_ns: 0, published: 0, consumed: 0, ..from };
        }
        let mut at_end = None;
        if let (Extent::For(duration), true) = (self.row.extent, self.row.publishers > 0) {
            self.sleep_until(self.row.warm_up + duration, &busy);
            at_end = Some(self.moment()?);
        }
        let published = join(publishing)?;
        let published_ns = self.clock.now_ns();
        let all = published.iter().map(|seen| seen.count).sum::<u64>() + self.row.backlog;
        if let Some(expected) = self.expected(all) {
            self.wait_for(expected, consuming);
        }
        Ok((from, at_end, published, published_ns))
    }

    /// How many deliveries to wait for; `None` if consumers keep what they get and need not get all.
    fn expected(&self, published: u64) -> Option<u64> {
        let unbounded = self.row.prefetch == 0 || self.row.acking != Acking::Never;
        (self.row.consumers > 0 && unbounded).then_some(published * self.row.copies())
    }

    /// Waits until so many came, or none came for a while, or a consumer has ended, which it does for errors.
    fn wait_for(&self, expected: u64, consuming: &Working<'_, Tally>) {
        let mut last = (0, Instant::now());
        loop {
            let received = total(self.received);
            if received != last.0 {
                last = (received, Instant::now());
            }
            let ended = consuming.iter().any(|thread| thread.is_finished());
            if received >= expected || ended || last.1.elapsed() > PATIENCE {
                return;
            }
            thread::sleep(LOOK);
        }
    }

    /// Sleeps until that time of the clock, or until nobody publishes any more.
    fn sleep_until(&self, time: Duration, busy: &dyn Fn() -> bool) {
        let until_ns = time.as_nanos() as u64;
        loop {
            let left = Duration::from_nanos(until_ns.saturating_sub(self.clock.now_ns()));
            if left.is_zero() || !busy() {
                return;
            }
            thread::sleep(left.min(LOOK * 10));
        }
    }

    fn moment(&self) -> Result<Moment, RunError> {
        let usage = self.process.usage().map_err(RunError::Process)?;
        let at_ns = self.clock.now_ns();
        Ok(Moment { at_ns, published: total(self.sent), consumed: total(self.received), usage })
    }
}

fn total(gauges: &[Gauge]) -> u64 {
    gauges.iter().map(Gauge::get).sum()
}

fn join<T>(threads: Working<'_, T>) -> Result<Vec<T>, RunError> {
    let results: Vec<_> =
        threads.into_iter().map(|thread| thread.join().expect("clients return errors")).collect();
    Ok(results.into_iter().collect::<Result<_, _>>()?)
}

/// What everybody saw.
struct Worked {
    from: Moment,
    until: Moment,
    published: Vec<Published>,
    published_ns: u64,
    tallies: Vec<Tally>,
    last_ns: u64,
}

impl Worked {
    fn seen(
        self,
        row: &Row,
        filled: Option<(u64, Duration)>,
        usages: Option<(Usage, Usage)>,
        waiting: u64,
    ) -> Seen {
        let Self { from, until, published, published_ns, tallies, last_ns } = self;
        let mut counts = Counts::default();
        tallies.iter().for_each(|tally| counts.add(&tally.counts));
        let fate = fate(row, &published, counts, waiting);
        let used = usages.zip(from.usage.zip(until.usage)).map(|((before, ready), (start, end))| Used {
            cpu: end.cpu.saturating_sub(start.cpu),
            context_switches: end.context_switches.saturating_sub(start.context_switches),
            resident_before: before.resident,
            resident_ready: ready.resident,
            resident_end: end.resident,
            peak: end.peak,
        });
        let (mut confirms, mut syncs) = (Vec::new(), Vec::new());
        for seen in published {
            confirms.push(seen.confirms);
            syncs.extend(seen.bare.map(|(_, latencies)| latencies));
        }
        Seen {
            window: Duration::from_nanos(until.at_ns.saturating_sub(from.at_ns)),
            published: until.published - from.published,
            consumed: until.consumed - from.consumed,
            filled,
            drained_after: Duration::from_nanos(last_ns.saturating_sub(published_ns)),
            confirm: summary(confirms.into_iter()),
            consume: summary(tallies.into_iter().map(|tally| tally.latencies)),
            bare_sync: summary(syncs.into_iter()),
            used,
            fate,
        }
    }
}

fn summary(of_all: impl Iterator<Item = Latencies>) -> Option<Summary> {
    let all = of_all.reduce(|mut all, one| {
        all.add(one);
        all
    });
    all.and_then(|mut all| all.summary())
}

/// Compares what came with what was published.
fn fate(row: &Row, published: &[Published], counts: Counts, waiting: u64) -> Fate {
    let backlog = (row.publishers as u16, row.backlog);
    let of_each = published.iter().zip(0u16..).map(|(seen, index)| (index, seen.count));
    let (mut all, mut fingerprint) = (0, 0u64);
    for (publisher, count) in of_each.chain([backlog]) {
        all += count;
        fingerprint = fingerprint.wrapping_add(fingerprint_of_all(publisher, count));
    }
    let expected = all * row.copies();
    // What a consumer held when it left without an ack is ready again, and was counted as received.
    let kept = if row.acking == Acking::Never { counts.received } else { 0 };
    let there = counts.received + waiting - kept.min(waiting);
    Fate {
        published: all,
        expected,
        received: counts.received,
        waiting,
        missing: expected.saturating_sub(there),
        surplus: there.saturating_sub(expected),
        changed: counts.received == expected && counts.fingerprint != fingerprint.wrapping_mul(row.copies()),
        out_of_order: counts.out_of_order,
        redelivered: counts.redelivered,
    }
}

/// Why a row did not come to its end.
#[derive(Debug)]
pub(crate) enum RunError {
    /// The work itself.
    Door(DoorError),
    /// The broker's process cannot be looked at.
    Process(io::Error),
    /// No thread can be started.
    Thread(io::Error),
    /// Queues, publishers and groups of one consumer are too many to check their order.
    TooMuchToCheck,
}

impl From<DoorError> for RunError {
    fn from(error: DoorError) -> Self {
        Self::Door(error)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Door(error) => error.fmt(f),
            Self::Process(error) => write!(f, "the broker's process cannot be looked at: {error}"),
            Self::Thread(error) => write!(f, "no thread can be started: {error}"),
            Self::TooMuchToCheck => f.write_str(
                "the queues of a consumer, times publishers, times groups, are more than 16 million: \
                 their order cannot be checked",
            ),
        }
    }
}

impl std::error::Error for RunError {}
