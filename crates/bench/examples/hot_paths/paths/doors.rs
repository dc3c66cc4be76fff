//! A message's whole way: bytes in, through door, core and log, bytes out.

use super::HotPath;
use crate::flow::{Acks, AmqpFlow, AmqpKind, SqsFlow};

pub(super) const PATHS: &[HotPath] = &[
    HotPath { name: "AMQP: durable, confirms, ack per 100", operations: 10_000, walk: confirmed },
    HotPath { name: "AMQP: durable, confirms, ack per 100, 1 KiB", operations: 5_000, walk: confirmed_1_kib },
    HotPath { name: "AMQP: durable, ack each", operations: 10_000, walk: acked_each },
    HotPath { name: "AMQP: transient, no ack", operations: 10_000, walk: transient },
    HotPath { name: "AMQP: 4 queues, confirms, 256 B", operations: 10_000, walk: four_queues },
    HotPath { name: "AMQP: one at a time, confirms", operations: 2_000, walk: one_at_a_time },
    HotPath { name: "SQS: SendMessage, JSON", operations: 400, walk: sqs_send },
    HotPath { name: "SQS: SendMessage, Query", operations: 400, walk: sqs_send_by_query },
    HotPath { name: "SQS: send, receive by ten, delete", operations: 300, walk: sqs_life },
];

const DURABLE: AmqpKind =
    AmqpKind { queues: 1, body_bytes: 100, durable: true, confirms: true, acks: Acks::Every(100), turn: 500 };

fn confirmed(count: u64) {
    AmqpFlow::new(DURABLE).run(count);
}

fn confirmed_1_kib(count: u64) {
    AmqpFlow::new(AmqpKind { body_bytes: 1024, ..DURABLE }).run(count);
}

fn acked_each(count: u64) {
    AmqpFlow::new(AmqpKind { confirms: false, acks: Acks::Each, ..DURABLE }).run(count);
}

fn transient(count: u64) {
    AmqpFlow::new(AmqpKind { durable: false, confirms: false, acks: Acks::None, ..DURABLE }).run(count);
}

fn four_queues(count: u64) {
    AmqpFlow::new(AmqpKind { queues: 4, body_bytes: 256, ..DURABLE }).run(count);
}

fn one_at_a_time(count: u64) {
    AmqpFlow::new(AmqpKind { turn: 1, acks: Acks::Each, ..DURABLE }).run(count);
}

fn sqs_send(count: u64) {
    SqsFlow::new(100).send(count);
}

fn sqs_send_by_query(count: u64) {
    SqsFlow::new(100).send_by_query(count);
}

fn sqs_life(count: u64) {
    let mut flow = SqsFlow::new(100);
    // Received while more come in, as a queue that is kept up with.
    for _ in 0..count / 100 {
        flow.send(100);
        flow.receive_and_delete();
    }
}
