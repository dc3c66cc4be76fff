//! The world of a seed: a broker over faulty disks, its clients, and time, all in one hand.
//!
//! One step is one thing that happens: a client acts, a log thread writes, the housekeeper looks, something fails.
//! Nothing in it runs by itself, so the same seed does the same.

mod broker;
mod crash;
mod doors;
mod finish;
mod plan;
mod start;
mod step;
mod upkeep;

pub(crate) use broker::{Report, Span, Turn};
pub(crate) use plan::{DEAD_LETTERS, LATER, SPREAD, one_text, policy};

use crate::Violation;
use crate::client::{Client, Mail};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::door::Doors;
use crate::oracle::{Oracle, Seen};
use crate::sqs::SqsClient;
use crate::trace::Trace;
use broker::Broker;
use doors::DoorBatch;
use leveret_core::broker::{Access, PendingTransfer};
use leveret_core::limits::READY_HEAD_ENTRIES;
use leveret_core::shard::{Delivery, Effect};
use leveret_core::{ConnectionId, LogId, QueueId, QueueSettings, ShardIndex, Time};
use leveret_log::{Geometry, Position};
use plan::Plan;
use start::Disks;
use std::collections::{BTreeMap, VecDeque};
use upkeep::ShardUpkeep;

/// Segments are small, so that a run fills many of them.
const SEGMENT_BYTES: u64 = 64 << 10;
/// How long a delivery stays unread at most, in milliseconds: the broker keeps what it handed out for longer.
const READ_WITHIN_MS: u64 = 2_000;

/// The world. See the module's documentation.
pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) now: Time,
    pub(crate) plan: Plan,
    pub(crate) oracle: Oracle,
    pub(crate) next_uid: u64,
    /// How often a client has published thousands of messages.
    pub(crate) flooded: u32,
    /// The queues that the clients know, by name.
    pub(crate) names: BTreeMap<String, QueueId>,
    trace: Trace,
    disks: Disks,
    broker: Broker,
    upkeep: Vec<ShardUpkeep>,
    clients: Vec<Option<Client>>,
    /// Those without a connection, in their places; a crash of the broker leaves them what they were told.
    pub(crate) sqs_clients: Vec<SqsClient>,
    /// In their place, in a run through the door; `None` in other runs, and while they act.
    doors: Option<Doors>,
    door_mail: BTreeMap<ConnectionId, Vec<DoorBatch>>,
    mail: BTreeMap<ConnectionId, VecDeque<Mail>>,
    next_connection: u64,
    /// Dead messages that wait until their target is durable.
    transfers: Vec<(ShardIndex, PendingTransfer)>,
    /// The durable state at the end of a batch: a replay up to there must find the same.
    states: BTreeMap<(usize, Position), Durable>,
    pub(crate) tally: Tally,
}

/// What a run has seen, for people to judge whether it saw enough.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) delivered: u64,
    pub(crate) confirmed: u64,
    pub(crate) crashes: u64,
    pub(crate) faults: u64,
    pub(crate) relocated: u64,
    pub(crate) trimmed: u64,
    pub(crate) pages: u64,
    pub(crate) transfers: u64,
    pub(crate) compared: u64,
    pub(crate) received: u64,
    pub(crate) deleted: u64,
    pub(crate) duplicates: u64,
}

/// The durable state of a log, as a hash, and the queues that were there: with others it would be another.
#[derive(PartialEq, Eq)]
struct Durable {
    state: u64,
    queues: Vec<QueueId>,
}

impl World {
    /// The world of a seed, with its broker started and its queues declared.
    ///
    /// # Errors
    /// A [`Violation`] if even that goes wrong.
    pub(crate) fn new(seed: u64, print: bool) -> Result<World, Violation> {
        let mut dice = Dice::new(seed);
        let plan = Plan::new(&mut dice);
        let geometry = Geometry::new(SEGMENT_BYTES).expect("a power of two within the bounds of a geometry");
        let mut disk = || Disk::new(geometry, leveret_log::LogId(dice.any()));
        let disks = Disks { catalog: disk(), shards: (0..plan.shards).map(|_| disk()).collect() };
        let now = Time(1_700_000_000_000);
        let broker = start::start(&disks, now)?.broker;
        let mut world = World {
            dice,
            now,
            oracle: Oracle::default(),
            next_uid: 0,
            flooded: 0,
            names: BTreeMap::new(),
            trace: Trace::new(print),
            upkeep: (0..plan.shards).map(|_| ShardUpkeep::default()).collect(),
            clients: (0..if plan.through_door { 0 } else { plan.clients }).map(|_| None).collect(),
            sqs_clients: (0..plan.sqs_clients).map(|_| SqsClient::default()).collect(),
            doors: plan.through_door.then(|| Doors::new(plan.clients)),
            door_mail: BTreeMap::new(),
            plan,
            disks,
            broker,
            mail: BTreeMap::new(),
            next_connection: 0,
            transfers: Vec::new(),
            states: BTreeMap::new(),
            tally: Tally::default(),
        };
        world.oracle.set_now(now);
        world.connect_all()?;
        Ok(world)
    }

    /// The hash of everything that happened.
    pub(crate) fn trace_hash(&self) -> u64 {
        self.trace.hash()
    }

    /// Notes an event in the trace.
    pub(crate) fn note(&mut self, event: &str) {
        self.trace.note(event);
    }

    /// Gives a client a new connection.
    pub(crate) fn connect(&mut self, who: usize) {
        self.next_connection += 1;
        self.clients[who] = Some(Client::new(ConnectionId(self.next_connection)));
    }

    /// Takes a client in hand. Put it back.
    pub(crate) fn take_client(&mut self, who: usize) -> Client {
        self.clients[who].take().expect("every client is in its place between two actions")
    }

    /// Puts a client back.
    pub(crate) fn put_client(&mut self, who: usize, client: Client) {
        self.clients[who] = Some(client);
    }

    /// The deliveries that a connection reads until `due`.
    pub(crate) fn take_mail(&mut self, connection: ConnectionId, due: Time) -> Vec<Delivery> {
        let Some(mailbox) = self.mail.get_mut(&connection) else { return Vec::new() };
        let count = mailbox.iter().take_while(|mail| mail.due <= due).count();
        mailbox.drain(..count).map(|mail| mail.delivery).collect()
    }

    /// The settings of a queue that are in effect.
    pub(crate) fn settings(&self, queue: QueueId) -> Option<QueueSettings> {
        Some(self.broker.catalog.queue_by_id(queue)?.settings.clone())
    }

    /// Whether every waiting message of a shard is in memory: none is on a page that was asked for or will be.
    pub(crate) fn has_all_in_memory(&self, shard: ShardIndex) -> bool {
        !self.has_pages(shard) && !self.broker.shards[usize::from(shard.0)].shard.has_system_effects()
    }

    /// Whether the log of a shard takes nothing more.
    pub(crate) fn shard_has_failed(&self, shard: ShardIndex) -> bool {
        self.broker.shards[usize::from(shard.0)].log.failed
    }

    /// Whether a log takes nothing more.
    pub(crate) fn has_failed(&self) -> bool {
        self.broker.has_failed()
    }

    /// A batch of commands of which the oracle is told one by one; then it is told what came of them.
    pub(crate) fn in_turn<R>(
        &mut self,
        commands: impl FnOnce(&mut Turn<'_>, &mut Oracle) -> Result<R, Violation>,
    ) -> Result<R, Violation> {
        self.oracle.set_now(self.now);
        let mut turn = Turn::new(&mut self.broker, self.now, &mut self.dice);
        let answer = commands(&mut turn, &mut self.oracle);
        turn.finish();
        let reports = turn.take_reports();
        let answer = answer?;
        self.absorb(reports)?;
        Ok(answer)
    }

    /// A command whose turns the caller takes in itself, after it has told the oracle what it has to.
    pub(crate) fn turn_alone<R>(&mut self, command: impl FnOnce(&mut Turn<'_>) -> R) -> (R, Vec<Report>) {
        self.oracle.set_now(self.now);
        let mut turn = Turn::new(&mut self.broker, self.now, &mut self.dice);
        let answer = command(&mut turn);
        turn.finish();
        let reports = turn.take_reports();
        self.tally.pages += turn.pages;
        (answer, reports)
    }

    /// Takes in what turns of shards have decided: deliveries go to their mailboxes, and the oracle judges.
    pub(crate) fn absorb(&mut self, reports: Vec<Report>) -> Result<(), Violation> {
        if self.plan.through_door {
            self.absorb_for_doors(reports);
            return Ok(());
        }
        for mut report in merged(reports) {
            report.one_record &= !self.has_pages(report.shard);
            let mut seen = Vec::new();
            for (connection, effect) in &report.effects {
                if let Effect::Deliver(delivery) = effect {
                    self.trace.note(&format!(
                        "delivers {} of {} to {connection:?}",
                        delivery.position, delivery.queue
                    ));
                    seen.push(self.see(Some(*connection), *delivery)?);
                    let due = self.now.plus_ms(self.dice.below(READ_WITHIN_MS));
                    let mailbox = self.mail.entry(*connection).or_default();
                    let due = mailbox.back().map_or(due, |last| last.due.max(due));
                    mailbox.push_back(Mail { due, delivery: *delivery });
                }
            }
            self.tally.delivered += seen.len() as u64;
            self.oracle.delivered(seen)?;
            let side = &self.broker.shards[usize::from(report.shard.0)];
            self.oracle.turn_ended(&report, side.log.failed);
            self.check_counts(report.shard)?;
        }
        Ok(())
    }

    /// A delivery with the record that it is about: its bytes must be there.
    pub(crate) fn see(
        &self,
        connection: Option<ConnectionId>,
        delivery: Delivery,
    ) -> Result<Seen, Violation> {
        let read = self.broker.read(delivery.queue.shard(), delivery.location);
        let (kind, payload) =
            read.map_err(|error| Violation(format!("{delivery:?} cannot be read: {error}")))?;
        Ok(Seen { connection, delivery, kind, payload, receipt: None })
    }

    /// Whether a queue of the shard may page: then a turn may write its facts in several records.
    pub(crate) fn has_pages(&self, shard: ShardIndex) -> bool {
        let shard = &self.broker.shards[usize::from(shard.0)].shard;
        let depth = |id| shard.stats(id).map_or(0, |stats| stats.ready);
        shard.queue_ids().into_iter().any(|id| depth(id) as usize > READY_HEAD_ENTRIES)
    }

    /// Compares the numbers of a shard's queues with the oracle's.
    fn check_counts(&mut self, shard: ShardIndex) -> Result<(), Violation> {
        let side = &self.broker.shards[usize::from(shard.0)];
        // What a failed log is told is never durable.
        let position = if side.log.failed { Position(u64::MAX) } else { side.shard.position() };
        for id in side.shard.queue_ids() {
            if let Some(stats) = side.shard.stats(id) {
                self.oracle.check_counts(id, &stats, position)?;
            }
        }
        Ok(())
    }

    /// Everybody connects, and the first declares what all use.
    fn connect_all(&mut self) -> Result<(), Violation> {
        self.mail.clear();
        if self.plan.through_door {
            return Ok(());
        }
        for who in 0..self.clients.len() {
            self.connect(who);
        }
        crate::client::declare_all(self, 0)
    }

    /// A durable state, to be compared.
    fn durable(&self, state: &[u8]) -> Durable {
        let mut queues: Vec<QueueId> = self
            .broker
            .catalog
            .all_queues()
            .iter()
            .filter(|queue| queue.durable)
            .map(|queue| queue.id)
            .collect();
        queues.sort_unstable();
        Durable { state: crate::trace::hash(state), queues }
    }

    fn log_ids(&self) -> Vec<LogId> {
        self.broker.logs()
    }
}

/// The turns of one command, one for each shard: what the oracle was told of a command belongs to the last of them.
fn merged(reports: Vec<Report>) -> Vec<Report> {
    let mut merged: Vec<Report> = Vec::new();
    for report in reports {
        match merged.iter_mut().find(|known| known.shard == report.shard) {
            Some(known) => {
                // A turn that wrote nothing leaves no doubt where the facts of the other one stand.
                known.one_record &= known.before == known.after;
                known.after = report.after;
                known.effects.extend(report.effects);
            }
            None => merged.push(report),
        }
    }
    merged
}

impl Tally {
    /// Adds another run's.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.steps += other.steps;
        self.delivered += other.delivered;
        self.confirmed += other.confirmed;
        self.crashes += other.crashes;
        self.faults += other.faults;
        self.relocated += other.relocated;
        self.trimmed += other.trimmed;
        self.pages += other.pages;
        self.transfers += other.transfers;
        self.compared += other.compared;
        self.received += other.received;
        self.deleted += other.deleted;
        self.duplicates += other.duplicates;
    }
}
