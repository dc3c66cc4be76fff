//! What the dice make of a seed before it begins: how many shards, which queues with which arguments, which faults.

use crate::dice::Dice;
use leveret_core::catalog::Attributes;
use leveret_core::wire::{ShortStr, Table, Value};

/// What the names of dead-letter queues begin with.
pub(crate) const DEAD_LETTERS: &str = "dead-";
/// The exchange that copies a message to several queues.
pub(crate) const SPREAD: &str = "spread";
/// The exchange that delays messages.
pub(crate) const LATER: &str = "later";

/// The plan of a run.
pub(crate) struct Plan {
    pub(crate) shards: u16,
    pub(crate) clients: usize,
    /// Clients of the SQS door, which have no connection.
    pub(crate) sqs_clients: usize,
    /// The clients come through the AMQP door.
    pub(crate) through_door: bool,
    pub(crate) queues: Vec<QueuePlan>,
    /// One in so many steps the broker crashes.
    pub(crate) crash_every: u64,
    /// One in so many steps a disk begins to fail; `None` for a run without such faults.
    pub(crate) fault_every: Option<u64>,
    /// A client publishes thousands of messages at once, so that queues page.
    pub(crate) floods: bool,
}

/// A queue of a run.
#[derive(Default)]
pub(crate) struct QueuePlan {
    pub(crate) name: String,
    pub(crate) durable: bool,
    pub(crate) arguments: Table,
    /// What publishers have to know of it.
    pub(crate) groups: bool,
    pub(crate) priorities: bool,
    pub(crate) refuses: bool,
    /// Clients may delete it and declare it anew.
    pub(crate) deletable: bool,
    /// Policies may change it.
    pub(crate) has_policy: bool,
    pub(crate) in_spread: bool,
    pub(crate) takes_delays: bool,
    /// It was made at the SQS door, with these attributes.
    pub(crate) attributes: Option<Attributes>,
}

impl Plan {
    /// Throws a plan.
    pub(crate) fn new(dice: &mut Dice) -> Plan {
        let shards = dice.between(1, 3) as u16;
        let mut queues: Vec<QueuePlan> =
            (0..dice.between(1, 3)).map(|index| dead_letters(&format!("{DEAD_LETTERS}{index}"))).collect();
        let targets = queues.len() as u64;
        for index in 0..dice.between(1, 6) {
            queues.push(queue(&format!("q-{index}"), targets, dice));
        }
        let sqs_clients = if dice.one_in(3) { 0 } else { dice.between(1, 4) as usize };
        if sqs_clients > 0 {
            queues.extend((0..dice.between(1, 3)).map(|index| sqs_queue(&format!("sqs-{index}"), dice)));
        }
        Plan {
            shards,
            clients: dice.between(2, 6) as usize,
            sqs_clients,
            through_door: dice.one_in(4),
            queues,
            crash_every: *dice.pick(&[60, 150, 150, 400]),
            fault_every: dice.one_in(3).then_some(250),
            floods: dice.one_in(6),
        }
    }
}

fn dead_letters(name: &str) -> QueuePlan {
    QueuePlan { name: name.to_owned(), durable: true, ..QueuePlan::default() }
}

fn queue(name: &str, targets: u64, dice: &mut Dice) -> QueuePlan {
    let mut plan = QueuePlan { name: name.to_owned(), durable: !dice.one_in(6), ..QueuePlan::default() };
    if dice.one_in(2) {
        let target = format!("{DEAD_LETTERS}{}", dice.below(targets));
        set(&mut plan.arguments, "x-dead-letter-exchange", text(""));
        set(&mut plan.arguments, "x-dead-letter-routing-key", text(&target));
        if dice.one_in(3) {
            set(&mut plan.arguments, "x-dead-letter-strategy", text("at-least-once"));
        }
    }
    if dice.one_in(2) {
        let limit = dice.below(5) as i64 - 1;
        set(&mut plan.arguments, "x-delivery-limit", Value::I64(limit));
    }
    match dice.below(10) {
        0 | 1 => {
            plan.groups = true;
            set(&mut plan.arguments, "x-groups", Value::Bool(true));
        }
        2 | 3 => {
            plan.priorities = true;
            set(&mut plan.arguments, "x-max-priority", Value::I64(dice.between(1, 5) as i64));
        }
        4 => set(&mut plan.arguments, "x-single-active-consumer", Value::Bool(true)),
        5 => retry(&mut plan, dice),
        _ => plan.has_policy = dice.one_in(2),
    }
    limits(&mut plan, dice);
    plan.takes_delays = !plan.groups && dice.one_in(2);
    plan.deletable = dice.one_in(4);
    plan.in_spread = !plan.deletable && !plan.refuses && dice.one_in(2);
    plan
}

/// A queue as CreateQueue makes it.
fn sqs_queue(name: &str, dice: &mut Dice) -> QueuePlan {
    let mut plan = QueuePlan { name: name.to_owned(), durable: true, ..QueuePlan::default() };
    let mut attributes = Attributes::default();
    attributes.set("VisibilityTimeout", dice.pick::<&str>(&["0", "1", "5", "30"]).to_owned());
    attributes.set("DelaySeconds", dice.pick::<&str>(&["0", "0", "0", "2"]).to_owned());
    if dice.one_in(2) {
        attributes.set("MessageRetentionPeriod", "345600");
        attributes.set(Attributes::FIRST_RETENTION, "345600");
    }
    if dice.one_in(2) {
        plan.groups = true;
        set(&mut plan.arguments, "x-groups", Value::Bool(true));
        attributes.set("DeduplicationScope", dice.pick::<&str>(&["queue", "messageGroup"]).to_owned());
    }
    plan.attributes = Some(attributes);
    plan
}

fn retry(plan: &mut QueuePlan, dice: &mut Dice) {
    set(&mut plan.arguments, "x-delayed-retry-type", text(dice.pick::<&str>(&["all", "failed", "returned"])));
    set(&mut plan.arguments, "x-delayed-retry-min", Value::I64(dice.between(1, 500) as i64));
    set(&mut plan.arguments, "x-delayed-retry-max", Value::I64(dice.between(500, 2_000) as i64));
}

fn limits(plan: &mut QueuePlan, dice: &mut Dice) {
    let arguments = &mut plan.arguments;
    if dice.one_in(5) {
        set(arguments, "x-message-ttl", Value::I64(dice.between(0, 20_000) as i64));
    }
    if dice.one_in(5) {
        set(arguments, "x-consumer-timeout", Value::I64(dice.between(100, 10_000) as i64));
    }
    if !dice.one_in(4) {
        return;
    }
    set(arguments, "x-max-length", Value::I64(dice.between(0, 60) as i64));
    if dice.one_in(2) {
        plan.refuses = true;
        set(arguments, "x-overflow", text(dice.pick::<&str>(&["reject-publish", "reject-publish-dlx"])));
    }
}

/// A policy's definition, thrown.
pub(crate) fn policy(dice: &mut Dice) -> Table {
    let mut definition = Table::new();
    match dice.below(4) {
        0 => set(&mut definition, "delivery-limit", Value::I64(dice.below(4) as i64)),
        1 => set(&mut definition, "max-length", Value::I64(dice.between(5, 100) as i64)),
        2 => set(&mut definition, "message-ttl", Value::I64(dice.between(10, 10_000) as i64)),
        _ => set(&mut definition, "consumer-timeout", Value::I64(dice.between(50, 5_000) as i64)),
    }
    definition
}

/// Arguments with one text in them.
pub(crate) fn one_text(name: &'static str, value: &str) -> Table {
    let mut table = Table::new();
    set(&mut table, name, text(value));
    table
}

fn set(table: &mut Table, name: &'static str, value: Value) {
    table.insert(ShortStr::literal(name), value);
}

fn text(text: &str) -> Value {
    Value::LongStr(text.as_bytes().to_vec())
}
