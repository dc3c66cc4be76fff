//! A client's connection: bytes in, commands for the broker out; effects of the broker in, bytes out.
//!
//! Calling order: [`Connection::receive`] with what came in (it answers how much of that it used, the rest is to
//! be given again with what follows), [`Connection::effects`] and [`Connection::durable`] with what the broker
//! says, [`Connection::tick`] when [`Connection::next_tick`] is due; after each of them take what is in
//! [`Connection::output`], and call [`Connection::written`] when the client has it. Once [`Connection::state`] is
//! [`State::Closed`] and the output is written, close the socket. Whatever ended it, [`Connection::lost`] comes
//! last, and then `effects` once more with all that the broker had sent until then.
//!
//! It owns the connection's channels and its session, never a socket, a clock, or a message.
//!
//! - `input`: frames and the handshake; what they ask for is the channels' business;
//! - `output`: bytes for the client, what holds them back, and deliveries;
//! - `close`, `fault`: how channels and connections end, and what the client is told;
//! - `link`: what the channels share; `settings`: what the connection needs from outside;
//! - `overview`: what an operator sees; `events`: what whoever listens is told.

mod channels;
mod close;
pub(crate) mod events;
pub(crate) mod fault;
mod heartbeat;
mod input;
pub(crate) mod link;
pub(crate) mod output;
mod overview;
mod settings;
#[cfg(test)]
mod tests;

pub use crate::channel::{ChannelOverview, ConsumerOverview};
pub use overview::{ConnectionOverview, Notice};
pub use settings::{
    Authenticator, Bodies, BodyError, Credentials, DoorSettings, LoginRefused, Mechanism, Peer, Usage,
};

use crate::codec::method::connection::{Blocked, Unblocked};
use channels::Channels;
use heartbeat::{Beat, Heartbeat};
use input::Runs;
use leveret_core::broker::{Access, Session};
use leveret_core::wire::Table;
use leveret_core::{ConnectionId, LogId, Position, Time};
use link::Link;
use overview::Notices;
use std::sync::Arc;

/// Bytes of output that waits to be taken, beyond which no more input is handled: a client that asks and does not
/// listen is held back.
const OUTPUT_BYTES: usize = 1 << 20;

/// Bytes of deliveries on their way beyond which whoever drives the connection may have stopped reading from it.
const DEAF_BYTES: u64 = 256 << 10;

/// A connection of a client. See the module's documentation for the calling order.
#[derive(Debug)]
pub struct Connection {
    id: ConnectionId,
    peer: Peer,
    phase: Phase,
    /// The time of the last call that had one.
    now: Time,
    /// When the phase must have ended, for the phases that must.
    deadline: Time,
    heartbeat: Heartbeat,
    /// The agreed number of channels.
    channel_max: u16,
    /// Who the client says it is, until its answer to a challenge proves it.
    claimed_user: Option<Box<str>>,
    user: Option<Arc<str>>,
    client_properties: Table,
    session: Option<Session>,
    channels: Channels,
    link: Link,
    alarm: Alarm,
    notices: Notices,
    /// The last input was not handled to its end.
    stopped_early: bool,
    runs: Runs,
}

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The protocol header is awaited.
    Header,
    /// connection.start was sent.
    Starting,
    /// connection.secure was sent: a challenge.
    Securing,
    /// connection.tune was sent.
    Tuning,
    /// The limits are agreed; connection.open is awaited.
    Opening,
    /// Open.
    Running,
    /// connection.close was sent; its answer is awaited.
    Closing,
    /// What comes in cannot be understood or trusted any more; the client has a moment to read our last words.
    Lingering,
    /// Over.
    Closed,
}

/// How far a connection has come, for whoever drives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The client has not opened a vhost yet.
    Handshake,
    /// In use.
    Open,
    /// Being closed: input is still wanted, and thrown away.
    Closing,
    /// Over: the socket is to be closed once the output is written.
    Closed,
}

/// Why publishers have to wait, and whether the client knows.
#[derive(Debug, Default)]
struct Alarm {
    reason: Option<String>,
    /// The client has published during the alarm: nothing more is taken from it.
    blocked: bool,
    /// It was told so.
    told: bool,
}

impl Connection {
    /// A connection that was just accepted, at the time `now`.
    pub fn new(settings: Arc<DoorSettings>, id: ConnectionId, peer: Peer, now: Time) -> Connection {
        let deadline = now.plus_ms(settings.handshake_ms);
        let channel_max = settings.channel_max;
        let link = Link::new(settings, input::FRAME_BYTES, &peer.address);
        Connection {
            id,
            peer,
            phase: Phase::Header,
            now,
            deadline,
            heartbeat: Heartbeat::default(),
            channel_max,
            claimed_user: None,
            user: None,
            client_properties: Table::new(),
            session: None,
            channels: Channels::default(),
            link,
            alarm: Alarm::default(),
            notices: Notices::default(),
            stopped_early: false,
            runs: Runs::default(),
        }
    }

    /// Handles every whole frame in `input`, and answers how many bytes that was. It stops early when the client
    /// is blocked, does not take the output, or has acked so much that it should be sent what comes next before the rest
    /// is handled: see [`Connection::has_unhandled_input`].
    pub fn receive<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        bodies: &mut dyn Bodies,
        input: &[u8],
    ) -> usize {
        self.now = self.now.max(access.now());
        self.heartbeat.heard(self.now);
        self.link.batch += 1;
        self.link.output.settle_ready();
        let mut used = 0;
        self.stopped_early = false;
        self.runs.begin();
        while used < input.len() {
            if !self.wants_input() || self.runs.are_enough() {
                self.stopped_early = true;
                break;
            }
            match self.step(access, authenticator, bodies, &input[used..]) {
                0 => break,
                count => used += count,
            }
        }
        self.keep_promises();
        used
    }

    /// A log is durable up to a position: what waited for that leaves.
    pub fn durable(&mut self, log: LogId, position: Position) {
        self.link.logs.advance(log, position);
        self.keep_promises();
    }

    /// A log has failed and will not become durable any further: messages that waited for it are refused
    /// (`basic.nack`), and a client that was promised anything else loses its connection.
    pub fn log_failed(&mut self, log: LogId) {
        self.link.logs.fail(log);
        self.keep_promises();
    }

    /// Takes out what the broker's log should hear of the connection.
    pub fn notices(&mut self) -> Vec<Notice> {
        self.notices.take()
    }

    /// Whether anything waits for this log to become durable further than it was said to be.
    pub fn waits_for(&self, log: LogId) -> bool {
        self.link.logs.waits_for(log)
    }

    /// Does what is due: heartbeats, and the end of a phase that takes too long.
    pub fn tick(&mut self, now: Time) {
        self.now = self.now.max(now);
        match self.phase {
            Phase::Running => {
                let deaf = self.alarm.blocked || self.link.output.undelivered_bytes() >= DEAF_BYTES;
                match self.heartbeat.check(self.now, deaf) {
                    Beat::Rest => {}
                    Beat::Send => self.link.output.heartbeat(),
                    Beat::Dead => {
                        self.notices.add(Notice::Silent);
                        self.phase = Phase::Closed;
                    }
                }
            }
            _ if self.now >= self.deadline => {
                if !matches!(self.phase, Phase::Lingering | Phase::Closed) {
                    self.notices.add(Notice::TooSlow);
                }
                self.phase = Phase::Closed;
                self.link.output.drop_gates();
            }
            _ => {}
        }
    }

    /// When to call [`Connection::tick`] next.
    pub fn next_tick(&self) -> Option<Time> {
        match self.phase {
            Phase::Running => self.heartbeat.next_check(),
            Phase::Closed if !self.link.output.is_gated() => None,
            _ => Some(self.deadline),
        }
    }

    /// An alarm has begun, for this reason, or is over. A client is told (`connection.blocked`) if it can hear
    /// it and has published, and nothing more is taken from it meanwhile.
    pub fn alarm(&mut self, reason: Option<&str>) {
        self.alarm.reason = reason.map(str::to_owned);
        if reason.is_some() {
            return self.block_publisher();
        }
        self.alarm.blocked = false;
        if std::mem::take(&mut self.alarm.told) && self.phase == Phase::Running {
            self.link.output.method(0, &Unblocked {});
        }
    }

    /// Bytes for the client. Whoever writes them takes them out.
    pub fn output(&mut self) -> &mut Vec<u8> {
        self.link.output.ready()
    }

    /// All that was taken from [`Connection::output`] is with the client: the shards may send more.
    pub fn written<A: Access>(&mut self, access: &mut A) {
        self.heartbeat.sent();
        self.link.output.written(access, self.id);
    }

    /// Whether input is of any use now.
    pub fn wants_input(&self) -> bool {
        !self.alarm.blocked && self.phase != Phase::Closed && self.link.output.len() < OUTPUT_BYTES
    }

    /// Whether [`Connection::receive`] left whole frames behind that it would take now: call it again, even if
    /// nothing more has come in.
    pub fn has_unhandled_input(&self) -> bool {
        self.stopped_early && self.wants_input()
    }

    /// How far the connection has come.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Header | Phase::Starting | Phase::Securing | Phase::Tuning | Phase::Opening => {
                State::Handshake
            }
            Phase::Running => State::Open,
            Phase::Closing | Phase::Lingering => State::Closing,
            // A promise may stand before the last words.
            Phase::Closed if self.link.output.is_gated() => State::Closing,
            Phase::Closed => State::Closed,
        }
    }

    /// Stops taking input from a client that has published, while there is an alarm.
    fn block_publisher(&mut self) {
        let Some(reason) = &self.alarm.reason else { return };
        if !self.link.published || self.alarm.blocked || self.phase != Phase::Running {
            return;
        }
        self.alarm.blocked = true;
        if self.link.capabilities.connection_blocked {
            self.alarm.told = true;
            self.link.output.method(0, &Blocked { reason });
        }
    }

    /// Sends what waited for the logs, as far as they are.
    fn keep_promises(&mut self) {
        if self.link.output.open_gates(&self.link.logs) {
            self.link.output.drop_gates();
            self.promise_broken();
        }
        if self.phase != Phase::Running {
            return;
        }
        let Connection { channels, link, .. } = self;
        let mut confirming = std::mem::take(&mut link.confirming);
        confirming.retain(|number| {
            channels.open_mut(*number).is_some_and(|channel| channel.release_confirms(link))
        });
        link.confirming = confirming;
    }
}
