//! What survives a restart: the log and its checkpoint rebuild all that is durable, and nothing else.

use super::*;
use crate::Time;
use crate::limits::{TABLE_BYTES, TABLE_DEPTH};

/// The catalog that its checkpoint alone rebuilds.
fn restored(catalog: &Catalog) -> Catalog {
    let mut replay = CatalogReplay::default();
    replay.restore(&catalog.checkpoint()).unwrap();
    let disk = MemoryDisk::new(Geometry::DEFAULT, LogId(2));
    replay.open(4, Rig::open(&disk).catalog.tail)
}

/// A catalog with something of everything.
fn furnished() -> Rig {
    let mut rig = Rig::new();
    let catalog = &mut rig.catalog;
    catalog.put_vhost("v", "second", vec!["tag".into()], QueueKind::Quorum).unwrap();
    let limits = VhostLimits { max_connections: Some(5), max_queues: Some(50) };
    catalog.set_vhost_limits("v", limits).unwrap();
    catalog.put_vhost("p", "protected", Vec::new(), QueueKind::Classic).unwrap();
    catalog.set_vhost_protection("p", true).unwrap();
    add_user(catalog, "u", ["a", "b", "c"]);
    catalog.set_user_limits("u", UserLimits { max_connections: None, max_channels: Some(7) }).unwrap();
    let topics = TopicPatterns { write: "^{username}", read: ".*" };
    catalog.put_topic_permission("u", "/", "amq.topic", topics).unwrap();
    catalog.create_access_key("LKIA", "secret", "u", 7).unwrap();
    catalog.put_parameter("cluster_name", b"\"hare\"").unwrap();
    for (scope, name) in [(PolicyScope::User, "mine"), (PolicyScope::Operator, "theirs")] {
        let definition = table([("max-length", number(9))]);
        let policy = NewPolicy { name, pattern: "^q", apply_to: ApplyTo::Queues, priority: 3, definition };
        catalog.put_policy("/", scope, policy).unwrap();
    }
    let arguments = table([("alternate-exchange", "amq.fanout".into())]);
    catalog.declare_exchange(guest(), "/", "x", DeclareExchange { arguments, ..exchange("topic") }).unwrap();
    let arguments = table([("x-message-ttl", number(60_000)), ("note", "kept".into())]);
    catalog.declare_queue(guest(), "/", "q", durable(arguments)).unwrap();
    catalog.declare_queue(guest(), "/", "quorum", quorum([])).unwrap();
    let retired = catalog.declare_queue(guest(), "/", "retired", durable(Table::new())).unwrap().queue;
    catalog.retire_queue(retired, Time(1_000)).unwrap();
    bind(catalog, to_queue("x", "q", "a.#"));
    bind(catalog, to_exchange("amq.direct", "x", "k"));
    rig
}

#[test]
fn the_log_rebuilds_what_is_durable() {
    let mut rig = furnished();
    let replayed = rig.replayed();
    assert_eq!(replayed.checkpoint(), rig.catalog.checkpoint());
    assert_eq!(replayed.digest(), rig.catalog.digest());
    assert_eq!(replayed.queue("/", "q"), rig.catalog.queue("/", "q"), "its settings, too");
    assert_eq!(replayed.exchange("/", "x").unwrap().alternate.as_deref(), Some("amq.fanout"));
    assert_eq!(routed(&replayed, "amq.direct", &["k"]), Vec::<String>::new());
    assert_eq!(routed(&replayed, "x", &["a.b"]), ["q"]);
    assert!(replayed.is_retired("/", "retired", Time(60_999)));
    assert!(!replayed.is_retired("/", "retired", Time(61_000)));
    assert_eq!(replayed.vhost("v").unwrap().limits.max_queues, Some(50));
    assert_eq!(replayed.vhost("v").unwrap().default_queue_kind, QueueKind::Quorum);
    let protected = ["/", "v", "p"].map(|name| replayed.vhost(name).unwrap().protected_from_deletion);
    assert_eq!(protected, [false, false, true]);
    assert!(replayed.may_publish("u", "/", "amq.topic", &["x"]).is_err());
    assert_eq!(
        replayed.parameters().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>(),
        [("cluster_name", b"\"hare\"".as_slice())]
    );
}

#[test]
fn the_checkpoint_rebuilds_the_same() {
    let rig = furnished();
    let restored = restored(&rig.catalog);
    assert_eq!(restored.checkpoint(), rig.catalog.checkpoint());
    assert!(restored.vhost("p").unwrap().protected_from_deletion);
    assert_eq!(restored.access_key("LKIA"), rig.catalog.access_key("LKIA"));
    assert_eq!(restored.queue("/", "q"), rig.catalog.queue("/", "q"));
    assert_eq!(routed(&restored, "x", &["a.b"]), ["q"]);
}

/// A checkpoint is taken at some moment, and the log's records may begin before it.
#[test]
fn a_checkpoint_and_records_that_it_already_holds_give_the_same() {
    let mut rig = furnished();
    let checkpoint = rig.catalog.checkpoint();
    rig.catalog.clear_policy("/", PolicyScope::User, "mine").unwrap();
    rig.sync();
    let mut replay = CatalogReplay::default();
    replay.restore(&checkpoint).unwrap();
    let recovery = Recovery::begin(&mut MemoryDriver::new(rig.disk.fork()), 1 << 20).unwrap();
    let log = recovery.replay(|record| replay.replay(record.tag, record.payload)).unwrap();
    assert_eq!(replay.open(4, log.tail).checkpoint(), rig.catalog.checkpoint());
}

#[test]
fn what_is_not_durable_is_gone_and_was_never_written() {
    let mut rig = Rig::new();
    let before = rig.catalog.checkpoint();
    let position = rig.catalog.position();
    let catalog = &mut rig.catalog;
    let transient = DeclareQueue { durable: false, ..durable(Table::new()) };
    catalog.declare_queue(guest(), "/", "transient", transient).unwrap();
    catalog.declare_queue(guest(), "/", "exclusive", exclusive()).unwrap();
    catalog
        .declare_exchange(guest(), "/", "x", DeclareExchange { durable: false, ..exchange("fanout") })
        .unwrap();
    for queue in ["transient", "exclusive"] {
        bind(catalog, to_queue("amq.fanout", queue, ""));
    }
    bind(catalog, to_exchange("amq.fanout", "x", ""));
    catalog.unbind(guest(), "/", to_queue("amq.fanout", "transient", "")).unwrap();
    catalog.delete_queue(guest(), "/", "exclusive").unwrap();
    catalog.delete_exchange(guest(), "/", "x", false).unwrap();
    assert_eq!(rig.catalog.position(), position);
    assert_eq!(rig.catalog.checkpoint(), before);
    let replayed = rig.replayed();
    assert!(replayed.queues("/").is_empty() && replayed.bindings("/").next().is_none());
}

#[test]
fn a_binding_survives_if_both_its_ends_do() {
    let mut rig = Rig::new();
    let catalog = &mut rig.catalog;
    add_queue(catalog, "q");
    catalog
        .declare_exchange(guest(), "/", "x", DeclareExchange { durable: false, ..exchange("fanout") })
        .unwrap();
    bind(catalog, to_queue("x", "q", ""));
    bind(catalog, to_queue("amq.direct", "q", "k"));
    let replayed = rig.replayed();
    let left: Vec<_> = replayed.bindings("/").map(|binding| &*binding.source).collect();
    assert_eq!(left, ["amq.direct"]);
}

/// An exchange that goes with its last binding goes in the same record, so that no crash comes between them.
#[test]
fn what_goes_together_is_written_together() {
    let mut rig = Rig::new();
    let catalog = &mut rig.catalog;
    catalog
        .declare_exchange(guest(), "/", "x", DeclareExchange { auto_delete: true, ..exchange("fanout") })
        .unwrap();
    add_queue(catalog, "q");
    bind(catalog, to_queue("x", "q", ""));
    rig.sync();
    rig.catalog.delete_queue(guest(), "/", "q").unwrap();
    rig.sync();
    let mut last = 0;
    let recovery = Recovery::begin(&mut MemoryDriver::new(rig.disk.fork()), 1 << 20).unwrap();
    recovery
        .replay(|record| {
            last = 0;
            Fact::decode_all(record.payload, &mut |_| last += 1)
        })
        .unwrap();
    assert_eq!(last, 2, "the queue and the exchange");
    assert!(rig.replayed().exchange("/", "x").is_none());
}

#[test]
fn a_log_that_refuses_changes_nothing() {
    let mut rig = furnished();
    let (before, version) = (rig.catalog.checkpoint(), rig.catalog.version());
    rig.catalog.tail().fail();
    let catalog = &mut rig.catalog;
    let answers = [
        catalog.declare_queue(guest(), "/", "new", durable(Table::new())).map(drop),
        catalog.delete_queue(guest(), "/", "q").map(drop),
        catalog.declare_exchange(guest(), "/", "new", exchange("topic")).map(drop),
        catalog.bind(guest(), "/", to_queue("amq.direct", "q", "new")).map(drop),
        catalog.unbind(guest(), "/", to_queue("x", "q", "a.#")).map(drop),
        catalog.clear_policy("/", PolicyScope::User, "mine").map(drop),
        catalog.delete_vhost("v").map(drop),
        catalog.delete_user("u"),
        catalog.delete_access_key("LKIA"),
    ];
    for answer in answers {
        let (cause, text) = refused(answer);
        assert_eq!(cause, Cause::Internal);
        assert!(text.starts_with("the catalog cannot be changed: "), "{text}");
    }
    assert_eq!((rig.catalog.checkpoint(), rig.catalog.version()), (before, version));
    let transient = DeclareQueue { durable: false, ..durable(Table::new()) };
    assert!(rig.catalog.declare_queue(guest(), "/", "t", transient).is_ok(), "what needs no log goes on");
}

/// Were it written, the broker would not start again.
#[test]
fn what_no_start_could_read_is_not_written() {
    let mut rig = Rig::new();
    let deep = (0..=TABLE_DEPTH).fold(Value::Void, |inside, _| Value::Table(table([("in", inside)])));
    let answer = rig.catalog.declare_queue(Caller::BROKER, "/", "q", durable(table([("x-deep", deep)])));
    let text = "the catalog cannot keep this: tables nest deeper than 32 levels";
    assert_refused(answer, Cause::PreconditionFailed, text);
    let large = Value::LongStr(vec![b'x'; TABLE_BYTES]);
    let answer = rig.catalog.declare_queue(Caller::BROKER, "/", "q", durable(table([("x-large", large)])));
    assert_eq!(answer.unwrap_err().cause, Cause::PreconditionFailed);
    assert!(rig.replayed().queue("/", "q").is_none());
}

#[test]
fn queues_stay_in_their_shards_when_the_number_of_shards_changes() {
    let mut rig = Rig::new();
    let ids: Vec<_> = (0..50).map(|number| add_queue(&mut rig.catalog, &number.to_string())).collect();
    rig.sync();
    let mut replay = CatalogReplay::default();
    let recovery = Recovery::begin(&mut MemoryDriver::new(rig.disk.fork()), 1 << 20).unwrap();
    let log = recovery.replay(|record| replay.replay(record.tag, record.payload)).unwrap();
    let mut fewer = replay.open(1, log.tail);
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(fewer.queue("/", &number.to_string()).unwrap().id, *id);
    }
    assert_eq!(add_queue(&mut fewer, "new").shard().0, 0);
}
