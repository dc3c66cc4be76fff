//! Declaring and deleting queues.

use super::*;
use crate::catalog::VhostLimits;
use std::collections::BTreeMap;

#[test]
fn a_queue_is_made_once() {
    let mut catalog = catalog();
    let first = catalog.declare_queue(guest(), "/", "q", durable(Table::new())).unwrap();
    assert!(first.created);
    let again = catalog.declare_queue(elsewhere(), "/", "q", durable(Table::new())).unwrap();
    assert!(!again.created);
    assert_eq!(first.queue, again.queue);
    let queue = catalog.queue_by_id(first.queue).unwrap();
    assert_eq!((&*queue.vhost, &*queue.name, queue.kind), ("/", "q", QueueKind::Classic));
}

#[test]
fn a_name_decides_on_the_shard_and_names_spread_over_all_of_them() {
    let mut catalog = catalog();
    let mut queues: BTreeMap<ShardIndex, u32> = BTreeMap::new();
    for number in 0..1_000 {
        let queue = add_queue(&mut catalog, &format!("q-{number}"));
        *queues.entry(queue.shard()).or_default() += 1;
    }
    assert_eq!(queues.len(), 4);
    assert!(queues.values().all(|count| (200..300).contains(count)), "{queues:?}");

    let before = add_queue(&mut catalog, "q");
    catalog.delete_queue(guest(), "/", "q").unwrap();
    let after = add_queue(&mut catalog, "q");
    assert_ne!(before, after, "an id is never used again");
    assert_eq!(before.shard(), after.shard());
}

#[test]
fn line_breaks_are_taken_out_of_names() {
    let mut catalog = catalog();
    let declared = catalog.declare_queue(guest(), "/", "a\r\nb\n", durable(Table::new())).unwrap();
    assert_eq!(&*declared.name, "ab");
    assert!(catalog.declare_queue_passively(guest(), "/", "a\nb").is_ok());
    assert!(catalog.delete_queue(guest(), "/", "\rab").unwrap().is_some());
    let empty = catalog.declare_queue(guest(), "/", "\n", durable(Table::new()));
    assert_refused(empty, Cause::PreconditionFailed, "queue name is empty");
}

#[test]
fn names_of_the_broker_are_not_for_clients() {
    let mut catalog = catalog();
    let text = "queue name 'amq.mine' contains reserved prefix 'amq.*'";
    let declared = catalog.declare_queue(guest(), "/", "amq.mine", durable(Table::new()));
    assert_refused(declared, Cause::AccessRefused, text);
    let generated = DeclareQueue { server_named: true, ..exclusive() };
    assert!(catalog.declare_queue(guest(), "/", "amq.gen-1", generated).unwrap().created);
    assert!(catalog.declare_queue(Caller::BROKER, "/", "amq.mine", durable(Table::new())).unwrap().created);
}

#[test]
fn a_name_fits_a_short_string() {
    let mut catalog = catalog();
    add_queue(&mut catalog, &"n".repeat(255));
    let longer = catalog.declare_queue(guest(), "/", &"n".repeat(256), durable(Table::new()));
    assert_refused(longer, Cause::PreconditionFailed, "queue name is longer than 255 bytes");
}

#[test]
fn an_exclusive_queue_is_its_connections_alone() {
    let mut catalog = catalog();
    let queue = catalog.declare_queue(guest(), "/", "q", exclusive()).unwrap().queue;
    let locked = "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally \
                  declared on another connection or the exclusive property value does not match that of the \
                  original declaration.";
    let refused = |answer: Result<(), _>| assert_refused(answer, Cause::ResourceLocked, locked);
    refused(catalog.declare_queue(elsewhere(), "/", "q", exclusive()).map(drop));
    refused(catalog.declare_queue_passively(elsewhere(), "/", "q").map(drop));
    refused(catalog.usable_queue(elsewhere(), "/", "q").map(drop));
    refused(catalog.usable_queue(Caller::user("guest"), "/", "q").map(drop));
    refused(catalog.bind(elsewhere(), "/", to_queue("amq.direct", "q", "k")).map(drop));
    refused(catalog.delete_queue(elsewhere(), "/", "q").map(drop));
    // Its own connection must say again that it is exclusive.
    refused(catalog.declare_queue(guest(), "/", "q", durable(Table::new())).map(drop));

    assert!(!catalog.declare_queue(guest(), "/", "q", exclusive()).unwrap().created);
    assert!(!catalog.queue_by_id(queue).unwrap().durable, "it goes with its connection");
    assert_eq!(catalog.queues_of(ConnectionId(1)).collect::<Vec<_>>(), [queue]);
    catalog.delete_queue(guest(), "/", "q").unwrap().unwrap();
    assert_eq!(catalog.queues_of(ConnectionId(1)).count(), 0);
}

#[test]
fn a_queue_that_is_not_exclusive_is_locked_for_who_wants_it_alone() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    let answer = catalog.declare_queue(guest(), "/", "q", exclusive());
    assert_eq!(answer.unwrap_err().cause, Cause::ResourceLocked);
}

#[test]
fn the_broker_declares_on_behalf_of_a_connection() {
    let mut catalog = catalog();
    let owner = Caller::owner(ConnectionId(7));
    let wanted = DeclareQueue { server_named: true, ..exclusive() };
    let queue = catalog.declare_queue(owner, "/", "amq.rabbitmq.reply-to.1", wanted).unwrap().queue;
    assert_eq!(catalog.queue_by_id(queue).unwrap().exclusive_owner, Some(ConnectionId(7)));
    let answer = catalog.bind(guest(), "/", to_queue("amq.direct", "amq.rabbitmq.reply-to.1", "k"));
    let text = "cannot bind or unbind to a volatile (direct reply-to) queue";
    assert_refused(answer, Cause::AccessRefused, text);
}

#[test]
fn a_quorum_queue_is_durable_shared_and_named() {
    let mut catalog = catalog();
    let invalid = |property| format!("invalid property '{property}' for queue 'q' in vhost '/'");
    let cases = [
        (DeclareQueue { durable: false, ..quorum([]) }, invalid("non-durable")),
        (DeclareQueue { exclusive: true, ..quorum([]) }, invalid("exclusive-owner")),
        (DeclareQueue { auto_delete: true, ..quorum([]) }, invalid("auto-delete")),
        (
            DeclareQueue { server_named: true, ..quorum([]) },
            "Cannot declare a server-named queue for type rabbit_quorum_queue".into(),
        ),
    ];
    for (wanted, text) in cases {
        assert_refused(catalog.declare_queue(guest(), "/", "q", wanted), Cause::PreconditionFailed, &text);
    }
    let queue = catalog.declare_queue(guest(), "/", "q", quorum([])).unwrap().queue;
    assert_eq!(catalog.queue_by_id(queue).unwrap().kind, QueueKind::Quorum);
}

#[test]
fn a_vhosts_default_type_is_for_queues_that_can_be_of_it() {
    let mut catalog = catalog();
    catalog.put_vhost("/", "", Vec::new(), QueueKind::Quorum).unwrap();
    let mut kind_of = |name: &str, wanted| {
        let queue = catalog.declare_queue(guest(), "/", name, wanted).unwrap().queue;
        catalog.queue_by_id(queue).unwrap().kind
    };
    let plain = || durable(Table::new());
    assert_eq!(kind_of("plain", plain()), QueueKind::Quorum);
    assert_eq!(
        kind_of("undefined", durable(table([("x-queue-type", "undefined".into())]))),
        QueueKind::Quorum
    );
    assert_eq!(kind_of("classic", durable(table([("x-queue-type", "classic".into())]))), QueueKind::Classic);
    assert_eq!(kind_of("transient", DeclareQueue { durable: false, ..plain() }), QueueKind::Classic);
    assert_eq!(kind_of("exclusive", exclusive()), QueueKind::Classic);
    assert_eq!(kind_of("auto-delete", DeclareQueue { auto_delete: true, ..plain() }), QueueKind::Classic);
    assert_eq!(kind_of("amq.gen-1", DeclareQueue { server_named: true, ..plain() }), QueueKind::Classic);
}

#[test]
fn streams_are_refused_by_name() {
    let mut catalog = catalog();
    let wanted = durable(table([("x-queue-type", "stream".into())]));
    let text = "queue type 'stream' is not offered by this broker: cannot declare queue 'q' in vhost '/'";
    assert_refused(catalog.declare_queue(guest(), "/", "q", wanted), Cause::PreconditionFailed, text);
}

#[test]
fn asking_for_a_queue_takes_any_permission_on_it() {
    let mut catalog = catalog();
    let text = "no queue 'q' in vhost '/'";
    assert_refused(catalog.declare_queue_passively(guest(), "/", "q"), Cause::NotFound, text);
    add_queue(&mut catalog, "q");
    for (number, permissions) in [["q", "", ""], ["", "q", ""], ["", "", "q"]].into_iter().enumerate() {
        let name = format!("user-{number}");
        add_user(&mut catalog, &name, permissions);
        assert!(catalog.declare_queue_passively(Caller::user(&name), "/", "q").is_ok());
    }
    add_user(&mut catalog, "nobody", ["", "", ""]);
    let text = "configure access to queue 'q' in vhost '/' refused for user 'nobody'";
    let asked = catalog.declare_queue_passively(Caller::user("nobody"), "/", "q");
    assert_refused(asked, Cause::AccessRefused, text);
}

#[test]
fn deleting_takes_the_bindings_along_and_finds_nothing_without_error() {
    let mut catalog = catalog();
    let queue = add_queue(&mut catalog, "q");
    bind(&mut catalog, to_queue("amq.direct", "q", "k"));
    assert_eq!(routed(&catalog, "amq.direct", &["k"]), ["q"]);

    let deleted = catalog.delete_queue(guest(), "/", "q").unwrap().unwrap();
    assert_eq!((deleted.queue.id, deleted.exchanges.len()), (queue, 0));
    assert_eq!(catalog.bindings("/").count(), 0);
    assert_eq!(catalog.exchange("/", "amq.direct").unwrap().binding_count(), 0);
    assert!(routed(&catalog, "amq.direct", &["k"]).is_empty());
    assert!(routed(&catalog, "", &["q"]).is_empty());
    assert!(catalog.delete_queue(guest(), "/", "q").unwrap().is_none());
    assert!(catalog.remove_queue(queue).unwrap().is_none());

    add_queue(&mut catalog, "q");
    assert_eq!(catalog.bindings("/").count(), 0, "a new queue has none of the old one's bindings");
}

#[test]
fn permission_to_configure_is_needed_to_declare_and_to_delete() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    add_user(&mut catalog, "reader", ["mine", ".*", ".*"]);
    let text = "configure access to queue 'q' in vhost '/' refused for user 'reader'";
    let reader = Caller::client("reader", ConnectionId(3));
    let declared = catalog.declare_queue(reader, "/", "q", durable(Table::new()));
    assert_refused(declared, Cause::AccessRefused, text);
    assert_refused(catalog.delete_queue(reader, "/", "q"), Cause::AccessRefused, text);
    assert!(catalog.declare_queue(reader, "/", "is-mine-too", durable(Table::new())).is_ok());
}

#[test]
fn dead_letters_need_read_on_the_queue_and_write_on_their_exchange() {
    let mut catalog = catalog();
    let wanted = |exchange: &str| durable(table([("x-dead-letter-exchange", exchange.into())]));
    add_user(&mut catalog, "blind", [".*", ".*", ""]);
    let answer = catalog.declare_queue(Caller::user("blind"), "/", "q", wanted("dlx"));
    let text = "read access to queue 'q' in vhost '/' refused for user 'blind'";
    assert_refused(answer, Cause::AccessRefused, text);

    add_user(&mut catalog, "dumb", [".*", "^other$", ".*"]);
    let answer = catalog.declare_queue(Caller::user("dumb"), "/", "q", wanted("dlx"));
    let text = "write access to exchange 'dlx' in vhost '/' refused for user 'dumb'";
    assert_refused(answer, Cause::AccessRefused, text);
    let answer = catalog.declare_queue(Caller::user("dumb"), "/", "q", wanted(""));
    let text = "write access to exchange 'amq.default' in vhost '/' refused for user 'dumb'";
    assert_refused(answer, Cause::AccessRefused, text);

    let number = durable(table([("x-dead-letter-exchange", number(1))]));
    let text = "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'";
    assert_refused(catalog.declare_queue(guest(), "/", "q", number), Cause::PreconditionFailed, text);
}

#[test]
fn a_vhost_has_only_so_many_queues() {
    let mut catalog = catalog();
    catalog.set_vhost_limits("/", VhostLimits { max_queues: Some(2), max_connections: None }).unwrap();
    add_queue(&mut catalog, "a");
    add_queue(&mut catalog, "b");
    let third = |catalog: &mut Catalog| catalog.declare_queue(guest(), "/", "c", durable(Table::new()));
    let text = "cannot declare queue 'c': queue limit in vhost '/' (2) is reached";
    assert_refused(third(&mut catalog), Cause::PreconditionFailed, text);
    add_queue(&mut catalog, "b");
    catalog.delete_queue(guest(), "/", "a").unwrap();
    assert!(third(&mut catalog).unwrap().created);
}

#[test]
fn an_unknown_vhost_is_named() {
    let mut catalog = catalog();
    let declared = catalog.declare_queue(Caller::BROKER, "nowhere", "q", durable(Table::new()));
    assert_refused(declared, Cause::NotAllowed, "vhost nowhere not found");
}
