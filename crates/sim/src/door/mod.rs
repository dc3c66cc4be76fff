//! The second world: the same broker, its clients behind the AMQP door, and a network between them that splits,
//! delays and cuts streams of bytes.
//!
//! The door and its clients speak real bytes. What is judged is what a client can see ([`oracle`]).

mod client;
mod link;
mod oracle;

use crate::Violation;
use crate::client::Body;
use crate::world::{World, one_text};
use client::{Heard, Message};
use leveret_amqp::codec::method::basic;
use leveret_core::wire::{ShortStr, Table, Value};
use link::{Link, piece};
use oracle::{Answer, DEAD, Ledger, MORTAL, MORTAL_LIMIT};

/// The clients of a run through the door, and what is known of their messages.
pub(crate) struct Doors {
    links: Vec<Link>,
    ledger: Ledger,
    queues: Vec<(String, Table)>,
    next_uid: u64,
    /// Clients at once.
    wanted: usize,
}

impl Doors {
    /// So many clients, not yet connected.
    pub(crate) fn new(wanted: usize) -> Doors {
        let endless = || number("x-delivery-limit", -1);
        let mut mortal = one_text("x-dead-letter-exchange", "");
        mortal.insert(ShortStr::literal("x-dead-letter-routing-key"), Value::LongStr(DEAD.into()));
        mortal.insert(ShortStr::literal("x-delivery-limit"), Value::I64(i64::from(MORTAL_LIMIT)));
        let mut queues: Vec<(String, Table)> = vec![(DEAD.into(), endless()), (MORTAL.into(), mortal)];
        queues.extend((0..3).map(|index| (format!("plain-{index}"), endless())));
        Doors { links: Vec::new(), ledger: Ledger::default(), queues, next_uid: 0, wanted }
    }

    /// The broker has crashed: every connection is gone with it.
    pub(crate) fn crashed(&mut self) {
        self.links.clear();
        self.ledger.crashed();
    }
}

fn number(name: &'static str, value: i64) -> Table {
    let mut table = Table::new();
    table.insert(ShortStr::literal(name), Value::I64(value));
    table
}

/// One thing happens at the door.
pub(crate) fn act(world: &mut World, doors: &mut Doors) -> Result<(), Violation> {
    if doors.links.len() < doors.wanted && world.dice.one_in(3) {
        connect(world, doors);
    }
    if doors.links.is_empty() {
        return Ok(());
    }
    let who = world.dice.index(doors.links.len());
    match world.dice.below(100) {
        0..=49 => command(world, doors, who),
        50 => {
            let link = doors.links.swap_remove(who);
            return lose(world, doors, link);
        }
        _ => {}
    }
    for _ in 0..world.dice.between(1, 6) {
        if doors.links.is_empty() {
            break;
        }
        let who = world.dice.index(doors.links.len());
        let (up, down) = (piece(&mut world.dice), piece(&mut world.dice));
        pump(world, doors, who, up, down)?;
    }
    Ok(())
}

fn connect(world: &mut World, doors: &mut Doors) {
    let id = world.new_connection();
    world.note(&format!("{id:?} connects"));
    doors.links.push(Link::new(id, world.now, world.readers()));
}

/// A client does something.
fn command(world: &mut World, doors: &mut Doors, who: usize) {
    let Doors { links, ledger, queues, next_uid, .. } = doors;
    let link = &mut links[who];
    if !link.client.ready {
        return;
    }
    let queue = world.dice.pick(queues).0.clone();
    let connection = link.id.0;
    match world.dice.below(10) {
        0..=3 => {
            for _ in 0..world.dice.between(1, 5) {
                *next_uid += 1;
                let persistent = !world.dice.one_in(5);
                let length =
                    if world.dice.one_in(10) { world.dice.below(10_000) } else { world.dice.below(200) };
                let mut body = Vec::new();
                Body::write(*next_uid, Body::MIN_BYTES + length as usize, &mut body);
                link.client.publish(&queue, persistent, &body);
                ledger.published(*next_uid, &queue, persistent, connection, link.client.published);
                link.unconfirmed.insert(link.client.published, *next_uid);
            }
            world.note(&format!("{connection} publishes to {queue}, up to {next_uid}"));
        }
        4 => {
            link.client.consume(&queue);
            world.note(&format!("{connection} consumes from {queue}"));
        }
        5 => {
            link.client.get(&queue);
            world.note(&format!("{connection} gets from {queue}"));
        }
        6 => link.client.say(&basic::Qos {
            prefetch_size: 0,
            prefetch_count: world.dice.below(20) as u16,
            global: world.dice.one_in(3),
        }),
        _ => answer(world, link, ledger),
    }
}

/// A client settles one of the messages that it holds, or all up to it.
fn answer(world: &mut World, link: &mut Link, ledger: &mut Ledger) {
    let tags: Vec<u64> = link.held.keys().copied().collect();
    if tags.is_empty() {
        return;
    }
    let delivery_tag = *world.dice.pick(&tags);
    let multiple = world.dice.one_in(3);
    let answer = *world.dice.pick(&[Answer::Ack, Answer::Ack, Answer::Ack, Answer::Requeue, Answer::Reject]);
    let requeue = answer == Answer::Requeue;
    match answer {
        Answer::Ack => link.client.say(&basic::Ack { delivery_tag, multiple }),
        _ if multiple || world.dice.one_in(2) => {
            link.client.say(&basic::Nack { delivery_tag, multiple, requeue });
        }
        _ => link.client.say(&basic::Reject { delivery_tag, requeue }),
    }
    for tag in tags.into_iter().filter(|tag| *tag == delivery_tag || (multiple && *tag < delivery_tag)) {
        if let Some((uid, queue)) = link.held.remove(&tag) {
            ledger.answered(uid, &queue, link.id.0, answer);
        }
    }
    world.note(&format!("{} answers {delivery_tag} with {answer:?}, multiple {multiple}", link.id.0));
}

/// The network carries some bytes, and the broker's side of the connection works.
fn pump(world: &mut World, doors: &mut Doors, who: usize, up: usize, down: usize) -> Result<(), Violation> {
    let Doors { links, queues, .. } = doors;
    let link = &mut links[who];
    let logs = world.log_positions();
    link.tick(world.now);
    world.door_turn(|turn| link.carry_up(turn, up))?;
    let mail = world.take_effects(link.id);
    world.door_turn(|turn| link.tell(turn, mail, &logs))?;
    let heard = world.door_turn(|turn| link.carry_down(turn, down, queues))?;
    let mut over = link.is_over();
    for heard in heard {
        over |= hear(world, doors, who, heard)?;
    }
    if over {
        let link = doors.links.swap_remove(who);
        lose(world, doors, link)?;
    }
    Ok(())
}

/// A client has understood something. Answers whether the connection is over.
fn hear(world: &mut World, doors: &mut Doors, who: usize, heard: Heard) -> Result<bool, Violation> {
    let Doors { links, ledger, .. } = doors;
    let link = &mut links[who];
    let connection = link.id.0;
    match heard {
        Heard::Confirm { tag, multiple, refused } => {
            let upto = link.unconfirmed.range(..=tag).map(|(tag, _)| *tag);
            let tags: Vec<u64> = upto.filter(|known| multiple || *known == tag).collect();
            for uid in tags.into_iter().filter_map(|tag| link.unconfirmed.remove(&tag)) {
                if !refused {
                    ledger.confirmed(uid);
                    world.tally.confirmed += 1;
                }
            }
            if refused && !world.has_failed() {
                return Err(Violation(format!("publish {tag} of connection {connection} is refused")));
            }
            world.note(&format!("{connection} hears confirm {tag}, multiple {multiple}, refused {refused}"));
            Ok(false)
        }
        Heard::Message(message) => {
            let uid = take_in(ledger, connection, &message)?;
            world.tally.delivered += 1;
            world.note(&format!("{connection} gets {uid} from {} as {}", message.queue, message.tag));
            link.held.insert(message.tag, (uid, message.queue));
            Ok(false)
        }
        Heard::Closed { code, text } if !world.has_failed() => {
            Err(Violation(format!("connection {connection} is closed with {code} {text}")))
        }
        Heard::Closed { .. } => Ok(true),
        Heard::Nonsense(what) => Err(Violation(format!("connection {connection} hears {what}"))),
    }
}

fn take_in(ledger: &mut Ledger, connection: u64, message: &Message) -> Result<u64, Violation> {
    let Some(uid) = Body::check(&message.body) else {
        return Err(Violation(format!("connection {connection} got a body that nobody sent: {message:?}")));
    };
    ledger.delivered(uid, connection, message)?;
    Ok(uid)
}

/// A connection is lost, with all bytes that were on their way.
fn lose(world: &mut World, doors: &mut Doors, mut link: Link) -> Result<(), Violation> {
    world.note(&format!("{:?} is lost", link.id));
    doors.ledger.lost(link.id.0);
    world.door_turn(|turn| link.lose(turn))?;
    let mail = world.take_effects(link.id);
    world.door_turn(|turn| link.give_back(turn, mail))?;
    world.take_effects(link.id);
    Ok(())
}

/// Every connection is lost.
pub(crate) fn lose_all(world: &mut World, doors: &mut Doors) -> Result<(), Violation> {
    while let Some(link) = doors.links.pop() {
        lose(world, doors, link)?;
    }
    Ok(())
}

/// Takes everything out of every queue through one connection, and accounts for every message.
pub(crate) fn finish(world: &mut World, doors: &mut Doors) -> Result<(), Violation> {
    /// Rounds in which a broker that nobody bothers must have handed out everything.
    const ROUNDS: usize = 2_000;
    lose_all(world, doors)?;
    connect(world, doors);
    let mut consuming = false;
    for _ in 0..ROUNDS {
        pump(world, doors, 0, usize::MAX, usize::MAX)?;
        let Some(link) = doors.links.first_mut() else {
            return Err(Violation("the last connection was closed".into()));
        };
        if link.client.ready && !consuming {
            doors.queues.iter().for_each(|(queue, _)| link.client.consume(queue));
            consuming = true;
        }
        for (delivery_tag, (uid, queue)) in std::mem::take(&mut link.held) {
            link.client.say(&basic::Ack { delivery_tag, multiple: false });
            doors.ledger.answered(uid, &queue, link.id.0, Answer::Ack);
        }
        let is_quiet = link.is_quiet();
        world.settle_down()?;
        if consuming && is_quiet && world.is_empty() {
            lose_all(world, doors)?;
            return doors.ledger.account();
        }
    }
    Err(Violation("the queues cannot be drained through the door".into()))
}
