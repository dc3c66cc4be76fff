//! The numbers of queues.

use crate::QueueId;
use crate::catalog::{Caller, Catalog, CatalogReplay, DeclareQueue, HashAlgorithm, PasswordHash};
use crate::wire::Table;
use leveret_log::{Geometry, LogId, MemoryDisk, MemoryDriver, Recovery};

/// Opens the catalog on a disk as a broker does: what it reserves is durable before anything else happens.
fn open(disk: &MemoryDisk) -> Catalog {
    let recovery = Recovery::begin(&mut MemoryDriver::new(disk.clone()), 1 << 20).unwrap();
    let mut replay = CatalogReplay::default();
    let mut log = recovery.replay(|record| replay.replay(record.tag, record.payload)).unwrap();
    let mut catalog = replay.open(1, log.tail);
    let password = PasswordHash { algorithm: HashAlgorithm::Sha256, bytes: b"unused".as_slice().into() };
    catalog.bootstrap(password).unwrap();
    log.committer.commit(&catalog.tail().take_batch().unwrap()).unwrap();
    catalog
}

fn declare(catalog: &mut Catalog, name: &str) -> QueueId {
    let declare = DeclareQueue {
        durable: true,
        exclusive: false,
        auto_delete: false,
        server_named: false,
        arguments: Table::new(),
    };
    catalog.declare_queue(Caller::BROKER, "/", name, declare).unwrap().queue
}

/// Found by the simulator: the log of a shard was durable and the catalog's was not, and the messages of a queue that a
/// crash had lost came to life in the next queue, which had its number.
#[test]
fn the_number_of_a_queue_that_a_crash_lost_is_not_given_out_again() {
    let disk = MemoryDisk::new(Geometry::DEFAULT, LogId(1));
    let lost = declare(&mut open(&disk), "lost");
    let mut catalog = open(&disk);
    assert!(catalog.queue_by_id(lost).is_none());
    assert_ne!(declare(&mut catalog, "next"), lost);
}

#[test]
fn numbers_are_reserved_long_before_they_are_used() {
    let mut catalog = open(&MemoryDisk::new(Geometry::DEFAULT, LogId(1)));
    for number in 0..70_000 {
        declare(&mut catalog, &format!("q-{number}"));
        let serials = &catalog.state.serials;
        assert!(serials.reserved - serials.next >= 1 << 15, "at {number}");
    }
}
