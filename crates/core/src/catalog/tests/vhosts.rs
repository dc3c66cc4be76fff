//! Vhosts and the broker's parameters.

use super::*;

fn put(catalog: &mut Catalog, name: &str) {
    catalog.put_vhost(name, "", Vec::new(), QueueKind::Classic).unwrap();
}

#[test]
fn vhosts_keep_to_themselves() {
    let mut catalog = catalog();
    put(&mut catalog, "v");
    let here = add_queue(&mut catalog, "q");
    let there = catalog.declare_queue(Caller::BROKER, "v", "q", durable(Table::new())).unwrap().queue;
    assert_ne!(here, there);
    catalog.bind(Caller::BROKER, "v", to_queue("amq.fanout", "q", "")).unwrap();
    assert!(routed(&catalog, "amq.fanout", &[""]).is_empty());
    catalog.delete_queue(Caller::BROKER, "v", "q").unwrap();
    assert_eq!(catalog.queue("/", "q").unwrap().id, here);
}

#[test]
fn a_vhost_is_described_anew_and_keeps_what_it_has() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "q");
    catalog.put_vhost("/", "all of it", vec!["production".into()], QueueKind::Quorum).unwrap();
    let vhost = catalog.vhost("/").unwrap();
    assert_eq!((&*vhost.description, vhost.tags.len(), vhost.queue_count()), ("all of it", 1, 1));
    assert!(catalog.user("guest").unwrap().permissions().contains_key("/"));
    let nameless = catalog.put_vhost("", "", Vec::new(), QueueKind::Classic);
    assert_refused(nameless, Cause::PreconditionFailed, "vhost name is empty");
    let long = catalog.put_vhost(&"v".repeat(256), "", Vec::new(), QueueKind::Classic);
    assert_refused(long, Cause::PreconditionFailed, "vhost name is longer than 255 bytes");
}

#[test]
fn a_deleted_vhost_names_its_queues_for_the_shards() {
    let mut catalog = catalog();
    put(&mut catalog, "v");
    let stays = add_queue(&mut catalog, "q");
    let mut gone: Vec<_> = (0..20)
        .map(|number| {
            let owner = Caller::owner(ConnectionId(number));
            let declare = if number % 2 == 0 { exclusive() } else { durable(Table::new()) };
            catalog.declare_queue(owner, "v", &number.to_string(), declare).unwrap().queue
        })
        .collect();
    gone.sort();
    assert_eq!(catalog.delete_vhost("v").unwrap(), gone, "in the order of their shards");
    assert_eq!(catalog.all_queues().iter().map(|queue| queue.id).collect::<Vec<_>>(), [stays]);
    assert!((0..20).all(|number| catalog.queues_of(ConnectionId(number)).next().is_none()));
    assert_refused(catalog.delete_vhost("v"), Cause::NotAllowed, "vhost v not found");
    put(&mut catalog, "v");
    assert!(catalog.queues("v").is_empty());
}

#[test]
fn a_protected_vhost_stays_until_the_protection_is_taken_back() {
    let mut rig = Rig::new();
    put(&mut rig.catalog, "v");
    rig.catalog.declare_queue(Caller::BROKER, "v", "q", durable(Table::new())).unwrap();
    rig.catalog.set_vhost_protection("v", true).unwrap();
    let mut later = rig.replayed();
    for catalog in [&mut rig.catalog, &mut later] {
        catalog.put_vhost("v", "described anew", Vec::new(), QueueKind::Classic).unwrap();
        let text = "Refusing to delete virtual host 'v' because it is protected from deletion";
        assert_refused(catalog.delete_vhost("v"), Cause::PreconditionFailed, text);
        assert!(catalog.queue("v", "q").is_some(), "nothing in it is gone either");
        catalog.set_vhost_protection("v", false).unwrap();
        assert_eq!(catalog.delete_vhost("v").unwrap().len(), 1);
        put(catalog, "v");
        assert!(!catalog.vhost("v").unwrap().protected_from_deletion, "a new one of the name is not");
    }
    let unknown = rig.catalog.set_vhost_protection("nowhere", true);
    assert_refused(unknown, Cause::NotAllowed, "vhost nowhere not found");
}

#[test]
fn parameters_are_kept_as_they_are() {
    let mut catalog = catalog();
    catalog.put_parameter("cluster_name", b"\"a\"").unwrap();
    catalog.put_parameter("cluster_name", b"\"b\"").unwrap();
    let values: Vec<_> = catalog.parameters().map(|(_, value)| value.to_vec()).collect();
    assert_eq!(values, [b"\"b\""]);
    catalog.clear_parameter("cluster_name").unwrap();
    let text = "no global parameter 'cluster_name'";
    assert_refused(catalog.clear_parameter("cluster_name"), Cause::NotFound, text);
}
