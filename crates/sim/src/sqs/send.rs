//! Queues made at the SQS door, and messages sent to them and to others.

use super::{Promise, Reply, any_queue};
use crate::Violation;
use crate::client::Body;
use crate::dice::Dice;
use crate::oracle::Published;
use crate::world::World;
use leveret_core::broker::{Access, Send, apply_settings, send as send_one};
use leveret_core::catalog::{Caller, DeclareQueue};
use leveret_core::message::Deduplication;
use leveret_core::wire::{Properties, ShortStr, Table, Value};
use leveret_core::{Cause, QueueId};

/// Messages of a batch, at most.
const BATCH: u64 = 10;
/// Ids that duplicates are known by: few, so that there are duplicates.
const KNOWN_IDS: u64 = 40;

/// Makes sure that a queue of the plan is there, as CreateQueue does.
pub(crate) fn create_queue(world: &mut World, index: usize) -> Result<(), Violation> {
    let plan = &world.plan.queues[index];
    let Some(attributes) = plan.attributes.clone() else { return Ok(()) };
    let (name, arguments) = (plan.name.clone(), plan.arguments.clone());
    let declare =
        DeclareQueue { durable: true, exclusive: false, auto_delete: false, server_named: false, arguments };
    let (answer, reports) = world.turn_alone(|turn| {
        let (made, wait) = turn
            .change(|catalog| catalog.create_queue(Caller::user("guest"), "/", &name, declare, attributes));
        if let Ok(made) = &made {
            apply_settings(turn, &[made.queue]);
        }
        (made, wait)
    });
    world.note(&format!("queue {name} is created: {:?}", answer.0.as_ref().map(|made| made.queue)));
    match answer {
        (Ok(made), wait) => {
            let known = world.names.insert(name.clone(), made.queue) == Some(made.queue);
            if let (false, Some(settings)) = (known, world.settings(made.queue)) {
                world.oracle.queue_opened(made.queue, &name, settings, wait.position);
            }
        }
        (Err(refusal), _) if refusal.cause == Cause::Internal && world.has_failed() => {}
        (Err(refusal), _) => return Err(Violation(format!("{name} is not created: {refusal}"))),
    }
    world.absorb(reports)
}

/// Sends one message or a batch.
pub(super) fn send(world: &mut World, who: usize) -> Result<(), Violation> {
    let Some((index, id)) = any_queue(world) else { return Ok(()) };
    let plan = &world.plan.queues[index];
    let (name, groups, fifo) = (plan.name.clone(), plan.groups, plan.groups && plan.attributes.is_some());
    // A full queue hands out some of its messages before it takes another: one message a turn, then.
    let count = if plan.refuses || world.dice.one_in(2) { 1 } else { world.dice.between(2, BATCH) };
    let mut messages = Vec::new();
    for _ in 0..count {
        world.next_uid += 1;
        messages.push(Message::throw(world.next_uid, (groups, fifo), &mut world.dice));
    }
    let mut replies = Vec::new();
    let mut duplicates = 0;
    world.in_turn(|turn, oracle| {
        for message in &messages {
            let send = message.send(id, &name);
            let (answer, spans) = turn.command(|turn| send_one(turn, &send));
            let sent = match answer {
                Ok(sent) => sent,
                // The log takes nothing.
                Err(refusal) if refusal.cause == Cause::Internal => continue,
                Err(refusal) => return Err(Violation(format!("nothing is sent to {name}: {refusal}"))),
            };
            if sent.refused && !oracle.may_refuse(id) {
                return Err(Violation(format!("message {} was refused without a reason", message.uid)));
            }
            let targets = [id];
            let published = Published { refused: sent.refused, ..message.published(&targets) };
            let safe = oracle.sent(&published, &sent, &spans)?;
            duplicates += u64::from(sent.duplicate_of.is_some());
            if !sent.refused {
                replies.push(Reply { waits: sent.waits, promise: Promise::Sent(safe) });
            }
        }
        Ok(())
    })?;
    world.tally.duplicates += duplicates;
    world.sqs_clients[who].replies.extend(replies);
    world.note(&format!("SQS client {who} sends {count} to {name}, up to {}", world.next_uid));
    Ok(())
}

/// A message as a client of SQS makes it.
struct Message {
    uid: u64,
    properties: Vec<u8>,
    body: Vec<u8>,
    group: Option<u64>,
    delay_ms: Option<u64>,
    known_by: Option<u64>,
}

impl Message {
    fn throw(uid: u64, (groups, fifo): (bool, bool), dice: &mut Dice) -> Message {
        let mut message = Message {
            uid,
            properties: Vec::new(),
            body: Vec::new(),
            group: (groups && (fifo || !dice.one_in(5))).then(|| dice.between(1, 4)),
            // In a group those behind it would overtake one that waits longer.
            delay_ms: (!groups && dice.one_in(4)).then(|| dice.below(3_000)),
            known_by: (fifo || dice.one_in(10)).then(|| dice.below(KNOWN_IDS)),
        };
        let length = if dice.one_in(6) { dice.between(200, 3_000) } else { dice.between(0, 200) };
        Body::write(uid, Body::MIN_BYTES + length as usize, &mut message.body);
        let group = message.group.map(|group| {
            let mut headers = Table::new();
            headers.insert(ShortStr::literal("x-group-key"), Value::LongStr(group.to_string().into_bytes()));
            headers
        });
        let properties = Properties { headers: group, delivery_mode: Some(2), ..Properties::default() };
        properties.encode(&mut message.properties).expect("one small header is well within every limit");
        message
    }

    fn send<'a>(&'a self, queue: QueueId, name: &'a str) -> Send<'a> {
        let deduplication = self
            .known_by
            .map(|known| Deduplication { key: u128::from(known), message_id: u128::from(self.uid) });
        Send {
            queue,
            name,
            properties: &self.properties,
            body: &self.body,
            delay_ms: self.delay_ms,
            deduplication,
        }
    }

    fn published<'a>(&self, targets: &'a [QueueId]) -> Published<'a> {
        Published {
            uid: self.uid,
            persistent: true,
            priority: None,
            group: self.group,
            delay_ms: self.delay_ms,
            expiration_ms: None,
            known_by: self.known_by,
            bytes: self.body.len() + self.properties.len(),
            targets,
            refused: false,
        }
    }
}
