//! Consuming: subscribe, read, settle, fetch, cancel, and lose the connection.

use super::Client;
use crate::Violation;
use crate::client::Body;
use crate::oracle::Seen;
use crate::world::World;
use leveret_core::broker::{Access, Consume};
use leveret_core::message::Stored;
use leveret_core::shard::{Delivery, Settle};
use leveret_core::{Cause, LeaseId, QueueId, Refusal, Time};
use std::collections::BTreeSet;

/// The prefetch of those who drain the queues at the end.
const DRAIN_PREFETCH: u16 = 200;

/// Starts a consumer on some queue.
pub(super) fn subscribe(world: &mut World, who: usize) -> Result<(), Violation> {
    let index = world.dice.index(world.plan.queues.len());
    let name = world.plan.queues[index].name.clone();
    let no_ack = world.dice.one_in(10);
    let prefetch = *world.dice.pick(&[0, 1, 1, 2, 5, 10, 50]);
    let exclusive = world.dice.one_in(15);
    let priority = world.dice.below(3) as i32;
    let consume =
        Consume { queue: &name, no_ack, exclusive, prefetch, pool: None, priority, timeout_ms: None };
    match start(world, who, &consume)? {
        Err(refusal) if !matches!(refusal.cause, Cause::AccessRefused | Cause::NotFound) => {
            Err(Violation(format!("no consumer of {name}: {refusal}")))
        }
        _ => Ok(()),
    }
}

fn start(world: &mut World, who: usize, consume: &Consume<'_>) -> Result<Result<(), Refusal>, Violation> {
    let mut client = world.take_client(who);
    let result = world.in_turn(|turn, oracle| {
        let (answer, _) = turn.command(|turn| client.session.consume(turn, consume));
        if let Ok(consuming) = &answer {
            let connection = client.session.connection();
            oracle.subscribed(
                consuming.queue,
                consuming.consumer,
                connection,
                consume.no_ack,
                consume.prefetch,
            );
            client.consumers.push(*consuming);
        }
        Ok(answer.map(|_| ()))
    });
    world.put_client(who, client);
    let answer = result?;
    world.note(&format!("client {who} wants {consume:?}: {answer:?}"));
    Ok(answer)
}

/// Ends one of the client's consumers.
pub(super) fn cancel(world: &mut World, who: usize) -> Result<(), Violation> {
    let mut client = world.take_client(who);
    let mut cancelled = None;
    if !client.consumers.is_empty() {
        cancelled = Some(client.consumers.swap_remove(world.dice.index(client.consumers.len())));
    }
    let result = world.in_turn(|turn, oracle| {
        if let Some(consuming) = cancelled {
            turn.command(|turn| client.session.cancel(turn, consuming));
            oracle.unsubscribed(consuming.queue, consuming.consumer);
        }
        Ok(())
    });
    world.put_client(who, client);
    world.note(&format!("client {who} cancels {cancelled:?}"));
    result
}

/// Settles some of what the client holds, all of one queue.
pub(super) fn settle(world: &mut World, who: usize) -> Result<(), Violation> {
    let mut client = world.take_client(who);
    let mut chosen = Vec::new();
    if !client.held.is_empty() {
        let queue = client.held[world.dice.index(client.held.len())].queue;
        let count = world.dice.between(1, 20) as usize;
        let oldest_first = world.dice.one_in(2);
        let mut index = 0;
        while index < client.held.len() && chosen.len() < count {
            if client.held[index].queue == queue && (oldest_first || world.dice.one_in(2)) {
                chosen.push((client.held.remove(index), how(world)));
            } else {
                index += 1;
            }
        }
    }
    let result = world.in_turn(|turn, oracle| settle_all(&mut client, turn, oracle, &chosen));
    world.put_client(who, client);
    let settled: Vec<String> =
        chosen.iter().map(|(delivery, how)| format!("{} {how:?}", delivery.position)).collect();
    world.note(&format!("client {who} settles {}", settled.join(", ")));
    result
}

fn how(world: &mut World) -> Settle {
    match world.dice.below(10) {
        0..=5 => Settle::Done,
        6 | 7 => Settle::Again,
        8 => Settle::Untouched,
        _ => Settle::Never,
    }
}

fn settle_all(
    client: &mut Client,
    turn: &mut crate::world::Turn<'_>,
    oracle: &mut crate::oracle::Oracle,
    chosen: &[(Delivery, Settle)],
) -> Result<(), Violation> {
    for (delivery, how) in chosen {
        let (answer, _) =
            turn.command(|turn| client.session.settle(turn, delivery.queue, delivery.lease, *how));
        oracle.settled(delivery, *how, answer)?;
    }
    Ok(())
}

/// Fetches one message from some queue.
pub(super) fn get(world: &mut World, who: usize) -> Result<(), Violation> {
    let index = world.dice.index(world.plan.queues.len());
    let name = world.plan.queues[index].name.clone();
    let no_ack = world.dice.one_in(4);
    let mut client = world.take_client(who);
    let (answer, reports) = world.turn_alone(|turn| client.session.get(turn, &name, no_ack));
    let mut got = None;
    if let Ok(Some((delivery, _))) = &answer {
        got = Some(*delivery);
        if !no_ack {
            client.held.push(*delivery);
        }
    }
    world.put_client(who, client);
    world.note(&format!("client {who} gets from {name}: {:?}", got.map(|delivery| delivery.position)));
    if let Some(delivery) = got {
        let seen = world.see(None, delivery)?;
        world.oracle.delivered(vec![seen])?;
    }
    world.absorb(reports)?;
    match answer {
        Ok(_) => Ok(()),
        Err(refusal) if matches!(refusal.cause, Cause::NotFound | Cause::ResourceLocked) => Ok(()),
        Err(refusal) => Err(Violation(format!("nothing fetched from {name}: {refusal}"))),
    }
}

/// Reads what has come in and is due: the bytes must still be there.
pub(crate) fn read_mail(world: &mut World, who: usize) -> Result<(), Violation> {
    read_until(world, who, world.now)
}

fn read_until(world: &mut World, who: usize, due: Time) -> Result<(), Violation> {
    let mut client = world.take_client(who);
    let connection = client.session.connection();
    let read = world.take_mail(connection, due);
    let mut result = Ok(());
    for delivery in &read {
        result = result.and(check_bytes(world, delivery));
        if delivery.lease != LeaseId::NONE {
            client.held.push(*delivery);
        }
    }
    world.put_client(who, client);
    result?;
    if read.is_empty() {
        return Ok(());
    }
    world.note(&format!("client {who} reads {} deliveries", read.len()));
    // Each shard is told what was written out of what it had handed over.
    world.in_turn(|turn, _| {
        for delivery in &read {
            turn.shard(delivery.queue.shard()).written(connection, 1, u64::from(delivery.size));
        }
        Ok(())
    })
}

fn check_bytes(world: &World, delivery: &Delivery) -> Result<(), Violation> {
    let Seen { kind, payload, .. } = world.see(None, *delivery)?;
    let body = Stored::parse(kind, &payload).ok().and_then(|stored| Body::check(stored.body));
    match body {
        Some(_) => Ok(()),
        None => Err(Violation(format!("other bytes are read for {delivery:?}"))),
    }
}

/// The client's connection is lost: its door gives back what it held, and ends its session.
pub(crate) fn disconnect(world: &mut World, who: usize) -> Result<(), Violation> {
    let mut client = world.take_client(who);
    // Consumers go first, or what is given back would be handed to them again.
    let consumers = std::mem::take(&mut client.consumers);
    for consuming in consumers {
        world.in_turn(|turn, oracle| {
            turn.command(|turn| client.session.cancel(turn, consuming));
            oracle.unsubscribed(consuming.queue, consuming.consumer);
            Ok(())
        })?;
    }
    let mut chosen: Vec<(Delivery, Settle)> =
        client.held.drain(..).map(|held| (held, Settle::Again)).collect();
    let unread = world.take_mail(client.session.connection(), Time(u64::MAX));
    chosen.extend(
        unread
            .into_iter()
            .filter(|unread| unread.lease != LeaseId::NONE)
            .map(|unread| (unread, Settle::Untouched)),
    );
    world.note(&format!("client {who} loses its connection with {} held", chosen.len()));
    let queues: BTreeSet<QueueId> = chosen.iter().map(|(held, _)| held.queue).collect();
    for queue in queues {
        let of_queue: Vec<_> = chosen.iter().copied().filter(|(held, _)| held.queue == queue).collect();
        world.in_turn(|turn, oracle| settle_all(&mut client, turn, oracle, &of_queue))?;
    }
    world.in_turn(|turn, _| {
        client.session.close(turn);
        Ok(())
    })?;
    world.connect(who);
    Ok(())
}

/// Consumes from a queue, to drain it.
pub(crate) fn drain(world: &mut World, who: usize, name: &str) -> Result<(), Violation> {
    let consume = Consume {
        queue: name,
        no_ack: false,
        exclusive: false,
        prefetch: DRAIN_PREFETCH,
        pool: None,
        priority: 0,
        timeout_ms: None,
    };
    start(world, who, &consume)?.map_err(|refusal| Violation(format!("{name} cannot be drained: {refusal}")))
}

/// Reads and acknowledges everything that a client was given. Answers how many messages that were.
pub(crate) fn acknowledge_all(world: &mut World, who: usize) -> Result<usize, Violation> {
    read_until(world, who, Time(u64::MAX))?;
    let mut client = world.take_client(who);
    let chosen: Vec<_> = client.held.drain(..).map(|held| (held, Settle::Done)).collect();
    let queues: BTreeSet<QueueId> = chosen.iter().map(|(held, _)| held.queue).collect();
    let mut result = Ok(());
    for queue in queues {
        let of_queue: Vec<_> = chosen.iter().copied().filter(|(held, _)| held.queue == queue).collect();
        result = result.and(world.in_turn(|turn, oracle| settle_all(&mut client, turn, oracle, &of_queue)));
    }
    world.put_client(who, client);
    result.map(|()| chosen.len())
}
