//! Many queues and bindings: what is done to one does not cost more for the number of the others. A cost that grew with
//! them would be a hundred million steps here, and these tests would be the slowest of all.

use super::*;

const MANY: usize = 10_000;

fn many(catalog: &mut Catalog) -> Vec<String> {
    let names: Vec<_> = (0..MANY).map(|number| format!("tenant-{}.queue-{number}", number % 100)).collect();
    for name in &names {
        add_queue(catalog, name);
    }
    names
}

#[test]
fn many_queues_are_declared_bound_routed_to_and_deleted() {
    let mut rig = Rig::new();
    let catalog = &mut rig.catalog;
    let names = many(catalog);
    for name in &names {
        bind(catalog, to_queue("amq.direct", name, name));
        bind(catalog, to_queue("amq.topic", name, name));
        bind(catalog, to_queue("amq.fanout", name, ""));
        // Declared again, as clients do when they start.
        add_queue(catalog, name);
    }
    for name in &names {
        assert_eq!(routed(catalog, "", &[name]), [&**name]);
        assert_eq!(routed(catalog, "amq.direct", &[name]), [&**name]);
        assert_eq!(routed(catalog, "amq.topic", &[name]), [&**name]);
    }
    assert_eq!(routed(catalog, "amq.fanout", &[""]).len(), MANY);
    assert_eq!(rig.replayed().checkpoint(), rig.catalog.checkpoint());
    for name in &names {
        rig.catalog.delete_queue(guest(), "/", name).unwrap().unwrap();
    }
    assert_eq!(rig.catalog.bindings("/").count(), 0);
}

#[test]
fn many_exclusive_queues_go_with_their_connections() {
    let mut catalog = catalog();
    for number in 0..MANY {
        let owner = Caller::client("guest", ConnectionId(number as u64));
        let name = number.to_string();
        catalog.declare_queue(owner, "/", &name, exclusive()).unwrap();
        catalog.bind(owner, "/", to_queue("amq.topic", &name, &format!("reply.{number}"))).unwrap();
    }
    for number in 0..MANY {
        let queues: Vec<_> = catalog.queues_of(ConnectionId(number as u64)).collect();
        assert_eq!(queues.len(), 1);
        catalog.remove_queue(queues[0]).unwrap().unwrap();
    }
    assert!(catalog.all_queues().is_empty() && catalog.bindings("/").next().is_none());
}

#[test]
fn a_policy_for_many_queues_is_one_command() {
    let mut catalog = catalog();
    many(&mut catalog);
    let definition = table([("max-length", number(9))]);
    let policy =
        NewPolicy { name: "p", pattern: "^tenant-7\\.", apply_to: ApplyTo::All, priority: 0, definition };
    assert_eq!(catalog.put_policy("/", PolicyScope::User, policy).unwrap().len(), MANY / 100);
    assert_eq!(catalog.clear_policy("/", PolicyScope::User, "p").unwrap().len(), MANY / 100);
}
