//! Transactions.

use crate::codec::method::{Arguments, basic, channel, confirm, exchange, tx};
use crate::codec::write_content;
use crate::connection::DoorSettings;
use crate::connection::tests::client::{Client, delivery, encoded, persistent, to_queue};
use crate::connection::tests::world::World;
use leveret_core::wire::{Properties, RawTable, ShortStr};

/// A client with a queue of two messages on channel 1, of which both are delivered, in a transaction.
fn transactional(world: &mut World) -> Client {
    let mut client = Client::open(world);
    client.channel(world, 1);
    client.queue(world, 1, "q");
    client.queue(world, 1, "other");
    client.publish(world, 1, "q", b"one");
    client.publish(world, 1, "q", b"two");
    client.consume(world, 1, "q", "t", false);
    assert_eq!(client.deliveries(), 2);
    client.send(world, 1, &tx::Select {});
    client.expect(1, &tx::SelectOk {});
    client
}

fn ack(delivery_tag: u64) -> basic::Ack {
    basic::Ack { delivery_tag, multiple: false }
}

#[test]
fn nothing_happens_before_the_commit_and_all_of_it_is_durable_after() {
    let mut world = World::new();
    let mut client = transactional(&mut world);
    world.sync();
    client.publish(&mut world, 1, "other", b"three");
    client.send(&mut world, 1, &ack(1));
    assert_eq!((world.ready("other"), world.leases()), (0, 2));
    client.send(&mut world, 1, &tx::Commit {});
    assert_eq!((world.ready("other"), world.leases()), (1, 1));
    client.expect_silence();
    world.sync();
    client.pump(&mut world);
    client.expect(1, &tx::CommitOk {});
    client.send(&mut world, 1, &ack(2));
    client.send(&mut world, 1, &tx::Commit {});
    client.expect_silence();
    world.sync();
    client.pump(&mut world);
    client.expect(1, &tx::CommitOk {});
    assert_eq!(world.leases(), 0);
    // A commit of nothing waits for nothing.
    client.send(&mut world, 1, &tx::Commit {});
    client.expect(1, &tx::CommitOk {});
}

#[test]
fn a_rollback_forgets_publishes_and_restores_deliveries() {
    let mut world = World::new();
    let mut client = transactional(&mut world);
    client.publish(&mut world, 1, "other", b"three");
    client.send(&mut world, 1, &ack(1));
    client.send(&mut world, 1, &basic::Reject { delivery_tag: 2, requeue: false });
    client.send(&mut world, 1, &tx::Rollback {});
    client.expect(1, &tx::RollbackOk {});
    assert_eq!((world.ready("other"), world.leases()), (0, 2));
    client.send(&mut world, 1, &basic::Ack { delivery_tag: 2, multiple: true });
    client.send(&mut world, 1, &tx::Commit {});
    world.sync();
    client.pump(&mut world);
    client.expect(1, &tx::CommitOk {});
    assert_eq!((world.ready("q"), world.leases()), (0, 0));
}

#[test]
fn a_delivery_is_settled_once_even_in_a_transaction() {
    let mut world = World::new();
    let mut client = transactional(&mut world);
    client.send(&mut world, 1, &ack(1));
    client.send(&mut world, 1, &ack(1));
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1");
    // What was not committed goes back.
    assert_eq!((world.ready("q"), world.leases()), (2, 0));
}

#[test]
fn a_lost_channel_drops_the_transaction() {
    let mut world = World::new();
    let mut client = transactional(&mut world);
    client.publish(&mut world, 1, "other", b"three");
    client.send(&mut world, 1, &ack(1));
    client.send(
        &mut world,
        1,
        &channel::Close { reply_code: 200, reply_text: "", class_id: 0, method_id: 0 },
    );
    client.expect(1, &channel::CloseOk {});
    assert_eq!((world.ready("q"), world.ready("other"), world.leases()), (2, 0, 0));
}

#[test]
fn a_message_that_cannot_be_published_is_refused_before_the_commit() {
    let nowhere = basic::Publish { exchange: "nowhere", ..to_queue("k") };
    let wrong = Properties { expiration: Some(ShortStr::literal("soon")), ..Properties::default() };
    for (method, properties, code, text) in [
        (nowhere, persistent(), 404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'"),
        (to_queue("other"), wrong, 406, "PRECONDITION_FAILED - invalid expiration 'soon'"),
    ] {
        let mut world = World::new();
        let mut client = transactional(&mut world);
        client.send(&mut world, 1, &ack(1));
        client.publish_with(&mut world, 1, &method, &properties, b"three");
        client.expect_channel_close(1, code, text);
        assert_eq!((world.ready("q"), world.ready("other"), world.leases()), (2, 0, 0));
    }
}

#[test]
fn an_exchange_that_is_gone_fails_the_commit() {
    let mut world = World::new();
    let mut client = transactional(&mut world);
    client.channel(&mut world, 2);
    let declare = exchange::Declare {
        ticket: 0,
        exchange: "short",
        kind: "fanout",
        passive: false,
        durable: true,
        auto_delete: false,
        internal: false,
        nowait: true,
        arguments: RawTable::default(),
    };
    client.send(&mut world, 2, &declare);
    let method = basic::Publish { exchange: "short", ..to_queue("k") };
    client.publish_with(&mut world, 1, &method, &persistent(), b"three");
    client.send(&mut world, 1, &ack(1));
    let delete = exchange::Delete { ticket: 0, exchange: "short", if_unused: false, nowait: true };
    client.send(&mut world, 2, &delete);
    client.send(&mut world, 1, &tx::Commit {});
    client.expect_channel_close(1, 404, "NOT_FOUND - no exchange 'short' in vhost '/'");
    assert_eq!((world.ready("q"), world.leases()), (2, 0));
}

#[test]
fn a_mandatory_message_is_returned_at_the_commit() {
    let mut world = World::new();
    let mut client = transactional(&mut world);
    let lost = basic::Publish { mandatory: true, ..to_queue("nowhere") };
    client.publish_with(&mut world, 1, &lost, &persistent(), b"lost");
    client.expect_silence();
    client.send(&mut world, 1, &tx::Commit {});
    let back =
        basic::Return { reply_code: 312, reply_text: "NO_ROUTE", exchange: "", routing_key: "nowhere" };
    client.expect_content(1, &back, b"lost");
    client.expect(1, &tx::CommitOk {});
}

#[test]
fn deliveries_go_on_behind_a_commit() {
    let mut world = World::new();
    let mut client = transactional(&mut world);
    let mut bytes = Vec::new();
    write_content(&mut bytes, 1, 0, &to_queue("q"), &encoded(&persistent()), b"three");
    tx::Commit {}.write_frame(1, &mut bytes);
    client.bytes(&mut world, &bytes);
    client.expect_silence();
    world.sync();
    client.pump(&mut world);
    client.expect(1, &tx::CommitOk {});
    client.expect_content(1, &delivery("t", 3, "q", false), b"three");
}

#[test]
fn a_transaction_has_a_limit() {
    let mut world = World::new();
    let settings = DoorSettings { transaction_bytes: 1000, ..DoorSettings::default() };
    let mut client = Client::open_with(&mut world, settings, 0);
    client.channel(&mut world, 1);
    client.send(&mut world, 1, &tx::Select {});
    client.expect(1, &tx::SelectOk {});
    client.publish(&mut world, 1, "q", &[0; 800]);
    client.expect_silence();
    client.publish(&mut world, 1, "q", &[0; 200]);
    let text = "a transaction may not hold back more than 1000 bytes of messages";
    client.expect_channel_close(1, 406, &format!("PRECONDITION_FAILED - {text}"));
}

#[test]
fn a_channel_has_confirms_or_transactions() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.channel(&mut world, 1);
    client.confirms(&mut world, 1);
    client.send(&mut world, 1, &tx::Select {});
    client.expect_channel_close(1, 406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode");
    client.channel(&mut world, 2);
    client.send(&mut world, 2, &tx::Select {});
    client.expect(2, &tx::SelectOk {});
    client.send(&mut world, 2, &confirm::Select { nowait: false });
    client.expect_channel_close(2, 406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode");
    for number in [3, 4] {
        client.channel(&mut world, number);
    }
    client.send(&mut world, 3, &tx::Commit {});
    client.expect_channel_close(3, 406, "PRECONDITION_FAILED - channel is not transactional");
    client.send(&mut world, 4, &tx::Rollback {});
    client.expect_channel_close(4, 406, "PRECONDITION_FAILED - channel is not transactional");
}
