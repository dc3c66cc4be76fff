//! Receives that wait: who is told of a message, and when.

use super::*;
use crate::Period;
use crate::limits::RECEIPTS_PER_QUEUE;

const CAROL: ConnectionId = ConnectionId(3);

impl Rig {
    fn wait(&mut self, queue: QueueId, connection: ConnectionId) {
        self.wait_for(queue, connection, 1);
    }

    fn wait_for(&mut self, queue: QueueId, connection: ConnectionId, max: u32) {
        self.turn(|shard| shard.wait(queue, connection, max)).unwrap();
    }

    /// Who was told since the last look, in no order: each is told on a line of its own.
    fn told(&mut self) -> Vec<ConnectionId> {
        let mut told = Vec::new();
        self.effects.retain(|(connection, effect)| {
            let available = matches!(effect, Effect::Available { .. });
            if available {
                told.push(*connection);
            }
            !available
        });
        told.sort_unstable();
        told
    }
}

#[test]
fn a_publish_tells_those_that_wait_in_their_order() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.wait(queue, ALICE);
    rig.wait(queue, BOB);
    assert_eq!((rig.told(), rig.shard.waiting(queue)), (vec![], 2));
    rig.publish(queue, 1);
    assert_eq!(rig.told(), [ALICE]);
    assert_eq!(rig.receive_serials(queue, 1), [0]);
    assert_eq!((rig.told(), rig.shard.waiting(queue)), (vec![], 1), "told once, and it asks again");
    rig.publish(queue, 1);
    assert_eq!(rig.told(), [BOB]);
}

#[test]
fn as_many_are_told_as_there_are_messages_for() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.wait_for(queue, ALICE, 10);
    rig.wait_for(queue, BOB, 2);
    rig.wait_for(queue, CAROL, 1);
    rig.publish_batch(queue, 10);
    assert_eq!(rig.told(), [ALICE]);
    rig.publish_batch(queue, 1);
    assert_eq!(rig.told(), [BOB, CAROL], "nobody has fetched any yet");
}

#[test]
fn what_is_there_already_is_told_at_once() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 1);
    rig.wait(queue, ALICE);
    assert_eq!(rig.told(), [ALICE]);
}

#[test]
fn one_that_stops_after_it_was_told_passes_it_on() {
    let stops: [fn(&mut Shard); 2] = [|shard| shard.stop_waiting(ALICE), |shard| shard.detach(ALICE)];
    for stop in stops {
        let mut rig = Rig::new();
        let queue = rig.queue(standard());
        rig.wait(queue, ALICE);
        rig.wait(queue, BOB);
        rig.publish(queue, 1);
        assert_eq!(rig.told(), [ALICE]);
        rig.turn(stop);
        assert_eq!(rig.told(), [BOB]);
    }
}

#[test]
fn one_that_stops_before_is_not_told() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.wait(queue, ALICE);
    rig.wait(queue, BOB);
    rig.turn(|shard| shard.detach(ALICE));
    rig.publish(queue, 1);
    assert_eq!(rig.told(), [BOB]);
}

#[test]
fn a_connection_waits_for_one_queue() {
    let mut rig = Rig::new();
    let queues = [rig.queue(standard()), rig.queue(standard())];
    rig.wait(queues[0], ALICE);
    rig.wait(queues[1], ALICE);
    assert_eq!((rig.shard.waiting(queues[0]), rig.shard.waiting(queues[1])), (0, 1));
    rig.publish(queues[0], 1);
    assert!(rig.told().is_empty());
    rig.publish(queues[1], 1);
    assert_eq!(rig.told(), [ALICE]);
}

#[test]
fn the_end_of_a_delay_is_told() {
    let mut rig = Rig::new();
    let queue = rig.queue(QueueSettings { delay: Period::constant(500), ..standard() });
    rig.publish(queue, 1);
    rig.wait(queue, ALICE);
    rig.pass(499);
    assert!(rig.told().is_empty());
    assert_eq!(rig.shard.next_wake(), Some(rig.now.plus_ms(1)));
    rig.pass(1);
    assert_eq!(rig.told(), [ALICE]);
}

#[test]
fn the_end_of_a_lease_is_told() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 1);
    let received = rig.receive(queue, 1);
    rig.wait(queue, ALICE);
    rig.extend(queue, &received[0], 0).unwrap();
    assert_eq!(rig.told(), [ALICE]);
    rig.receive(queue, 1);
    rig.wait(queue, ALICE);
    rig.pass(VISIBILITY_MS - 1);
    assert!(rig.told().is_empty());
    rig.pass(1);
    assert_eq!(rig.told(), [ALICE]);
}

#[test]
fn the_release_of_a_group_is_told() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5, 5]);
    let received = rig.receive(queue, 2);
    rig.wait(queue, ALICE);
    rig.delete(queue, &received[0]).unwrap();
    assert!(rig.told().is_empty(), "the group is still held");
    rig.delete(queue, &received[1]).unwrap();
    assert_eq!(rig.told(), [ALICE]);
}

#[test]
fn a_purge_is_not_told() {
    let mut rig = Rig::new();
    let queue = rig.queue(exclusive_groups());
    rig.publish_groups(queue, &[5, 5]);
    rig.receive(queue, 1);
    rig.wait(queue, ALICE);
    rig.turn(|shard| shard.purge_all(queue));
    assert_eq!((rig.told(), rig.shard.waiting(queue)), (vec![], 1));
    rig.publish_groups(queue, &[5]);
    assert_eq!(rig.told(), [ALICE]);
}

#[test]
fn a_page_that_is_there_is_told() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.publish(queue, 200);
    rig.loads_pages = false;
    let in_memory = rig.receive(queue, 200).len();
    assert!(in_memory < 200);
    rig.wait(queue, ALICE);
    assert!(rig.told().is_empty(), "the next message is on its way from disk");
    rig.loads_pages = true;
    rig.collect();
    assert_eq!(rig.told(), [ALICE]);
    assert_eq!(rig.receive_serials(queue, 1), [in_memory as u64]);
}

#[test]
fn a_queue_that_is_dropped_lets_all_go() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.wait(queue, ALICE);
    rig.wait(queue, BOB);
    rig.turn(|shard| shard.drop_queue(queue));
    assert_eq!(rig.told(), [ALICE, BOB]);
    assert_eq!(rig.shard.waiting(queue), 0);
    assert_eq!(rig.turn(|shard| shard.wait(queue, ALICE, 1)).unwrap_err().cause, crate::Cause::NotFound);
    // What they waited for is no more, whatever is in its place.
    let next = rig.queue(standard());
    rig.turn(|shard| shard.stop_waiting(ALICE));
    rig.publish(next, 1);
    assert!(rig.told().is_empty());
}

#[test]
fn what_consumers_take_is_not_told() {
    let mut rig = Rig::new();
    let queue = rig.queue(standard());
    rig.subscribe(queue, BOB, 2);
    rig.wait(queue, ALICE);
    rig.publish_batch(queue, 2);
    assert!(rig.told().is_empty());
    rig.publish_batch(queue, 1);
    assert_eq!(rig.told(), [ALICE], "the consumer has no credit left");
}

#[test]
fn while_as_many_are_held_as_may_be_nobody_is_told_before_there_is_room() {
    let mut rig = Rig::with_segments(1 << 20);
    // Without a group of their own they stand in memory all together.
    let queue = rig.queue(exclusive_groups());
    for _ in 0..=RECEIPTS_PER_QUEUE / 10_000 {
        rig.publish_batch(queue, 10_000);
        rig.commit();
    }
    let received = rig.receive(queue, u32::MAX);
    rig.wait(queue, ALICE);
    rig.wait_for(queue, BOB, 10);
    rig.wait(queue, CAROL);
    assert_eq!(rig.told(), [], "there are messages, but they may not be had");
    rig.publish(queue, 1);
    assert_eq!(rig.told(), []);
    rig.delete(queue, &received[7]).unwrap();
    assert_eq!(rig.told(), [ALICE], "there is room for one");
    assert_eq!(rig.receive(queue, 10).len(), 1);
    assert_eq!(rig.told(), []);
    rig.pass(VISIBILITY_MS - 1);
    rig.extend(queue, &received[8], 0).unwrap();
    assert_eq!(rig.told(), [BOB]);
    rig.pass(1);
    assert_eq!(rig.told(), [CAROL], "many leases have ended");
}
