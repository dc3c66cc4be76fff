//! Facts: what happened to messages after they were stored. A turn's facts go into one record, in runs of
//! one operation on one queue, each a list of positions written against the one before.
//!
//! Version rule: the record's version is 1. A reader refuses a newer version and an operation it does not
//! know; an operation that is new since the last release takes a new number and raises the version. All that are
//! here belong to the first release.

use super::bytes::{Input, put_u64, put_u128, put_varint};
use crate::shard::{DeadReason, Duplicate};
use crate::{QueueId, Time};
use leveret_log::Position;

/// Record kind: a turn's facts.
pub const FACTS: u8 = 18;
/// Record kind: a page of a deep queue.
pub const PAGE: u8 = 19;
/// Record kind: a page that was copied out of a sparse segment: the page, then where it was.
pub const PAGE_COPY: u8 = 20;
/// The version of all of the engine's records.
pub const FACT_VERSION: u8 = 1;

/// Bytes of facts in one record; one more fact may exceed it.
const FACTS_BYTES: usize = 1 << 20;

/// What happened to each message of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::shard) enum Op {
    /// A consumer holds it. Ends with the broker: at recovery such a lease counts as a failed delivery.
    Leased,
    /// A consumer received it and holds it under a receipt, since when and until when, whatever becomes of the broker.
    Received { at: Time, until: Time },
    /// The lease under its receipt ends then, now.
    Extended { until: Time },
    /// It is gone: acked, dropped, or dead and safe at its target.
    Gone,
    /// It came back; the delivery failed.
    Failed,
    /// It came back; the delivery does not count as failed.
    Released,
    /// It came back after a failed delivery and waits.
    Delayed { until: Time, failed: bool },
    /// It is dead, since when, and on its way to the dead-letter target.
    Dying { reason: DeadReason, at: Time },
    /// It is dead, has no target, and is kept aside.
    Parked,
    /// It was kept aside and is ready again, its failures forgotten.
    Unparked,
}

/// A fact, read back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::shard) enum Fact {
    /// Something happened to one message.
    Message { queue: QueueId, op: Op, position: Position },
    /// Everything ready and delayed before this position was purged.
    Purged { queue: QueueId, before: Position },
    /// The queue is no more.
    Dropped { queue: QueueId },
    /// The first page of a level was read back into memory.
    PageOpened { queue: QueueId, level: u8, location: Position },
    /// A message is known again by this key until then, whatever queues it went to.
    Remembered { key: u128, first: Duplicate, until: Time },
}

const LEASED: u8 = 1;
const GONE: u8 = 2;
const FAILED: u8 = 3;
const RELEASED: u8 = 4;
const DELAYED: u8 = 5;
const DYING: u8 = 6;
const PARKED: u8 = 7;
const PURGED: u8 = 8;
const DROPPED: u8 = 9;
const PAGE_OPENED: u8 = 10;
const UNPARKED: u8 = 11;
const RECEIVED: u8 = 12;
const EXTENDED: u8 = 13;
const REMEMBERED: u8 = 14;

/// The facts of the turn so far, encoded.
#[derive(Debug)]
pub(in crate::shard) struct Facts {
    bytes: Vec<u8>,
    /// The run that is being written.
    run: Option<Run>,
    /// Beyond so many bytes they are many.
    bound: usize,
}

/// Facts of one operation on one queue: how many there are stands in front of them.
#[derive(Debug)]
struct Run {
    op: Op,
    queue: QueueId,
    /// Where in the payload the count is to be written.
    count_at: usize,
    count: u32,
    last: Position,
}

impl Facts {
    /// No facts yet, for a log whose records may be so large.
    pub(in crate::shard) fn new(max_payload_bytes: usize) -> Facts {
        Facts { bytes: Vec::new(), run: None, bound: FACTS_BYTES.min(max_payload_bytes / 2) }
    }

    /// Whether they should be written now, in the middle of the turn, before they outgrow a record.
    #[inline]
    pub(in crate::shard) fn are_many(&self) -> bool {
        self.bytes.len() >= self.bound
    }

    /// Adds a fact about one message.
    #[inline]
    pub(in crate::shard) fn message(&mut self, queue: QueueId, op: Op, position: Position) {
        match &mut self.run {
            Some(run) if run.queue == queue && run.op == op => {
                run.count += 1;
                // Positions are multiples of 8 and mostly rise; a fall is written as a wrapped difference.
                put_varint(&mut self.bytes, zigzag(position.0.wrapping_sub(run.last.0) as i64 >> 3));
                run.last = position;
            }
            _ => self.begin_run(queue, op, position),
        }
    }

    /// Adds a fact of any kind; one about a message begins a run.
    pub(in crate::shard) fn queue(&mut self, fact: Fact) {
        self.end_run();
        match fact {
            Fact::Purged { queue, before } => {
                self.bytes.push(PURGED);
                put_u64(&mut self.bytes, queue.0);
                put_u64(&mut self.bytes, before.0);
            }
            Fact::Dropped { queue } => {
                self.bytes.push(DROPPED);
                put_u64(&mut self.bytes, queue.0);
            }
            Fact::PageOpened { queue, level, location } => {
                self.bytes.push(PAGE_OPENED);
                put_u64(&mut self.bytes, queue.0);
                self.bytes.push(level);
                put_u64(&mut self.bytes, location.0);
            }
            Fact::Remembered { key, first, until } => {
                self.bytes.push(REMEMBERED);
                put_u128(&mut self.bytes, key);
                put_u128(&mut self.bytes, first.message_id);
                put_u64(&mut self.bytes, first.position.0);
                put_u64(&mut self.bytes, until.0);
            }
            Fact::Message { queue, op, position } => self.message(queue, op, position),
        }
    }

    /// The payload of the turn's record; empty when nothing happened.
    pub(in crate::shard) fn payload(&mut self) -> &[u8] {
        self.end_run();
        &self.bytes
    }

    /// Starts the next turn.
    pub(in crate::shard) fn clear(&mut self) {
        self.run = None;
        self.bytes.clear();
    }

    #[inline(never)]
    fn begin_run(&mut self, queue: QueueId, op: Op, position: Position) {
        self.end_run();
        match op {
            Op::Leased => self.bytes.push(LEASED),
            Op::Received { at, until } => {
                self.bytes.push(RECEIVED);
                put_u64(&mut self.bytes, at.0);
                put_u64(&mut self.bytes, until.0);
            }
            Op::Extended { until } => {
                self.bytes.push(EXTENDED);
                put_u64(&mut self.bytes, until.0);
            }
            Op::Gone => self.bytes.push(GONE),
            Op::Failed => self.bytes.push(FAILED),
            Op::Released => self.bytes.push(RELEASED),
            Op::Parked => self.bytes.push(PARKED),
            Op::Unparked => self.bytes.push(UNPARKED),
            Op::Delayed { until, failed } => {
                self.bytes.push(DELAYED);
                put_u64(&mut self.bytes, until.0);
                self.bytes.push(u8::from(failed));
            }
            Op::Dying { reason, at } => {
                self.bytes.push(DYING);
                self.bytes.push(reason_code(reason));
                put_u64(&mut self.bytes, at.0);
            }
        }
        put_u64(&mut self.bytes, queue.0);
        let count_at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        put_u64(&mut self.bytes, position.0);
        self.run = Some(Run { op, queue, count_at, count: 1, last: position });
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.bytes[run.count_at..run.count_at + 4].copy_from_slice(&run.count.to_le_bytes());
        }
    }
}

/// Reads the payload of a FACTS record, fact by fact; `None` when it is malformed.
pub(in crate::shard) fn read(payload: &[u8], each: &mut dyn FnMut(Fact)) -> Option<()> {
    let mut input = Input::new(payload);
    while !input.is_empty() {
        let code = input.u8()?;
        let op = match code {
            LEASED => Op::Leased,
            RECEIVED => Op::Received { at: Time(input.u64()?), until: Time(input.u64()?) },
            EXTENDED => Op::Extended { until: Time(input.u64()?) },
            GONE => Op::Gone,
            FAILED => Op::Failed,
            RELEASED => Op::Released,
            PARKED => Op::Parked,
            UNPARKED => Op::Unparked,
            DELAYED => Op::Delayed { until: Time(input.u64()?), failed: input.u8()? != 0 },
            DYING => Op::Dying { reason: reason_of(input.u8()?)?, at: Time(input.u64()?) },
            REMEMBERED => {
                each(read_remembered(&mut input)?);
                continue;
            }
            _ => {
                each(read_queue_fact(code, &mut input)?);
                continue;
            }
        };
        read_run(op, &mut input, each)?;
    }
    Some(())
}

fn read_run(op: Op, input: &mut Input<'_>, each: &mut dyn FnMut(Fact)) -> Option<()> {
    let queue = QueueId(input.u64()?);
    let count = input.u32()?;
    let mut position = input.position()?;
    each(Fact::Message { queue, op, position });
    for _ in 1..count {
        let step = unzigzag(input.varint()?) << 3;
        position = Position(position.0.wrapping_add(step as u64));
        each(Fact::Message { queue, op, position });
    }
    Some(())
}

fn read_queue_fact(code: u8, input: &mut Input<'_>) -> Option<Fact> {
    let queue = QueueId(input.u64()?);
    match code {
        PURGED => Some(Fact::Purged { queue, before: input.position()? }),
        DROPPED => Some(Fact::Dropped { queue }),
        PAGE_OPENED => Some(Fact::PageOpened { queue, level: input.u8()?, location: input.position()? }),
        _ => None,
    }
}

fn read_remembered(input: &mut Input<'_>) -> Option<Fact> {
    let (key, message_id) = (input.u128()?, input.u128()?);
    let first = Duplicate { message_id, position: input.position()? };
    Some(Fact::Remembered { key, first, until: Time(input.u64()?) })
}

pub(in crate::shard) fn reason_code(reason: DeadReason) -> u8 {
    match reason {
        DeadReason::Rejected => 1,
        DeadReason::Expired => 2,
        DeadReason::MaxLength => 3,
        DeadReason::DeliveryLimit => 4,
    }
}

pub(in crate::shard) fn reason_of(code: u8) -> Option<DeadReason> {
    match code {
        1 => Some(DeadReason::Rejected),
        2 => Some(DeadReason::Expired),
        3 => Some(DeadReason::MaxLength),
        4 => Some(DeadReason::DeliveryLimit),
        _ => None,
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let (a, b) = (QueueId(1), QueueId(1 << 48 | 7));
        let written = [
            Fact::Message { queue: a, op: Op::Leased, position: Position(4096) },
            Fact::Message { queue: a, op: Op::Leased, position: Position(4264) },
            Fact::Message { queue: a, op: Op::Leased, position: Position(64) },
            Fact::Message { queue: b, op: Op::Leased, position: Position(!7) },
            Fact::Message {
                queue: b,
                op: Op::Delayed { until: Time(9), failed: true },
                position: Position(8),
            },
            Fact::Purged { queue: a, before: Position(800) },
            Fact::Message {
                queue: b,
                op: Op::Dying { reason: DeadReason::Expired, at: Time(5) },
                position: Position(16),
            },
            Fact::Dropped { queue: b },
            Fact::PageOpened { queue: a, level: 3, location: Position(88) },
            Fact::Message {
                queue: b,
                op: Op::Received { at: Time(7), until: Time(11) },
                position: Position(24),
            },
            Fact::Message { queue: b, op: Op::Extended { until: Time(13) }, position: Position(24) },
            Fact::Remembered {
                key: u128::MAX - 1,
                first: Duplicate { message_id: 1 << 64 | 2, position: Position(64) },
                until: Time(17),
            },
            Fact::Message { queue: a, op: Op::Gone, position: Position(64) },
        ];
        let mut facts = Facts::new(1 << 20);
        for fact in written {
            facts.queue(fact);
        }
        let mut read_back = Vec::new();
        read(facts.payload(), &mut |fact| read_back.push(fact)).unwrap();
        // `queue` ends a run for every fact; written through `message`, runs form.
        assert_eq!(read_back, written);
        let mut runs = Facts::new(1 << 20);
        for fact in &written[..3] {
            if let Fact::Message { queue, op, position } = *fact {
                runs.message(queue, op, position);
            }
        }
        let mut read_back = Vec::new();
        read(runs.payload(), &mut |fact| read_back.push(fact)).unwrap();
        assert_eq!(read_back, written[..3]);
    }

    #[test]
    fn a_cut_payload_is_malformed_not_a_panic() {
        let mut facts = Facts::new(1 << 20);
        facts.message(QueueId(3), Op::Failed, Position(80));
        facts.message(QueueId(3), Op::Failed, Position(96));
        let payload = facts.payload().to_vec();
        for cut in 1..payload.len() {
            assert!(read(&payload[..cut], &mut |_| {}).is_none(), "cut at {cut}");
        }
    }
}
