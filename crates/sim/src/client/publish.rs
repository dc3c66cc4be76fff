//! Publishing: one message, a batch to one queue, or thousands.

use super::{Body, Unconfirmed};
use crate::Violation;
use crate::dice::Dice;
use crate::oracle::Published;
use crate::world::{LATER, SPREAD, World};
use leveret_core::broker::{Outcome, Publish};
use leveret_core::wire::{Properties, RawProperties, ShortStr, Table, Value};
use leveret_core::{Cause, QueueId, Refusal};

/// Where messages of a batch go, and what they may carry.
struct Way {
    exchange: &'static str,
    routing_key: String,
    targets: Vec<QueueId>,
    groups: bool,
    priorities: bool,
    delays: bool,
    /// One message a turn: several shards take it, or a full queue hands out some of its messages before it takes
    /// another, and what happens in which order could not be told apart.
    alone: bool,
    /// Small bodies only.
    small: bool,
}

/// Publishes one message or a few.
pub(super) fn publish(world: &mut World, who: usize) -> Result<(), Violation> {
    let Some(way) = choose_way(world) else { return Ok(()) };
    let count = if way.alone { 1 } else { world.dice.between(1, 8) };
    send(world, who, &way, count)
}

/// Publishes thousands of messages to one queue, in some runs.
pub(super) fn flood(world: &mut World, who: usize) -> Result<(), Violation> {
    if !world.plan.floods || world.flooded > 2 {
        return publish(world, who);
    }
    let Some(mut way) = choose_way(world) else { return Ok(()) };
    if way.alone || way.groups || way.delays {
        return Ok(());
    }
    world.flooded += 1;
    way.small = true;
    for _ in 0..world.dice.between(4, 16) {
        send(world, who, &way, 500)?;
    }
    Ok(())
}

fn choose_way(world: &mut World) -> Option<Way> {
    let index = world.dice.index(world.plan.queues.len());
    let plan = &world.plan.queues[index];
    let mut way = Way {
        exchange: "",
        routing_key: plan.name.clone(),
        targets: world.names.get(&plan.name).copied().into_iter().collect(),
        groups: plan.groups,
        priorities: plan.priorities,
        delays: false,
        alone: plan.refuses,
        small: false,
    };
    if plan.takes_delays && !plan.deletable && world.dice.one_in(3) {
        way.exchange = LATER;
        way.delays = true;
    } else if plan.in_spread && world.dice.one_in(3) {
        way.exchange = SPREAD;
        let spread = world.plan.queues.iter().filter(|plan| plan.in_spread);
        way.targets = spread.filter_map(|plan| world.names.get(&plan.name).copied()).collect();
        way.groups = true;
        way.alone = true;
    }
    Some(way)
}

/// Publishes `count` messages in one turn.
fn send(world: &mut World, who: usize, way: &Way, count: u64) -> Result<(), Violation> {
    let mut client = world.take_client(who);
    let mut messages = Vec::new();
    for _ in 0..count {
        world.next_uid += 1;
        messages.push(Message::throw(world.next_uid, way, &mut world.dice));
    }
    let result = world.in_turn(|turn, oracle| {
        for message in &messages {
            let publish = Publish {
                exchange: way.exchange,
                routing_key: &way.routing_key,
                properties: &message.properties,
                body: &message.body,
            };
            let (outcome, spans) = turn.command(|turn| client.session.publish(turn, &publish));
            let stored = Published { refused: refused(&outcome), ..message.published(way) };
            oracle.published(&stored, &spans);
            match outcome {
                Ok(outcome) if !outcome.refused => {
                    client.unconfirmed.push(Unconfirmed { uid: message.uid, waits: outcome.waits });
                }
                Ok(_) if way.targets.iter().any(|queue| oracle.may_refuse(*queue)) => {}
                Ok(_) => {
                    return Err(Violation(format!("message {} was refused without a reason", message.uid)));
                }
                Err(refusal) => message.check(&refusal)?,
            }
        }
        Ok(())
    });
    let last = client.unconfirmed.last().map(|last| format!("{:?}", last.waits)).unwrap_or_default();
    world.note(&format!(
        "client {who} publishes {count} to '{}' {}: up to {}, {last}",
        way.exchange, way.routing_key, world.next_uid
    ));
    world.put_client(who, client);
    result
}

fn refused(outcome: &Result<Outcome, Refusal>) -> bool {
    outcome.as_ref().is_ok_and(|outcome| outcome.refused)
}

/// A message as a client makes it.
struct Message {
    uid: u64,
    properties: Vec<u8>,
    body: Vec<u8>,
    persistent: bool,
    priority: Option<u8>,
    group: Option<u64>,
    delay_ms: Option<u64>,
    expiration_ms: Option<u64>,
}

impl Message {
    fn throw(uid: u64, way: &Way, dice: &mut Dice) -> Message {
        let mut message = Message {
            uid,
            properties: Vec::new(),
            body: Vec::new(),
            persistent: !dice.one_in(6),
            priority: (way.priorities && !dice.one_in(4)).then(|| dice.below(8) as u8),
            group: (way.groups && !dice.one_in(5)).then(|| dice.between(1, 4)),
            delay_ms: way.delays.then(|| dice.between(1, 5_000)),
            expiration_ms: (!way.small && dice.one_in(12)).then(|| dice.below(8_000)),
        };
        let length = match dice.below(40) {
            _ if way.small => dice.between(0, 40),
            0 => dice.between(10_000, 40_000),
            // Now and then one that fits no segment.
            1 if dice.one_in(8) => 70_000,
            2..=8 => dice.between(200, 3_000),
            _ => dice.between(0, 200),
        };
        Body::write(uid, Body::MIN_BYTES + length as usize, &mut message.body);
        message.encode();
        message
    }

    fn encode(&mut self) {
        let mut headers = Table::new();
        if let Some(group) = self.group {
            headers.insert(ShortStr::literal("x-group-key"), Value::LongStr(group.to_string().into_bytes()));
        }
        if let Some(delay) = self.delay_ms {
            headers.insert(ShortStr::literal("x-delay"), Value::I64(delay as i64));
        }
        let digits = |ms: u64| ShortStr::try_from(ms.to_string()).ok();
        let properties = Properties {
            headers: (!headers.is_empty()).then_some(headers),
            delivery_mode: Some(if self.persistent { 2 } else { 1 }),
            priority: self.priority,
            expiration: self.expiration_ms.and_then(digits),
            ..Properties::default()
        };
        properties.encode(&mut self.properties).expect("two small headers are well within every limit");
        debug_assert!(RawProperties::parse(&self.properties).is_ok());
    }

    fn published<'a>(&self, way: &'a Way) -> Published<'a> {
        Published {
            uid: self.uid,
            persistent: self.persistent,
            priority: self.priority,
            group: self.group,
            delay_ms: self.delay_ms,
            expiration_ms: self.expiration_ms,
            known_by: None,
            bytes: self.body.len() + self.properties.len(),
            targets: &way.targets,
            refused: false,
        }
    }

    /// A refusal is right only where the log takes nothing, or not so much.
    fn check(&self, refusal: &Refusal) -> Result<(), Violation> {
        match refusal.cause {
            Cause::Internal => Ok(()),
            _ => Err(Violation(format!("message {} was refused: {refusal}", self.uid))),
        }
    }
}
