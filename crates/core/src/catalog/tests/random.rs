//! Seeded random commands: after every few of them the catalog is what its log, its checkpoint and a catalog that never
//! saw the detours say. A seed that fails stays here as a test of its own.

use super::*;
use crate::random::Random;
use leveret_log::Position;
use std::collections::BTreeSet;

const VHOSTS: [&str; 2] = ["/", "v"];
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const KEYS: [&str; 9] = ["", "k", "a.b", "a.*", "#", "a.#", "#.b", "3", "*.b"];
const KINDS: [&str; 10] = [
    "direct",
    "fanout",
    "topic",
    "headers",
    "x-consistent-hash",
    "x-delayed-message",
    "x-random",
    "x-local-random",
    "x-modulus-hash",
    "x-recent-history",
];

impl Random {
    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

struct Run {
    rig: Rig,
    random: Random,
    /// A checkpoint and where the log was when it was taken.
    checkpoint: (Vec<u8>, Position),
    /// How many bindings were made and removed: were everything refused, a run would show nothing.
    bound: usize,
    unbound: usize,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut rig = Rig::new();
        let catalog = &mut rig.catalog;
        catalog.put_vhost("v", "", Vec::new(), QueueKind::Classic).unwrap();
        let checkpoint = (catalog.checkpoint(), catalog.position());
        Run {
            rig,
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            checkpoint,
            bound: 0,
            unbound: 0,
        }
    }

    /// One command; whether it is refused does not matter here.
    fn step(&mut self) {
        match self.random.below(100) {
            0..20 => self.declare_queue(),
            20..35 => self.declare_exchange(),
            35..60 => self.bind(),
            60..72 => self.unbind(),
            72..78 => self.delete_queue(),
            78..82 => self.delete_exchange(),
            82..90 => self.change_policies(),
            90..96 => self.change_users(),
            96..98 => self.close_connection(),
            98 => self.change_vhosts(),
            _ => self.checkpoint = (self.rig.catalog.checkpoint(), self.rig.catalog.position()),
        }
    }

    fn declare_queue(&mut self) {
        let random = &mut self.random;
        let (vhost, name, owner) = (random.pick(&VHOSTS), random.pick(&NAMES), random.below(3) as u64);
        let mut arguments = Table::new();
        if random.one_in(3) {
            arguments.insert(ShortStr::literal("x-max-length"), number(random.below(9) as i32));
        }
        if random.one_in(4) {
            arguments.insert(ShortStr::literal("x-queue-type"), random.pick(&["classic", "quorum"]).into());
        }
        let declare = DeclareQueue {
            durable: !random.one_in(3),
            exclusive: random.one_in(5),
            auto_delete: random.one_in(5),
            server_named: false,
            arguments,
        };
        let owner = Caller::owner(ConnectionId(owner));
        let _ = self.rig.catalog.declare_queue(owner, vhost, name, declare);
    }

    fn declare_exchange(&mut self) {
        let random = &mut self.random;
        let (vhost, name, kind) = (random.pick(&VHOSTS), random.pick(&NAMES), random.pick(&KINDS));
        let mut arguments = table([("x-delayed-type", random.pick(&KINDS).into())]);
        if random.one_in(3) {
            arguments.insert(ShortStr::literal("alternate-exchange"), random.pick(&NAMES).into());
        }
        let declare = DeclareExchange {
            kind,
            durable: !random.one_in(3),
            auto_delete: random.one_in(2),
            internal: random.one_in(9),
            arguments,
        };
        let _ = self.rig.catalog.declare_exchange(Caller::BROKER, vhost, name, declare);
    }

    fn bind(&mut self) {
        let random = &mut self.random;
        let vhost = random.pick(&VHOSTS);
        let source = match random.one_in(2) {
            true => random.pick(&["amq.direct", "amq.topic", "amq.match"]),
            false => random.pick(&NAMES),
        };
        let destination = random.pick(&NAMES);
        let kind = if random.one_in(3) { DestinationKind::Exchange } else { DestinationKind::Queue };
        let arguments = if random.one_in(4) { table([("h", number(1))]) } else { Table::new() };
        let binding = NewBinding { source, kind, destination, routing_key: random.pick(&KEYS), arguments };
        self.bound += usize::from(self.rig.catalog.bind(Caller::BROKER, vhost, binding) == Ok(true));
    }

    /// Removes one of the bindings that are there.
    fn unbind(&mut self) {
        let vhost = self.random.pick(&VHOSTS);
        let bindings: Vec<_> = self.rig.catalog.bindings(vhost).cloned().collect();
        if bindings.is_empty() {
            return;
        }
        let found = &bindings[self.random.below(bindings.len())];
        let old = NewBinding {
            source: &found.source,
            kind: found.destination.kind,
            destination: &found.destination.name,
            routing_key: &found.routing_key,
            arguments: found.arguments.clone(),
        };
        assert!(self.rig.catalog.unbind(Caller::BROKER, vhost, old).unwrap());
        self.unbound += 1;
    }

    fn delete_queue(&mut self) {
        let (vhost, name) = (self.random.pick(&VHOSTS), self.random.pick(&NAMES));
        let _ = self.rig.catalog.delete_queue(Caller::BROKER, vhost, name);
    }

    fn delete_exchange(&mut self) {
        let (vhost, name, if_unused) =
            (self.random.pick(&VHOSTS), self.random.pick(&NAMES), self.random.one_in(2));
        let _ = self.rig.catalog.delete_exchange(Caller::BROKER, vhost, name, if_unused);
    }

    fn change_policies(&mut self) {
        let random = &mut self.random;
        let (vhost, name) = (random.pick(&VHOSTS), random.pick(&["p", "r"]));
        let scope = if random.one_in(2) { PolicyScope::User } else { PolicyScope::Operator };
        if random.one_in(3) {
            let _ = self.rig.catalog.clear_policy(vhost, scope, name);
            return;
        }
        let mut definition = table([("max-length", number(random.below(9) as i32))]);
        if scope == PolicyScope::User && random.one_in(2) {
            definition.insert(ShortStr::literal("alternate-exchange"), random.pick(&NAMES).into());
        }
        let apply_to = random.pick(&[ApplyTo::All, ApplyTo::Exchanges, ApplyTo::ClassicQueues]);
        let (pattern, priority) = (random.pick(&[".*", "a", "[b-d]"]), random.below(3) as i64);
        let policy = NewPolicy { name, pattern, apply_to, priority, definition };
        self.rig.catalog.put_policy(vhost, scope, policy).unwrap_or_default();
    }

    fn change_users(&mut self) {
        let (user, vhost) = (self.random.pick(&["guest", "u"]), self.random.pick(&VHOSTS));
        let pattern = self.random.pick(&[".*", "", "^a"]);
        let key = self.random.pick(&["LKIAA", "LKIAB"]);
        let catalog = &mut self.rig.catalog;
        let patterns = PermissionPatterns { configure: pattern, write: pattern, read: pattern };
        let topics = TopicPatterns { write: pattern, read: pattern };
        let _ = match self.random.below(8) {
            0 => catalog.put_user(user, None, vec![pattern.into()]),
            1 => catalog.delete_user(user),
            2 => catalog.put_permission(user, vhost, patterns),
            3 => catalog.clear_permission(user, vhost),
            4 => catalog.put_topic_permission(user, vhost, "amq.topic", topics),
            5 => catalog.create_access_key(key, "secret", user, 7),
            6 => catalog.delete_access_key(key),
            _ => catalog.clear_topic_permission(user, vhost, Some("amq.topic")),
        };
    }

    fn close_connection(&mut self) {
        let connection = ConnectionId(self.random.below(3) as u64);
        let queues: Vec<_> = self.rig.catalog.queues_of(connection).collect();
        for queue in queues {
            self.rig.catalog.remove_queue(queue).unwrap().unwrap();
        }
        assert_eq!(self.rig.catalog.queues_of(connection).count(), 0);
    }

    fn change_vhosts(&mut self) {
        let vhost = self.random.pick(&VHOSTS);
        // Refused while there is none of the name, and for one that is protected.
        let _ = self.rig.catalog.set_vhost_protection(vhost, self.random.one_in(4));
        let _ = self.rig.catalog.delete_vhost(vhost);
        self.rig
            .catalog
            .put_vhost(vhost, "", Vec::new(), self.random.pick(&[QueueKind::Classic, QueueKind::Quorum]))
            .unwrap();
    }

    fn check(&mut self) {
        let expected = self.rig.catalog.checkpoint();
        assert_eq!(self.rig.replayed().checkpoint(), expected, "the log");
        assert_eq!(self.restored_from(&expected, None), expected, "the checkpoint");
        let (checkpoint, position) = self.checkpoint.clone();
        assert_eq!(
            self.restored_from(&checkpoint, Some(position)),
            expected,
            "a checkpoint and the rest of the log"
        );
        check_links(&self.rig.catalog);
        check_routes(&self.rig.catalog, &rebuilt(&self.rig.catalog));
    }

    /// The durable state from a checkpoint and the records from a position on.
    fn restored_from(&self, checkpoint: &[u8], from: Option<Position>) -> Vec<u8> {
        let mut replay = CatalogReplay::default();
        replay.restore(checkpoint).unwrap();
        let recovery = Recovery::begin(&mut MemoryDriver::new(self.rig.disk.fork()), 1 << 20).unwrap();
        let log = recovery.replay(|record| match from {
            Some(from) if record.position >= from => replay.replay(record.tag, record.payload),
            _ => Ok(()),
        });
        replay.open(4, log.unwrap().tail).checkpoint()
    }
}

/// Whether every binding hangs at both of its ends, and every queue is where it is looked for.
fn check_links(catalog: &Catalog) {
    let mut ids = BTreeSet::new();
    for vhost in catalog.vhosts() {
        let mut incoming = 0;
        for exchange in vhost.exchanges.values() {
            incoming += exchange.incoming.len();
            for binding in &exchange.outgoing {
                let found = vhost.bindings_to(&binding.destination).any(|found| found == binding);
                assert!(found, "{binding:?} is not at its destination");
            }
        }
        for queue in catalog.queues(&vhost.name) {
            incoming += vhost
                .bindings_to(&Destination { kind: DestinationKind::Queue, name: queue.name.clone() })
                .count();
            assert_eq!(catalog.queue_by_id(queue.id), Some(queue));
            assert!(ids.insert(queue.id), "an id has two queues");
        }
        assert_eq!(catalog.bindings(&vhost.name).count(), incoming, "a binding whose source is gone");
    }
    assert_eq!(catalog.all_queues().len(), ids.len());
    for queue in catalog.all_queues() {
        let owned =
            queue.exclusive_owner.is_some_and(|owner| catalog.queues_of(owner).any(|id| id == queue.id));
        assert_eq!(owned, queue.exclusive_owner.is_some());
    }
}

/// A catalog that was given all that there is now, without the detours: its routers never had anything removed, and its
/// policies were there first.
fn rebuilt(catalog: &Catalog) -> Catalog {
    let mut rig = Rig::open(&MemoryDisk::new(Geometry::DEFAULT, LogId(2)));
    let fresh = &mut rig.catalog.state;
    let mut replay = |fact| fresh.apply(fact);
    catalog.state.facts(&mut replay);
    for vhost in catalog.vhosts() {
        let in_vhost = || vhost.name.clone();
        for exchange in vhost.exchanges.values().filter(|exchange| !exchange.durable) {
            let (name, kind) = (exchange.name.clone(), exchange.kind.into());
            let Exchange { durable, auto_delete, internal, .. } = *exchange;
            let arguments = exchange.arguments.clone();
            replay(Fact::ExchangeDeclared {
                vhost: in_vhost(),
                name,
                kind,
                durable,
                auto_delete,
                internal,
                arguments,
            });
        }
        for queue in catalog.queues(&vhost.name) {
            let Queue { id, kind, durable, auto_delete, exclusive_owner, .. } = **queue;
            let (vhost, name, arguments) = (queue.vhost.clone(), queue.name.clone(), queue.arguments.clone());
            replay(Fact::QueueDeclared {
                id,
                vhost,
                name,
                kind,
                durable,
                auto_delete,
                exclusive_owner,
                arguments,
            });
        }
        for binding in catalog.bindings(&vhost.name) {
            replay(Fact::Bound {
                vhost: in_vhost(),
                source: binding.source.clone(),
                kind: binding.destination.kind,
                destination: binding.destination.name.clone(),
                routing_key: binding.routing_key.clone(),
                arguments: binding.arguments.clone(),
            });
        }
    }
    rig.catalog
}

/// Whether two catalogs send messages the same ways, and their queues behave the same.
fn check_routes(one: &Catalog, other: &Catalog) {
    let mut entries = Vec::new();
    table([("h", number(1))]).encode_entries(&mut entries);
    let headers = crate::wire::RawTable::parse(&entries).ok();
    let with_header = RawProperties { headers, ..RawProperties::default() };
    assert_eq!(one.all_queues(), other.all_queues());
    let (mut ways, mut other_ways) = (Vec::new(), Vec::new());
    for vhost in one.vhosts() {
        for exchange in one.exchanges(&vhost.name) {
            for properties in [&RawProperties::default(), &with_header] {
                for key in KEYS {
                    let message = RoutedMessage { routing_keys: &[key], properties, body: &[], draw: 7 };
                    let answer = one.route(&vhost.name, &exchange.name, &message, &mut ways);
                    let expected = other.route(&vhost.name, &exchange.name, &message, &mut other_ways);
                    assert_eq!((answer, &ways), (expected, &other_ways), "{exchange:?} with {key}");
                }
            }
        }
    }
}

#[test]
fn random_commands_leave_what_the_log_rebuilds() {
    for seed in 0..40 {
        let mut run = Run::new(seed);
        for step in 0..600 {
            run.step();
            if step % 60 == 59 {
                run.check();
            }
        }
        assert!(run.bound > 30 && run.unbound > 10, "seed {seed}: {} and {}", run.bound, run.unbound);
    }
}
