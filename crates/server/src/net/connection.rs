//! A connection's task: bytes from the socket to the door, effects and bytes from the door to the socket.
//!
//! One task does all of it, so the door needs no lock. What it reads is bounded by its buffer, what it writes by the
//! connection's window; while its output waits for the client, or the log for the disk, it reads nothing.

use super::bodies::{Buffers, LogBodies};
use super::registry::{Counted, Registry};
use crate::broker::{Batch, Broker, GIVE_WAY, Mailbox};
use leveret_amqp::connection::{Authenticator, Connection, State};
use leveret_core::ConnectionId;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::Instant;

/// Bytes of the read buffer of a connection that has nothing to say.
const IDLE_BYTES: usize = 2 << 10;
/// Bytes that are read, and handled in one turn, at most.
const READ_BYTES: usize = 256 << 10;
/// Bytes of input behind which others get their turn.
const YIELD_BYTES: usize = 16 << 10;
/// How long a connection waits for a log that is behind before it looks again.
const CONGESTED: Duration = Duration::from_millis(10);
/// Bytes of output beyond which nothing more is read: the client does not keep up.
const OUTPUT_BYTES: usize = 1 << 20;

/// What a connection's task needs besides its socket.
pub(super) struct Context {
    pub(super) broker: Arc<Broker>,
    pub(super) authenticator: Arc<dyn Authenticator + Send + Sync>,
    pub(super) registry: Arc<Registry>,
    /// Memory for large bodies.
    pub(super) buffers: Arc<Buffers>,
    /// Why publishers are blocked, if they are.
    pub(super) alarm: watch::Receiver<Option<String>>,
    /// Becomes true when the broker stops.
    pub(super) stopping: watch::Receiver<bool>,
}

/// Serves a connection until it ends, and cleans up behind it whatever ended it.
pub(super) async fn serve<R, W>(
    context: Context,
    mut door: Connection,
    id: ConnectionId,
    mailbox: Arc<Mailbox>,
    reader: R,
    writer: W,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut task = Task::new(context, &mut door, id, mailbox);
    task.run(reader, writer).await;
    task.end();
}

struct Task<'a> {
    context: Context,
    door: &'a mut Connection,
    id: ConnectionId,
    mailbox: Arc<Mailbox>,
    input: Vec<u8>,
    /// Effects taken from the mailbox; kept for its memory.
    batches: Vec<Batch>,
    bodies: LogBodies,
    /// It has run ahead of consumers, and handles no input before then.
    gives_way_until: Option<Instant>,
    /// As the registry has it.
    counted: Option<Counted>,
    /// Output that is being written.
    output: Vec<u8>,
    written: usize,
}

/// What happened first.
enum Event {
    Read(std::io::Result<usize>),
    Wrote(std::io::Result<usize>),
    Unhandled,
    Woken,
    Tick,
    MayGoOn,
    Alarm,
    Stop,
}

impl<'a> Task<'a> {
    fn new(context: Context, door: &'a mut Connection, id: ConnectionId, mailbox: Arc<Mailbox>) -> Task<'a> {
        let bodies = LogBodies::new(context.broker.clone(), context.buffers.clone());
        Task {
            context,
            door,
            id,
            mailbox,
            input: Vec::with_capacity(IDLE_BYTES),
            batches: Vec::new(),
            bodies,
            gives_way_until: None,
            counted: None,
            output: Vec::new(),
            written: 0,
        }
    }

    async fn run(&mut self, mut reader: impl AsyncRead + Unpin, mut writer: impl AsyncWrite + Unpin) {
        self.alarm_changed();
        loop {
            self.turn_output();
            if self.output.is_empty() && self.door.state() == State::Closed {
                // The client may not have read the last words: it gets a proper end of the stream.
                let _closed_already = writer.shutdown().await;
                return;
            }
            match self.next_event(&mut reader, &mut writer).await {
                Event::Read(Ok(0)) | Event::Read(Err(_)) | Event::Wrote(Err(_)) => return,
                Event::Read(Ok(_)) | Event::Unhandled => self.receive().await,
                Event::Wrote(Ok(count)) => self.wrote(count),
                Event::Woken => {}
                Event::Tick => self.tick(),
                Event::MayGoOn => self.gives_way_until = None,
                Event::Alarm => self.alarm_changed(),
                Event::Stop => self.door.shut_down(),
            }
            self.deliver();
        }
    }

    async fn next_event(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Event {
        let wants_input = self.takes_input();
        if self.input.capacity() == self.input.len() {
            self.input.reserve(self.input.len().max(IDLE_BYTES));
        }
        let tick = self.door.next_tick().map(|at| self.context.broker.clock().instant(at));
        let go_on = self.gives_way_until;
        let stopped = *self.context.stopping.borrow();
        tokio::select! {
            biased;
            count = writer.write(&self.output[self.written..]), if self.written < self.output.len() => Event::Wrote(count),
            () = std::future::ready(()), if wants_input && self.door.has_unhandled_input() => Event::Unhandled,
            count = reader.read_buf(&mut self.input), if wants_input => Event::Read(count),
            () = self.mailbox.woken() => Event::Woken,
            () = tokio::time::sleep_until(tick.unwrap_or_else(Instant::now)), if tick.is_some() => Event::Tick,
            () = tokio::time::sleep_until(go_on.unwrap_or_else(Instant::now)), if go_on.is_some() => Event::MayGoOn,
            Ok(()) = self.context.alarm.changed() => Event::Alarm,
            Ok(()) = self.context.stopping.changed(), if !stopped => Event::Stop,
        }
    }

    /// Whether input may be read and handled: the client keeps up, and the door wants it.
    fn takes_input(&self) -> bool {
        self.gives_way_until.is_none()
            && self.output.len() - self.written < OUTPUT_BYTES
            && self.door.wants_input()
    }

    /// Handles what was read, then waits while the logs are behind: the client is held back by its socket.
    async fn receive(&mut self) {
        let many = self.input.len() >= YIELD_BYTES;
        self.handle_input();
        if many {
            tokio::task::yield_now().await;
        }
        if let Some(drained) = self.context.broker.congested() {
            // A timeout covers the moment between the question and the wait.
            let _either = tokio::time::timeout(CONGESTED, drained.notified()).await;
        }
    }

    /// Handles every whole frame of the input in one turn.
    fn handle_input(&mut self) {
        let mut turn = self.context.broker.turn();
        let used = self.door.receive(&mut turn, &*self.context.authenticator, &mut self.bodies, &self.input);
        if turn.is_ahead() {
            self.gives_way_until = Some(Instant::now() + GIVE_WAY);
        }
        if let Some(untold) = turn.end_quietly()
            && used == self.input.len()
            && self.door.waits_for(untold.log())
        {
            untold.commit(&self.mailbox);
        }
        self.context.registry.count(&mut self.counted, self.door.place());
        let full = self.input.len() == self.input.capacity();
        self.input.drain(..used);
        // A full buffer says that there is more: the next read takes twice as much. An empty one is given back.
        if full && self.input.capacity() < READ_BYTES {
            self.input.reserve(self.input.capacity() * 2 - self.input.len());
        }
    }

    /// Takes effects and durable positions to the door.
    fn deliver(&mut self) {
        self.mailbox.take(&mut self.batches);
        if !self.batches.is_empty() {
            let mut turn = self.context.broker.turn();
            for batch in self.batches.drain(..) {
                self.door.effects(&mut turn, batch.shard, &batch.effects, &mut self.bodies);
            }
        }
        for log in self.context.broker.logs() {
            if self.door.waits_for(log) {
                self.door.durable(log, self.context.broker.durable(log));
            }
            if self.door.waits_for(log) {
                // The log may have become durable since it was asked, and would not wake anybody for that.
                self.context.broker.wake_when_durable(log, &self.mailbox);
                self.door.durable(log, self.context.broker.durable(log));
                if self.context.broker.has_failed(log) {
                    self.door.log_failed(log);
                }
            }
        }
        for notice in self.door.notices() {
            let connection = self.id.0;
            if notice.is_warning() {
                tracing::warn!(connection, "{notice}");
            } else {
                tracing::info!(connection, "{notice}");
            }
        }
    }

    /// Does what is due, and gives back memory that a burst has left: the next one finds it again soon enough.
    fn tick(&mut self) {
        self.door.tick(self.context.broker.clock().now());
        if self.input.is_empty() {
            self.input = Vec::with_capacity(IDLE_BYTES);
        }
        if self.output.is_empty() {
            self.output = Vec::new();
        }
        self.bodies.clear();
    }

    /// Takes the door's output when the last is written.
    fn turn_output(&mut self) {
        if self.output.is_empty() && !self.door.output().is_empty() {
            std::mem::swap(self.door.output(), &mut self.output);
        }
    }

    fn wrote(&mut self, count: usize) {
        self.written += count;
        if self.written == self.output.len() {
            self.written = 0;
            self.output.clear();
            let mut turn = self.context.broker.turn();
            self.door.written(&mut turn);
        }
    }

    /// Cleans up, whatever has ended the connection.
    fn end(&mut self) {
        let broker = self.context.broker.clone();
        self.door.lost(&mut broker.turn());
        self.context.registry.count(&mut self.counted, None);
        broker.disconnect(self.id);
        // What was on its way until now goes back, too.
        self.mailbox.take(&mut self.batches);
        let mut turn = broker.turn();
        for batch in self.batches.drain(..) {
            self.door.effects(&mut turn, batch.shard, &batch.effects, &mut self.bodies);
        }
    }

    fn alarm_changed(&mut self) {
        let reason = self.context.alarm.borrow_and_update().clone();
        self.door.alarm(reason.as_deref());
    }
}
