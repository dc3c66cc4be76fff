//! Prefetch: how many unacked deliveries a consumer may have, or a channel.

use super::*;

#[test]
fn prefetch_is_for_each_consumer_to_come() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 9);
    client.send(&mut world, 1, &qos(2, false));
    client.expect(1, &basic::QosOk {});
    client.consume(&mut world, 1, "q", "two", false);
    client.expect_content(1, &delivery("two", 1, "q", false), &[1]);
    client.expect_content(1, &delivery("two", 2, "q", false), &[2]);
    client.expect_silence();
    client.send(&mut world, 1, &qos(1, false));
    client.expect(1, &basic::QosOk {});
    client.consume(&mut world, 1, "q", "one", false);
    client.expect_content(1, &delivery("one", 3, "q", false), &[3]);
    client.expect_silence();
    client.send(&mut world, 1, &ack(2, true));
    client.expect_content(1, &delivery("two", 4, "q", false), &[4]);
    client.expect_content(1, &delivery("two", 5, "q", false), &[5]);
    client.expect_silence();
    // A get asks for no leave.
    client.send(&mut world, 1, &get("q", false));
    client.expect_content(1, &got(6, false, 3), &[6]);
}

#[test]
fn global_prefetch_is_for_the_whole_channel_and_can_be_changed() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 9);
    client.send(&mut world, 1, &qos(3, true));
    client.expect(1, &basic::QosOk {});
    client.consume(&mut world, 1, "q", "a", false);
    client.consume_only(&mut world, 1, "b");
    assert_eq!(client.deliveries(), 3);
    client.send(&mut world, 1, &qos(5, true));
    assert_eq!(client.deliveries(), 2);
    client.send(&mut world, 1, &ack(1, false));
    assert_eq!(client.deliveries(), 1);
    assert_eq!(client.door.overview().channels[0].shared_prefetch, 5);
    client.send(&mut world, 1, &qos(0, true));
    assert_eq!(client.deliveries(), 3);
}

#[test]
fn global_prefetch_reaches_the_consumers_that_are_there() {
    let mut world = World::new();
    let mut client = with_messages(&mut world, 9);
    // A queue in the other shard, where the limit holds apart.
    client.queue(&mut world, 1, "r");
    (0..4).for_each(|_| client.publish(&mut world, 1, "r", b"x"));
    client.send(&mut world, 1, &qos(2, false));
    client.expect(1, &basic::QosOk {});
    for (queue, tag) in [("q", "a"), ("q", "b"), ("r", "c")] {
        client.consume(&mut world, 1, queue, tag, false);
        assert_eq!(client.deliveries(), 2);
    }
    let consumers = client.door.overview().channels.remove(0).consumers;
    assert_ne!(consumers[0].queue.shard(), consumers[2].queue.shard());
    client.send(&mut world, 1, &qos(3, true));
    client.expect(1, &basic::QosOk {});
    client.send(&mut world, 1, &ack(1, false));
    client.expect_silence();
    client.send(&mut world, 1, &ack(2, false));
    assert_eq!(client.deliveries(), 1, "four were held of q, of which the limit allows three");
    client.send(&mut world, 1, &qos(1, true));
    client.expect(1, &basic::QosOk {});
    client.send(&mut world, 1, &ack(0, true));
    assert_eq!(client.deliveries(), 2, "one in each shard");
}

#[test]
fn a_prefetch_in_bytes_is_not_offered() {
    let mut world = World::new();
    let mut client = with_queue(&mut world);
    client.send(&mut world, 1, &basic::Qos { prefetch_size: 9, prefetch_count: 0, global: false });
    client.expect_connection_close(540, "NOT_IMPLEMENTED - prefetch_size!=0 (9)");
}
