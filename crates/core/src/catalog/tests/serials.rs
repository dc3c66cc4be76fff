//! The numbers of queues.

use super::{Rig, add_queue};

/// Found by the simulator: the log of a shard was durable and the catalog's was not, and the messages of a queue that a
/// crash had lost came to life in the next queue, which had its number.
#[test]
fn the_number_of_a_queue_that_a_crash_lost_is_not_given_out_again() {
    let mut rig = Rig::new();
    let lost = add_queue(&mut rig.catalog, "lost");
    let mut rig = Rig::start(&rig.disk);
    assert!(rig.catalog.queue_by_id(lost).is_none());
    assert_ne!(add_queue(&mut rig.catalog, "next"), lost);
}

#[test]
fn numbers_are_reserved_long_before_they_are_used() {
    let mut catalog = Rig::new().catalog;
    for number in 0..70_000 {
        add_queue(&mut catalog, &format!("q-{number}"));
        let serials = &catalog.state.serials;
        assert!(serials.reserved - serials.next >= 1 << 15, "at {number}");
    }
}
