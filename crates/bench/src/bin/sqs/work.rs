//! The kinds of work, and how one of them is done by many connections at once and timed.

use std::thread;
use std::time::{Duration, Instant};

use leveret_bench::observe::cpu_time;

use super::client::{CallError, Client};
use super::server::Server;
use leveret_bench::sqs::{BATCH, Requests};

/// One kind of work.
pub(super) struct Row {
    /// What is printed for it.
    pub(super) name: &'static str,
    /// What a connection does again and again.
    work: Work,
    /// Whether the queue is filled before, so that there is something to receive.
    filled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Send,
    SendBatch,
    ConsumeBatch,
    /// One message through its life.
    Pipeline,
}

/// All rows, in the order in which they are measured.
pub(super) const ROWS: [Row; 4] = [
    Row { name: "SendMessage", work: Work::Send, filled: false },
    Row { name: "SendMessageBatch of 10", work: Work::SendBatch, filled: false },
    Row { name: "ReceiveMessage of 10, DeleteMessageBatch", work: Work::ConsumeBatch, filled: true },
    Row { name: "SendMessage, ReceiveMessage, DeleteMessage", work: Work::Pipeline, filled: false },
];

/// How long and how wide.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) connections: usize,
    pub(super) warm_up: Duration,
    pub(super) period: Duration,
    pub(super) message_bytes: usize,
}

/// What a row took.
pub(super) struct Seen {
    messages: u64,
    time: Duration,
    /// How long each request took, sorted.
    requests: Vec<Duration>,
    /// Requests that failed; none of the broker's may.
    failed: u64,
    /// The server's CPU time, warm-up included, if its process is known, and the messages of that time.
    cpu: Option<(Duration, u64)>,
}

impl Seen {
    /// Messages a second.
    pub(super) fn rate(&self) -> f64 {
        self.messages as f64 / self.time.as_secs_f64().max(1e-9)
    }

    /// How long a request took that so many percent of them were not slower than, in milliseconds.
    pub(super) fn percentile_ms(&self, percent: usize) -> Option<f64> {
        self.requests.get(self.requests.len() * percent / 100).map(|time| time.as_secs_f64() * 1e3)
    }

    /// Requests that failed, those of the warm-up included.
    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    /// The server's CPU time per message, in microseconds.
    pub(super) fn cpu_micros(&self) -> Option<f64> {
        self.cpu.map(|(cpu, messages)| cpu.as_secs_f64() * 1e6 / messages.max(1) as f64)
    }
}

impl Row {
    /// Does the work once, in a queue of its own that goes afterwards.
    ///
    /// # Errors
    /// A call that failed, unless the server may fail: then it is counted.
    pub(super) fn measure(&self, server: &Server, extent: Extent, queue: &str) -> Result<Seen, CallError> {
        let requests = Requests::new(server.address.to_string(), server.dialect, extent.message_bytes);
        let mut control = Client::new(server.address, requests);
        let requests = control.create_queue(queue)?;
        let mut control = Client::new(server.address, requests.clone());
        let mut clients: Vec<Client> =
            (0..extent.connections).map(|_| Client::new(server.address, requests.clone())).collect();
        if self.filled {
            at_once(&mut clients, Work::SendBatch, extent, server.may_fail)?;
        }
        let cpu = || server.process_id.and_then(|process_id| cpu_time(process_id).ok());
        let before = cpu();
        let done = at_once(&mut clients, self.work, extent, server.may_fail)?;
        let used = cpu().zip(before).map(|(after, before)| after.saturating_sub(before));
        match control.delete_queue() {
            Err(_) if server.may_fail => {}
            deleted => deleted?,
        }
        let mut requests: Vec<Duration> = clients.iter().flat_map(|client| &client.times).copied().collect();
        requests.sort_unstable();
        let cpu = used.map(|used| (used, done.messages_in_all));
        Ok(Seen { messages: done.messages, time: done.time, requests, failed: done.failed, cpu })
    }
}

/// What all connections have done together.
#[derive(Default)]
struct Done {
    messages: u64,
    messages_in_all: u64,
    /// Calls that failed.
    failed: u64,
    /// From the end of the warm-up until the last has ended.
    time: Duration,
}

/// Works on all connections at once. Afterwards each has the times of its requests without those of the warm-up.
fn at_once(clients: &mut [Client], work: Work, extent: Extent, may_fail: bool) -> Result<Done, CallError> {
    let from = Instant::now() + extent.warm_up;
    let until = from + extent.period;
    let all: Vec<Result<Done, CallError>> = thread::scope(|scope| {
        let running: Vec<_> = clients
            .iter_mut()
            .map(|client| scope.spawn(move || one(client, work, from, until, may_fail)))
            .collect();
        running.into_iter().map(|thread| thread.join().expect("clients return errors")).collect()
    });
    let mut sum = Done::default();
    for done in all {
        let done = done?;
        sum.messages += done.messages;
        sum.messages_in_all += done.messages_in_all;
        sum.failed += done.failed;
        sum.time = sum.time.max(done.time);
    }
    Ok(sum)
}

/// Works on one connection until it is late or the queue is empty.
fn one(
    client: &mut Client,
    work: Work,
    from: Instant,
    until: Instant,
    may_fail: bool,
) -> Result<Done, CallError> {
    client.times.clear();
    let mut done = Done::default();
    loop {
        let now = Instant::now();
        if now >= until {
            break;
        }
        let messages = match work.once(client) {
            // The connection is made anew by the next call.
            Err(_) if may_fail => {
                done.failed += 1;
                continue;
            }
            messages => messages?,
        };
        done.messages_in_all += messages;
        if now >= from {
            done.messages += messages;
        } else {
            client.times.clear();
        }
        if messages == 0 && work == Work::ConsumeBatch {
            break;
        }
    }
    done.time = from.elapsed();
    Ok(done)
}

impl Work {
    /// Does it once; returns how many messages that were.
    fn once(self, client: &mut Client) -> Result<u64, CallError> {
        match self {
            Self::Send => client.send().map(|()| 1),
            Self::SendBatch => client.send_batch().map(|()| BATCH as u64),
            Self::ConsumeBatch => client.consume_batch().map(|count| count as u64),
            Self::Pipeline => {
                client.send()?;
                client.consume_one().map(|count| count as u64)
            }
        }
    }
}
