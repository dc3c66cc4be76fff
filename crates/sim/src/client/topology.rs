//! Queues, exchanges and policies, as clients and operators change them.

use crate::Violation;
use crate::world::{LATER, SPREAD, World, one_text, policy};
use leveret_core::broker::{Access, Bind, DeclareExchange, DeclareQueue, apply_settings};
use leveret_core::catalog::{ApplyTo, NewPolicy, PolicyScope};
use leveret_core::wire::Table;
use leveret_core::{Cause, QueueId, Wait};
use leveret_log::Position;

/// Declares everything, as clients do when they connect again.
pub(crate) fn declare_all(world: &mut World, who: usize) -> Result<(), Violation> {
    for (name, kind) in [(SPREAD, "fanout"), (LATER, "x-delayed-message")] {
        let delayed = one_text("x-delayed-type", "direct");
        let nothing = Table::new();
        let arguments = if name == LATER { &delayed } else { &nothing };
        let (passive, durable, auto_delete, internal) = (false, true, false, false);
        let declare = DeclareExchange { name, kind, passive, durable, auto_delete, internal, arguments };
        let mut client = world.take_client(who);
        let (answer, reports) = world.turn_alone(|turn| client.session.declare_exchange(turn, &declare));
        world.put_client(who, client);
        world.absorb(reports)?;
        accept(world, &format!("exchange {name}"), answer.map(|_| ()))?;
    }
    for index in 0..world.plan.queues.len() {
        declare(world, who, index)?;
        let plan = &world.plan.queues[index];
        let (spread, later) = (plan.in_spread, plan.takes_delays && !plan.deletable);
        for source in [spread.then_some(SPREAD), later.then_some(LATER)].into_iter().flatten() {
            bind(world, who, index, source)?;
        }
    }
    Ok(())
}

/// Declares one of the queues, which may be there.
pub(super) fn declare_one(world: &mut World, who: usize) -> Result<(), Violation> {
    let index = world.dice.index(world.plan.queues.len());
    declare(world, who, index)
}

fn declare(world: &mut World, who: usize, index: usize) -> Result<(), Violation> {
    let plan = &world.plan.queues[index];
    if plan.attributes.is_some() {
        return crate::sqs::create_queue(world, index);
    }
    let (name, durable, arguments) = (plan.name.clone(), plan.durable, plan.arguments.clone());
    let mut client = world.take_client(who);
    let wanted = DeclareQueue {
        name: &name,
        passive: false,
        durable,
        exclusive: false,
        auto_delete: false,
        arguments: &arguments,
    };
    let (answer, reports) = world.turn_alone(|turn| client.session.declare_queue(turn, &wanted));
    world.put_client(who, client);
    if let Ok(declared) = &answer {
        let known = world.names.get(&name) == Some(&declared.queue);
        let at = declared.waits.as_slice().first().map_or(Position::NONE, |wait| wait.position);
        world.names.insert(name.clone(), declared.queue);
        let settings = world.settings(declared.queue);
        if let (false, Some(settings)) = (known, settings) {
            world.oracle.queue_opened(declared.queue, &name, settings, at);
        }
    }
    world.absorb(reports)?;
    let id = answer.as_ref().ok().map(|declared| declared.queue);
    world.note(&format!("client {who} declares {name}: {id:?}"));
    accept(world, &name, answer.map(|_| ()))
}

fn bind(world: &mut World, who: usize, index: usize, source: &str) -> Result<(), Violation> {
    let name = world.plan.queues[index].name.clone();
    let arguments = Table::new();
    let bind =
        Bind { source, destination: &name, to_exchange: false, routing_key: &name, arguments: &arguments };
    let mut client = world.take_client(who);
    let (answer, reports) = world.turn_alone(|turn| client.session.bind(turn, &bind));
    world.put_client(who, client);
    world.absorb(reports)?;
    accept(world, &format!("binding of {name}"), answer.map(|_| ()))
}

/// Deletes a queue that may be deleted.
pub(super) fn delete(world: &mut World, who: usize) -> Result<(), Violation> {
    let deletable = world.plan.queues.iter().filter(|plan| plan.deletable);
    let names: Vec<String> = deletable.map(|plan| plan.name.clone()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let name = world.dice.pick(&names).clone();
    let mut client = world.take_client(who);
    let id = world.names.get(&name).copied();
    if let Some(id) = id {
        // What is due is handed out first: the deletion looks at the queue in a turn before its own.
        world.in_turn(|turn, _| {
            turn.shard(id.shard());
            Ok(())
        })?;
    }
    let result = world.in_turn(|turn, oracle| {
        let (answer, _) = turn.command(|turn| client.session.delete_queue(turn, &name, false, false));
        if let (Ok((_, waits)), Some(id)) = (&answer, id) {
            let at = waits.as_slice().first().map_or(Position::NONE, |wait| wait.position);
            oracle.deleted(id, at);
        }
        Ok(answer)
    });
    world.put_client(who, client);
    let answer = result?;
    world.note(&format!("client {who} deletes {name}: {:?}", answer.as_ref().map(|(count, _)| count)));
    if answer.is_ok() {
        world.names.remove(&name);
    }
    accept(world, &name, answer.map(|_| ()))
}

/// Purges a queue, but no dead-letter queue: what is on its way there is not known.
pub(super) fn purge(world: &mut World, who: usize) -> Result<(), Violation> {
    let index = world.dice.index(world.plan.queues.len());
    let name = world.plan.queues[index].name.clone();
    if name.starts_with(crate::world::DEAD_LETTERS) {
        return Ok(());
    }
    let Some(id) = world.names.get(&name).copied() else { return Ok(()) };
    let mut client = world.take_client(who);
    let result = world.in_turn(|turn, oracle| {
        let (answer, _) = turn.command(|turn| client.session.purge(turn, &name));
        if let Ok((count, _)) = answer {
            oracle.purged(id, count)?;
        }
        Ok(answer.map(|(count, _)| count))
    });
    world.put_client(who, client);
    let answer = result?;
    world.note(&format!("client {who} purges {name}: {answer:?}"));
    Ok(())
}

/// Puts back what was kept aside, in some queue.
pub(super) fn unpark(world: &mut World) -> Result<(), Violation> {
    let index = world.dice.index(world.plan.queues.len());
    match world.names.get(&world.plan.queues[index].name).copied() {
        Some(id) => unpark_queue(world, id),
        None => Ok(()),
    }
}

/// Puts back what was kept aside in a queue.
pub(crate) fn unpark_queue(world: &mut World, id: QueueId) -> Result<(), Violation> {
    let count = world.in_turn(|turn, oracle| {
        let (count, _) = turn.command(|turn| turn.shard(id.shard()).unpark(id));
        oracle.unparked(id, count)?;
        Ok(count)
    })?;
    world.note(&format!("{count} are put back in {id}"));
    Ok(())
}

/// Sets or clears a policy of one queue.
pub(super) fn change_policy(world: &mut World) -> Result<(), Violation> {
    let governed = world.plan.queues.iter().filter(|plan| plan.has_policy);
    let names: Vec<String> = governed.map(|plan| plan.name.clone()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let name = world.dice.pick(&names).clone();
    let pattern = format!("^{name}$");
    let set = !world.dice.one_in(3);
    let definition = policy(&mut world.dice);
    let (changed, reports) = world.turn_alone(|turn| {
        let (changed, _): (_, Wait) = turn.change(|catalog| {
            if !set {
                return catalog.clear_policy("/", PolicyScope::User, &name);
            }
            let (pattern, definition) = (pattern.as_str(), definition);
            let apply_to = ApplyTo::Queues;
            let policy = NewPolicy { name: &name, pattern, apply_to, priority: 0, definition };
            catalog.put_policy("/", PolicyScope::User, policy)
        });
        let changed = changed.unwrap_or_default();
        apply_settings(turn, &changed);
        changed
    });
    for id in &changed {
        if let Some(settings) = world.settings(*id) {
            world.oracle.settings_changed(*id, settings);
        }
    }
    world.note(&format!("a policy changes {changed:?}"));
    world.absorb(reports)
}

/// Whether a command was done, or could not be because the catalog's log has failed.
fn accept(world: &World, what: &str, answer: Result<(), leveret_core::Refusal>) -> Result<(), Violation> {
    match answer {
        Err(refusal) if refusal.cause == Cause::NotFound => Ok(()),
        Err(refusal) if !(refusal.cause == Cause::Internal && world.has_failed()) => {
            Err(Violation(format!("{what}: {refusal}")))
        }
        _ => Ok(()),
    }
}
